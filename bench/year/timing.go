package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"
)

// timings are how long each call of each operation took.
type timings map[string][]time.Duration

// time runs an operation and, if it succeeds, records how long it took.
func (t timings) time(name string, fn func() error) error {
	start := time.Now()
	if err := fn(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	t[name] = append(t[name], time.Since(start))
	return nil
}

// Operation sums up the calls of an operation; durations in nanoseconds.
type Operation struct {
	Name   string        `json:"name"`
	Count  int           `json:"count"`
	Median time.Duration `json:"median_ns"`
	P99    time.Duration `json:"p99_ns"`
	Max    time.Duration `json:"max_ns"`
	Total  time.Duration `json:"total_ns"`
}

// operations lists them, the longest in total first.
func (t timings) operations() (list []Operation) {
	for _, name := range slices.Sorted(maps.Keys(t)) {
		list = append(list, summarise(name, t[name]))
	}
	slices.SortStableFunc(list, func(a, b Operation) int { return cmp.Compare(b.Total, a.Total) })
	return list
}

func summarise(name string, durations []time.Duration) Operation {
	o := Operation{Name: name, Count: len(durations)}
	if len(durations) == 0 {
		return o
	}
	sorted := slices.Sorted(slices.Values(durations))
	for _, d := range sorted {
		o.Total += d
	}
	o.Median, o.P99, o.Max = sorted[len(sorted)/2], sorted[len(sorted)*99/100], sorted[len(sorted)-1]
	return o
}

func printOperations(w io.Writer, list []Operation) {
	table(w, func(w io.Writer) {
		fmt.Fprintln(w, "operation\tcount\tmedian\tp99\tmax\ttotal\t")
		for _, o := range list {
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t\n", o.Name, o.Count, short(o.Median), short(o.P99), short(o.Max), short(o.Total))
		}
	})
}

// table prints lines of cells that end in tabs, numbers to the right.
func table(w io.Writer, fill func(io.Writer)) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fill(tw)
	_ = tw.Flush()
	fmt.Fprintln(w)
}

// short is a duration in three digits or so.
func short(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
