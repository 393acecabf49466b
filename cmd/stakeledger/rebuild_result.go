package main

import (
	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// rebuiltRow is what a rebuild changed of a miner, as JSON has it.
type rebuiltRow struct {
	MinerID    int64                        `json:"miner_id"`
	Coldkey    chain.Address                `json:"coldkey"`
	Changed    bool                         `json:"changed"`
	Replayed   int64                        `json:"replayed"`
	Reordered  int64                        `json:"reordered"`
	Restated   int64                        `json:"restated"`
	Outcomes   []ledger.Change[eventRow]    `json:"outcomes"`
	Positions  []ledger.Change[positionRow] `json:"positions"`
	Trades     []ledger.Change[soldRow]     `json:"trades"`
	Closes     []ledger.Change[closeRow]    `json:"closes"`
	Counters   ledger.Change[countersRow]   `json:"counters"`
	Unhonoured []ledger.Unhonoured          `json:"unhonoured"`
}

// soldRow is a trade without the sums over its closes.
type soldRow struct {
	TradeID        int64         `json:"trade_id"`
	Netuid         chain.Netuid  `json:"netuid"`
	Hotkey         chain.Address `json:"hotkey"`
	ExtrinsicID    string        `json:"extrinsic_id"`
	EventIndex     int64         `json:"event_index"`
	ExitBlock      int64         `json:"exit_block"`
	ExitTime       chain.Time    `json:"exit_time"`
	ExitTAO        chain.Rao     `json:"exit_tao"`
	ExitAlpha      chain.Rao     `json:"exit_alpha"`
	UnmatchedAlpha chain.Rao     `json:"unmatched_alpha"`
	UnmatchedTAO   chain.Rao     `json:"unmatched_tao"`
}

// closeRow is a close.
type closeRow struct {
	TradeID      int64     `json:"trade_id"`
	Step         int64     `json:"step"`
	PositionID   int64     `json:"position_id"`
	Alpha        chain.Rao `json:"alpha"`
	TAO          chain.Rao `json:"tao"`
	CostTAO      chain.Rao `json:"cost_tao"`
	RawGainTAO   chain.Rao `json:"raw_gain_tao"`
	GainTAO      chain.Rao `json:"gain_tao"`
	DurationUs   int64     `json:"duration_us"`
	MinBlocksMet bool      `json:"min_blocks_met"`
	SelfTrade    bool      `json:"self_trade"`
}

// countersRow is a miner without its UIDs, which a rebuild does not look at.
type countersRow struct {
	minerRow
	UIDs *struct{} `json:"uids,omitempty"` // always nil, in the place of the other
}

func newRebuiltRow(r rebuildOfMiner) rebuiltRow {
	row := rebuiltRow{
		MinerID: r.MinerID, Coldkey: r.miner.Coldkey, Changed: r.Changed(), Replayed: r.Replayed, Reordered: r.Reordered, Restated: r.Restated,
		Outcomes: mapChanges(r.Outcomes, func(e ledger.RecordedEvent) eventRow {
			return newEventRow(r.miner, e)
		}),
		Positions: mapChanges(r.Positions, func(p ledger.Position) positionRow {
			return newPositionRow(r.miner, p)
		}),
		Trades: mapChanges(r.Trades, func(t ledger.Trade) soldRow {
			return soldRow{
				TradeID: t.TradeID, Netuid: t.Netuid, Hotkey: t.Hotkey, ExtrinsicID: t.ExtrinsicID, EventIndex: t.EventIndex,
				ExitBlock: t.ExitBlock, ExitTime: t.ExitTime, ExitTAO: t.ExitTAO, ExitAlpha: t.ExitAlpha,
				UnmatchedAlpha: t.UnmatchedAlpha, UnmatchedTAO: t.UnmatchedTAO,
			}
		}),
		Closes: mapChanges(r.Closes, func(c ledger.Close) closeRow {
			return closeRow{
				TradeID: c.TradeID, Step: c.Step, PositionID: c.PositionID, Alpha: c.Alpha, TAO: c.TAO, CostTAO: c.Cost,
				RawGainTAO: c.RawGain, GainTAO: c.Gain, DurationUs: c.DurationUs, MinBlocksMet: c.MinBlocksMet, SelfTrade: c.SelfTrade,
			}
		}),
		Counters: mapChanges([]ledger.Change[ledger.Miner]{r.Counters}, func(m ledger.Miner) countersRow {
			return countersRow{minerRow: newMinerRow(m, nil)}
		})[0],
		Unhonoured: r.Unhonoured,
	}
	if row.Unhonoured == nil {
		row.Unhonoured = []ledger.Unhonoured{}
	}
	return row
}

// mapChanges makes rows of the changes of a rebuild.
func mapChanges[T, R any](list []ledger.Change[T], made func(T) R) []ledger.Change[R] {
	rows := make([]ledger.Change[R], len(list))
	for i, c := range list {
		if c.Before != nil {
			before := made(*c.Before)
			rows[i].Before = &before
		}
		if c.After != nil {
			after := made(*c.After)
			rows[i].After = &after
		}
	}
	return rows
}
