package faults_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ingest/simulate"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
)

// A ledgerWork is an operation on a ledger that is prepared once.
type ledgerWork struct {
	name  string
	few   int
	ready func(ctx context.Context, l *ledger.Ledger) error
	do    func(ctx context.Context, l *ledger.Ledger) error
	parts bool // it takes several transactions, so after an error a part is there, to be continued
}

func (w ledgerWork) operation() operation {
	return operation{
		name: w.name,
		points: []faultdriver.Point{
			faultdriver.Begin, faultdriver.Prepare, faultdriver.Statement, faultdriver.Step, faultdriver.CloseRows, faultdriver.Commit,
		},
		few:  w.few,
		open: w.open,
	}
}

var (
	applying = ledgerWork{
		name: "Apply", few: 1, parts: true,
		ready: func(context.Context, *ledger.Ledger) error { return nil },
		do:    func(ctx context.Context, l *ledger.Ledger) error { return apply(ctx, l, events()[:10]) },
	}.operation()

	trade = ledgerWork{
		name: "ProcessClose", few: 5,
		ready: func(ctx context.Context, l *ledger.Ledger) error { return apply(ctx, l, events()[:lastUnstake()]) },
		do: func(ctx context.Context, l *ledger.Ledger) error {
			_, err := l.ProcessClose(ctx, events()[lastUnstake()], ledger.Mode(chain.Lenient))
			return err
		},
	}.operation()

	archive = ledgerWork{
		name: "ArchiveClosedPositions", few: 1, parts: true,
		ready: func(ctx context.Context, l *ledger.Ledger) error { return apply(ctx, l, events()) },
		do: func(ctx context.Context, l *ledger.Ledger) error {
			_, err := l.ArchiveClosedPositions(ctx, now, ledger.ArchiveRows(12))
			return err
		},
	}.operation()

	snapshots = ledgerWork{
		name: "TakeSnapshots", few: 2, parts: true,
		ready: func(ctx context.Context, l *ledger.Ledger) error { return apply(ctx, l, events()) },
		do: func(ctx context.Context, l *ledger.Ledger) error {
			_, err := l.TakeSnapshots(ctx, now, 90*24*time.Hour)
			return err
		},
	}.operation()

	rebuild = ledgerWork{
		name: "Rebuild", few: 1,
		ready: func(ctx context.Context, l *ledger.Ledger) error { // the latest first, so that Rebuild has something to change
			all := events()
			return errors.Join(apply(ctx, l, all[len(all)/2:]), apply(ctx, l, all[:len(all)/2], ledger.LeaveLate()))
		},
		do: func(ctx context.Context, l *ledger.Ledger) error {
			_, err := l.Rebuild(ctx, events()[0].Coldkey)
			return err
		},
	}.operation()
)

// now is the time of everything but events.
const now = chain.Time(1735689600000000 + 90*24*3600*1_000_000)

var events = sync.OnceValue(func() (list []ledger.Event) {
	rows, err := simulate.Events(simulate.Config{Seed: 5, Events: 36, Miners: 2, Subnets: 1, Span: 60 * 24 * time.Hour})
	if err != nil {
		panic(err)
	}
	for row := range rows {
		list = append(list, row.Event)
	}
	return list
})

func lastUnstake() int {
	all := events()
	for i := len(all) - 1; i > 0; i-- {
		if all[i].Kind == chain.Unstake {
			return i
		}
	}
	panic("no unstake among the events")
}

func apply(ctx context.Context, l *ledger.Ledger, list []ledger.Event, opts ...ledger.ApplyOption) error {
	_, err := l.Apply(ctx, all(list), opts...)
	return err
}

