package main

// What a run did, as the events of docs/formats/history.md. Each worker keeps its own, without a
// lock; they are joined when all have ended.

type incarnationEvent struct {
	Event   string  `json:"event"`
	Version [2]int  `json:"version"`
	End     string  `json:"end"`
	Reads   []Read  `json:"reads"`
	Writes  []Write `json:"writes"`
}

type validationEvent struct {
	Event   string `json:"event"`
	Version [2]int `json:"version"`
	Passed  bool   `json:"passed"`
}

type commitEvent struct {
	Event   string `json:"event"`
	Version [2]int `json:"version"`
}

// History is what one worker did.
type History struct {
	events []any
}

func (v Version) pair() [2]int { return [2]int{v.Position, v.Incarnation} }

func (h *History) executed(version Version, reads []Read, writes []Write) {
	h.incarnation(version, "executed", reads, writes)
}

func (h *History) suspended(version Version, reads []Read) {
	h.incarnation(version, "suspended", reads, nil)
}

func (h *History) incarnation(version Version, end string, reads []Read, writes []Write) {
	event := incarnationEvent{"incarnation", version.pair(), end, []Read{}, []Write{}}
	event.Reads = append(event.Reads, reads...)
	event.Writes = append(event.Writes, writes...)
	h.events = append(h.events, event)
}

func (h *History) validated(version Version, passed bool) {
	h.events = append(h.events, validationEvent{"validation", version.pair(), passed})
}

// joined histories of all workers, and what was committed in the end.
func joined(workers []*History, commits []Version) []any {
	all := []any{}
	for _, each := range workers {
		all = append(all, each.events...)
	}
	for _, version := range commits {
		all = append(all, commitEvent{"commit", version.pair()})
	}
	return all
}
