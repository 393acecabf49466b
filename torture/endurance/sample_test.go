package endurance_test

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A sample is the state of the process at one moment, and how long callers waited
// since the previous sample.
type sample struct {
	at         time.Duration
	heap       uint64 // bytes in use after a collection
	resident   int64  // bytes; 0 where the system does not tell
	files      int
	goroutines int
	log        int64 // bytes
	writes     latencies
	reads      latencies
}

// takeSample collects garbage first.
func takeSample(at time.Duration, r *ring, writes, reads *recorder) sample {
	runtime.GC()
	runtime.GC() // finalizers of the first one
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return sample{
		at: at, heap: m.HeapInuse, resident: residentSize(), files: openFiles(), goroutines: runtime.NumGoroutine(),
		log: r.logSize(), writes: writes.take(), reads: reads.take(),
	}
}

func (s sample) String() string {
	return fmt.Sprintf("%8s: heap %5.1f MB, resident %5.1f MB, %d files, %d goroutines, log %5.1f MB, writes %s, reads %s",
		s.at.Round(time.Second), mega(int64(s.heap)), mega(s.resident), s.files, s.goroutines, mega(s.log), s.writes, s.reads)
}

// residentSize is the memory that the process has in use, SQLite's included.
func residentSize() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		return 0
	}
	return resident * int64(os.Getpagesize())
}

// openFiles counts this process's open files, where the system tells.
func openFiles() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}

// A recorder keeps how long calls took. It is safe for concurrent use.
type recorder struct {
	mu    sync.Mutex
	calls []time.Duration
}

func (r *recorder) add(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, d)
}

func (r *recorder) take() latencies {
	r.mu.Lock()
	calls := r.calls
	r.calls = make([]time.Duration, 0, cap(calls))
	r.mu.Unlock()
	slices.Sort(calls)
	n := len(calls)
	if n == 0 {
		return latencies{}
	}
	return latencies{n, calls[n/2], calls[n*99/100], calls[n-1]}
}

// latencies sum up how long n calls took.
type latencies struct {
	n                  int
	median, p99, worst time.Duration
}

func (l latencies) String() string {
	return fmt.Sprintf("%d (median %s, 99%% %s, worst %s)", l.n, round(l.median), round(l.p99), round(l.worst))
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }

// mustBeFlat compares the later half of the samples with the earlier one, by
// their medians: a leak shows, a slow moment of the machine does not.
func mustBeFlat(t *testing.T, samples []sample) {
	t.Helper()
	half := len(samples) / 2
	for _, c := range []struct {
		what   string
		of     func(sample) float64
		factor float64 // that the later half may have grown by
		plus   float64 // and this much more
	}{
		{"heap in use, MB", func(s sample) float64 { return mega(int64(s.heap)) }, 1.2, 4},
		{"resident memory, MB", func(s sample) float64 { return mega(s.resident) }, 1.2, 16},
		{"open files", func(s sample) float64 { return float64(s.files) }, 1, 2},
		{"goroutines", func(s sample) float64 { return float64(s.goroutines) }, 1, 20},
		{"median write, ms", func(s sample) float64 { return s.writes.median.Seconds() * 1e3 }, 2, 1},
		{"median read, ms", func(s sample) float64 { return s.reads.median.Seconds() * 1e3 }, 2, 1},
		{"99 of 100 writes, ms", func(s sample) float64 { return s.writes.p99.Seconds() * 1e3 }, 3, 20},
	} {
		early, late := median(samples[:half], c.of), median(samples[half:], c.of)
		if late > early*c.factor+c.plus {
			t.Errorf("%s: %.2f in the later half, %.2f in the earlier one, want it flat", c.what, late, early)
		}
	}
}

func median(samples []sample, of func(sample) float64) float64 {
	var values []float64
	for _, s := range samples {
		values = append(values, of(s))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// list makes a block of lines of the samples.
func list(samples []sample) string {
	var lines strings.Builder
	for _, s := range samples {
		lines.WriteString("\n" + s.String())
	}
	return lines.String()
}
