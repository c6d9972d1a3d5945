package main

import (
	"sync"
	"sync/atomic"
)

// The collaborative scheduler of Block-STM (arXiv 2203.06871, Algorithms 4 and 5).

type state int

const (
	ready state = iota
	executing
	executed
	aborting
)

type status struct {
	mutex       sync.Mutex
	state       state
	incarnation int
}

// dependents of a position wait until it has executed. The mutex is held from the look at its
// status until the entry in the list, over several steps: whoever wants it meanwhile must wait.
type dependents struct {
	mutex   sync.Mutex
	waiting []int
}

// Task is to execute a version, or to validate it.
type Task struct {
	Version
	validate bool
}

// Scheduler hands out tasks. Two indices run over the positions, and are lowered again.
type Scheduler struct {
	seam  Seam
	bugs  Bugs
	count int64

	execIdx, valIdx, decCnt, active atomic.Int64
	done                            atomic.Bool
	status                          []status
	dependents                      []dependents
}

func newScheduler(seam Seam, bugs Bugs, count int) *Scheduler {
	return &Scheduler{
		seam: seam, bugs: bugs, count: int64(count),
		status: make([]status, count), dependents: make([]dependents, count),
	}
}

func (s *Scheduler) isDone(worker int) bool {
	s.seam.Before(worker, Step{Action: "load_done", Object: on("done"), Look: true})
	return s.done.Load()
}

func (s *Scheduler) load(worker int, action, name string, from *atomic.Int64) int64 {
	s.seam.Before(worker, Step{Action: action, Object: on(name), Look: true})
	return from.Load()
}

func (s *Scheduler) add(worker int, action, name string, to *atomic.Int64, by int64) int64 {
	s.seam.Before(worker, Step{Action: action, Object: on(name)})
	return to.Add(by) - by
}

func (s *Scheduler) lower(worker int, name string, index *atomic.Int64, bound int) {
	s.seam.Before(worker, Step{Action: "lower", Object: on(name), Args: []int{bound}})
	for {
		now := index.Load()
		if now <= int64(bound) || index.CompareAndSwap(now, int64(bound)) {
			break
		}
	}
	s.add(worker, "count_decrease", "dec_cnt", &s.decCnt, 1)
}

func (s *Scheduler) leave(worker int) { s.add(worker, "leave", "active", &s.active, -1) }

// next is the next task, if there is one. The lower of the two indices goes first.
func (s *Scheduler) next(worker int) (Task, bool) {
	validation := s.load(worker, "prefer", "val_idx", &s.valIdx)
	if validation < s.load(worker, "prefer", "exec_idx", &s.execIdx) {
		return s.nextToValidate(worker)
	}
	return s.nextToExecute(worker)
}

func (s *Scheduler) nextToValidate(worker int) (Task, bool) {
	if s.load(worker, "choose", "val_idx", &s.valIdx) >= s.count {
		s.checkDone(worker)
		return Task{}, false
	}
	s.add(worker, "enter", "active", &s.active, 1)
	position := s.add(worker, "fetch", "val_idx", &s.valIdx, 1)
	if position < s.count {
		if now, incarnation := s.look(worker, "look", int(position)); now == executed {
			return Task{Version{int(position), incarnation}, true}, true
		}
	}
	s.leave(worker)
	return Task{}, false
}

func (s *Scheduler) nextToExecute(worker int) (Task, bool) {
	if s.load(worker, "choose", "exec_idx", &s.execIdx) >= s.count {
		s.checkDone(worker)
		return Task{}, false
	}
	s.add(worker, "enter", "active", &s.active, 1)
	return s.executionOf(worker, s.add(worker, "fetch", "exec_idx", &s.execIdx, 1))
}

// executionOf is the task to execute a position, if that is ready.
func (s *Scheduler) executionOf(worker int, position int64) (Task, bool) {
	if position < s.count {
		s.seam.Before(worker, Step{Action: "try_incarnate", Object: on("status", int(position))})
		if incarnation, ok := s.status[position].start(); ok {
			return Task{Version: Version{int(position), incarnation}}, true
		}
	}
	s.leave(worker)
	return Task{}, false
}

// start the incarnation that is ready, if there is one.
func (s *status) start() (incarnation int, ok bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.state != ready {
		return 0, false
	}
	s.state = executing
	return s.incarnation, true
}

