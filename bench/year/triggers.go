package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

// TriggerCost is what one slice of events took on a ledger with its triggers and
// on one without, turn by turn. Durations are in nanoseconds.
type TriggerCost struct {
	Events   int     `json:"events"`
	Triggers int     `json:"triggers"`
	Stages   []Stage `json:"stages"`
}

// Stage is one kind of work on both; the medians of what the turns took.
type Stage struct {
	Name    string        `json:"name"`
	Turns   int           `json:"turns"`
	With    time.Duration `json:"with_ns"`
	Without time.Duration `json:"without_ns"`
}

// measureTriggers applies the same events to two ledgers, one without triggers, in
// slices. They take turns in going first.
func measureTriggers(ctx context.Context, s Settings, dir string, show *progress) (_ *TriggerCost, err error) {
	with, err := ledger.Open(ctx, filepath.Join(dir, "with.db"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, with.Close(context.WithoutCancel(ctx))) }()
	path := filepath.Join(dir, "without.db")
	cost := &TriggerCost{Events: s.Slice}
	if cost.Triggers, err = dropTriggers(ctx, path); err != nil {
		return nil, err
	}
	// Open refuses a ledger without its triggers; a migration of our own replaces that check.
	unchecked := manager.WithMigration(func(context.Context, *sql.DB) error { return nil })
	without, err := ledger.Open(ctx, path, ledger.WithManager(unchecked))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, without.Close(context.WithoutCancel(ctx))) }()

	c := newSimulated(s)
	const turns = 20
	pair := pair{[2]*ledger.Ledger{with, without}, [2]timings{{}, {}}}
	for turn := range turns {
		show.show("triggers", int64(turn), turns)
		events := c.hour(turn, max(8, s.Slice/turns))
		single := events[:len(events)/8]
		if err := pair.turn(ctx, turn, events[len(single):], single); err != nil {
			return nil, err
		}
	}
	if err := pair.both(turns, "archive everything closed", func(l *ledger.Ledger) error {
		_, err := l.ArchiveClosedPositions(ctx, start.Add(1000*time.Hour))
		return err
	}); err != nil {
		return nil, err
	}
	for _, name := range []string{"Apply", "one by one", "archive everything closed"} {
		a, b := summarise(name, pair.times[0][name]), summarise(name, pair.times[1][name])
		cost.Stages = append(cost.Stages, Stage{Name: name, Turns: a.Count, With: a.Median, Without: b.Median})
	}
	return cost, nil
}

// dropTriggers creates a ledger, drops its triggers and returns how many there were.
func dropTriggers(ctx context.Context, path string) (n int, err error) {
	l, err := ledger.Open(ctx, path)
	if err != nil {
		return 0, err
	}
	if err := l.Close(ctx); err != nil {
		return 0, err
	}
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.QueryContext(ctx, `SELECT name FROM sqlite_schema WHERE type = 'trigger'`)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return 0, err
		}
		names = append(names, name)
	}
	for _, name := range names {
		if _, err := db.ExecContext(ctx, `DROP TRIGGER "`+name+`"`); err != nil {
			return 0, err
		}
	}
	return len(names), rows.Err()
}

// pair are the ledgers with and without triggers, and what they took.
type pair struct {
	ledgers [2]*ledger.Ledger
	times   [2]timings
}

func (p pair) turn(ctx context.Context, turn int, batch, single []ledger.Event) error {
	if err := p.both(turn, "Apply", func(l *ledger.Ledger) error { _, err := l.Apply(ctx, sequence(batch)); return err }); err != nil {
		return err
	}
	slices.Reverse(single) // oldest first
	return p.both(turn, "one by one", func(l *ledger.Ledger) error {
		for _, e := range single {
			if err := oneByOne(ctx, l, e); err != nil {
				return err
			}
		}
		return nil
	})
}

func oneByOne(ctx context.Context, l *ledger.Ledger, e ledger.Event) (err error) {
	if e.Excluded {
		return nil // for Apply alone
	}
	if _, _, err = l.EnsureMiner(ctx, ledger.Registration{Coldkey: e.Coldkey}); err != nil {
		return err
	}
	if e.Kind == chain.Stake {
		_, _, err = l.AddPosition(ctx, e)
	} else {
		_, err = l.ProcessClose(ctx, e, ledger.Mode(chain.Lenient))
	}
	if errors.Is(err, ledger.ErrIgnored) {
		return nil // a batch before had it already
	}
	return err
}

func (p pair) both(turn int, name string, fn func(*ledger.Ledger) error) error {
	for i := range 2 {
		k := (i + turn) % 2
		if err := p.times[k].time(name, func() error { return fn(p.ledgers[k]) }); err != nil {
			return err
		}
	}
	return nil
}

func (c *TriggerCost) print(w io.Writer) {
	fmt.Fprintf(w, "The cost of %d triggers, over %d events on two ledgers in turn (medians of the turns):\n", c.Triggers, c.Events)
	table(w, func(w io.Writer) {
		fmt.Fprintln(w, "work\tturns\twith\twithout\tratio\t")
		for _, s := range c.Stages {
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%.2f\t\n", s.Name, s.Turns, short(s.With), short(s.Without), float64(s.With)/float64(max(1, s.Without)))
		}
	})
}
