package model_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/ledger"
)

// whole compares everything there is.
func (r *run) whole() error {
	return r.ledger.ReadOnly(r.ctx, func(ctx context.Context, _ *read.Queries) error {
		miners, err := every(func(p ledger.Page[ledger.Miner]) ([]ledger.Miner, error) { return r.ledger.Miners(ctx, p) })
		if err != nil {
			return err
		}
		if err := differ("miners", len(miners), len(r.model.miners)); err != nil {
			return err
		}
		for _, n := range r.model.numbers() {
			if err := r.learnMiner(ctx, n); err != nil {
				return err
			}
			if err := r.wholeMiner(ctx, n); err != nil {
				return err
			}
			if err := r.compareMiner(ctx, n); err != nil {
				return err
			}
		}
		return r.compareRejections(ctx)
	})
}

// wholeMiner compares all rows of a miner by its lists.
func (r *run) wholeMiner(ctx context.Context, n int) error {
	m := r.model.miners[n]
	if m == nil {
		return nil
	}
	id := r.ids[n]
	events, err := every(func(p ledger.Page[ledger.RecordedEvent]) ([]ledger.RecordedEvent, error) {
		return r.ledger.Events(ctx, id, ledger.EventFilter{}, p)
	})
	if err != nil {
		return err
	}
	slices.SortFunc(events, func(a, b ledger.RecordedEvent) int { return int(a.EventID - b.EventID) })
	if err := differ(fmt.Sprintf("events of miner %d", n), len(events), len(m.events)); err != nil {
		return err
	}
	for _, e := range events { // first all ids, which lists of positions need
		r.reader.event(e)
	}
	for i, e := range events {
		if err := differ("event", r.reader.event(e), m.events[i].row()); err != nil {
			return err
		}
	}
	if err := r.wholePositions(ctx, id, m); err != nil {
		return err
	}
	return r.wholeTrades(ctx, id, m)
}

func (r *run) wholePositions(ctx context.Context, id int64, m *miner) error {
	count := 0
	for i, list := range []func(context.Context, int64, ledger.PositionFilter, ledger.Page[ledger.Position]) ([]ledger.Position, error){r.ledger.Positions, r.ledger.ArchivedPositions} {
		rows, err := every(func(p ledger.Page[ledger.Position]) ([]ledger.Position, error) {
			return list(ctx, id, ledger.PositionFilter{}, p)
		})
		if err != nil {
			return err
		}
		for _, p := range rows {
			want := m.positionOf[r.refs[p.PositionID]]
			if want == nil {
				return fmt.Errorf("position %d should not be there: %+v", p.PositionID, p)
			}
			if err := differ("position", r.reader.position(p, i == 1), want.row()); err != nil {
				return err
			}
		}
		count += len(rows)
	}
	return differ(fmt.Sprintf("positions of miner %d", m.number), count, len(m.positions))
}

func (r *run) wholeTrades(ctx context.Context, id int64, m *miner) error {
	count := 0
	for i, list := range []func(context.Context, int64, ledger.TradeFilter, ledger.Page[ledger.Trade]) ([]ledger.Trade, error){r.ledger.Trades, r.ledger.ArchivedTrades} {
		rows, err := every(func(p ledger.Page[ledger.Trade]) ([]ledger.Trade, error) {
			return list(ctx, id, ledger.TradeFilter{}, p)
		})
		if err != nil {
			return err
		}
		for _, t := range rows {
			want := m.tradeOf[r.refs[t.TradeID]]
			if want == nil {
				return fmt.Errorf("trade %d should not be there: %+v", t.TradeID, t)
			}
			closes, err := r.closesOf(ctx, t.TradeID)
			if err != nil {
				return err
			}
			if err := differ("trade", r.reader.trade(t, i == 1, closes), want.row(m)); err != nil {
				return err
			}
		}
		count += len(rows)
	}
	return differ(fmt.Sprintf("trades of miner %d", m.number), count, len(m.trades))
}

// finish is what must hold at the end of every history: all rows agree, Verify
// finds nothing, and a rebuild of every miner is the model's replay in order,
// after which Verify finds nothing again and another rebuild changes nothing.
func (r *run) finish() error {
	if err := r.sound(); err != nil {
		return err
	}
	for _, n := range r.model.numbers() {
		if err := r.step(op{Do: "rebuild", Miner: n}); err != nil {
			return fmt.Errorf("last rebuild: %w", err)
		}
		again, err := r.ledger.Rebuild(r.ctx, coldkeyOf(n))
		if kindOf(err) == errInvalid {
			continue // a counter cannot hold what the order of events makes of it
		}
		if err != nil || again.Changed() {
			return fmt.Errorf("another rebuild of miner %d changed something, %v: %+v", n, err, again)
		}
	}
	return r.sound()
}

func (r *run) sound() error {
	if err := r.whole(); err != nil {
		return err
	}
	report, err := r.ledger.Verify(r.ctx, ledger.MaxDifferences(5))
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if !report.Healthy() {
		return fmt.Errorf("verify found %d differences: %v", report.Found, report.Differences)
	}
	return nil
}
