package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stakeledger/stakeledger/manager"
)

// ErrNotEmpty is returned when the destination already holds a ledger; only the same copy, interrupted, can be continued.
var ErrNotEmpty = errors.New("there is a ledger already")

// CopyOption sets how Copy works.
type CopyOption func(*copyConfig)

type copyConfig struct {
	rows     int
	progress func(Progress)
	manager  []manager.Option
}

// CopyRows bounds how many rows one transaction writes. Below 1 counts as 1. Default: 500.
func CopyRows(n int) CopyOption { return func(c *copyConfig) { c.rows = max(1, n) } }

// OnCopied calls fn after every page of rows, in the goroutine of Copy. Default: none.
func OnCopied(fn func(Progress)) CopyOption { return func(c *copyConfig) { c.progress = fn } }

// CopyManager passes options on to the managers of both ledgers. Default: none.
func CopyManager(opts ...manager.Option) CopyOption {
	return func(c *copyConfig) { c.manager = append(c.manager, opts...) }
}

// The phases of a copy; Done and Total count rows.
const (
	CopyChecking  Phase = "checking what is copied already"
	CopyCopying   Phase = "copying"
	CopyComparing Phase = "comparing"
)

// CopySummary is what one call of Copy did.
type CopySummary struct {
	From    string           `json:"from"` // paths, or URLs without their passwords
	To      string           `json:"to"`
	Resumed bool             `json:"resumed"` // an interrupted copy went on
	Rows    map[string]int64 `json:"rows"`    // by table, all that are there now
}

// Copy makes the ledger at to, a path or a URL, of the one at from: all of it, ids too, so that both give the same
// answers to the byte, and no id of a deleted row is given away again. What a program keeps in tables of its own is not copied. It reads one snapshot of from, which
// others may go on writing: what they write comes too late for the copy.
//
// The copy is made in transactions of CopyRows rows under the guards of the schema, and at last every row is compared.
// Until then nobody else can open it (ErrUnfinishedCopy). An interrupted copy goes on where it was when Copy is called
// again with the same from.
//
// Errors: ErrNotEmpty, before anything is changed, where to is a ledger with something in it, or the copy of another
// or of one that has changed since it was begun; ErrSchema for a from that has to be migrated first, or is itself an
// unfinished copy; manager.ErrCheck for rows of a damaged one, which the guards refuse; those of manager.Open.
func Copy(ctx context.Context, from, to string, opts ...CopyOption) (CopySummary, error) {
	c := copyConfig{rows: 500, progress: func(Progress) {}}
	for _, o := range opts {
		o(&c)
	}
	reading := append([]manager.Option{manager.WithApplicationID(applicationID)}, c.manager...)
	if err := checkReadOnly(ctx, from, reading); err != nil {
		return CopySummary{}, fmt.Errorf("copy: %w", err)
	}
	source, err := manager.OpenReadOnly(ctx, from, rawSQL, append(reading[:len(reading):len(reading)], manager.WithReaders(1))...)
	if err != nil {
		return CopySummary{}, fmt.Errorf("copy: %w", err)
	}
	defer func() { _ = source.Close(context.WithoutCancel(ctx)) }() // was only read
	mark := copyMark{from: source.Path()}
	dest, err := manager.Open(ctx, to, rawSQL, rawSQL, append(reading, manager.WithMigration(mark.begin))...)
	if err != nil {
		return CopySummary{}, fmt.Errorf("copy: %w", err)
	}
	k := copying{copyConfig: c, fromServer: source.Engine() != "sqlite", to: dest, done: CopySummary{From: source.Path(), To: dest.Path(), Resumed: mark.resumed}}
	err = source.ReadOnly(ctx, func(ctx context.Context, q manager.DBTX) error { return k.run(ctx, q) },
		manager.Pinned(), manager.Label("ledger.Copy: read"))
	if err = errors.Join(err, dest.Close(context.WithoutCancel(ctx))); err != nil {
		return CopySummary{}, fmt.Errorf("copy %s to %s: %w", k.done.From, k.done.To, err)
	}
	return k.done, nil
}

// copying is a copy under way.
type copying struct {
	copyConfig
	from       manager.DBTX // a snapshot
	fromServer bool
	to         *manager.DB[manager.DBTX, manager.DBTX]
	tables     []copyTable // with their columns
	total      int64
	now        Progress
	done       CopySummary
}

// run copies one snapshot. It may run again, on another.
func (k *copying) run(ctx context.Context, from manager.DBTX) error {
	k.from = from
	if err := k.count(ctx); err != nil {
		return err
	}
	if k.done.Resumed {
		if err := k.each(ctx, CopyChecking, func(ctx context.Context, t *copyTable) error { return k.compare(ctx, t, true) }); err != nil {
			return err
		}
	}
	if err := k.each(ctx, CopyCopying, k.insertRows, k.finishRows); err != nil {
		return err
	}
	if err := k.each(ctx, CopyComparing, func(ctx context.Context, t *copyTable) error { return k.compare(ctx, t, false) }); err != nil {
		return err
	}
	return k.end(ctx)
}

