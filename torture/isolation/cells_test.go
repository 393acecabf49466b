package isolation_test

import (
	"fmt"
	"hash/maphash"
)

// cells is all that the database holds, and the state of the model.
type cells struct {
	Accounts [4]int64  // money moves between them; the sum stays
	Counters [2]int64  // each value tells the order of all changes before it
	Logs     [2]string // names are appended
}

const startBalance = 100

// full is what a fresh database holds.
func full() cells {
	return cells{Accounts: [4]int64{startBalance, startBalance, startBalance, startBalance}}
}

// counted is a counter's value after name was counted: another one for every order.
func counted(value int64, name string) int64 {
	for _, b := range []byte(name) {
		value = (value*31 + int64(b)) % 1_000_000_007
	}
	return value
}

// appended is a log after name was appended.
func appended(log, name string) string { return log + name + " " }

// An op is one transaction that a client asks for.
type op struct {
	Kind   string `json:"kind"`
	Name   string `json:"name"` // unique in its history
	From   int    `json:"from,omitempty"`
	To     int    `json:"to,omitempty"`
	Amount int64  `json:"amount,omitempty"`
	Cell   int    `json:"cell,omitempty"`
	Fails  bool   `json:"fails,omitempty"`  // its closure ends with an error of its own
	Cancel string `json:"cancel,omitempty"` // when its context ends: "soon", "inside", "" for never
	Stray  string `json:"stray,omitempty"`  // what its closure does besides, see stray_test.go
	Wary   bool   `json:"wary,omitempty"`   // its closure looks first whether it meets that of another one
}

// The kinds of operations.
const (
	look     = "look"     // reads all cells in a snapshot
	peek     = "peek"     // the same, with a pinned snapshot and a nested one
	transfer = "transfer" // reads two accounts and writes both
	count    = "count"    // reads a counter and writes it
	note     = "note"     // appends to a log without looking
	nest     = "nest"     // counts in a savepoint, notes in one that fails, reads all in between
)

// apply is what o sees of c, and what it leaves, when nobody else is there.
func (o op) apply(c cells) (sees, leaves cells) {
	leaves = c
	switch o.Kind {
	case look, peek:
		return c, c
	case transfer:
		sees.Accounts[o.From], sees.Accounts[o.To] = c.Accounts[o.From], c.Accounts[o.To]
		leaves.Accounts[o.From] -= o.Amount
		leaves.Accounts[o.To] += o.Amount
	case count:
		sees.Counters[o.Cell] = c.Counters[o.Cell]
		leaves.Counters[o.Cell] = counted(c.Counters[o.Cell], o.Name)
	case note:
		leaves.Logs[o.Cell] = appended(c.Logs[o.Cell], o.Name)
	case nest:
		leaves.Counters[o.Cell] = counted(c.Counters[o.Cell], o.Name)
		sees = leaves
		leaves.Logs[o.Cell] = appended(c.Logs[o.Cell], o.Name)
	default:
		panic("no operation " + o.Kind)
	}
	if o.Fails {
		leaves = c
	}
	return sees, leaves
}

// leavesNothing reports whether o changes no cell.
func (o op) leavesNothing() bool { return o.Fails || o.Kind == look || o.Kind == peek }

func (o op) String() string {
	text := o.Kind + " " + o.Name
	switch o.Kind {
	case transfer:
		text += fmt.Sprintf(" %d from %d to %d", o.Amount, o.From, o.To)
	case count, note, nest:
		text += fmt.Sprintf(" in %d", o.Cell)
	}
	if o.Fails {
		text += ", fails"
	}
	return text
}

// An outcome is what a client was told.
type outcome struct {
	Saw     cells
	Unknown bool // it may take effect later, or never
}

var seed = maphash.MakeSeed()

func (c cells) hash() uint64 { return maphash.Comparable(seed, c) }
