package ledger

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
)

// Difference is a value that contradicts the rest of the ledger.
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
	Events      int64        `json:"events"` // how many; with an error that ended Verify early, the id of the latest
	Miners      int64        `json:"miners"`
	Positions   int64        `json:"positions"` // live and archived, as are trades and closes
	Trades      int64        `json:"trades"`
	Closes      int64        `json:"closes"`
	Found       int64        `json:"found"`       // differences
	Differences []Difference `json:"differences"` // the first of them, see MaxDifferences

	// Marked are the coldkeys of the miners that wait for a replay, see RebuildMarked: their rows add up, but are
	// not yet those that their events make in order.
	Marked []chain.Address `json:"marked"`
}

// Healthy reports whether nothing differs.
func (r VerifyReport) Healthy() bool { return r.Found == 0 }

// VerifyPhase is what Verify is looking at.
type VerifyPhase string

// The phases of Verify.
const (
	VerifyingRecords VerifyPhase = "records" // events, positions and closes; at the same time trades and the file
	VerifyingMiners  VerifyPhase = "miners"  // their counters and snapshots
	VerifyingFile    VerifyPhase = "file"    // the rest of trades and the file
)

// VerifyProgress is how far Verify is, in events; in the phase VerifyingMiners in miners, whose total is not
// known.
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
	onServer bool
}

// OnVerified calls fn with Verify's progress, in Verify's own goroutine. Default: none.
func OnVerified(fn func(VerifyProgress)) VerifyOption {
	return func(c *verifyConfig) { c.progress = fn }
}

// MaxDifferences bounds how many differences the report lists; all are counted. Default: 1000.
func MaxDifferences(n int) VerifyOption {
	return func(c *verifyConfig) { c.most = max(0, n) }
}

// verifySpan is how many events are verified together.
const verifySpan = 1000

// Verify recomputes everything that the ledger stores redundantly, from live and archived rows, and compares: every
// position, trade and close with its event and its event's terms; the key of every event; the alpha, cost and TAO that
// closes share, to the rao; what is left, gained and unmatched; that positions were closed first in, first out; the
// counters of miners; events without their effect; rows that are archived but must not be; snapshots and their scores;
// foreign keys; and the file itself, by SQLite's integrity check. On a healthy ledger it finds nothing.
//
// It works in two parts at the same time, each in a snapshot of its own: positions with their closes, and miners, on
// one of the ledger's readers; trades with their shares, and the file, on a connection that it opens for itself. If
// the ledger is written meanwhile, the two snapshots are some milliseconds apart. They last until the end, so the WAL
// of a busy ledger grows meanwhile. Verify goes in the order of ids and holds in memory the rows of a thousand events,
// the sums of each miner and two keys for each subnet of a miner.
//
// The order of a marked miner's closes is not verified, since it waits for its replay; Marked names it. Nor is the
// strict mode of trades, which a replay need not honour. Verify checks the CHECK constraints of the schema with
// queries of its own: SQLite's integrity check ignores them on a read-only connection.
//
// Differences are not an error. After an error the report holds what was found before it. Errors: those of the
// manager, especially ErrCorrupt, and the context's.
func (l *Ledger) Verify(ctx context.Context, opts ...VerifyOption) (VerifyReport, error) {
	c := verifyConfig{progress: func(VerifyProgress) {}, most: 1000}
	for _, o := range opts {
		o(&c)
	}
	ctx, cancel := context.WithCancel(ctx)
	trades := l.verifyBeside(ctx, verifyConfig{progress: func(VerifyProgress) {}, most: c.most})
	defer func() { // also where OnVerified panics
		cancel()
		<-trades.done
	}()
	report, err := verifyPart(ctx, l.db, func(q *read.Queries) auditor { return auditor{Queries: q} }, c, (*verification).positionsAndMiners)
	c.progress(VerifyProgress{VerifyingFile, report.Events, report.Events})
	<-trades.done
	if trades.panicked != nil {
		panic(trades.panicked)
	}
	report.Trades, report.Events = trades.report.Trades, trades.report.Events
	report.Found += trades.report.Found
	all := append(trades.report.Differences, report.Differences...)
	report.Differences = all[:min(len(all), c.most)]
	return report, errors.Join(err, trades.err)
}

// verifyPart runs one of the two parts of Verify in a snapshot.
func verifyPart[R any](ctx context.Context, db *manager.DB[R, Tx], through func(R) auditor, c verifyConfig, part func(v *verification, ctx context.Context) error) (VerifyReport, error) {
	c.onServer = db.Engine() == "postgres"
	v := &verification{c: c}
	err := db.ReadOnly(ctx, func(ctx context.Context, r R) error {
		a := through(r)
		*v = verification{c: c, q: a.Queries, db: a.db, miners: map[int64]*counters{}, queues: map[minerSubnet]*fifoQueue{}, marked: map[int64]bool{}, disordered: map[int64]bool{}}
		return part(v, ctx)
	}, manager.Pinned(), manager.Label("ledger.Verify"))
	return v.report, err
}

// verifiedBeside is the result of the part in the other goroutine, valid once done is
// closed.
type verifiedBeside struct {
	done     chan struct{}
	report   VerifyReport
	err      error
	panicked any
}

