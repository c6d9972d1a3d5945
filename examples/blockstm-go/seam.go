package main

import (
	"runtime"
	"sync"
)

// Step is what a worker is about to do, to one shared object. Look says that it only reads there
// and is part of looking for work: steps that change nothing are no progress.
type Step struct {
	Action string
	Object Object
	Args   []int
	Look   bool
}

// Object names a shared object: a kind, and numbers.
type Object []any

func on(kind string, numbers ...int) Object {
	name := Object{kind}
	for _, number := range numbers {
		name = append(name, number)
	}
	return name
}

func onLocation(at Location) Object {
	if at.Pair {
		return on("pair", at.Index, at.Half)
	}
	return on("cell", at.Index)
}

// Seam stands between the executor and whatever decides which worker goes on. It is called before
// every access to what workers share; between two calls a worker touches one shared object at most.
type Seam interface {
	// Run work for each worker, to the end of the last.
	Run(workers int, work func(worker int))
	// Before announces a step, and returns when the worker may take it.
	Before(worker int, step Step)
	// Lock takes a native lock, as a step.
	Lock(worker int, mutex *sync.Mutex, step Step)
	// Idle says that the worker has found nothing to do, and will look again.
	Idle(worker int)
}

// Free is production: goroutines on the threads of the operating system, and nothing in between.
type Free struct{}

// Run starts a goroutine for each worker.
func (Free) Run(workers int, work func(worker int)) {
	var all sync.WaitGroup
	for worker := 0; worker < workers; worker++ {
		all.Add(1)
		go func(worker int) {
			defer all.Done()
			work(worker)
		}(worker)
	}
	all.Wait()
}

// Before does nothing.
func (Free) Before(int, Step) {}

// Lock waits as long as it takes.
func (Free) Lock(_ int, mutex *sync.Mutex, _ Step) { mutex.Lock() }

// Idle gives the processor away.
func (Free) Idle(int) { runtime.Gosched() }
