package main

import (
	"math"
	"slices"
	"time"
)

// A Sample is what one contender did in one round of a workload.
type Sample struct {
	Elapsed time.Duration  // the time for which operations were counted
	Done    []int64        // operations within it, by worker
	Used    usage          // by the process in that time
	Ended   int64          // operations in all, with those that ended later
	Waits   []int64        // nanoseconds of each of these
	Errors  map[string]int // by message; the worker tried again
	Figures map[string]float64
}

// PerSecond is the throughput of all workers.
func (s Sample) PerSecond() float64 {
	var done int64
	for _, n := range s.Done {
		done += n
	}
	return float64(done) / s.Elapsed.Seconds()
}

// A Result sums up all rounds of one contender on one workload.
type Result struct {
	Contender string             `json:"contender"`
	PerSecond float64            `json:"per_second"` // median of the rounds
	Rounds    []float64          `json:"rounds"`
	CPU       time.Duration      `json:"cpu_per_op_ns"`      // median of the rounds, as the next two
	Calls     float64            `json:"cgo_calls_per_op"`   // from Go into C; C itself makes one for many operations
	Allocs    float64            `json:"allocations_per_op"` // of Go's heap
	P50       time.Duration      `json:"p50_ns"`             // of the operations of all rounds
	P99       time.Duration      `json:"p99_ns"`
	P999      time.Duration      `json:"p99_9_ns"`
	Max       time.Duration      `json:"max_ns"`
	Jain      float64            `json:"jain"` // median of the rounds
	Errors    map[string]int     `json:"errors,omitempty"`
	Figures   map[string]float64 `json:"figures,omitempty"` // medians of the rounds
}

func summarise(contender string, samples []Sample) Result {
	r := Result{Contender: contender, Errors: map[string]int{}, Figures: map[string]float64{}}
	var waits []int64
	var jains, cpus, calls, allocs []float64
	figures := map[string][]float64{}
	for _, s := range samples {
		r.Rounds = append(r.Rounds, s.PerSecond())
		jains = append(jains, jain(s.Done))
		ended := float64(max(s.Ended, 1))
		cpus = append(cpus, float64(s.Used.CPU)/ended)
		calls = append(calls, float64(s.Used.Calls)/ended)
		allocs = append(allocs, float64(s.Used.Allocs)/ended)
		waits = append(waits, s.Waits...)
		for message, n := range s.Errors {
			r.Errors[message] += n
		}
		for name, v := range s.Figures {
			figures[name] = append(figures[name], v)
		}
	}
	for name, list := range figures {
		r.Figures[name] = median(list)
	}
	slices.Sort(waits)
	r.PerSecond, r.Jain, r.CPU = median(r.Rounds), median(jains), time.Duration(median(cpus))
	r.Calls, r.Allocs = median(calls), median(allocs)
	r.P50, r.P99, r.P999, r.Max = percentile(waits, 0.5), percentile(waits, 0.99), percentile(waits, 0.999), percentile(waits, 1)
	return r
}

// percentile of a sorted list: the smallest value that at least the part p of
// the list does not exceed.
func percentile(sorted []int64, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	i := int(math.Ceil(p*float64(len(sorted)))) - 1
	return time.Duration(sorted[max(i, 0)])
}

func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}

// jain is Jain's fairness index: 1 when all workers did the same, 1/n when one
// did everything.
func jain(done []int64) float64 {
	var sum, squares float64
	for _, n := range done {
		sum += float64(n)
		squares += float64(n) * float64(n)
	}
	if squares == 0 {
		return 0
	}
	return sum * sum / (float64(len(done)) * squares)
}
