package main

import "sync"

// Version names an incarnation of a position; {-1, 0} is the state before the block.
type Version struct {
	Position, Incarnation int
}

var preState = Version{-1, 0}

type entry struct {
	version  Version
	value    Value
	estimate bool
}

// versions of one location, by position.
type versions struct {
	mutex   sync.Mutex
	entries map[int]entry
}

// Memory is multi-version: for each location, what every position has written there last.
type Memory struct {
	seam  Seam
	bugs  Bugs
	block *Block
	at    map[Location]*versions
}

func newMemory(seam Seam, bugs Bugs, block *Block) *Memory {
	at := make(map[Location]*versions)
	for _, location := range block.Locations() {
		at[location] = &versions{entries: make(map[int]entry)}
	}
	return &Memory{seam, bugs, block, at}
}

// below is what a reader at this position finds: the newest write below it.
func (v *versions) below(position int) (entry, bool) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	for at := position - 1; at >= 0; at-- {
		if found, ok := v.entries[at]; ok {
			return found, true
		}
	}
	return entry{}, false
}

// read is what the transition at a position reads: value, version, and whether it is an ESTIMATE.
func (m *Memory) read(worker, position int, at Location) entry {
	m.seam.Before(worker, Step{Action: "read", Object: onLocation(at), Args: []int{position}})
	if found, ok := m.at[at].below(position); ok {
		return found
	}
	return entry{version: preState, value: m.block.Before(at)}
}

func (m *Memory) write(worker int, version Version, write Write) {
	m.seam.Before(worker, Step{
		Action: "write", Object: onLocation(write.Location),
		Args: []int{version.Position, version.Incarnation},
	})
	here := m.at[write.Location]
	here.mutex.Lock()
	defer here.mutex.Unlock()
	here.entries[version.Position] = entry{version: version, value: write.Value}
}

func (m *Memory) remove(worker, position int, at Location) {
	m.seam.Before(worker, Step{Action: "remove", Object: onLocation(at), Args: []int{position}})
	here := m.at[at]
	here.mutex.Lock()
	defer here.mutex.Unlock()
	delete(here.entries, position)
}

// markEstimates lets readers of what an aborted incarnation wrote wait for the next one.
func (m *Memory) markEstimates(worker, position int, writes []Write) {
	if m.bugs["no-estimate"] {
		return
	}
	for _, write := range writes {
		m.seam.Before(worker, Step{
			Action: "mark_estimate", Object: onLocation(write.Location), Args: []int{position},
		})
		here := m.at[write.Location]
		here.mutex.Lock()
		marked := here.entries[position]
		marked.estimate = true
		here.entries[position] = marked
		here.mutex.Unlock()
	}
}

// publish what an incarnation wrote in the place of what the one before it wrote; say whether any
// location is new.
func (m *Memory) publish(worker int, version Version, before, now []Write) bool {
	wroteNew := false
	for _, write := range now {
		m.write(worker, version, write)
		wroteNew = wroteNew || !writes(before, write.Location)
	}
	for _, write := range before {
		if !writes(now, write.Location) {
			m.remove(worker, version.Position, write.Location)
		}
	}
	return wroteNew
}

func writes(all []Write, at Location) bool {
	for _, write := range all {
		if write.Location == at {
			return true
		}
	}
	return false
}
