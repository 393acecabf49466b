package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Table is a workload with the results of all who took part.
type Table struct {
	Workload string   `json:"workload"`
	Unit     string   `json:"unit"`
	Base     string   `json:"base"` // whose throughput the others are compared with
	Results  []Result `json:"results"`
}

// print writes the table. Three columns compare: a contender's time with C's, the
// base's throughput, mostly stakeledger's, with the contender's, and a contender's CPU
// with C's. CPU, calls into C and allocations hold on a busy machine too.
func (t Table) print(w io.Writer) {
	c, own := t.find(floorName), t.find(t.Base)
	fmt.Fprintf(w, "\n%-42s %10s %7s %6s %9s %6s %7s %7s %9s %9s %9s %9s %7s %6s\n",
		t.Workload, t.Unit+"/s", "×C time", map[bool]string{true: "ours×", false: "×time"}[t.Base == ours.Name], "CPU", "×C", "cgo", "allocs", "p50", "p99", "p99.9", "max", "errors", "Jain")
	for _, r := range t.Results {
		errors := 0
		for _, n := range r.Errors {
			errors += n
		}
		fmt.Fprintf(w, "  %-40s %10s %7s %6s %9s %6s %7s %7s %9s %9s %9s %9s %7s %6s\n",
			r.Contender, thousands(r.PerSecond), ratio(c, r), ratio(own, r), short(r.CPU), cpuRatio(c, r), few(r.Calls), few(r.Allocs),
			short(r.P50), short(r.P99), short(r.P999), short(r.Max), thousands(float64(errors)), fmt.Sprintf("%.3f", r.Jain))
		for _, name := range slices.Sorted(maps.Keys(r.Figures)) {
			fmt.Fprintf(w, "    %s: %.2f\n", name, r.Figures[name])
		}
	}
}

func (t Table) find(name string) *Result {
	for i := range t.Results {
		if t.Results[i].Contender == name {
			return &t.Results[i]
		}
	}
	return nil
}

func ratio(a *Result, r Result) string {
	if a == nil || r.PerSecond == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", a.PerSecond/r.PerSecond)
}

// cpuRatio is how many times the CPU of C an operation takes.
func cpuRatio(c *Result, r Result) string {
	if c == nil || c.CPU == 0 || r.CPU == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(r.CPU)/float64(c.CPU))
}

// few prints a number with a decimal if it is small.
func few(v float64) string {
	if v < 10 {
		return fmt.Sprintf("%.1f", v)
	}
	return thousands(v)
}

func thousands(v float64) string {
	digits := fmt.Sprintf("%.0f", v)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// short prints three digits and a unit.
func short(d time.Duration) string {
	switch {
	case d == 0:
		return "-"
	case d < 10*time.Microsecond:
		return fmt.Sprintf("%.1f µs", float64(d)/1e3)
	case d < time.Millisecond:
		return fmt.Sprintf("%.0f µs", float64(d)/1e3)
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.2f ms", float64(d)/1e6)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
