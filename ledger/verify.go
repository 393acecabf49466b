package ledger

import (
	"context"
	"fmt"
	"math"

	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
)

// Difference is a value that is not what the rest of the ledger says it should be.
type Difference struct {
	Table string `json:"table"`
	Row   string `json:"row"` // the row's id; of a close its trade and step, "17/0"; empty where SQLite names none
	Field string `json:"field"`
	Want  string `json:"want"`
	Got   string `json:"got"`
}

// String is the difference in one line.
func (d Difference) String() string {
	return fmt.Sprintf("%s %s: %s: want %s, got %s", d.Table, d.Row, d.Field, d.Want, d.Got)
}

// VerifyReport is what Verify looked at and found.
type VerifyReport struct {
	Events      int64        `json:"events"` // the id of the latest, and so how many there are
	Miners      int64        `json:"miners"`
	Positions   int64        `json:"positions"` // live and archived, as are trades and closes
	Trades      int64        `json:"trades"`
	Closes      int64        `json:"closes"`
	Found       int64        `json:"found"`       // differences
	Differences []Difference `json:"differences"` // the first of them, see MaxDifferences
}

// Healthy reports whether nothing differs.
func (r VerifyReport) Healthy() bool { return r.Found == 0 }

// VerifyPhase is what Verify is looking at.
type VerifyPhase string

// The phases of Verify.
const (
	VerifyingFile    VerifyPhase = "file"    // SQLite's own checks; Done says nothing until they end
	VerifyingRecords VerifyPhase = "records" // events, positions, trades and closes
	VerifyingMiners  VerifyPhase = "miners"  // their counters
)

// VerifyProgress is how far Verify is, in events; in the last phase in miners, whose total it does not know.
type VerifyProgress struct {
	Phase VerifyPhase
	Done  int64
	Total int64
}

// VerifyOption sets how Verify works.
type VerifyOption func(*verifyConfig)

type verifyConfig struct {
	progress func(VerifyProgress)
	most     int
}

// OnVerified has fn called as Verify goes on, in its own goroutine. Default: nobody is told.
func OnVerified(fn func(VerifyProgress)) VerifyOption {
	return func(c *verifyConfig) { c.progress = fn }
}

// MaxDifferences bounds how many differences the report lists; all are counted. Default: 1000.
func MaxDifferences(n int) VerifyOption {
	return func(c *verifyConfig) { c.most = max(0, n) }
}

// verifySpan is how many events are looked at together.
const verifySpan = 2000

// Verify computes everything anew that the ledger says twice, from live and archived rows, and compares:
// every position, trade and close with its event and its event's inputs; the alpha, cost and TAO that closes
// share, to the rao; what is left, gained and unmatched; the counters of miners; events without their effect;
// rows that are live and archived at once; foreign keys; and the file itself, by SQLite's integrity check. On
// a healthy ledger it finds nothing.
//
// It reads one snapshot, which stands for as long as it takes, so the WAL of a busy ledger grows meanwhile. It
// goes in the order of ids and holds in memory the rows of a few thousand events and a sum for each miner. It
// does not tell whether positions were closed first in, first out: events that came late make that differ, and
// Rebuild puts it right. Nor does SQLite's check ask CHECK constraints on a connection that only reads; what
// they say of positions, trades and closes is among what is computed here.
//
// Differences are no error. Errors, with what was found before: those of the manager, ErrCorrupt above all,
// and the context's.
func (l *Ledger) Verify(ctx context.Context, opts ...VerifyOption) (VerifyReport, error) {
	c := verifyConfig{progress: func(VerifyProgress) {}, most: 1000}
	for _, o := range opts {
		o(&c)
	}
	var report VerifyReport
	err := l.db.ReadOnly(ctx, func(ctx context.Context, q *read.Queries) error {
		v := verification{q: q, c: c, miners: map[int64]*counters{}}
		err := v.run(ctx)
		report = v.report
		return err
	}, manager.Pinned(), manager.Label("ledger.Verify"))
	return report, err
}

// verification is a Verify under way.
type verification struct {
	q      *read.Queries
	c      verifyConfig
	report VerifyReport
	miners map[int64]*counters // what their rows add up to
}

func (v *verification) run(ctx context.Context) error {
	last, err := v.q.LastEventID(ctx)
	if err != nil {
		return err
	}
	v.report.Events = last
	v.c.progress(VerifyProgress{VerifyingFile, 0, last})
	if err := v.file(ctx); err != nil {
		return err
	}
	for after, until := int64(math.MinInt64), int64(verifySpan); ; after, until = until, until+verifySpan {
		if until >= last {
			until = math.MaxInt64 // nothing comes later, but for what should not be there
		}
		if err := v.span(ctx, after, until); err != nil {
			return err
		}
		v.c.progress(VerifyProgress{VerifyingRecords, min(until, last), last})
		if until >= last {
			return v.allMiners(ctx)
		}
	}
}

// span verifies the events of a span of ids, and the rows that have their ids.
func (v *verification) span(ctx context.Context, after, until int64) error {
	for _, check := range []func(ctx context.Context, after, until int64) error{v.events, v.positions, v.trades} {
		if err := check(ctx, after, until); err != nil {
			return err
		}
	}
	return nil
}

// file has SQLite check the foreign keys and itself.
func (v *verification) file(ctx context.Context) error {
	broken, err := v.q.BrokenForeignKeys(ctx)
	if err != nil {
		return err
	}
	for _, f := range broken {
		v.differ(f.Table, id(f.RowID), "foreign key", "a row of "+f.Parent, "none")
	}
	lines, err := v.q.IntegrityCheck(ctx)
	if err != nil {
		return err
	}
	for _, line := range lines {
		if line != "ok" {
			v.differ("sqlite", "", "integrity_check", "ok", line)
		}
	}
	return nil
}

// differ reports a difference.
func (v *verification) differ(table, row, field string, want, got any) {
	v.report.Found++
	if len(v.report.Differences) < v.c.most {
		v.report.Differences = append(v.report.Differences, Difference{table, row, field, fmt.Sprint(want), fmt.Sprint(got)})
	}
}

// compare reports a difference where the values are not the same.
func compare[T comparable](v *verification, table, row, field string, want, got T) {
	if want != got {
		v.differ(table, row, field, want, got)
	}
}

// compareOptional is compare for values that may be missing.
func compareOptional[T comparable](v *verification, table, row, field string, want, got *T) {
	if !same(want, got) {
		v.differ(table, row, field, optional(want), optional(got))
	}
}

func optional[T any](p *T) any {
	if p == nil {
		return "none"
	}
	return *p
}

func id(n int64) string { return fmt.Sprint(n) }

func closeID(tradeID, step int64) string { return fmt.Sprintf("%d/%d", tradeID, step) }

// place is the table in which a row is.
func place(table string, archived bool) string {
	if archived {
		return "archived_" + table
	}
	return table
}

// of is the sum of a miner.
func (v *verification) of(minerID int64) *counters {
	c := v.miners[minerID]
	if c == nil {
		c = &counters{}
		v.miners[minerID] = c
	}
	return c
}
