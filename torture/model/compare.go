package model

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/ingest"
	"github.com/stakeledger/stakeledger/ledger"
)

// step runs an operation on both sides and compares their answers and the rows
// that it touched. The error says how they differ.
func (r *Run) step(o Op) error {
	want := r.Model.Do(o)
	r.tally.Count(o, want, r.Model)
	got := r.Do(r.ctx, o)
	if err := Differ("error", KindOf(got.Err), want.Err); err != nil {
		return fmt.Errorf("%w (%v)", err, got.Err)
	}
	return r.Ledger.ReadOnly(r.ctx, func(ctx context.Context, q *read.Queries) error {
		if err := r.Touched(ctx, q, want); err != nil || want.Err != "" {
			return err
		}
		return r.Answered(o, got, want)
	})
}

// Differ returns an error unless both are equal.
func Differ(what string, got, want any) error {
	if reflect.DeepEqual(got, want) {
		return nil
	}
	return fmt.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
}

// Touched compares the rows that an operation was about.
func (r *Run) Touched(ctx context.Context, q *read.Queries, want Outcome) error {
	for n := range want.Miners {
		if err := r.learnMiner(ctx, n); err != nil {
			return err
		}
	}
	for at := range want.Refs {
		if err := r.compareEvent(ctx, q, at); err != nil {
			return err
		}
	}
	for at := range want.Refs { // once all ids are known
		if err := r.compareEffect(ctx, at); err != nil {
			return err
		}
	}
	for n := range want.Miners {
		if r.Model.miners[n] == nil {
			continue
		}
		if want.Whole {
			if err := r.wholeMiner(ctx, n); err != nil {
				return err
			}
		}
		if err := errors.Join(r.compareMiner(ctx, n), r.compareSnapshots(ctx, n)); err != nil { // once all ids are known
			return err
		}
	}
	return nil
}

func (r *Run) learnMiner(ctx context.Context, n int) error {
	m, err := r.Ledger.MinerByColdkey(ctx, ColdkeyOf(n))
	if err == nil {
		r.numbers[m.MinerID], r.ids[n] = n, m.MinerID
	}
	return Differ(fmt.Sprintf("miner %d is there", n), err == nil, r.Model.miners[n] != nil)
}

func (r *Run) compareMiner(ctx context.Context, n int) error {
	want := r.Model.miners[n]
	if want == nil {
		return nil
	}
	m, err := r.Ledger.MinerByColdkey(ctx, ColdkeyOf(n))
	if err != nil {
		return err
	}
	var held int64
	if by, err := r.Ledger.MinerByUID(ctx, chain.UID(n)); err == nil && by.MinerID == m.MinerID {
		held = 1
	} else if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return err
	}
	return Differ(fmt.Sprintf("miner %d", n), r.reader.miner(m, held), want.row())
}

func (r *Run) compareEvent(ctx context.Context, q *read.Queries, at Ref) error {
	m := r.Model.miners[at.Miner]
	if m == nil {
		return nil
	}
	e, err := q.EventByKey(ctx, read.EventByKeyParams{MinerID: r.ids[at.Miner], ExtrinsicID: at.Extrinsic, EventIndex: at.Index})
	want := m.byRef[at]
	switch {
	case want == nil && errors.Is(err, ledger.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("event %v: %w", at, err)
	case want == nil:
		return fmt.Errorf("event %v is recorded and should not be", at)
	}
	return Differ("event", r.reader.event(e), want.row())
}

// compareEffect compares the position or trade of an event, wherever it is.
func (r *Run) compareEffect(ctx context.Context, at Ref) error {
	m := r.Model.miners[at.Miner]
	if m == nil || m.byRef[at] == nil {
		return nil
	}
	id := r.idOf[at]
	if err := r.comparePosition(ctx, id, m.positionOf[at]); err != nil {
		return fmt.Errorf("position of %v: %w", at, err)
	}
	if err := r.compareTrade(ctx, id, m.tradeOf[at]); err != nil {
		return fmt.Errorf("trade of %v: %w", at, err)
	}
	return nil
}

// found reads a row by its id. nil: there is none.
func found[T any](ctx context.Context, id int64, read func(context.Context, int64) (T, error)) (*T, error) {
	row, err := read(ctx, id)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, nil
	}
	return &row, err
}

func (r *Run) comparePosition(ctx context.Context, id int64, want *position) error {
	p, err := found(ctx, id, r.Ledger.Position)
	if err != nil {
		return err
	}
	if p == nil || want == nil {
		return Differ("it is there", p != nil, want != nil)
	}
	return Differ("row", r.reader.position(*p), want.row())
}

