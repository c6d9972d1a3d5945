module blockstm

go 1.21
