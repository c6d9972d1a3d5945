package main

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Key-value programs: docs/formats/programs.md says what each instruction does.

const (
	prime = 2_147_483_647
	pairs = 2
)

// Location is a cell, or one half of a pair.
type Location struct {
	Pair  bool
	Index int
	Half  int
}

func cell(index int) Location      { return Location{Index: index} }
func half(pair, side int) Location { return Location{Pair: true, Index: pair, Half: side} }
func (l Location) MarshalJSON() ([]byte, error) {
	if l.Pair {
		return json.Marshal([]any{"pair", l.Index, l.Half})
	}
	return json.Marshal([]any{"cell", l.Index})
}

// Value is a whole number, or nothing: what is left of a deleted cell.
type Value struct {
	Number  int64
	Nothing bool
}

// MarshalJSON writes nothing as null.
func (v Value) MarshalJSON() ([]byte, error) {
	if v.Nothing {
		return []byte("null"), nil
	}
	return json.Marshal(v.Number)
}

// Block is a list of programs over cells that have initial values.
type Block struct {
	Initial  []int64         `json:"initial"`
	Programs [][]Instruction `json:"programs"`
}

// Instruction is a name and its operands.
type Instruction struct {
	Name     string
	Operands []int64
}

var operands = map[string]int{
	"get": 1, "put": 1, "blind": 2, "add": 2, "copy": 2, "delete": 1,
	"branch": 2, "range": 2, "indirect": 1, "revert": 1, "pair": 1, "check": 1,
}

// UnmarshalJSON reads ["name", operand, ...].
func (i *Instruction) UnmarshalJSON(text []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(text, &parts); err != nil {
		return err
	}
	if len(parts) == 0 {
		return errors.New("an instruction needs a name")
	}
	if err := json.Unmarshal(parts[0], &i.Name); err != nil {
		return err
	}
	wanted, known := operands[i.Name]
	if !known || len(parts) != 1+wanted {
		return fmt.Errorf("no instruction: %s", text)
	}
	i.Operands = make([]int64, wanted)
	for at := range i.Operands {
		if err := json.Unmarshal(parts[1+at], &i.Operands[at]); err != nil {
			return err
		}
	}
	return nil
}

// Locations are all that a transition of the block can touch.
func (b *Block) Locations() []Location {
	var all []Location
	for index := range b.Initial {
		all = append(all, cell(index))
	}
	for pair := 0; pair < pairs; pair++ {
		all = append(all, half(pair, 0), half(pair, 1))
	}
	return all
}

// Before is the value of a location before the block.
func (b *Block) Before(at Location) Value {
	if at.Pair {
		return Value{}
	}
	return Value{Number: b.Initial[at.Index]}
}

// Outcome is what a transition reports: ["ended", accumulator], ["reverted"] or ["fault", why].
type Outcome []any

// Effects are what one execution of a transition did; the writes in order.
type Effects struct {
	Writes  []Write
	Outcome Outcome
}

// Write is the full value of one location.
type Write struct {
	Location Location `json:"location"`
	Value    Value    `json:"value"`
}

// run executes the program of a position; what others wrote comes from read, which says false
// where the execution cannot go on. So does run.
func (b *Block) run(position int, read func(Location) (Value, bool)) (Effects, bool) {
	m := &machine{read: read, accumulator: int64(position) + 1}
	program := b.Programs[position]
	for at := 0; at < len(program) && !m.suspended; at++ {
		skip, stop := m.execute(program[at], int64(len(b.Initial)))
		if stop != nil && !m.suspended {
			return Effects{Outcome: stop}, true
		}
		at += skip
	}
	return Effects{m.writes, Outcome{"ended", m.accumulator}}, !m.suspended
}

type machine struct {
	read        func(Location) (Value, bool)
	accumulator int64
	writes      []Write
	suspended   bool
}

func (m *machine) load(at Location) int64 {
	for _, write := range m.writes {
		if write.Location == at {
			return write.Value.Number
		}
	}
	if m.suspended {
		return 0
	}
	value, ok := m.read(at)
	m.suspended = !ok
	return value.Number
}

func (m *machine) store(at Location, value Value) {
	for i := range m.writes {
		if m.writes[i].Location == at {
			m.writes[i].Value = value
			return
		}
	}
	m.writes = append(m.writes, Write{at, value})
}

func (m *machine) mix(number int64) int64 {
	m.accumulator = (m.accumulator*31 + number + 7) % prime
	return m.accumulator
}

// execute one instruction: how many to skip after it, and the outcome where it ends the program.
func (m *machine) execute(i Instruction, cells int64) (skip int, stop Outcome) {
	first := i.Operands[0]
	here := cell(int(first))
	switch i.Name {
	case "get":
		m.mix(m.load(here))
	case "put":
		m.store(here, Value{Number: m.accumulator})
	case "blind":
		m.store(here, Value{Number: i.Operands[1]})
	case "add":
		m.store(here, Value{Number: (m.load(here) + i.Operands[1]) % prime})
	case "copy":
		m.store(cell(int(i.Operands[1])), Value{Number: m.load(here)})
	case "delete":
		m.store(here, Value{Nothing: true})
	case "branch":
		if m.load(here)%2 == 1 {
			return int(i.Operands[1]), nil
		}
	case "range":
		sum := int64(0)
		for at := first; at < min(first+i.Operands[1], cells); at++ {
			sum += m.load(cell(int(at)))
		}
		m.mix(sum)
	case "indirect":
		m.mix(m.load(cell(int(m.load(here) % cells))))
	case "revert":
		if m.load(here)%2 == 1 {
			return 0, Outcome{"reverted"}
		}
	case "pair":
		number := Value{Number: m.mix(first)}
		m.store(half(int(first), 0), number)
		m.store(half(int(first), 1), number)
	case "check":
		left, right := m.load(half(int(first), 0)), m.load(half(int(first), 1))
		if left != right {
			return 0, Outcome{"fault", fmt.Sprintf("pair %d holds %d and %d", first, left, right)}
		}
		m.mix(left)
	}
	return 0, nil
}
