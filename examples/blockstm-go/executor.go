package main

import (
	"fmt"
	"sync"
)

// record is what is kept of the last incarnation of a position that executed.
type record struct {
	mutex       sync.Mutex
	incarnation int
	reads       []Read
	effects     Effects
}

// Read is what an incarnation found at a location.
type Read struct {
	Location Location `json:"location"`
	Value    Value    `json:"value"`
	Version  [2]int   `json:"version"`
}

// Executor is one run of one block.
type Executor struct {
	seam      Seam
	block     *Block
	memory    *Memory
	scheduler *Scheduler
	records   []record
	history   []*History
}

// Execute a block optimistically.
func Execute(seam Seam, bugs Bugs, block *Block, workers int) (*Result, error) {
	e := &Executor{
		seam: seam, block: block,
		memory:    newMemory(seam, bugs, block),
		scheduler: newScheduler(seam, bugs, len(block.Programs)),
		records:   make([]record, len(block.Programs)),
	}
	for worker := 0; worker < workers; worker++ {
		e.history = append(e.history, &History{})
	}
	seam.Run(workers, e.work)
	return e.result()
}

func (e *Executor) work(worker int) {
	for !e.scheduler.isDone(worker) {
		task, found := e.scheduler.next(worker)
		for found {
			if task.validate {
				task, found = e.validate(worker, task.Version)
			} else {
				task, found = e.execute(worker, task.Version)
			}
		}
	}
}

// execute an incarnation until it has effects, or must wait for the writer of an ESTIMATE.
func (e *Executor) execute(worker int, version Version) (Task, bool) {
	for {
		var reads []Read
		blocking := -1
		effects, whole := e.block.run(version.Position, func(at Location) (Value, bool) {
			for _, read := range reads {
				if read.Location == at {
					return read.Value, true
				}
			}
			found := e.memory.read(worker, version.Position, at)
			if found.estimate {
				blocking = found.version.Position
				return Value{}, false
			}
			reads = append(reads, Read{at, found.value, found.version.pair()})
			return found.value, true
		})
		if whole {
			e.history[worker].executed(version, reads, effects.Writes)
			return e.publish(worker, version, reads, effects)
		}
		if e.scheduler.addDependency(worker, version.Position, blocking) {
			e.history[worker].suspended(version, reads)
			return Task{}, false
		}
	}
}

func (e *Executor) publish(worker int, version Version, reads []Read, now Effects) (Task, bool) {
	kept := &e.records[version.Position]
	kept.mutex.Lock() // nobody else executes this position, so what was written before stays
	before := kept.effects.Writes
	kept.mutex.Unlock()
	wroteNew := e.memory.publish(worker, version, before, now.Writes)
	e.seam.Before(worker, Step{Action: "record", Object: on("record", version.Position)})
	kept.mutex.Lock()
	kept.incarnation, kept.reads, kept.effects = version.Incarnation, reads, now
	kept.mutex.Unlock()
	return e.scheduler.finishExecution(worker, version, wroteNew)
}

// validate: would every read give the same version again?
func (e *Executor) validate(worker int, version Version) (Task, bool) {
	e.seam.Before(worker, Step{Action: "load_record", Object: on("record", version.Position)})
	kept := &e.records[version.Position]
	kept.mutex.Lock()
	incarnation, reads, writes := kept.incarnation, kept.reads, kept.effects.Writes
	kept.mutex.Unlock()
	if incarnation != version.Incarnation {
		return e.scheduler.finishValidation(worker, version, false)
	}
	valid := true
	for _, read := range reads {
		found := e.memory.read(worker, version.Position, read.Location)
		if found.estimate || found.version.pair() != read.Version {
			valid = false
			break
		}
	}
	e.history[worker].validated(version, valid)
	aborted := !valid && e.scheduler.tryAbort(worker, version)
	if aborted {
		e.memory.markEstimates(worker, version.Position, writes)
	}
	return e.scheduler.finishValidation(worker, version, aborted)
}

// Result is what a block leaves, and how it came about.
type Result struct {
	Cells    []Value    `json:"cells"`
	Pairs    [][2]Value `json:"pairs"`
	Outcomes []Outcome  `json:"outcomes"`
	History  []any      `json:"-"`
}

// result of a run whose workers have ended.
func (e *Executor) result() (*Result, error) {
	result := &Result{Outcomes: []Outcome{}}
	var commits []Version
	for position := range e.records {
		if now := &e.scheduler.status[position]; now.state != executed {
			return nil, fmt.Errorf("the block was declared done, but position %d is not executed", position)
		}
		result.Outcomes = append(result.Outcomes, e.records[position].effects.Outcome)
		commits = append(commits, Version{position, e.records[position].incarnation})
	}
	for index := range e.block.Initial {
		result.Cells = append(result.Cells, e.final(cell(index)))
	}
	for pair := 0; pair < pairs; pair++ {
		sides := [2]Value{e.final(half(pair, 0)), e.final(half(pair, 1))}
		result.Pairs = append(result.Pairs, sides)
	}
	result.History = joined(e.history, commits)
	return result, nil
}

func (e *Executor) final(at Location) Value {
	if last, ok := e.memory.at[at].below(len(e.block.Programs)); ok {
		return last.value
	}
	return e.block.Before(at)
}

// Sequential is the result of executing the positions one after the other.
func Sequential(block *Block) *Result {
	values := make(map[Location]Value)
	for _, location := range block.Locations() {
		values[location] = block.Before(location)
	}
	result := &Result{Outcomes: []Outcome{}}
	for position := range block.Programs {
		read := func(at Location) (Value, bool) { return values[at], true }
		effects, _ := block.run(position, read)
		for _, write := range effects.Writes {
			values[write.Location] = write.Value
		}
		result.Outcomes = append(result.Outcomes, effects.Outcome)
	}
	for index := range block.Initial {
		result.Cells = append(result.Cells, values[cell(index)])
	}
	for pair := 0; pair < pairs; pair++ {
		result.Pairs = append(result.Pairs, [2]Value{values[half(pair, 0)], values[half(pair, 1)]})
	}
	return result
}