func (r *Run) compareTrade(ctx context.Context, id int64, want *trade) error {
	t, err := found(ctx, id, r.Ledger.Trade)
	if err != nil {
		return err
	}
	if t == nil || want == nil {
		return Differ("it is there", t != nil, want != nil)
	}
	closes, err := r.closesOf(ctx, id)
	if err != nil {
		return err
	}
	return Differ("row", r.reader.trade(*t, closes), want.row())
}

func (r *Run) closesOf(ctx context.Context, trade int64) ([]ledger.Close, error) {
	return every(func(p ledger.Page[ledger.Close]) ([]ledger.Close, error) {
		return r.Ledger.ClosesOfTrade(ctx, trade, p)
	})
}

// every reads a list to its end.
func every[T any](list func(ledger.Page[T]) ([]T, error)) (all []T, err error) {
	const limit = 1000
	page := ledger.Page[T]{Limit: limit}
	for {
		rows, err := list(page)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
		if len(rows) < limit {
			return all, nil
		}
		page.After = &rows[len(rows)-1]
	}
}

// Answered compares what an operation that succeeded returned.
func (r *Run) Answered(o Op, got Answer, want Outcome) error {
	switch o.Do {
	case "stake":
		m := r.Model.miners[want.Of.Miner]
		p := m.positionOf[want.Of]
		return errors.Join(
			Differ("answered position", r.reader.position(*got.position), p.row()),
			Differ("new", got.IsNew, want.IsNew))
	case "unstake":
		return r.answeredClose(got, want)
	case "ensure", "snapshot":
		return Differ("new", got.IsNew, want.IsNew)
	case "snapshots":
		return Differ("taken", got.taken, want.taken)
	case "sync":
		return Differ("synced", got.synced, want.synced)
	case "apply":
		return Differ("summary", summaryText(got.Summary), want.summary())
	case "archive":
		s := got.Moved
		return Differ("moved", [4]int64{s.Miners, s.Positions, s.Trades, s.Closes}, want.Moved)
	case "rebuild":
		return Differ("changed", got.changed, want.changed)
	}
	return nil
}

func (r *Run) answeredClose(got Answer, want Outcome) error {
	m := r.Model.miners[want.Of.Miner]
	if err := errors.Join(
		Differ("new", got.IsNew, want.IsNew),
		Differ("answered event", r.reader.event(got.close.Event), m.byRef[want.Of].row()),
	); err != nil {
		return err
	}
	t := m.tradeOf[want.Of]
	if t == nil || got.close.Trade == nil {
		return Differ("answered a trade", got.close.Trade != nil, t != nil)
	}
	return Differ("answered trade", r.reader.trade(*got.close.Trade, got.close.Closes), t.row())
}

func summaryText(s ledger.Summary) string {
	ignored, rejected := map[string]int64{}, map[string]int64{}
	for reason, n := range s.Ignored {
		ignored[string(reason)] = n
	}
	for reason, n := range s.Rejected {
		rejected[string(reason)] = n
	}
	return fmt.Sprint(s.Events, s.Applied, s.Duplicates, s.OutOfOrder, s.RegisteredMiners, ignored, rejected, s.Resumed)
}

func (o Outcome) summary() string {
	return fmt.Sprint(o.events, o.applied, o.duplicates, o.late, o.new, o.ignored, o.rejected, 0)
}

// compareRejections reads every rejected event back, as an input of its own.
func (r *Run) compareRejections(ctx context.Context) error {
	rows, err := every(func(p ledger.Page[ledger.RejectedEvent]) ([]ledger.RejectedEvent, error) {
		return r.Ledger.RejectedEvents(ctx, "", p)
	})
	if err != nil {
		return err
	}
	found := map[rejection]bool{}
	for _, row := range rows {
		for e, err := range ingest.Read(strings.NewReader(row.Payload), "payload", ingest.Options{ExcludeTransfers: true}) {
			if err != nil {
				return fmt.Errorf("rejected event %d, %s: %w", row.RejectedID, row.Payload, err)
			}
			found[rejection{Event{
				string(e.Kind), Ref{r.number[e.Coldkey], e.ExtrinsicID, e.EventIndex}, uint16(e.Netuid), r.hotkeys[e.Hotkey],
				e.Block, int64(e.Time), int64(e.TAO), int64(e.Alpha), e.Excluded,
			}, row.Reason}] = true
		}
	}
	return errors.Join(Differ("rejected rows", len(rows), len(found)), Differ("rejected events", found, r.Model.rejected))
}
