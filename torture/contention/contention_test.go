package contention_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/torture/effort"
	"github.com/stakeledger/stakeledger/torture/process"
)

const (
	processes = 4
	budget    = 5 * time.Second // the default of WithRetryBudget
)

// TestNobodyFailsInACrowdOfProcesses is the scenario of the package.
func TestNobodyFailsInACrowdOfProcesses(t *testing.T) {
	duration, hold, snapshot := 7*time.Second, 2*time.Second, 3*time.Second
	if effort.Long() {
		duration, snapshot = 3*time.Minute, 10*time.Second
	}
	random := effort.Rand(t)
	path := filepath.Join(t.TempDir(), "crowd.db")
	db, err := openStore(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	var ours []*process.Child
	for i := range processes {
		ours = append(ours, process.Start(t, "worker", order{Path: path, Name: fmt.Sprint("process", i)}))
	}
	writer := process.Start(t, "writer", order{Path: path, Seed: random.Uint64(), Hold: hold})
	reader := process.Start(t, "reader", order{Path: path, Hold: snapshot})
	all := append(slices.Clone(ours), writer, reader)
	for _, child := range all {
		child.Expect("ready")
	}
	for _, child := range all {
		child.Tell("go")
	}
	stop := time.Now().Add(duration)
	log := watchLog(path, stop)
	killed := killAndRestart(t, path, random, stop)
	for _, child := range all {
		child.Tell("stop")
	}
	served, longest := hearServed(t, ours)
	var writes, reads int
	if !writer.Next(&writes) || !reader.Next(&reads) || writes == 0 || reads == 0 {
		t.Errorf("the foreign programs held the write lock %d times and a snapshot %d times, want both", writes, reads)
	}
	for _, child := range all {
		child.End()
	}
	mustBeFair(t, served)
	if limit := hold + budget; longest > limit {
		t.Errorf("longest wait of a caller: %s, want at most %s", longest, limit)
	}
	largest := <-log
	if limit := int64(256 << 20); largest > limit {
		t.Errorf("largest write-ahead log: %d MB, want at most %d MB", largest>>20, limit>>20)
	}
	mustHaveAll(t, db, served, killed)
	t.Logf("entries of each process: %d; longest wait %s; foreign write lock %d times, snapshot %d times; killed %d times with %d entries; largest log %.1f MB",
		served, longest.Round(time.Millisecond), writes, reads, killed.times, killed.entries(), float64(largest)/(1<<20))
}

// watchLog returns the largest size of the write-ahead log until stop.
func watchLog(path string, stop time.Time) <-chan int64 {
	result := make(chan int64, 1)
	go func() {
		var largest int64
		for time.Now().Before(stop) {
			if info, err := os.Stat(path + "-wal"); err == nil {
				largest = max(largest, info.Size())
			}
			time.Sleep(20 * time.Millisecond)
		}
		result <- largest
	}()
	return result
}

// killed is what the killed processes reported.
type killed struct {
	times int
	last  map[string]int64 // the last entry of each worker that was answered
}

func (k killed) entries() (n int64) {
	for _, last := range k.last {
		n += last
	}
	return n
}

// killAndRestart starts a process of ours, kills it at a random moment, and
// starts the next one, until stop.
func killAndRestart(t *testing.T, path string, random *rand.Rand, stop time.Time) killed {
	t.Helper()
	k := killed{last: map[string]int64{}}
	for ; time.Now().Before(stop); k.times++ {
		child := process.Start(t, "worker", order{Path: path, Name: fmt.Sprint("killed", k.times), Each: true})
		child.Expect("ready")
		child.Tell("go")
		kill := time.AfterFunc(time.Duration(100+random.IntN(1500))*time.Millisecond, child.Kill)
		for r := (report{}); child.Next(&r); {
			k.last[r.Worker] = r.Seq
		}
		if kill.Stop() {
			child.End()
			t.Fatal("a process of ours ended before it was killed")
		}
		child.WaitKilled()
	}
	return k
}

// hearServed reads the last report of each process.
func hearServed(t *testing.T, ours []*process.Child) (served [][]int64, longest time.Duration) {
	t.Helper()
	for i, child := range ours {
		var r report
		if !child.Next(&r) {
			t.Errorf("process %d ended early", i)
			child.End()
		}
		served = append(served, r.Served)
		longest = max(longest, r.Longest)
	}
	return served, longest
}

// mustBeFair compares the processes, and the callers in each.
func mustBeFair(t *testing.T, served [][]int64) {
	t.Helper()
	var sums []int64
	for i, callers := range served {
		if len(callers) == 0 {
			return // failed already
		}
		if least, most := slices.Min(callers), slices.Max(callers); least*10 < most*6 {
			t.Errorf("process %d served its callers %d times, want each at least 0.6 of the other", i, callers)
		}
		var sum int64
		for _, n := range callers {
			sum += n
		}
		sums = append(sums, sum)
	}
	if least, most := slices.Min(sums), slices.Max(sums); least*2 < most {
		t.Errorf("entries of each process: %d, want each at least half of the other", sums)
	}
}

// mustHaveAll checks that every acknowledged entry is there, and at most one more of
// each caller.
func mustHaveAll(t *testing.T, db *store, served [][]int64, k killed) {
	t.Helper()
	counts, err := manager.Read(t.Context(), db, func(ctx context.Context, q queries) (map[string]int64, error) { return q.audit(ctx) })
	if err != nil {
		t.Fatal(err)
	}
	for i, callers := range served {
		for j, want := range callers {
			if got := counts[fmt.Sprintf("process%d.%d", i, j)]; got != want {
				t.Errorf("process %d, caller %d: %d entries, want the %d that were answered", i, j, got, want)
			}
		}
	}
	for worker, last := range k.last {
		if got := counts[worker]; got != last && got != last+1 {
			t.Errorf("worker %s: %d entries, want the %d that were answered and at most one more", worker, got, last)
		}
	}
	if err := db.Close(context.Background()); err != nil {
		t.Error(err)
	}
}
