package main

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// placed is a row with its place in the order of events.
type placed[R any] struct {
	key  chain.EventKey
	step int64 // within the event
	row  R
}

// rowsOf are the rows of a miner in order.
type rowsOf[R any] = iter.Seq2[placed[R], error]

// part is which rows of a miner are read, and in what order.
type part struct{ archived, newest bool }

// records is a command that lists what miners have in the order of events: positions, trades, closes, events. It is
// one snapshot, read in pages.
type records[R any] struct {
	output
	what     string // "trades"
	header   columns
	cells    func(R) []any
	miner    *option[minerName]
	sort     *option[string]
	archived *option[string] // nil: nothing of it is archived
	span     span
	rows     func(ctx context.Context, l *ledger.Ledger, m ledger.Miner, p part) rowsOf[R]
}

const (
	sortNewest = "newest"
	sortOldest = "oldest"
	sortMiner  = "miner"
	archiveNot = "no"
	archiveToo = "too"
)

func addRecords[R any](cmd *cobra.Command, what, happened string, archives bool) *records[R] {
	r := &records[R]{
		output: addOutput(cmd), what: what, miner: addMiner(cmd), span: addSpan(cmd, happened),
		sort: wordOption("", sortNewest, sortOldest, sortMiner),
	}
	r.sort.kind = strings.TrimPrefix(r.sort.kind, "|")
	cmd.Flags().Var(r.sort, "sort", "the order: of all miners, or one miner after the other (default newest in a table, miner for programs)")
	if archives {
		r.archived = wordOption(archiveNot, archiveToo, "only")
		cmd.Flags().Var(r.archived, "archived", "whether to list archived ones: not, too, or only these")
		cmd.Flags().Lookup("archived").NoOptDefVal = archiveToo
	}
	return r
}

// order is the order that is asked for, or that fits the form of the output.
func (r *records[R]) order() string {
	switch {
	case r.sort.text != "":
		return r.sort.text
	case r.forPrograms():
		return sortMiner
	}
	return sortNewest
}

func (r *records[R]) run(a *app, cmd *cobra.Command) error {
	if err := r.span.check(); err != nil {
		return err
	}
	return a.snapshot(cmd, func(ctx context.Context, l *ledger.Ledger) error {
		list := listing[R]{r.output, r.header, r.cells, "No such " + r.what + ".", r.span}
		parts := r.parts()
		if r.archived != nil && r.archived.text == archiveNot {
			some, err := r.hasArchived(ctx, l)
			if err != nil {
				return err
			}
			if some {
				list.empty = "No such " + r.what + ", but some are archived; --archived lists them too."
			}
		}
		return list.write(r.all(ctx, l, parts))
	})
}

func (r *records[R]) parts() []part {
	newest := r.order() == sortNewest
	live, archived := part{false, newest}, part{true, newest}
	switch {
	case r.archived == nil || r.archived.text == archiveNot:
		return []part{live}
	case r.archived.text == archiveToo:
		return []part{live, archived}
	}
	return []part{archived}
}

// hasArchived reports whether a row that is wanted is archived while none that is not archived is.
func (r *records[R]) hasArchived(ctx context.Context, l *ledger.Ledger) (bool, error) {
	for _, p := range []part{{archived: false}, {archived: true}} {
		for _, err := range r.all(ctx, l, []part{p}) {
			return err == nil && p.archived, err
		}
	}
	return false, nil
}

// all goes through the rows of the miners that are wanted, in the order that is wanted.
func (r *records[R]) all(ctx context.Context, l *ledger.Ledger, parts []part) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var streams []rowsOf[R]
		for m, err := range selected(ctx, l, r.miner) {
			if err != nil {
				yield(*new(R), err)
				return
			}
			var ofMiner []rowsOf[R]
			for _, p := range parts {
				ofMiner = append(ofMiner, r.rows(ctx, l, m, p))
			}
			if r.order() != sortMiner {
				streams = append(streams, ofMiner...)
				continue
			}
			for row, err := range merged(ofMiner, false) {
				if !yield(row, err) || err != nil {
					return
				}
			}
		}
		merged(streams, r.order() == sortNewest)(yield)
	}
}

// merged goes through several sequences, each in order, as one in order.
func merged[R any](streams []iter.Seq2[placed[R], error], newest bool) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var heads []*head[R]
		for i, stream := range streams {
			h := &head[R]{place: i}
			var stop func()
			h.next, stop = iter.Pull2(stream)
			defer stop()
			if h.pull() {
				heads = append(heads, h)
			}
		}
		before := func(x, y *head[R]) int { return x.compare(y, newest) }
		slices.SortFunc(heads, before)
		for len(heads) > 0 {
			h := heads[0]
			if !yield(h.now.row, h.err) || h.err != nil {
				return
			}
			heads = heads[1:]
			if h.pull() {
				at, _ := slices.BinarySearchFunc(heads, h, before)
				heads = slices.Insert(heads, at, h)
			}
		}
	}
}

// head is the row of a sequence that comes next.
type head[R any] struct {
	place int // of the sequence, for rows at the same place
	next  func() (placed[R], error, bool)
	now   placed[R]
	err   error
}

func (h *head[R]) pull() (ok bool) {
	h.now, h.err, ok = h.next()
	return ok
}

// compare says which row comes first; an error comes before all.
func (h *head[R]) compare(other *head[R], newest bool) int {
	if (h.err != nil) != (other.err != nil) {
		if h.err != nil {
			return -1
		}
		return 1
	}
	sign := 1
	if newest {
		sign = -1
	}
	switch {
	case h.now.key != other.now.key:
		return sign * strings.Compare(string(h.now.key), string(other.now.key))
	case h.now.step != other.now.step:
		return sign * int(h.now.step-other.now.step)
	}
	return h.place - other.place
}

// errAgain is the error of a list that would be printed a second time.
var errAgain = errors.New("the ledger was busy; run the same command again")

// snapshot runs fn, which prints, on one snapshot of the ledger. It is not run again once it has begun.
func (a *app) snapshot(cmd *cobra.Command, fn func(ctx context.Context, l *ledger.Ledger) error) error {
	return a.reading(cmd, func(ctx context.Context, l *ledger.Ledger) error {
		began := false
		return l.ReadOnly(ctx, func(ctx context.Context, _ *ledger.Reader) error {
			if began {
				return errAgain
			}
			began = true
			return fn(ctx, l)
		})
	})
}
