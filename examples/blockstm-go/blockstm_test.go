package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"reflect"
	"testing"
)

func drawnBlock(random *rand.Rand) *Block {
	block := &Block{}
	cells := 1 + random.Intn(4)
	for i := 0; i < cells; i++ {
		block.Initial = append(block.Initial, int64(random.Intn(4)))
	}
	names := []string{
		"get", "put", "blind", "add", "copy", "delete", "branch", "range", "indirect", "revert",
		"pair", "check", "get", "put", "get", "put",
	}
	for i := 1 + random.Intn(8); i > 0; i-- {
		var program []Instruction
		for k := 1 + random.Intn(6); k > 0; k-- {
			name := names[random.Intn(len(names))]
			instruction := Instruction{Name: name}
			limit := cells
			if name == "pair" || name == "check" {
				limit = pairs
			}
			for at := 0; at < operands[name]; at++ {
				instruction.Operands = append(instruction.Operands, int64(random.Intn(limit)))
			}
			program = append(program, instruction)
		}
		block.Programs = append(block.Programs, program)
	}
	return block
}

func same(t *testing.T, block *Block, got *Result, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	got.History = nil
	if want := Sequential(block); !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v\ngot  %+v\nwant %+v", block, got, want)
	}
}

func TestFreeRunsEqualSequentialOnes(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for i := 0; i < 300; i++ {
		block := drawnBlock(random)
		got, err := Execute(Free{}, Bugs{}, block, 1+i%6)
		same(t, block, got, err)
	}
}

// A driver that lets the workers go in turn, whatever they want to do.
func TestDrivenRunsEqualSequentialOnes(t *testing.T) {
	const workers = 3
	block := drawnBlock(rand.New(rand.NewSource(2)))
	toExecutor, orders := io.Pipe()
	lines, fromExecutor := io.Pipe()
	go Serve(toExecutor, fromExecutor, Bugs{})
	answers := bufio.NewScanner(lines)
	read := func(message any) {
		answers.Scan()
		if err := json.Unmarshal(answers.Bytes(), message); err != nil {
			t.Fatal(err)
		}
	}
	encoder := json.NewEncoder(orders)
	encoder.Encode(greeting{protocol, protocolVersion, ""})
	var hello greeting
	read(&hello)
	programs := [][][]any{}
	for _, program := range block.Programs {
		instructions := [][]any{}
		for _, each := range program {
			instruction := []any{each.Name}
			for _, operand := range each.Operands {
				instruction = append(instruction, operand)
			}
			instructions = append(instructions, instruction)
		}
		programs = append(programs, instructions)
	}
	given := map[string]any{"initial": block.Initial, "programs": programs}
	encoder.Encode(map[string]any{"run": 0, "workers": workers, "block": given})
	var at announcement
	living := map[int]bool{}
	for worker := 0; worker < workers; worker++ {
		read(&at)
		living[at.Worker] = true
	}
	for turn := 0; len(living) > 0; turn++ {
		worker := turn % workers
		if !living[worker] {
			continue
		}
		fmt.Fprintf(orders, "{\"go\":%d}\n", worker)
		at = announcement{}
		read(&at)
		if at.Worker != worker {
			t.Fatalf("worker %d moved in the turn of worker %d", at.Worker, worker)
		}
		if at.Step == "end" {
			delete(living, worker)
		}
	}
	var got struct {
		Result json.RawMessage `json:"result"`
	}
	read(&got)
	want, _ := json.Marshal(Sequential(block))
	if string(got.Result) != string(want) {
		t.Fatalf("got %s, want %s", got.Result, want)
	}
}
