package main

import (
	"runtime"
	"runtime/metrics"
	"sync"
	"syscall"
	"time"
)

// measure lets workers repeat op until round has passed. A failed operation is
// counted and tried again at once, as a caller would, and its wait goes on. An
// operation that ends after the round adds its wait, but is not counted as done,
// so a worker that is starved shows in the waits.
func measure(workers int, round time.Duration, op func(worker, n int) error) Sample {
	list := make([]worker, workers)
	before := usageNow()
	deadline := time.Now().Add(round)
	var wg sync.WaitGroup
	for i := range list {
		wg.Go(func() { list[i].repeat(deadline, func(n int) error { return op(i, n) }) })
	}
	wg.Wait()
	s := Sample{Elapsed: round, Used: usageNow().since(before), Errors: map[string]int{}}
	for _, w := range list {
		s.Done = append(s.Done, w.done)
		s.Waits = append(s.Waits, w.waits...)
		s.Ended += w.ended
		for message, n := range w.errors {
			s.Errors[message] += n
		}
	}
	return s
}

type worker struct {
	done, ended int64 // within the round; in all
	waits       []int64
	errors      map[string]int
}

func (w *worker) repeat(deadline time.Time, op func(n int) error) {
	began := time.Now()
	for n := 0; ; n++ {
		for err := op(n); err != nil; err = op(n) {
			if w.errors == nil {
				w.errors = map[string]int{}
			}
			w.errors[err.Error()]++
			if time.Now().After(deadline) {
				return
			}
		}
		ended := time.Now()
		w.waits = append(w.waits, int64(ended.Sub(began)))
		w.ended++
		if ended.After(deadline) {
			return
		}
		w.done++
		began = ended
	}
}

// A usage is what the process has used so far, or what operations have.
type usage struct {
	CPU    time.Duration // of all cores
	Calls  int64         // from Go into C
	Allocs uint64        // of Go's heap
}

func usageNow() usage {
	objects := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}, {Name: "/gc/heap/tiny/allocs:objects"}}
	metrics.Read(objects)
	return usage{cpuTime(), runtime.NumCgoCall(), objects[0].Value.Uint64() + objects[1].Value.Uint64()}
}

func (u usage) since(before usage) usage {
	return usage{u.CPU - before.CPU, u.Calls - before.Calls, u.Allocs - before.Allocs}
}

func (u usage) plus(v usage) usage {
	return usage{u.CPU + v.CPU, u.Calls + v.Calls, u.Allocs + v.Allocs}
}

// cpuTime is what the process has used of all cores, in user and in system code.
// On a shared machine it says more than the clock.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
