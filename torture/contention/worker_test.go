package contention_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/torture/process"
)

func TestMain(m *testing.M) {
	process.Main(m, map[string]process.Role{"worker": worker, "writer": foreignWriter, "reader": foreignReader})
}

// threads is how many callers a process of ours has.
const threads = 4

// An order is what any of the processes is started with.
type order struct {
	Path string
	Name string        // begins the names of its workers
	Each bool          // say each entry when it is committed
	Seed uint64        // of the foreign writer's times
	Hold time.Duration // at most, or exactly for the foreign reader
}

// A report is what a process says to the test.
type report struct {
	Worker  string        `json:"worker,omitempty"` // one entry of it was committed
	Seq     int64         `json:"seq,omitempty"`
	Served  []int64       `json:"served,omitempty"` // at the end: entries of each caller
	Longest time.Duration `json:"longest,omitempty"`
	Retries uint64        `json:"retries,omitempty"`
}

// worker has its callers write one entry after another until it is told to stop.
// Any error ends the process with it.
func worker(parent *process.Parent) error {
	var o order
	if err := parent.Order(&o); err != nil {
		return err
	}
	db, err := openStore(context.Background(), o.Path)
	if err != nil {
		return err
	}
	if err := parent.Say("ready"); err != nil {
		return err
	}
	parent.Hear()
	stop := make(chan struct{})
	go func() { parent.Hear(); close(stop) }()
	var working sync.WaitGroup
	var served, longest [threads]int64
	var failed [threads]error
	for i := range threads {
		working.Go(func() {
			served[i], longest[i], failed[i] = enterUntil(stop, db, parent, fmt.Sprintf("%s.%d", o.Name, i), o.Each)
		})
	}
	working.Wait()
	end := report{Served: served[:], Retries: db.Stats().Retries}
	for i := range threads {
		end.Longest = max(end.Longest, time.Duration(longest[i]))
		if failed[i] != nil {
			return fmt.Errorf("caller %d after %d entries: %w", i, served[i], failed[i])
		}
	}
	if err := parent.Say(end); err != nil {
		return err
	}
	return db.Close(context.Background())
}

// enterUntil writes entries, and returns how many and the longest wait for one
// in nanoseconds.
func enterUntil(stop <-chan struct{}, db *store, parent *process.Parent, name string, each bool) (served, longest int64, err error) {
	for {
		select {
		case <-stop:
			return served, longest, nil
		default:
		}
		began := time.Now()
		err := db.WithTx(context.Background(), func(ctx context.Context, q queries) error {
			return q.enter(ctx, name, served+1)
		})
		longest = max(longest, int64(time.Since(began)))
		if err != nil {
			return served, longest, err
		}
		served++
		if each {
			if err := parent.Say(report{Worker: name, Seq: served}); err != nil {
				return served, longest, err
			}
		}
	}
}