func all(list []ledger.Event) iter.Seq2[ledger.Event, error] {
	return func(yield func(ledger.Event, error) bool) {
		for _, e := range list {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// readers is how many connections read, at most: they are opened when needed.
const readers = 2

func openLedger(path string, s *stage) (*ledger.Ledger, error) {
	return ledger.Open(context.Background(), path, ledger.WithBatchSize(3), ledger.WithManager(append(s.options(), manager.WithReaders(readers), manager.WithRetryBudget(200*time.Millisecond))...),
		ledger.WithClock(func() time.Time { return time.UnixMicro(int64(now)) }))
}

// open prepares a ledger, and records what the work does to it without a fault.
func (w ledgerWork) open(t *testing.T, s *stage) attempt {
	root := folder(t)
	template := filepath.Join(root, "template.db")
	var before, after string
	err := w.visit(template, newStage(), func(l *ledger.Ledger) (err error) {
		if err = w.ready(t.Context(), l); err == nil {
			before, err = audit(l)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, "ledger.db")
	attempt := func(s *stage, check func(l *ledger.Ledger, err error) error) error {
		for _, suffix := range []string{"", "-wal", "-shm", "-lock"} {
			_ = os.Remove(path + suffix)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
		return w.visit(path, s, func(l *ledger.Ledger) error {
			var err error
			s.play(func() { err = w.do(context.Background(), l) })
			return check(l, err)
		})
	}
	err = attempt(newStage(), func(l *ledger.Ledger, err error) error {
		if err == nil {
			after, err = audit(l)
		}
		return err
	})
	if err != nil || before == after {
		t.Fatalf("undisturbed: %v; before and after: %s, %s", err, before, after)
	}
	return func() error {
		return attempt(s, func(l *ledger.Ledger, err error) error { return w.check(s, l, err, before, after) })
	}
}

// check returns an error if the ledger's state does not agree with the answer err.
func (w ledgerWork) check(s *stage, l *ledger.Ledger, err error, before, after string) error {
	if err := errors.Join(s.truthful(err), s.noStrays(), idle(l.Stats)); err != nil {
		return err
	}
	got, auditErr := audit(l)
	if auditErr != nil {
		return fmt.Errorf("afterwards: %w", auditErr)
	}
	switch {
	case err == nil:
		if got != after {
			return fmt.Errorf("answered with success: got %s, want %s", got, after)
		}
	case !w.parts && got != before && !(errors.Is(err, manager.ErrCommitUnknown) && got == after):
		return fmt.Errorf("answered with %w: got %s, want %s", err, got, before)
	}
	if err == nil {
		return nil
	}
	if err := w.do(context.Background(), l); err != nil {
		return fmt.Errorf("once more: %w", err)
	}
	if got, err = audit(l); err == nil && got != after {
		err = fmt.Errorf("once more: got %s, want %s", got, after)
	}
	return err
}

func (w ledgerWork) visit(path string, s *stage, fn func(l *ledger.Ledger) error) error {
	l, err := openLedger(path, s)
	if err != nil {
		return err
	}
	err = fn(l)
	if got := s.faults.Connections(); err == nil && got > 1+readers {
		err = fmt.Errorf("open connections: got %d, want at most one that writes and %d readers", got, readers)
	}
	err = errors.Join(err, l.Close(context.Background()))
	if got := s.faults.Connections(); err == nil && got != 0 {
		err = fmt.Errorf("open connections after Close: got %d, want none", got)
	}
	return err
}

// counted are the tables whose rows show how much of the work is done. Those of
// intakes and archive_runs are not among them: they show how often it was begun.
var counted = []string{
	"miners", "registrations", "events", "rejected_events", "rebuilds", "positions", "trades", "closes",
	"staged_events", "snapshots", "positions WHERE archive_run IS NOT NULL", "trades WHERE archive_run IS NOT NULL",
}

// audit verifies the ledger, through a reader and through the writer, and returns its contents.
func audit(l *ledger.Ledger) (string, error) {
	ctx := context.Background()
	verified, err := l.Verify(ctx, ledger.MaxDifferences(3))
	if err != nil {
		return "", err
	}
	// Events that came out of order wait for Rebuild, which is no difference.
	if !verified.Healthy() {
		return "", fmt.Errorf("verify: %d differences, first %v", verified.Found, verified.Differences)
	}
	report, err := l.Report(ctx)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(report)
	if err != nil {
		return "", err
	}
	var rows []string
	err = l.WithTx(ctx, func(ctx context.Context, tx ledger.Tx) error {
		rows = nil
		for _, table := range counted {
			var n int64
			if err := tx.DB.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil {
				return err
			}
			rows = append(rows, fmt.Sprint(table, " ", n))
		}
		return nil
	})
	return strings.Join(append(slices.Clone(rows), string(text)), ", "), err
}

// ledgerOpening creates a ledger, with all its migrations.
var ledgerOpening = operation{
	name:   "ledger.Open",
	points: []faultdriver.Point{faultdriver.Begin, faultdriver.Statement, faultdriver.Commit},
	few:    1,
	open: func(t *testing.T, s *stage) attempt {
		root := folder(t)
		return func() error {
			path, err := newPath(root)
			if err != nil {
				return err
			}
			var l *ledger.Ledger
			s.play(func() { l, err = openLedger(path, s) })
			if truth := s.truthful(err); truth != nil {
				return truth
			}
			if err != nil {
				if got := s.faults.Connections(); got != 0 {
					return fmt.Errorf("connections that a failed Open left: %d", got)
				}
				if l, err = openLedger(path, s); err != nil {
					return fmt.Errorf("open again: %w", err)
				}
			}
			_, err = audit(l)
			return errors.Join(err, l.Close(context.Background()), os.RemoveAll(filepath.Dir(path)))
		}
	},
}
