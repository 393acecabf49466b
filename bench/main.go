// Command bench compares ways to write SQLite from Go on the ledger's own
// transactions. All contenders run in one process, interleaved: each round
// measures each of them once, on a fresh copy of one database, and the result is
// the median of the rounds. So a slow minute of the machine affects all alike.
//
//	go run .          in two minutes
//	go run . -full    in half an hour: more goroutines, more rounds, a million events
//	go run . -schema  what each table, index and trigger costs, in a minute; docs/SCHEMA.md quotes it
//
// It prints a table and writes everything it measured to results/ as JSON.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"slices"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// Settings are the flags.
type Settings struct {
	Full          bool          `json:"full"`
	Rounds        int           `json:"rounds"`
	Round         time.Duration `json:"round_ns"`
	History       int           `json:"history_events"`
	Events        int           `json:"bulk_events"`
	Work, Contend string        `json:"-"`
	Dir, Profile  string        `json:"-"`
	Schema, child bool
}

func parse() Settings {
	var s Settings
	flag.BoolVar(&s.Full, "full", false, "measure at length")
	flag.IntVar(&s.Rounds, "rounds", 0, "rounds of each measurement (default 3, with -full 5)")
	flag.DurationVar(&s.Round, "round", 0, "length of a round (default 150ms, with -full 1s)")
	flag.IntVar(&s.History, "history", 0, "events in the database before (default 5,000, with -full 50,000)")
	flag.IntVar(&s.Events, "events", 0, "events of the bulk workload (default 3,000, with -full 1,000,000)")
	flag.StringVar(&s.Work, "work", "", "only workloads whose name matches this regular expression")
	flag.StringVar(&s.Contend, "contenders", "", "only contenders whose name matches this regular expression")
	flag.StringVar(&s.Dir, "dir", "results", "where results and, while it runs, databases go; on the disk to be measured")
	flag.StringVar(&s.Profile, "cpuprofile", "", "write a CPU profile of the measurements to this file")
	flag.BoolVar(&s.Schema, "schema", false, "measure what each index and trigger costs, and nothing else")
	flag.BoolVar(&s.child, "child", false, "used by the program itself: one process of several")
	flag.Parse()
	short := map[bool]Settings{
		false: {Rounds: 3, Round: 150 * time.Millisecond, History: 5_000, Events: 3_000},
		true:  {Rounds: 5, Round: time.Second, History: 50_000, Events: 1_000_000},
	}[s.Full]
	s.Rounds, s.Round = orElse(s.Rounds, short.Rounds), orElse(s.Round, short.Round)
	s.History, s.Events = orElse(s.History, short.History), orElse(s.Events, short.Events)
	return s
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

func run(ctx context.Context) error {
	s := parse()
	if s.child {
		return serve(ctx, os.Stdin, os.Stdout)
	}
	work, err := regexp.Compile(s.Work)
	if err != nil {
		return fmt.Errorf("read -work: %w", err)
	}
	contend, err := regexp.Compile(s.Contend)
	if err != nil {
		return fmt.Errorf("read -contenders: %w", err)
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(s.Dir, "databases-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	template, err := newTemplate(ctx, filepath.Join(dir, "template.db"), Size{Miners: someMiners, Events: s.History, Open: scanRows})
	if err != nil {
		return err
	}
	if s.Schema {
		return schemaCosts(ctx, s, dir)
	}
	b := &Bench{Template: template, Dir: dir, Round: s.Round}

	var list []Workload
	for _, w := range plan(s.Full, s.Events) {
		if work.MatchString(w.Name) {
			w.Contenders = slices.DeleteFunc(slices.Clone(w.Contenders), func(c Contender) bool { return !contend.MatchString(c.Name) })
			w.Floors = slices.DeleteFunc(slices.Clone(w.Floors), func(name string) bool { return !contend.MatchString(name) })
			list = append(list, w)
		}
	}
	if s.Profile != "" {
		f, err := os.Create(s.Profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	report := newReport(s)
	if err := b.rounds(ctx, list, s.Rounds, report); err != nil {
		return err
	}
	if s.Full && work.MatchString("growth") {
		if err := growth(ctx, dir, s.Rounds, s.Round, report); err != nil {
			return err
		}
	}
	return report.write(filepath.Join(s.Dir, time.Now().UTC().Format("2006-01-02T150405Z")+".json"))
}

// rounds measures one workload after the other; within a workload, every round
// measures every contender, starting with a different one. A workload's table is
// printed as soon as it is complete.
func (b *Bench) rounds(ctx context.Context, list []Workload, rounds int, report *Report) error {
	for _, w := range list {
		samples := map[string][]Sample{}
		for round := range rounds {
			entrants := b.entrants(ctx, w)
			for i := range entrants {
				if err := ctx.Err(); err != nil {
					return err
				}
				e := entrants[(i+round)%len(entrants)]
				s, err := e.run()
				if err != nil {
					return fmt.Errorf("%s: %s: %w", w.Name, e.name, err)
				}
				samples[e.name] = append(samples[e.name], s)
			}
		}
		t := Table{Workload: w.Name, Unit: w.Unit, Base: ours.Name}
		for _, e := range b.entrants(ctx, w) {
			t.Results = append(t.Results, summarise(e.name, samples[e.name]))
		}
		report.add(t)
	}
	return nil
}

// An entrant is a contender, or C, ready for a round of one workload.
type entrant struct {
	name string
	run  func() (Sample, error)
}

func (b *Bench) entrants(ctx context.Context, w Workload) (list []entrant) {
	path := filepath.Join(b.Dir, "work.db")
	for _, name := range w.Floors {
		list = append(list, entrant{name, func() (Sample, error) {
			if err := b.Template.Copy(path); err != nil {
				return Sample{}, err
			}
			return w.Floor(b, name, path)
		}})
	}
	for _, c := range w.Contenders {
		list = append(list, entrant{c.Name, func() (Sample, error) {
			if err := b.Template.Copy(path); err != nil {
				return Sample{}, err
			}
			return w.Run(ctx, b, c, path)
		}})
	}
	return list
}
