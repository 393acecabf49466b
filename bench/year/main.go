// Command year simulates a year of a validator on one ledger, through the public
// methods of package ledger: events every hour, many of them late or repeated, a
// metagraph whose UIDs are reused and swapped, snapshots and scores every day,
// archiving and pruning every week. At the end the ledger is verified.
//
//	go run ./year -scale 0.01    in a minute
//	go run ./year                256 miners, 64 subnets, three million events
//	go run ./year -triggers      what the triggers cost, alone
//	go run ./year -beside        what archiving a million positions does to 16 writers
//
// It prints what every operation took and how the file grew; -json writes the same
// as JSON. Progress shows on a terminal only.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"time"
)

// Settings are the flags.
type Settings struct {
	Scale    float64 `json:"scale"`
	Miners   int     `json:"miners"`
	Subnets  int     `json:"subnets"`
	Events   int     `json:"events"`
	Days     int     `json:"days"`
	Seed     uint64  `json:"seed"`
	Writers  int     `json:"writers"`
	Slice    int     `json:"trigger_events"`
	Beside   bool    `json:"beside"`
	Triggers bool    `json:"triggers"`

	// Alone is how long the writers of Beside are measured without archiving.
	Alone time.Duration `json:"alone_ns"`

	dir, profile string
	json, keep   bool
}

func parse(args []string) (s Settings, err error) {
	f := flag.NewFlagSet("year", flag.ContinueOnError)
	f.Float64Var(&s.Scale, "scale", 1, "part of the events, and with -beside of the positions, from above 0 to 1")
	f.IntVar(&s.Miners, "miners", 256, "UIDs of the subnet")
	f.IntVar(&s.Subnets, "subnets", 64, "subnets that are traded")
	f.IntVar(&s.Events, "events", 3_000_000, "events of the year, at scale 1")
	f.IntVar(&s.Days, "days", 365, "days that are simulated")
	f.Uint64Var(&s.Seed, "seed", 1, "start of everything random")
	f.IntVar(&s.Writers, "writers", 16, "writers of -beside")
	f.DurationVar(&s.Alone, "alone", 10*time.Second, "how long -beside measures the writers without archiving, before and after")
	f.IntVar(&s.Slice, "slice", 20_000, "events of which the triggers' cost is measured")
	f.BoolVar(&s.Beside, "beside", false, "archive a million closed positions beside writers instead")
	f.BoolVar(&s.Triggers, "triggers", false, "measure the triggers alone instead")
	f.StringVar(&s.dir, "dir", "results", "where the database goes while it runs; on the disk to be measured")
	f.StringVar(&s.profile, "cpuprofile", "", "write a CPU profile to this file")
	f.BoolVar(&s.json, "json", false, "print JSON")
	f.BoolVar(&s.keep, "keep", false, "leave the database in place and say where")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	switch {
	case f.NArg() > 0:
		return s, fmt.Errorf("read arguments: %q is none; see -help", f.Arg(0))
	case s.Scale <= 0 || s.Scale > 1:
		return s, fmt.Errorf("read -scale: %g; want above 0 and at most 1", s.Scale)
	case s.Miners < 2 || s.Miners > 60_000 || s.Subnets < 1 || s.Subnets > 60_000 || s.Days < 1 || s.Events < 1 || s.Writers < 1 || s.Slice < 1 || s.Alone <= 0:
		return s, fmt.Errorf("read flags: want 2 to 60,000 miners, 1 to 60,000 subnets, a time above 0, and days, events, slice and writers of at least 1")
	}
	s.Events = max(1, int(float64(s.Events)*s.Scale))
	return s, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "year: %v\n", err)
		os.Exit(1)
	}
}

// A result can be printed as a table, or marshalled to JSON.
type result interface{ print(w io.Writer) }

func run(ctx context.Context, args []string, out, progress io.Writer) (err error) {
	s, err := parse(args)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(s.dir, "year-")
	if err != nil {
		return err
	}
	if s.keep {
		fmt.Fprintln(progress, "year: the database stays in", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	if s.profile != "" {
		f, err := os.Create(s.profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	var r result
	path, show := filepath.Join(dir, "ledger.db"), newProgress(progress)
	switch {
	case s.Beside:
		r, err = archiveBeside(ctx, s, path, show)
	case s.Triggers:
		r, err = measureTriggers(ctx, s, dir, show)
	default:
		r, err = simulate(ctx, s, path, show)
	}
	show.finish()
	if err != nil {
		return err
	}
	if s.json {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	r.print(out)
	return nil
}
