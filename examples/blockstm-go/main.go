// Command blockstm-go is a small Block-STM: it executes a block of the tiny key-value machine on
// goroutines, freely, or driven step by step from outside.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
)

// Bugs are the seeded bugs that are switched on, by name.
type Bugs map[string]bool

var seeded = map[string]string{
	"no-estimate":          "what an aborted incarnation wrote stays as if it were good",
	"abort-lowers-nothing": "after an abort nobody above is validated again",
	"done-while-active":    "the block is done although somebody is still at work",
	"done-at-first-look":   "the block is done although an index was lowered between two looks",
	"lost-wake-up":         "the status of the blocking transition is looked at before its list is locked",
	"stays-active":         "a worker that has nothing to do until another wakes it counts as active",
	"keeps-lock":           "the list of a blocking transition that has executed stays locked",
}

func main() {
	drive := flag.Bool("drive", false, "be driven through standard input and output")
	workers := flag.Int("workers", 4, "how many goroutines, where it runs freely")
	sequential := flag.Bool("sequential", false, "execute one position after the other")
	bug := flag.String("bug", "", "switch on a seeded bug: "+strings.Join(names(), ", "))
	flag.Parse()
	if *bug != "" && seeded[*bug] == "" {
		quit(fmt.Errorf("no bug is called %q", *bug))
	}
	bugs := Bugs{*bug: true}
	if *drive {
		Serve(os.Stdin, os.Stdout, bugs)
		return
	}
	block, err := readPrograms(os.Stdin)
	if err != nil {
		quit(err)
	}
	result := Sequential(block)
	if !*sequential {
		if result, err = Execute(Free{}, bugs, block, *workers); err != nil {
			quit(err)
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		quit(err)
	}
}

// readPrograms reads the block of a file of programs: docs/formats/programs.md.
func readPrograms(in io.Reader) (*Block, error) {
	var file struct {
		Pel     string `json:"pel"`
		Version int    `json:"version"`
		Block   *Block `json:"block"`
	}
	if err := json.NewDecoder(in).Decode(&file); err != nil {
		return nil, err
	}
	if file.Pel != "programs" || file.Version != 1 || file.Block == nil {
		return nil, errors.New("not a file of programs, version 1")
	}
	return file.Block, nil
}

func names() []string {
	var all []string
	for name := range seeded {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}
