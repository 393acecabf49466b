package model_test

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

// step runs an operation on both sides and compares what they answer and what the
// operation touched. The error says how they differ.
func (r *run) step(o op) error {
	want := r.model.do(o)
	r.tally.count(o, want, r.model)
	got := r.do(o)
	if err := differ("error", kindOf(got.err), want.err); err != nil {
		return fmt.Errorf("%w (%v)", err, got.err)
	}
	return r.ledger.ReadOnly(r.ctx, func(ctx context.Context, q *read.Queries) error {
		if err := r.touched(ctx, q, want); err != nil || want.err != "" {
			return err
		}
		return r.answered(o, got, want)
	})
}

func differ(what string, got, want any) error {
	if reflect.DeepEqual(got, want) {
		return nil
	}
	return fmt.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
}

// touched compares the rows that an operation was about.
func (r *run) touched(ctx context.Context, q *read.Queries, want outcome) error {
	for n := range want.touchedMiners {
		if err := r.learnMiner(ctx, n); err != nil {
			return err
		}
	}
	for at := range want.touched {
		if err := r.compareEvent(ctx, q, at); err != nil {
			return err
		}
	}
	for at := range want.touched { // once all ids are known
		if err := r.compareEffect(ctx, at); err != nil {
			return err
		}
	}
	for n := range want.touchedMiners {
		if err := r.compareMiner(ctx, n); err != nil {
			return err
		}
		if want.wholeMiner {
			if err := r.wholeMiner(ctx, n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) learnMiner(ctx context.Context, n int) error {
	m, err := r.ledger.MinerByColdkey(ctx, coldkeyOf(n))
	if err == nil {
		r.numbers[m.MinerID], r.ids[n] = n, m.MinerID
	}
	return differ(fmt.Sprintf("miner %d is there", n), err == nil, r.model.miners[n] != nil)
}

func (r *run) compareMiner(ctx context.Context, n int) error {
	want := r.model.miners[n]
	if want == nil {
		return nil
	}
	m, err := r.ledger.MinerByColdkey(ctx, coldkeyOf(n))
	if err != nil {
		return err
	}
	var held int64
	if by, err := r.ledger.MinerByUID(ctx, chain.UID(n)); err == nil && by.MinerID == m.MinerID {
		held = 1
	} else if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return err
	}
	return differ(fmt.Sprintf("miner %d", n), r.reader.miner(m, held), want.row())
}

func (r *run) compareEvent(ctx context.Context, q *read.Queries, at ref) error {
	m := r.model.miners[at.Miner]
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
	return differ("event", r.reader.event(e), want.row())
}

// compareEffect compares the position or trade of an event, wherever it is.
func (r *run) compareEffect(ctx context.Context, at ref) error {
	m := r.model.miners[at.Miner]
	if m == nil || m.byRef[at] == nil {
		return nil
	}
	id := r.idOf[at]
	if err := r.comparePosition(ctx, id, m.positionOf[at]); err != nil {
		return fmt.Errorf("position of %v: %w", at, err)
	}
	if err := r.compareTrade(ctx, id, m.tradeOf[at], m); err != nil {
		return fmt.Errorf("trade of %v: %w", at, err)
	}
	return nil
}

// either reads what is live or archived, and refuses what is both. nil: neither.
func either[T any](ctx context.Context, id int64, live, archived func(context.Context, int64) (T, error)) (row *T, isArchived bool, err error) {
	a, errLive := live(ctx, id)
	b, errArchived := archived(ctx, id)
	switch {
	case errLive == nil && errArchived == nil:
		return nil, false, errors.New("it is live and archived at once")
	case errLive == nil && errors.Is(errArchived, ledger.ErrNotFound):
		return &a, false, nil
	case errArchived == nil && errors.Is(errLive, ledger.ErrNotFound):
		return &b, true, nil
	case errors.Is(errLive, ledger.ErrNotFound) && errors.Is(errArchived, ledger.ErrNotFound):
		return nil, false, nil
	}
	return nil, false, errors.Join(errLive, errArchived)
}

func (r *run) comparePosition(ctx context.Context, id int64, want *position) error {
	p, archived, err := either(ctx, id, r.ledger.Position, r.ledger.ArchivedPosition)
	if err != nil {
		return err
	}
	if p == nil || want == nil {
		return differ("it is there", p != nil, want != nil)
	}
	return differ("row", r.reader.position(*p, archived), want.row())
}

func (r *run) compareTrade(ctx context.Context, id int64, want *trade, m *miner) error {
	t, archived, err := either(ctx, id, r.ledger.Trade, r.ledger.ArchivedTrade)
	if err != nil {
		return err
	}
	if t == nil || want == nil {
		return differ("it is there", t != nil, want != nil)
	}
	closes, err := r.closesOf(ctx, id)
	if err != nil {
		return err
	}
	return differ("row", r.reader.trade(*t, archived, closes), want.row(m))
}

func (r *run) closesOf(ctx context.Context, trade int64) (all []placedClose, err error) {
	for i, list := range []func(context.Context, int64, ledger.Page[ledger.Close]) ([]ledger.Close, error){r.ledger.ClosesOfTrade, r.ledger.ArchivedClosesOfTrade} {
		rows, err := every(func(p ledger.Page[ledger.Close]) ([]ledger.Close, error) { return list(ctx, trade, p) })
		if err != nil {
			return nil, err
		}
		for _, c := range rows {
			all = append(all, placedClose{c, i == 1})
		}
	}
	return all, nil
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

// answered compares what an operation that succeeded returned.
func (r *run) answered(o op, got answer, want outcome) error {
	switch o.Do {
	case "stake":
		m := r.model.miners[want.of.Miner]
		p := m.positionOf[want.of]
		return errors.Join(
			differ("answered position", r.reader.position(*got.position, p.archived), p.row()),
			differ("new", got.isNew, want.isNew))
	case "unstake":
		return r.answeredClose(got, want)
	case "ensure":
		return differ("new", got.isNew, want.isNew)
	case "apply":
		return differ("summary", summaryText(got.summary), want.summary())
	case "archive":
		s := got.moved
		return differ("moved", [4]int64{s.Miners, s.Positions, s.Trades, s.Closes}, want.moved)
	case "rebuild":
		return differ("changed", got.changed, want.changed)
	}
	return nil
}

func (r *run) answeredClose(got answer, want outcome) error {
	m := r.model.miners[want.of.Miner]
	if err := errors.Join(
		differ("new", got.isNew, want.isNew),
		differ("answered event", r.reader.event(got.close.Event), m.byRef[want.of].row()),
	); err != nil {
		return err
	}
	t := m.tradeOf[want.of]
	if t == nil || got.close.Trade == nil {
		return differ("answered a trade", got.close.Trade != nil, t != nil)
	}
	var closes []placedClose
	for i, c := range got.close.Closes {
		archived := i < len(t.closes) && m.positionOf[t.closes[i].position].archived // an answer does not say it
		closes = append(closes, placedClose{c, archived})
	}
	return differ("answered trade", r.reader.trade(*got.close.Trade, t.archived, closes), t.row(m))
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

func (o outcome) summary() string {
	return fmt.Sprint(o.events, o.applied, o.duplicates, o.late, o.new, o.ignored, o.rejected, 0)
}

// compareRejections reads every rejected event back, as an input of its own.
func (r *run) compareRejections(ctx context.Context) error {
	rows, err := every(func(p ledger.Page[ledger.RejectedEvent]) ([]ledger.RejectedEvent, error) {
		return r.ledger.RejectedEvents(ctx, "", p)
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
			found[rejection{event{
				string(e.Kind), ref{r.number[e.Coldkey], e.ExtrinsicID, e.EventIndex}, uint16(e.Netuid), r.hotkeys[e.Hotkey],
				e.Block, int64(e.Time), int64(e.TAO), int64(e.Alpha), e.Excluded,
			}, row.Reason}] = true
		}
	}
	return errors.Join(differ("rejected rows", len(rows), len(found)), differ("rejected events", found, r.model.rejected))
}