// verifyBeside verifies the file and the trades in a goroutine, on a connection of its own, so that Verify takes
// only one of the ledger's readers.
func (l *Ledger) verifyBeside(ctx context.Context, c verifyConfig) *verifiedBeside {
	b := &verifiedBeside{done: make(chan struct{})}
	go func() {
		defer close(b.done)
		defer func() { b.panicked = recover() }()
		db, err := manager.OpenReadOnlyAs[Tx](ctx, l.path, newAuditor, slices.Concat(l.readOptions, []manager.Option{manager.WithReaders(1)})...)
		if err != nil {
			b.err = err
			return
		}
		defer func() { b.err = errors.Join(b.err, db.Close(context.WithoutCancel(ctx))) }()
		b.report, b.err = verifyPart(ctx, db, func(a auditor) auditor { return a }, c, (*verification).fileAndTrades)
	}()
	return b
}

// verification is the state of one of the two parts of Verify.
type verification struct {
	q      *read.Queries
	db     manager.DBTX // for checks
	c      verifyConfig
	report VerifyReport
	miners map[int64]*counters // the sums of their rows
	queues map[minerSubnet]*fifoQueue

	marked     map[int64]bool // miners that wait for a replay
	disordered map[int64]bool // miners whose events did not come in order
}

func (v *verification) positionsAndMiners(ctx context.Context) error {
	if err := v.foreignKeys(ctx); err != nil {
		return err
	}
	if err := v.markedMiners(ctx); err != nil {
		return err
	}
	if err := v.eachSpan(ctx, v.verifyPositions); err != nil {
		return err
	}
	return v.eachMiner(ctx, v.verifyMiner)
}

func (v *verification) fileAndTrades(ctx context.Context) error {
	if err := v.checkIntegrity(ctx); err != nil {
		return err
	}
	if err := v.checkConstraints(ctx); err != nil {
		return err
	}
	if err := v.eachSpan(ctx, v.verifyTrades); err != nil {
		return err
	}
	// The last id does not say how many there are: a server's have gaps.
	if err := v.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM events").Scan(&v.report.Events); err != nil {
		return err
	}
	return v.eachMiner(ctx, v.verifyMinerTrades)
}

func (v *verification) markedMiners(ctx context.Context) error {
	v.report.Marked = []chain.Address{}
	marked := pages("miners", verifySpan, 0, minerIDOf, func(after int64) ([]Miner, error) { return v.q.MarkedMiners(ctx, after, verifySpan) })
	for page, err := range marked {
		if err != nil {
			return err
		}
		for _, m := range page {
			v.marked[m.MinerID] = true
			v.report.Marked = append(v.report.Marked, m.Coldkey)
		}
	}
	return nil
}

// eachSpan calls verify for one span of event ids after another. Each span but the first begins at an event, since a
// damaged file may have gaps between ids that would take years to walk through.
func (v *verification) eachSpan(ctx context.Context, verify func(ctx context.Context, after, until int64) error) error {
	last, err := v.q.LastEventID(ctx)
	if err != nil {
		return err
	}
	v.report.Events = last
	for after := int64(math.MinInt64); ; {
		next, err := v.q.NextEventID(ctx, after)
		if err != nil {
			return err
		}
		until := max(next, 0) + verifySpan - 1
		if until >= last || until < next {
			until = math.MaxInt64 // the last span includes rows beyond the last event, which should not exist
		}
		if err := verify(ctx, after, until); err != nil {
			return err
		}
		v.c.progress(VerifyProgress{VerifyingRecords, min(until, last), last})
		if until >= last {
			return nil
		}
		after = until
	}
}

// reportDifference reports a difference. row is nil if it is not about a row.
func (v *verification) reportDifference(table string, row fmt.Stringer, field string, want, got any) {
	v.report.Found++
	if len(v.report.Differences) >= v.c.most {
		return
	}
	d := Difference{Table: table, Field: field, Want: fmt.Sprint(want), Got: fmt.Sprint(got)}
	if row != nil {
		d.Row = row.String()
	}
	v.report.Differences = append(v.report.Differences, d)
}

// expect reports a difference if the values are not equal.
func expect[T comparable](v *verification, table string, row fmt.Stringer, field string, want, got T) {
	if want != got {
		v.reportDifference(table, row, field, want, got)
	}
}

// expectOptional is expect for values that may be nil.
func expectOptional[T comparable](v *verification, table string, row fmt.Stringer, field string, want, got *T) {
	if !equalOptional(want, got) {
		v.reportDifference(table, row, field, valueOrNone(want), valueOrNone(got))
	}
}

func valueOrNone[T any](p *T) any {
	if p == nil {
		return "none"
	}
	return *p
}

// The names of rows, which are formatted only if something differs: there are millions
// of rows.
type (
	rowID      int64
	closeID    struct{ tradeID, step int64 }
	snapshotID struct {
		minerID int64
		at      chain.Time
	}
)

func (n rowID) String() string      { return strconv.FormatInt(int64(n), 10) }
func (c closeID) String() string    { return fmt.Sprintf("%d/%d", c.tradeID, c.step) }
func (s snapshotID) String() string { return fmt.Sprintf("%d at %s", s.minerID, s.at) }

// sumsOf returns the sums of a miner's rows so far.
func (v *verification) sumsOf(minerID int64) *counters {
	c := v.miners[minerID]
	if c == nil {
		c = &counters{}
		v.miners[minerID] = c
	}
	return c
}
