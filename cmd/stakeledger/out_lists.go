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
	"github.com/stakeledger/stakeledger/manager"
)

// keyedRow is a row with its place in the order of events.
type keyedRow[R any] struct {
	key  chain.EventKey
	step int64 // within the event
	row  R
}

// rowsOf are the rows of a miner in order.
type rowsOf[R any] = iter.Seq2[keyedRow[R], error]

// listPart selects rows of a miner and their order.
type listPart struct{ archived, newest bool }

// recordList is a command that lists what miners have in the order of events: positions, trades, closes, events. It is
// one snapshot, read in pages.
type recordList[R any] struct {
	output
	what     string // "trades"
	header   columns
	cells    func(R) []any
	miner    *option[minerName]
	sort     *option[string]
	archived *option[string] // nil: the list has no archived rows
	span     timeSpan
	rows     func(ctx context.Context, l *ledger.Ledger, m ledger.Miner, p listPart) rowsOf[R]
}

const (
	sortNewest = "newest"
	sortOldest = "oldest"
	sortMiner  = "miner"
	archiveNot = "no"
	archiveToo = "too"
)

func addRecords[R any](cmd *cobra.Command, what, happened string, archives bool) *recordList[R] {
	r := &recordList[R]{
		output: addOutput(cmd), what: what, miner: addMiner(cmd), span: addSpan(cmd, happened),
		sort: wordOption("", sortNewest, sortOldest, sortMiner),
	}
	r.sort.kind = strings.TrimPrefix(r.sort.kind, "|")
	cmd.Flags().Var(r.sort, "sort", "the order: of all miners, or one miner after the other (default newest in a table, miner for programs)")
	if archives {
		r.archived = wordOption(archiveNot, archiveToo, "only")
		cmd.Flags().Var(r.archived, "archived", "whether to list archived ones: not, too, or only these")
		cmd.Flags().Lookup("archived").NoOptDefVal = archiveToo
		check := cmd.Args
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && cmd.Flags().Changed("archived") && r.archived.Set(args[0]) == nil {
				return usagef("--archived takes its word with a =: --archived=%s", args[0])
			}
			return check(cmd, args)
		}
	}
	return r
}

// sortOrder is the order that is asked for, or that fits the form of the output.
func (r *recordList[R]) sortOrder() string {
	switch {
	case r.sort.text != "":
		return r.sort.text
	case r.forPrograms():
		return sortMiner
	}
	return sortNewest
}

func (r *recordList[R]) run(a *app, cmd *cobra.Command) error {
	if err := r.span.validate(); err != nil {
		return err
	}
	return a.withList(cmd, func(ctx context.Context, l *ledger.Ledger) error {
		list := listOutput[R]{r.output, r.header, r.cells, "No such " + r.what + ".", r.span}
		parts := r.listParts()
		if r.archived != nil && r.archived.text == archiveNot {
			some, err := r.hasArchived(ctx, l)
			if err != nil {
				return err
			}
			if some {
				list.empty = "No such " + r.what + ", but some are archived; --archived lists them too."
			}
		}
		return list.write(r.allRows(ctx, l, parts))
	})
}

func (r *recordList[R]) listParts() []listPart {
	newest := r.sortOrder() == sortNewest
	live, archived := listPart{false, newest}, listPart{true, newest}
	switch {
	case r.archived == nil || r.archived.text == archiveNot:
		return []listPart{live}
	case r.archived.text == archiveToo:
		return []listPart{live, archived}
	}
	return []listPart{archived}
}

// hasArchived reports whether the selected rows are all archived.
func (r *recordList[R]) hasArchived(ctx context.Context, l *ledger.Ledger) (bool, error) {
	for _, p := range []listPart{{archived: false}, {archived: true}} {
		for _, err := range r.allRows(ctx, l, []listPart{p}) {
			return err == nil && p.archived, err
		}
	}
	return false, nil
}

// allRows yields the selected rows of the selected miners in order.
func (r *recordList[R]) allRows(ctx context.Context, l *ledger.Ledger, parts []listPart) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var streams []rowsOf[R]
		for m, err := range selectedMiners(ctx, l, r.miner) {
			if err != nil {
				yield(*new(R), err)
				return
			}
			var ofMiner []rowsOf[R]
			for _, p := range parts {
				ofMiner = append(ofMiner, r.rows(ctx, l, m, p))
			}
			if r.sortOrder() != sortMiner {
				streams = append(streams, ofMiner...)
				continue
			}
			for row, err := range mergeStreams(ofMiner, false) {
				if !yield(row, err) || err != nil {
					return
				}
			}
		}
		mergeStreams(streams, r.sortOrder() == sortNewest)(yield)
	}
}

// mergeStreams merges ordered sequences.
func mergeStreams[R any](streams []iter.Seq2[keyedRow[R], error], newest bool) iter.Seq2[R, error] {
	if len(streams) == 1 {
		return ofMiner(streams[0], func(k keyedRow[R]) (R, bool) { return k.row, true })
	}
	return func(yield func(R, error) bool) {
		var heads []*streamHead[R]
		for i, stream := range streams {
			h := &streamHead[R]{place: i}
			var stop func()
			h.next, stop = iter.Pull2(stream)
			defer stop()
			if h.advance() {
				heads = append(heads, h)
			}
		}
		before := func(x, y *streamHead[R]) int { return x.compareHeads(y, newest) }
		slices.SortFunc(heads, before)
		for len(heads) > 0 {
			h := heads[0]
			if !yield(h.now.row, h.err) || h.err != nil {
				return
			}
			heads = heads[1:]
			if h.advance() {
				at, _ := slices.BinarySearchFunc(heads, h, before)
				heads = slices.Insert(heads, at, h)
			}
		}
	}
}

// streamHead is the next row of a sequence.
type streamHead[R any] struct {
	place int // the sequence's number, which decides between equal rows
	next  func() (keyedRow[R], error, bool)
	now   keyedRow[R]
	err   error
}

func (h *streamHead[R]) advance() (ok bool) {
	h.now, h.err, ok = h.next()
	return ok
}

// compareHeads orders two rows; an error comes first.
func (h *streamHead[R]) compareHeads(other *streamHead[R], newest bool) int {
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
var errAgain = errors.New("the ledger was busy, or its server was lost; run the same command again")

// withList is withSnapshot for what a standby may serve.
func (a *app) withList(cmd *cobra.Command, fn func(ctx context.Context, l *ledger.Ledger) error) error {
	return a.withSnapshot(cmd, fn, manager.MayBeStale())
}

// withSnapshot runs fn, which prints, on one snapshot of the ledger. It is not retried, since it has
// printed already.
func (a *app) withSnapshot(cmd *cobra.Command, fn func(ctx context.Context, l *ledger.Ledger) error, opts ...manager.TxOption) error {
	return a.withReadOnly(cmd, func(ctx context.Context, l *ledger.Ledger) error {
		began := false
		return l.ReadOnly(ctx, func(ctx context.Context, _ *ledger.Reader) error {
			if began {
				return errAgain
			}
			began = true
			return fn(ctx, l)
		}, opts...)
	})
}
