package books

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/ingest/simulate"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

// Trading is a validator's work on a ledger over a simulated span of time. The same
// Trading always does the same, so work that was killed can be continued.
type Trading struct {
	Seed           uint64
	Events, Miners int
	BatchEvents    int // of one transaction of Apply
	ArchiveRows    int // of one transaction of the archive
}

// Events are those of the span.
func (w Trading) events() (iter.Seq2[ledger.Event, error], error) {
	rows, err := simulate.Events(simulate.Config{Seed: w.Seed, Events: w.Events, Miners: w.Miners, Subnets: 3, Span: 60 * 24 * time.Hour})
	if err != nil {
		return nil, err
	}
	return func(yield func(ledger.Event, error) bool) {
		for row := range rows {
			e := row.Event
			e.Excluded = row.Transfer
			if !yield(e, nil) {
				return
			}
		}
	}, nil
}

// The moment before which positions are archived, and End, that of the latest
// snapshots.
const (
	cutoff = chain.Time(1735689600000000 + 40*24*3600*1_000_000)
	End    = chain.Time(1735689600000000 + 60*24*3600*1_000_000)
)

// Open opens or creates the ledger at path. Errors are those of ledger.Open.
func (w Trading) Open(ctx context.Context, path string, opts ...manager.Option) (*ledger.Ledger, error) {
	return ledger.Open(ctx, path, ledger.WithBatchSize(w.BatchEvents), ledger.WithManager(opts...))
}

// A Progress is how much of the work the ledger has acknowledged.
type Progress struct {
	Events    int64 `json:"events"`
	Archived  int64 `json:"archived"`  // closes and positions
	Snapshots int64 `json:"snapshots"` // moments of which every miner has one
}

// Behind describes what p has less of than was acknowledged. It is empty if
// nothing is missing.
func (p Progress) Behind(acknowledged Progress) string {
	if p.Events >= acknowledged.Events && p.Archived >= acknowledged.Archived && p.Snapshots >= acknowledged.Snapshots {
		return ""
	}
	return fmt.Sprintf("found %+v, acknowledged was %+v", p, acknowledged)
}

// Apply applies the events of the span. said gets the progress after every transaction.
func (w Trading) Apply(ctx context.Context, l *ledger.Ledger, said func(Progress)) error {
	events, err := w.events()
	if err != nil {
		return err
	}
	var inner error
	tell := func(ledger.Progress) {
		now, err := Found(ctx, l)
		if err != nil {
			inner = err
			return
		}
		said(now)
	}
	if _, err := l.Apply(ctx, events, ledger.OnProgress(tell)); err != nil {
		return err
	}
	return inner
}

// ApplyLate applies the last events of the span first, and leaves the miners of the others marked.
func (w Trading) ApplyLate(ctx context.Context, l *ledger.Ledger) error {
	events, err := w.events()
	if err != nil {
		return err
	}
	var list []ledger.Event
	for e := range events {
		list = append(list, e)
	}
	for len(list) > 0 && err == nil {
		n := max(0, len(list)-100)
		_, err = l.Apply(ctx, yield(list[n:]), ledger.LeaveLate())
		list = list[:n]
	}
	return err
}

// ApplyOthers applies an event of other contents for each tenth that is recorded, which are rejected.
func (w Trading) ApplyOthers(ctx context.Context, l *ledger.Ledger) error {
	events, err := w.events()
	if err != nil {
		return err
	}
	var list []ledger.Event
	n := 0
	for e := range events {
		if n++; n%10 == 0 {
			e.TAO++
			list = append(list, e)
		}
	}
	_, err = l.Apply(ctx, yield(list))
	return err
}

func yield(list []ledger.Event) iter.Seq2[ledger.Event, error] {
	return func(yield func(ledger.Event, error) bool) {
		for _, e := range list {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Archive moves what was closed in the first part of the span.
func (w Trading) Archive(ctx context.Context, l *ledger.Ledger, said func(Progress)) error {
	before, err := Found(ctx, l)
	if err != nil {
		return err
	}
	_, err = l.ArchiveClosedPositions(ctx, cutoff, ledger.ArchiveRows(w.ArchiveRows), ledger.OnArchived(func(s ledger.ArchiveSummary) {
		now := before
		now.Archived += s.Positions + s.Closes
		said(now)
	}))
	return err
}

// TakeSnapshots takes one snapshot of every miner for each of several moments.
func (w Trading) TakeSnapshots(ctx context.Context, l *ledger.Ledger, moments int64, said func(Progress)) error {
	now, err := Found(ctx, l)
	if err != nil {
		return err
	}
	for m := range moments {
		if _, err := l.TakeSnapshots(ctx, End-chain.Time(m), 30*24*time.Hour); err != nil {
			return err
		}
		now.Snapshots = max(now.Snapshots, m+1)
		said(now)
	}
	return nil
}

// Found is how much of the work the ledger holds.
func Found(ctx context.Context, l *ledger.Ledger) (p Progress, err error) {
	err = l.ReadOnly(ctx, func(ctx context.Context, q *read.Queries) error {
		if p.Events, err = q.LastEventID(ctx); err != nil {
			return err
		}
		runs, err := l.ArchiveRuns(ctx, ledger.Page[ledger.ArchiveRun]{Limit: 1000})
		if err != nil {
			return err
		}
		p.Archived = 0
		for _, r := range runs {
			p.Archived += r.Positions + r.Closes
		}
		miners, err := l.Miners(ctx, ledger.Page[ledger.Miner]{Limit: 1000})
		if err != nil {
			return err
		}
		for p.Snapshots = 0; len(miners) > 0; p.Snapshots++ {
			there, err := l.SnapshotsAt(ctx, End-chain.Time(p.Snapshots), ledger.Page[ledger.Snapshot]{Limit: 1000})
			if err != nil {
				return err
			}
			if len(there) < len(miners) {
				break
			}
		}
		return nil
	})
	return p, err
}

// AuditLedger verifies the whole ledger and returns how much of the work it
// holds. A difference that Verify finds is an error.
func AuditLedger(ctx context.Context, l *ledger.Ledger) (Progress, error) {
	report, err := l.Verify(ctx, ledger.MaxDifferences(3))
	if err != nil {
		return Progress{}, err
	}
	if !report.Healthy() {
		return Progress{}, fmt.Errorf("verify: %d differences, first %v", report.Found, report.Differences)
	}
	return Found(ctx, l)
}

// Outcome is the state of a ledger's miners, as text that can be compared.
func Outcome(ctx context.Context, l *ledger.Ledger) (string, error) {
	report, err := l.Report(ctx)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(report)
	return string(text), err
}