// checkDone: both indices are at their ends, nobody is active, and neither index was lowered
// between these looks.
func (s *Scheduler) checkDone(worker int) {
	observed := s.load(worker, "check_done", "dec_cnt", &s.decCnt)
	finished := s.load(worker, "check_done", "exec_idx", &s.execIdx) >= s.count &&
		s.load(worker, "check_done", "val_idx", &s.valIdx) >= s.count &&
		(s.bugs["done-while-active"] || s.load(worker, "check_done", "active", &s.active) == 0) &&
		(s.bugs["done-at-first-look"] ||
			s.load(worker, "check_done", "dec_cnt", &s.decCnt) == observed)
	if !finished {
		s.seam.Idle(worker)
		return
	}
	s.seam.Before(worker, Step{Action: "set_done", Object: on("done")})
	s.done.Store(true)
}

func (s *Scheduler) look(worker int, action string, position int) (state, int) {
	s.seam.Before(worker, Step{Action: action, Object: on("status", position)})
	here := &s.status[position]
	here.mutex.Lock()
	defer here.mutex.Unlock()
	return here.state, here.incarnation
}

func (s *Scheduler) set(worker int, action string, position int, to state, next int) {
	s.seam.Before(worker, Step{Action: action, Object: on("status", position)})
	here := &s.status[position]
	here.mutex.Lock()
	defer here.mutex.Unlock()
	here.state = to
	here.incarnation += next
}

// addDependency lets a position wait until blocking has executed; false if it has.
func (s *Scheduler) addDependency(worker, position, blocking int) bool {
	list := &s.dependents[blocking]
	early := s.bugs["lost-wake-up"]
	if early {
		if now, _ := s.look(worker, "look_blocking", blocking); now == executed {
			return false
		}
	}
	s.seam.Lock(worker, &list.mutex, Step{Action: "lock", Object: on("dependents", blocking)})
	if !early {
		if now, _ := s.look(worker, "look_blocking", blocking); now == executed {
			if !s.bugs["keeps-lock"] {
				s.unlock(worker, list, blocking)
			}
			return false
		}
	}
	s.set(worker, "suspend", position, aborting, 0)
	list.waiting = append(list.waiting, position)
	s.unlock(worker, list, blocking)
	if !s.bugs["stays-active"] {
		s.leave(worker)
	}
	return true
}

func (s *Scheduler) unlock(worker int, list *dependents, blocking int) {
	s.seam.Before(worker, Step{Action: "unlock", Object: on("dependents", blocking)})
	list.mutex.Unlock()
}

// finishExecution: it can be validated now, and those who waited for it can go on.
func (s *Scheduler) finishExecution(worker int, version Version, wroteNew bool) (Task, bool) {
	position := version.Position
	s.set(worker, "publish", position, executed, 0)
	list := &s.dependents[position]
	s.seam.Lock(worker, &list.mutex, Step{Action: "lock", Object: on("dependents", position)})
	waiting := list.waiting
	list.waiting = nil
	s.unlock(worker, list, position)
	if len(waiting) > 0 {
		lowest := waiting[0]
		for _, each := range waiting {
			s.set(worker, "resume", each, ready, 1)
			lowest = min(lowest, each)
		}
		s.lower(worker, "exec_idx", &s.execIdx, lowest)
	}
	if s.load(worker, "finish", "val_idx", &s.valIdx) > int64(position) {
		if !wroteNew {
			return Task{version, true}, true
		}
		s.lower(worker, "val_idx", &s.valIdx, position)
	}
	s.leave(worker)
	return Task{}, false
}

// tryAbort: of several validators of a version, one aborts it.
func (s *Scheduler) tryAbort(worker int, version Version) bool {
	s.seam.Before(worker, Step{
		Action: "try_abort", Object: on("status", version.Position), Args: []int{version.Incarnation},
	})
	here := &s.status[version.Position]
	here.mutex.Lock()
	defer here.mutex.Unlock()
	if here.state != executed || here.incarnation != version.Incarnation {
		return false
	}
	here.state = aborting
	return true
}

// finishValidation: after an abort everything above is validated again.
func (s *Scheduler) finishValidation(worker int, version Version, aborted bool) (Task, bool) {
	if aborted {
		s.set(worker, "set_ready", version.Position, ready, 1)
		if !s.bugs["abort-lowers-nothing"] {
			s.lower(worker, "val_idx", &s.valIdx, version.Position+1)
		}
		if s.load(worker, "retry", "exec_idx", &s.execIdx) > int64(version.Position) {
			return s.executionOf(worker, int64(version.Position))
		}
	}
	s.leave(worker)
	return Task{}, false
}
