package isolation_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
	"github.com/stakeledger/stakeledger/torture/effort"
)

const (
	clients = 8
	length  = 14 // operations of one client in a history
)

// TestGoroutinesAreIsolated has clients share one manager.
func TestGoroutinesAreIsolated(t *testing.T) {
	for _, c := range []struct {
		name   string
		plan   plan
		faults bool
		opts   []manager.Option
	}{
		{"sharing commits", plan{Fails: 10}, false, nil},
		{"one commit for each", plan{Fails: 10}, false, []manager.Option{manager.WithGroupCommit(1, 0)}},
		{"in pairs", plan{Fails: 10, Cancels: 10}, false, []manager.Option{manager.WithGroupCommit(2, time.Second)}},
		{"with contexts that end", plan{Fails: 10, Cancels: 40}, false, nil},
		{"with statements that fail", plan{Fails: 10}, true, nil},
		{"with everything", plan{Fails: 20, Cancels: 20, Strays: 10}, true, nil},
		{"with closures that reach too far", plan{Fails: 10, Cancels: 5, Strays: 40}, false, nil},
		{"through *sql.DB and *sql.Tx", plan{Fails: 10, Cancels: 10}, false, nil},
		{"through *sql.DB and *sql.Tx, with statements that fail", plan{Fails: 10, Cancels: 10}, true, nil},
		{"every closure twice", plan{Fails: 10, Cancels: 10}, false, []manager.Option{manager.WithRunTwice()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			random, total := effort.Rand(t), tally{}
			for i := range effort.Count(6, 300) {
				faults := faultdriver.New()
				db := open(t, filepath.Join(t.TempDir(), "cells.db"), append([]manager.Option{manager.WithDriver(faults.Wrap)}, c.opts...)...)
				if c.faults {
					faults.Arm(drawFaults(random)...)
				}
				h := record(t, asks(db, strings.HasPrefix(c.name, "through")), c.plan, random, c.faults, &total)
				if c.faults {
					total.faults += len(faults.Fired())
				}
				total.groups += db.Stats().Groups
				shut(t, db)
				h.mustHold(t, fmt.Sprint("history ", i))
			}
			t.Log(total)
			if sharing := c.name != "one commit for each"; sharing && total.groups == 0 {
				t.Error("no commit was shared, want some")
			}
		})
	}
}

// record runs the scripts of all clients at once, and then looks.
func record(t *testing.T, c client, p plan, random *rand.Rand, faults bool, total *tally) *history {
	t.Helper()
	n := newNotary(t, full(), total)
	messages := make(chan message, 2*clients*length+1)
	var clock atomic.Int64
	now := func() int64 { return clock.Add(1) }
	tell := func(m message) error { messages <- m; return nil }
	var working sync.WaitGroup
	for id := range clients {
		script := p.script(random, string(rune('a'+id)), length)
		working.Go(func() { _ = perform(t.Context(), c, id, script, now, faults, tell) })
	}
	working.Wait()
	last := []op{{Kind: look, Name: "last"}}
	messages <- message{Over: true}
	for m := range messages {
		if m.Over {
			break
		}
		n.hear(m)
	}
	_ = perform(t.Context(), c, clients, last, now, faults, func(m message) error { n.hear(m); return nil })
	return n.close()
}

func open(t *testing.T, path string, opts ...manager.Option) *store {
	t.Helper()
	db, err := openStore(t.Context(), path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func shut(t *testing.T, db *store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := db.Close(ctx); err != nil {
		t.Error(err)
	}
}
