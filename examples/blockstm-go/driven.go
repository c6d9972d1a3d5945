package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
)

// The seam driven from outside, by the line protocol of docs/formats/drive.md.

const (
	protocol        = "drive"
	protocolVersion = 1
)

type greeting struct {
	Pel      string `json:"pel"`
	Version  int    `json:"version"`
	Executor string `json:"executor,omitempty"`
}

type announcement struct {
	Worker  int    `json:"worker"`
	Step    string `json:"step"`
	Object  Object `json:"object,omitempty"`
	Args    []int  `json:"args,omitempty"`
	Look    bool   `json:"look,omitempty"`
	Blocked bool   `json:"blocked,omitempty"`
}

type order struct {
	Run     *int   `json:"run"`
	Workers int    `json:"workers"`
	Block   *Block `json:"block"`
	Go      *int   `json:"go"`
}

// Driven asks before every step. One worker is in motion at a time; it reads the next order itself
// and, where that is for another worker, opens that one's gate and waits at its own.
type Driven struct {
	in    *bufio.Reader
	out   *json.Encoder
	gates []chan struct{}

	mutex            sync.Mutex // until every worker has announced its first step
	starting, living int
}

// Serve runs blocks until the input ends.
func Serve(in io.Reader, out io.Writer, bugs Bugs) {
	d := &Driven{in: bufio.NewReader(in), out: json.NewEncoder(out)}
	var hello greeting
	if !d.receive(&hello) {
		return
	}
	if hello.Pel != protocol || hello.Version != protocolVersion {
		quit(fmt.Errorf("I speak %s version %d, not %+v", protocol, protocolVersion, hello))
	}
	d.send(greeting{protocol, protocolVersion, "blockstm-go"})
	for {
		var next order
		if !d.receive(&next) {
			return
		}
		if next.Block == nil || next.Run == nil {
			quit(fmt.Errorf("a run was expected, not %+v", next))
		}
		result, err := Execute(d, bugs, next.Block, next.Workers)
		if err != nil {
			d.send(map[string]any{"error": err.Error()})
		} else {
			d.send(map[string]any{"result": result, "history": result.History})
		}
	}
}

// Run lets the workers announce their first steps, and returns when all have ended.
func (d *Driven) Run(workers int, work func(worker int)) {
	d.gates = make([]chan struct{}, workers)
	d.starting, d.living = workers, workers
	ended := make(chan struct{})
	for worker := range d.gates {
		d.gates[worker] = make(chan struct{}, 1)
		go func(worker int) {
			work(worker)
			if d.end(worker) {
				close(ended)
			}
		}(worker)
	}
	<-ended
}

// Before announces a step, and waits until it is this worker's turn.
func (d *Driven) Before(worker int, step Step) {
	d.ask(announcement{Worker: worker, Step: step.Action, Object: step.Object, Args: step.Args, Look: step.Look})
}

// Lock tries; where the lock is taken, it says so, and tries again when it is told to.
func (d *Driven) Lock(worker int, mutex *sync.Mutex, step Step) {
	d.Before(worker, step)
	for !mutex.TryLock() {
		d.ask(announcement{Worker: worker, Step: step.Action, Object: step.Object, Args: step.Args, Blocked: true})
	}
}

// Idle is a step of its own.
func (d *Driven) Idle(worker int) {
	d.ask(announcement{Worker: worker, Step: "idle"})
}

func (d *Driven) ask(what announcement) {
	if target, told := d.announce(what); told {
		if target == what.Worker {
			return
		}
		d.gates[target] <- struct{}{}
	}
	<-d.gates[what.Worker]
}

// end of a worker; true if it was the last.
func (d *Driven) end(worker int) bool {
	target, told := d.announce(announcement{Worker: worker, Step: "end"})
	if told && target >= 0 {
		d.gates[target] <- struct{}{}
	}
	return told && target < 0
}

// announce what a worker is about to do. Whoever is in motion is then told who goes next, -1 for
// nobody because all have ended. At the start all are in motion, and the last one is told.
func (d *Driven) announce(what announcement) (target int, told bool) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.send(what)
	if what.Step == "end" {
		d.living--
	}
	if d.starting > 0 {
		d.starting--
	}
	if d.starting > 0 {
		return 0, false
	}
	if d.living == 0 {
		return -1, true
	}
	var next order
	if !d.receive(&next) {
		os.Exit(0) // whoever drove this has gone
	}
	if next.Go == nil || *next.Go < 0 || *next.Go >= len(d.gates) {
		quit(fmt.Errorf("a worker that may go was expected, not %+v", next))
	}
	return *next.Go, true
}

func (d *Driven) send(message any) {
	if err := d.out.Encode(message); err != nil {
		quit(err)
	}
}

// receive the next line; false at the end of the input.
func (d *Driven) receive(message any) bool {
	line, err := d.in.ReadBytes('\n')
	if err == io.EOF {
		return false
	}
	if err == nil {
		err = json.Unmarshal(line, message)
	}
	if err != nil {
		quit(err)
	}
	return true
}

func quit(err error) {
	fmt.Fprintln(os.Stderr, "blockstm-go:", err)
	os.Exit(2)
}
