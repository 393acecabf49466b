package isolation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
	"github.com/stakeledger/stakeledger/torture/effort"
	"github.com/stakeledger/stakeledger/torture/process"
)

func TestMain(m *testing.M) {
	process.Main(m, map[string]process.Role{"clients": clientsRole})
}

const (
	processes = 3
	threads   = 3
	steps     = 8 // operations of one client of a process in a history
)

// An order is what a process of clients is started with.
type order struct {
	Path, Clock string
	WithoutLock bool
	Faults      bool
	ThroughSQL  bool
}

// A round is one history's share of a process.
type round struct {
	Number int
	Seed   uint64
	First  int // its first client's number
	Plan   plan
	Mute   int // after so many messages only calls are told, and the process waits to be killed; 0: never
}

// clientsRole runs rounds until the test says stop.
func clientsRole(parent *process.Parent) error {
	var o order
	if err := parent.Order(&o); err != nil {
		return err
	}
	clock, err := process.OpenClock(o.Clock)
	if err != nil {
		return err
	}
	var opts []manager.Option
	if o.WithoutLock {
		opts = append(opts, manager.WithoutLockFile())
	}
	faults := faultdriver.New()
	if o.Faults {
		opts = append(opts, manager.WithDriver(faults.Wrap))
	}
	db, err := openStore(context.Background(), o.Path, opts...)
	if err != nil {
		return err
	}
	if err := parent.Say("ready"); err != nil {
		return err
	}
	for {
		line := parent.Hear()
		if line == "end" {
			return db.Close(context.Background())
		}
		var r round
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return fmt.Errorf("told %q: %w", line, err)
		}
		random := rand.New(rand.NewPCG(r.Seed, uint64(r.First)))
		if o.Faults {
			faults.Arm(drawFaults(random)...)
		}
		var working sync.WaitGroup
		tell := r.teller(parent)
		for i := range threads {
			script := r.Plan.script(random, fmt.Sprintf("%d%c", r.Number, 'a'+r.First+i), steps)
			working.Go(func() {
				_ = perform(context.Background(), asks(db, o.ThroughSQL), r.First+i, script, clock.Now, o.Faults, tell)
			})
		}
		working.Wait()
		if err := parent.Say(message{Over: true}); err != nil {
			return err
		}
	}
}

// teller returns the function that reports calls and answers to the test. Without Mute a process that outruns the test would have answered
// everything before it is killed.
func (r round) teller(parent *process.Parent) func(message) error {
	var mu sync.Mutex
	said := 0
	return func(m message) error {
		mu.Lock()
		if r.Mute > 0 && said >= r.Mute && m.Answered != 0 {
			mu.Unlock()
			select {}
		}
		defer mu.Unlock()
		said++
		return parent.Say(m)
	}
}

// TestProcessesAreIsolated has the clients of several processes share a file.
func TestProcessesAreIsolated(t *testing.T) {
	for _, c := range []struct {
		name        string
		withoutLock bool
		faults      bool
		kills       bool
		throughSQL  bool
	}{
		{"with the lock file", false, false, false, false},
		{"without the lock file", true, false, false, false},
		{"with statements that fail", false, true, false, false},
		{"one is killed in each history", false, false, true, false},
		{"one is killed in each history, without the lock file", true, false, true, false},
		{"with everything", false, true, true, false},
		{"with everything, through *sql.DB and *sql.Tx", false, true, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, random, total := t.TempDir(), effort.Rand(t), tally{}
			o := order{Path: filepath.Join(dir, "cells.db"), Clock: filepath.Join(dir, "clock"), WithoutLock: c.withoutLock, Faults: c.faults, ThroughSQL: c.throughSQL}
			clock, err := process.OpenClock(o.Clock)
			if err != nil {
				t.Fatal(err)
			}
			db := open(t, o.Path)
			var children [processes]*process.Child
			enlist := func(i int) {
				children[i] = process.Start(t, "clients", o)
				children[i].Expect("ready")
			}
			for i := range children {
				enlist(i)
			}
			start := full()
			for number := range effort.Count(4, 150) {
				n := newNotary(t, start, &total)
				victim, at := -1, 0
				if c.kills {
					victim, at = random.IntN(processes), 1+2*random.IntN(threads*steps-1) // odd: not every call is answered
				}
				tellRound(t, children[:], victim, round{Number: number, Seed: random.Uint64(), Plan: plan{Fails: 10, Cancels: 15}, Mute: at})
				hearRound(children[:], n, victim, at)
				_ = perform(t.Context(), honest{db}, processes*threads, []op{{Kind: look, Name: "last"}}, clock.Now, false, func(m message) error {
					n.hear(m)
					start = m.Saw
					return nil
				})
				n.close().mustHold(t, fmt.Sprint("history ", number))
				if victim >= 0 {
					children[victim].WaitKilled()
					enlist(victim)
				}
			}
			for _, child := range children {
				child.Tell("end")
			}
			for _, child := range children {
				child.End()
			}
			shut(t, db)
			t.Log(total)
			if histories := total.histories; c.kills && total.unknown < histories {
				t.Errorf("got %d unknown operations of the processes killed in %d histories, want one of each at least", total.unknown, histories)
			}
		})
	}
}

// tellRound begins a round, in which only the victim goes mute.
func tellRound(t *testing.T, children []*process.Child, victim int, r round) {
	t.Helper()
	mute := r.Mute
	for i, child := range children {
		r.First, r.Mute = i*threads, 0
		if i == victim {
			r.Mute = mute
		}
		line, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		child.Tell(string(line))
	}
}

// hearRound reads the messages of all children until each has finished its round,
// and kills the victim after the given number of its messages.
func hearRound(children []*process.Child, n *notary, victim, at int) {
	heard := make(chan message)
	var listening sync.WaitGroup
	for i, child := range children {
		listening.Go(func() {
			for said := 0; ; said++ {
				if i == victim && said == at {
					child.Kill()
				}
				var m message
				if !child.Next(&m) || m.Over {
					return
				}
				heard <- m
			}
		})
	}
	go func() { listening.Wait(); close(heard) }()
	for m := range heard {
		n.hear(m)
	}
}
