package model

import (
	"context"
	"errors"
	"fmt"

	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/ledger"
)

// Whole compares everything there is.
func (r *Run) Whole() error {
	return r.Ledger.ReadOnly(r.ctx, func(ctx context.Context, _ *read.Queries) error {
		miners, err := every(func(p ledger.Page[ledger.Miner]) ([]ledger.Miner, error) { return r.Ledger.Miners(ctx, p) })
		if err != nil {
			return err
		}
		if err := Differ("miners", len(miners), len(r.Model.miners)); err != nil {
			return err
		}
		for _, n := range r.Model.Numbers() {
			if err := r.learnMiner(ctx, n); err != nil {
				return err
			}
			if err := r.wholeMiner(ctx, n); err != nil {
				return err
			}
			if err := errors.Join(r.compareMiner(ctx, n), r.compareSnapshots(ctx, n)); err != nil {
				return err
			}
		}
		return r.compareRejections(ctx)
	})
}

// wholeMiner compares all rows of a miner by its lists.
func (r *Run) wholeMiner(ctx context.Context, n int) error {
	m := r.Model.miners[n]
	if m == nil {
		return nil
	}
	id := r.ids[n]
	events, err := every(func(p ledger.Page[ledger.RecordedEvent]) ([]ledger.RecordedEvent, error) {
		return r.Ledger.Events(ctx, id, ledger.EventFilter{}, p)
	})
	if err != nil {
		return err
	}
	if err := Differ(fmt.Sprintf("events of miner %d", n), len(events), len(m.events)); err != nil {
		return err
	}
	for _, e := range events { // learn all ids first: lists of positions need them
		r.reader.event(e)
	}
	for i, e := range events {
		if err := Differ("event", r.reader.event(e), m.events[i].row()); err != nil {
			return err
		}
	}
	if err := r.wholePositions(ctx, id, m); err != nil {
		return err
	}
	return r.wholeTrades(ctx, id, m)
}

func (r *Run) wholePositions(ctx context.Context, id int64, m *miner) error {
	count := 0
	for _, archived := range []bool{false, true} {
		rows, err := every(func(p ledger.Page[ledger.Position]) ([]ledger.Position, error) {
			return r.Ledger.Positions(ctx, id, ledger.PositionFilter{Archived: archived}, p)
		})
		if err != nil {
			return err
		}
		for _, p := range rows {
			want := m.positionOf[r.refs[p.PositionID]]
			if want == nil {
				return fmt.Errorf("position %d should not be there: %+v", p.PositionID, p)
			}
			if err := Differ("position", r.reader.position(p), want.row()); err != nil {
				return err
			}
		}
		count += len(rows)
	}
	return Differ(fmt.Sprintf("positions of miner %d", m.number), count, len(m.positions))
}

func (r *Run) wholeTrades(ctx context.Context, id int64, m *miner) error {
	count := 0
	for _, archived := range []bool{false, true} {
		rows, err := every(func(p ledger.Page[ledger.Trade]) ([]ledger.Trade, error) {
			return r.Ledger.Trades(ctx, id, ledger.TradeFilter{Archived: archived}, p)
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
			if err := Differ("trade", r.reader.trade(t, closes), want.row()); err != nil {
				return err
			}
		}
		count += len(rows)
	}
	return Differ(fmt.Sprintf("trades of miner %d", m.number), count, len(m.trades))
}

// finish is what must hold at the end of every history: all rows agree, Verify
// finds nothing, and a rebuild of every miner is the model's replay in order,
// after which Verify finds nothing again and another rebuild changes nothing.
func (r *Run) finish() error {
	if err := r.Sound(); err != nil {
		return err
	}
	for _, n := range r.Model.Numbers() {
		if err := r.step(Op{Do: "rebuild", Miner: n}); err != nil {
			return fmt.Errorf("last rebuild: %w", err)
		}
		again, err := r.Ledger.Rebuild(r.ctx, ColdkeyOf(n))
		if KindOf(err) == errInvalid {
			continue // in the order of events a counter overflows
		}
		if err != nil || again.Changed() {
			return fmt.Errorf("another rebuild of miner %d changed something, %v: %+v", n, err, again)
		}
	}
	return r.Sound()
}

// Sound compares everything there is, and has Verify look for differences.
func (r *Run) Sound() error {
	if err := r.Whole(); err != nil {
		return err
	}
	report, err := r.Ledger.Verify(r.ctx, ledger.MaxDifferences(5))
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if !report.Healthy() {
		return fmt.Errorf("verify found %d differences: %v", report.Found, report.Differences)
	}
	return nil
}
