package simulation_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/torture/effort"
)

// tally counts what happened.
type tally map[string]int

// TestSimulation runs lives, two at a time, until enough operations are done. SEED
// repeats them, and LIFE, a number, runs one of them alone.
func TestSimulation(t *testing.T) {
	seed := effort.Seed(t)
	budget := int64(effort.Count(1_500, 1_000_000))
	length := effort.Count(500, 2_500) // of a life; comparing a whole file takes time in proportion to its size
	var next, done atomic.Int64
	only := os.Getenv("LIFE")
	if only != "" {
		n, err := strconv.ParseInt(only, 10, 64)
		if err != nil {
			t.Fatalf("LIFE=%q: %v; write a whole number", only, err)
		}
		next.Store(n)
	}
	var mu sync.Mutex
	total := tally{}
	dir := fastFolder(t)
	inTime := func() bool { // fewer lives are better than a test that is killed
		end, ok := t.Deadline()
		return !ok || time.Until(end) > 30*time.Second
	}
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for done.Load() < budget && !t.Failed() && inTime() {
				number := next.Add(1) - 1
				counted, err := live(dir, seed, uint64(number), length)
				if err != nil {
					t.Errorf("SEED=%d LIFE=%d replays this, with TORTURE as it is set: %v", seed, number, err)
				}
				done.Add(int64(counted["operations"]))
				mu.Lock()
				for what, n := range counted {
					total[what] += n
				}
				total["lives"]++
				mu.Unlock()
				if only != "" {
					return
				}
			}
		})
		if only != "" {
			break
		}
	}
	all.Wait()
	total.log(t)
	if only == "" && done.Load() < budget {
		t.Logf("%d of %d operations, since the time was over", done.Load(), budget)
	}
	if effort.Long() && only == "" && done.Load() >= budget {
		total.complete(t)
	}
}

// fastFolder is in memory if possible: the simulation needs no disk.
func fastFolder(t *testing.T) string {
	if dir, err := os.MkdirTemp("/dev/shm", "simulation-"); err == nil {
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		return dir
	}
	return filepath.Clean(t.TempDir())
}

// live runs one life of the given number of operations.
func live(dir string, seed, number uint64, operations int) (tally, error) {
	w, err := newWorld(dir, seed, number)
	if err != nil {
		return nil, err
	}
	compared := 0
	for step := 0; w.tally["operations"] < operations; step++ {
		err := w.step()
		if err == nil {
			err = w.watcher.conserved()
		}
		if err == nil && w.tally["operations"]-compared > 600 {
			compared = w.tally["operations"]
			err = w.Whole()
		}
		if err != nil {
			err = fmt.Errorf("step %d, after %d operations: %w\nThe last steps:\n%s", step, w.tally["operations"], err, w.lately())
			_ = w.end()
			return w.tally, err
		}
		w.tally["steps"]++
	}
	if err := w.Sound(); err != nil {
		_ = w.end()
		return w.tally, fmt.Errorf("at the end: %w", err)
	}
	return w.tally, w.end()
}

// step does the next thing.
func (w *world) step() error {
	switch n := w.IntN(100); {
	case n < 48:
		return w.single()
	case n < 78:
		return w.batch()
	case n < 90:
		return w.crowd()
	case n < 94:
		mode := []string{"PASSIVE", "FULL", "RESTART", "TRUNCATE"}[w.IntN(4)]
		w.note("foreign checkpoint: %s", mode)
		w.tally["foreign checkpoints"]++
		return w.watcher.checkpoint(mode)
	case n < 97:
		jump := w.Int64N(40*86_400_000_000) - 20*86_400_000_000
		w.note("the clock jumps by %d us", jump)
		w.tally["clock jumps"]++
		w.clock.at.Add(jump)
		return nil
	}
	return w.reopen()
}

func (y tally) log(t *testing.T) {
	text := ""
	for _, what := range slices.Sorted(maps.Keys(y)) {
		text += fmt.Sprintf("\n%9d %s", y[what], what)
	}
	t.Log("what happened:", text)
}

// complete fails where something never happened in a long run.
func (y tally) complete(t *testing.T) {
	for _, what := range []string{
		"batches that fails", "batches that panics", "batches that exits", "cancelled", "commit unknown", "commit unknown, and there", "gone on with",
		"staged, and applied by the next", "crashed and opened", "abandoned and opened", "closed and opened", "foreign checkpoints", "clock jumps",
		"fault at BEGIN", "fault at statement", "fault at COMMIT", "fault at ROLLBACK", "fault at SAVEPOINT", "fault at RELEASE", "fault at ROLLBACK TO",
		"fault at step", "fault at prepare", "fault at open", "fault at PRAGMA", "fault at close",
	} {
		if y[what] == 0 {
			t.Errorf("it never happened: %s", what)
		}
	}
}