// each takes one step after another with all tables, as a phase of its own.
func (k *copying) each(ctx context.Context, phase Phase, steps ...func(context.Context, *copyTable) error) error {
	k.now = Progress{Phase: phase, Total: k.total}
	for _, step := range steps {
		for i := range k.tables {
			if err := step(ctx, &k.tables[i]); err != nil {
				return fmt.Errorf("%s: %w", k.tables[i].name, err)
			}
		}
	}
	return nil
}

// add reports rows that a phase is through with.
func (k *copying) add(rows int) {
	k.now.Done += int64(rows)
	k.progress(k.now)
}

// insertRows copies the rows that are not there yet, those that a guard refuses as they are in the form that they began with.
func (k *copying) insertRows(ctx context.Context, t *copyTable) error {
	if t.fixed {
		return nil
	}
	after, err := manager.Read(ctx, k.to, func(ctx context.Context, q manager.DBTX) ([]any, error) { return t.lastKey(ctx, q) }, manager.Label("ledger.Copy"))
	if err != nil {
		return err
	}
	for {
		rows, err := t.page(ctx, k.from, after, t.most(k.rows))
		if err != nil || len(rows) == 0 {
			return err
		}
		begun := make([][]any, len(rows))
		for i, row := range rows {
			begun[i] = t.begun(row)
		}
		if err := k.to.WithTx(ctx, func(ctx context.Context, tx manager.DBTX) error { return t.insert(ctx, tx, begun) }, manager.Label("ledger.Copy: insert")); err != nil {
			return err
		}
		after = t.keyOf(rows[len(rows)-1])
		k.add(len(rows))
	}
}

// finishRows makes rows that were inserted as they began what they are.
func (k *copying) finishRows(ctx context.Context, t *copyTable) error {
	if len(t.later) == 0 {
		return nil
	}
	var after []any
	for {
		rows, err := t.page(ctx, k.from, after, t.most(k.rows))
		if err != nil || len(rows) == 0 {
			return err
		}
		after = t.keyOf(rows[len(rows)-1])
		var unlike [][]any
		for _, row := range rows {
			if t.fixed || !slices.Equal(row, t.begun(row)) {
				unlike = append(unlike, row)
			}
		}
		if len(unlike) == 0 {
			continue
		}
		if err := k.to.WithTx(ctx, func(ctx context.Context, tx manager.DBTX) error { return t.finish(ctx, tx, unlike) }, manager.Label("ledger.Copy: finish")); err != nil {
			return err
		}
	}
}

// compare compares a table row by row. Where the copy is only begun it may lack the last rows, and have others as they
// began.
func (k *copying) compare(ctx context.Context, t *copyTable, isBegun bool) error {
	var after []any
	for {
		want, err := t.page(ctx, k.from, after, t.most(k.rows))
		if err != nil {
			return err
		}
		got, err := manager.Read(ctx, k.to, func(ctx context.Context, q manager.DBTX) ([][]any, error) {
			return t.page(ctx, q, after, t.most(k.rows))
		}, manager.Label("ledger.Copy: compare"))
		if err != nil {
			return err
		}
		if err := t.match(want, got, isBegun); err != nil {
			return err
		}
		if !isBegun {
			k.done.Rows[t.name] += int64(len(want))
		}
		k.add(len(want))
		if len(want) == 0 || isBegun && len(got) < len(want) {
			return nil
		}
		after = t.keyOf(want[len(want)-1])
	}
}

// match compares two pages that begin after the same key.
func (t *copyTable) match(want, got [][]any, isBegun bool) error {
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(want):
			return t.mismatch(isBegun, got[i], "is in the copy alone")
		case i >= len(got) && isBegun:
			return nil
		case i >= len(got):
			return t.mismatch(isBegun, want[i], "is not in the copy")
		case slices.Equal(want[i], got[i]) || isBegun && (t.fixed || slices.Equal(t.begun(want[i]), got[i])):
		default:
			return t.mismatch(isBegun, want[i], "differs in the copy")
		}
	}
	return nil
}

func (t *copyTable) mismatch(isBegun bool, row []any, what string) error {
	if isBegun {
		return &Error{Op: "go on", Subject: t.subject(row), Err: ErrNotEmpty, Detail: "the row " + what +
			": it is the copy of another ledger, or the ledger was written since; copy to an empty place"}
	}
	return &Error{Op: "compare", Subject: t.subject(row), Err: manager.ErrCorrupt, Detail: "the row " + what + "; remove the copy and make it again"}
}
