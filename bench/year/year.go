package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// Year is the result of a simulated year.
type Year struct {
	Settings   Settings      `json:"settings"`
	Took       time.Duration `json:"took_ns"`
	Operations []Operation   `json:"operations"`
	Events     int64         `json:"events"` // passed to Apply, repeated ones included
	PerSecond  float64       `json:"applied_per_second"`
	Months     []Month       `json:"months"`
	Tables     []TableSize   `json:"tables"`
	Verified   Verified      `json:"verified"`
	Triggers   *TriggerCost  `json:"triggers"`
}

type simulation struct {
	Settings
	ledger *ledger.Ledger
	path   string
	chain  *simulated
	times  timings
	show   *progress
	given  int // events of the chain so far
	year   Year
}

func simulate(ctx context.Context, s Settings, path string, show *progress) (_ *Year, err error) {
	l, err := ledger.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	y := &simulation{Settings: s, ledger: l, path: path, chain: newSimulated(s), times: timings{}, show: show}
	began := time.Now()
	err = y.days(ctx)
	if err == nil {
		err = y.end(ctx)
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err = errors.Join(err, l.Close(closing)); err != nil {
		return nil, err
	}
	y.year.Took = time.Since(began)
	if y.year.Triggers, err = measureTriggers(ctx, s, filepath.Dir(path), show); err != nil {
		return nil, err
	}
	y.year.Settings = s
	return &y.year, nil
}

func (y *simulation) days(ctx context.Context) error {
	if err := y.month(ctx); err != nil {
		return err
	}
	for day := range y.Days {
		for hour := day * 24; hour < day*24+24; hour++ {
			y.show.show("hours", int64(hour), int64(y.Days*24))
			if err := y.hour(ctx, hour); err != nil {
				return err
			}
		}
		now := start.Add(time.Duration(day+1) * 24 * time.Hour)
		if err := y.daily(ctx, now); err != nil {
			return err
		}
		if day%7 == 6 {
			if err := y.weekly(ctx, now); err != nil {
				return err
			}
		}
		if day%30 == 29 || day == y.Days-1 {
			if err := y.month(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// hour syncs the metagraph, takes the hour's events in and asks what a validator
// asks of a few miners.
func (y *simulation) hour(ctx context.Context, hour int) error {
	l, now := y.ledger, start.Add(time.Duration(hour)*time.Hour)
	y.chain.turn()
	if err := y.times.time("SyncMetagraph", func() error { _, err := l.SyncMetagraph(ctx, y.chain.rows, now); return err }); err != nil {
		return err
	}
	due := int(int64(y.Events) * int64(hour+1) / int64(y.Days*24))
	events := y.chain.hour(hour, due-y.given)
	y.given = due
	direct := y.direct(&events)
	if err := y.times.time("Apply", func() error {
		s, err := l.Apply(ctx, sequence(events))
		y.year.Events += s.Events
		return err
	}); err != nil {
		return err
	}
	for _, e := range direct {
		if err := y.one(ctx, e); err != nil {
			return err
		}
	}
	for range 4 {
		if err := y.lookUp(ctx); err != nil {
			return err
		}
	}
	return nil
}

// direct removes the newest events of an hour and returns them: they are applied one by one, after the others.
func (y *simulation) direct(events *[]ledger.Event) (direct []ledger.Event) {
	for range min(4, len(*events)/2) {
		e := (*events)[0]
		*events = (*events)[1:]
		if !e.Excluded {
			direct = append([]ledger.Event{e}, direct...)
		}
	}
	return direct
}

func (y *simulation) one(ctx context.Context, e ledger.Event) error {
	if e.Kind == chain.Stake {
		return y.times.time("AddPosition", func() error { _, _, err := y.ledger.AddPosition(ctx, e); return err })
	}
	return y.times.time("ProcessClose", func() error {
		_, err := y.ledger.ProcessClose(ctx, e, ledger.Mode(chain.Lenient))
		return err
	})
}

func (y *simulation) lookUp(ctx context.Context) error {
	l, row := y.ledger, y.chain.rows[y.chain.IntN(len(y.chain.rows))]
	var m ledger.Miner
	if err := y.times.time("MinerByHotkey", func() (err error) { m, err = l.MinerByHotkey(ctx, row.Hotkey); return err }); err != nil {
		return err
	}
	if m.Coldkey != row.Coldkey {
		return fmt.Errorf("the miner of hotkey %s: got %s, want %s", row.Hotkey, m.Coldkey, row.Coldkey)
	}
	return errors.Join(
		y.times.time("MinerByUID", func() error { _, err := l.MinerByUID(ctx, row.UID); return err }),
		y.times.time("OpenPositions (100)", func() error { _, err := l.OpenPositions(ctx, m.MinerID, ledger.Page[ledger.Position]{}); return err }),
		y.times.time("Trades (100)", func() error {
			_, err := l.Trades(ctx, m.MinerID, ledger.TradeFilter{}, ledger.Page[ledger.Trade]{})
			return err
		}))
}

const snapshotWindow = 30 * 24 * time.Hour

func (y *simulation) daily(ctx context.Context, now chain.Time) error {
	l := y.ledger
	return errors.Join(
		y.times.time("TakeSnapshots (all miners)", func() error { _, err := l.TakeSnapshots(ctx, now, snapshotWindow); return err }),
		y.times.time("Scores (21 days)", func() error { _, err := l.Scores(ctx, now, ledger.DefaultLookback); return err }),
		y.times.time("Report", func() error { _, err := l.Report(ctx); return err }))
}

func (y *simulation) weekly(ctx context.Context, now chain.Time) error {
	l := y.ledger
	return errors.Join(
		y.times.time("ArchiveClosedPositions (a week)", func() error {
			_, err := l.ArchiveClosedPositions(ctx, now.Add(-15*24*time.Hour))
			return err
		}),
		y.times.time("PruneSnapshots (a week)", func() error { _, err := l.PruneSnapshots(ctx, now.Add(-90*24*time.Hour)); return err }))
}

// end rebuilds some miners, backs the ledger up and verifies it.
func (y *simulation) end(ctx context.Context) error {
	l := y.ledger
	for _, row := range y.chain.rows[:min(8, len(y.chain.rows))] {
		if _, err := l.MinerByColdkey(ctx, row.Coldkey); errors.Is(err, ledger.ErrNotFound) {
			continue
		}
		if err := y.times.time("Rebuild (a miner)", func() error { _, err := l.Rebuild(ctx, row.Coldkey); return err }); err != nil {
			return err
		}
	}
	backup := y.path + "-backup"
	if err := y.times.time("Backup", func() error { return l.Backup(ctx, backup) }); err != nil {
		return err
	}
	var err error
	if y.year.Tables, err = tableSizes(ctx, backup); err != nil {
		return err
	}
	if err := y.times.time("Verify", func() (err error) {
		y.year.Verified, err = verify(ctx, y.ledger, y.show)
		return err
	}); err != nil {
		return err
	}
	y.year.Operations = y.times.operations()
	for _, o := range y.year.Operations {
		if o.Name == "Apply" {
			y.year.PerSecond = float64(y.year.Events) / o.Total.Seconds()
		}
	}
	return nil
}

func (r *Year) print(w io.Writer) {
	s := r.Settings
	fmt.Fprintf(w, "%d days, %d UIDs, %d miners in the end, %d subnets, %d events: %s\n\n", s.Days, s.Miners, r.Verified.Miners, s.Subnets, r.Verified.Events, r.Took.Round(time.Second))
	printOperations(w, r.Operations)
	fmt.Fprintf(w, "Apply: %.0f events/s. %s.\n\n", r.PerSecond, r.Verified)
	printMonths(w, r.Months)
	printTables(w, r.Tables)
	r.Triggers.print(w)
}
