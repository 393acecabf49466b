package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/dbgen/write"
)

const (
	maxMiners  = 10_000
	someMiners = 512    // in most workloads; the first ones belong to goroutines, one each
	scanMiner  = 511    // has open positions to scan, and no other work
	scanRows   = 1000   // rows of one scan
	netuid     = 7      // the subnet of all work
	minBlocks  = 360    // the ledger's default
	pageSize   = 8      // candidates read at a time, the ledger's first page
	firstTime  = 1.7e15 // microseconds; where the history begins
	firstOp    = 30_000 // the number of a miner's first operation after its history
)

// An Op is one stake or unstake event to book.
type Op struct {
	Close     bool
	Miner     int // index into the template's miners
	Extrinsic string
	Block     int64
	Time      chain.Time
	TAO       chain.Rao
	Alpha     chain.Rao
}

// Ops yields the work of one miner: it opens one or more positions and then closes
// all of them with one trade, so that few are open however long the work lasts.
type Ops struct {
	miner, n int
	opens    int // positions before each trade
	alpha    chain.Rao
}

func newOps(miner int) *Ops {
	return &Ops{miner: miner, n: firstOp, opens: 1}
}

func (o *Ops) Next() Op {
	n := o.n
	o.n++
	block := int64(1000 + 400*n)
	op := Op{
		Close:     n%(o.opens+1) == o.opens,
		Miner:     o.miner,
		Extrinsic: fmt.Sprintf("%d-%04d", block, o.miner),
		Block:     block,
		Time:      chain.Time(firstTime + 12e6*400*int64(n)),
		TAO:       chain.Rao(1_000_000_000 + int64(n%97)*1_000_003),
		Alpha:     chain.Rao(30_000_000_000 + int64(n%89)*1_000_033),
	}
	if op.Close {
		op.Alpha, o.alpha = o.alpha, 0
	} else {
		o.alpha += op.Alpha
	}
	return op
}

// book runs one operation's statements inside a transaction.
func book(ctx context.Context, q Queries, op Op) error {
	if op.Close {
		return closePosition(ctx, q, op)
	}
	return openPosition(ctx, q, op)
}

func openPosition(ctx context.Context, q Queries, op Op) error {
	miner, err := q.MinerByColdkey(ctx, coldkeys[op.Miner])
	if err != nil {
		return err
	}
	key := op.key()
	id, err := q.InsertEvent(ctx, write.InsertEventParams{
		MinerID: miner.MinerID, ExtrinsicID: op.Extrinsic, EventKey: key, Kind: chain.Stake,
		Netuid: netuid, Hotkey: hotkeys[op.Miner], Block: op.Block, Time: op.Time,
		TAO: op.TAO, Alpha: op.Alpha, Outcome: chain.Applied,
		OutOfOrder: isOutOfOrder(miner, key),
	})
	if err != nil {
		return err
	}
	err = q.InsertPosition(ctx, write.InsertPositionParams{
		PositionID: id, MinerID: miner.MinerID, Netuid: netuid, Hotkey: hotkeys[op.Miner],
		ExtrinsicID: op.Extrinsic, EventKey: key, EntryBlock: op.Block, EntryTime: op.Time,
		EntryTAO: op.TAO, EntryAlpha: op.Alpha, RemainingAlpha: op.Alpha, Status: chain.PositionOpen,
	})
	if err != nil {
		return err
	}
	return q.AddToMiner(ctx, write.AddToMinerParams{
		MinerID: miner.MinerID, LatestKey: &key, LastActive: &op.Time,
		Positions: 1, OpenPositions: 1, EntryTAO: op.TAO, EntryAlpha: op.Alpha,
	})
}

func closePosition(ctx context.Context, q Queries, op Op) error {
	miner, err := q.MinerByColdkey(ctx, coldkeys[op.Miner])
	if err != nil {
		return err
	}
	_, err = q.EventByKey(ctx, read.EventByKeyParams{MinerID: miner.MinerID, ExtrinsicID: op.Extrinsic})
	if !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("close %s: looking whether it was booked before: %w", op.Extrinsic, err)
	}
	key := op.key()
	own, err := q.SelfTradeCandidates(ctx, read.SelfTradeCandidatesParams{
		MinerID: miner.MinerID, ExtrinsicID: op.Extrinsic, Netuid: netuid, BeforeKey: key,
	})
	if err != nil {
		return err
	}
	if len(own) > 0 {
		return fmt.Errorf("close %s: the work has no self-trades, found %d", op.Extrinsic, len(own))
	}
	candidates, err := q.FIFOCandidates(ctx, read.FIFOCandidatesParams{
		MinerID: miner.MinerID, Netuid: netuid, BeforeKey: key, PageSize: pageSize,
	})
	if err != nil {
		return err
	}
	id, err := q.InsertEvent(ctx, write.InsertEventParams{
		MinerID: miner.MinerID, ExtrinsicID: op.Extrinsic, EventKey: key, Kind: chain.Unstake,
		Netuid: netuid, Hotkey: hotkeys[op.Miner], Block: op.Block, Time: op.Time,
		TAO: op.TAO, Alpha: op.Alpha, Outcome: chain.Applied, OutOfOrder: isOutOfOrder(miner, key),
		Mode: &strict, MinBlocks: &minimum, SelfTrade: &zero,
	})
	if err != nil {
		return err
	}
	err = q.InsertTrade(ctx, write.InsertTradeParams{
		TradeID: id, MinerID: miner.MinerID, Netuid: netuid, Hotkey: hotkeys[op.Miner],
		ExtrinsicID: op.Extrinsic, EventKey: key, ExitBlock: op.Block, ExitTime: op.Time,
		ExitTAO: op.TAO, ExitAlpha: op.Alpha,
	})
	if err != nil {
		return err
	}
	sum, err := closeCandidates(ctx, q, op, id, miner.MinerID, candidates)
	if err != nil {
		return err
	}
	sum.MinerID, sum.LatestKey, sum.LastActive, sum.Trades = miner.MinerID, &key, &op.Time, 1
	return q.AddToMiner(ctx, sum)
}

// closeCandidates takes the trade's alpha from positions, first in first out,
// with the ledger's exact shares, and returns what to add to the miner.
func closeCandidates(ctx context.Context, q Queries, op Op, trade, miner int64, candidates []read.FIFOCandidatesRow) (sum write.AddToMinerParams, err error) {
	var taken chain.Rao
	for step, p := range candidates {
		if taken == op.Alpha {
			break
		}
		alpha := min(p.RemainingAlpha, op.Alpha-taken)
		sold := p.EntryAlpha - p.RemainingAlpha
		c := write.InsertCloseParams{
			TradeID: trade, Step: int64(step), PositionID: p.PositionID, MinerID: miner, EventKey: op.key(), Alpha: alpha,
			DurationUs:   int64(op.Time - p.EntryTime),
			MinBlocksMet: op.Block-p.EntryBlock >= minBlocks,
		}
		if c.TAO, err = chain.Share(op.TAO, op.Alpha, taken, taken+alpha); err != nil {
			return sum, err
		}
		if c.Cost, err = chain.Share(p.EntryTAO, p.EntryAlpha, sold, sold+alpha); err != nil {
			return sum, err
		}
		c.RawGain = c.TAO - c.Cost
		if c.MinBlocksMet {
			c.Gain = c.RawGain
			sum.CountedCloses++
			sum.CountedDurationUs += c.DurationUs
			if c.Gain > 0 {
				sum.WinningCloses++
			}
		}
		if err := q.InsertClose(ctx, c); err != nil {
			return sum, err
		}
		shrink := write.ShrinkPositionParams{
			PositionID: p.PositionID, Alpha: alpha, Status: chain.PositionPartial, LastExitTime: &op.Time, Gain: c.Gain,
		}
		if alpha == p.RemainingAlpha {
			shrink.Status, shrink.ClosedAt = chain.PositionClosed, &op.Time
			sum.OpenPositions--
		}
		if err := q.ShrinkPosition(ctx, shrink); err != nil {
			return sum, err
		}
		taken += alpha
		sum.Closes++
		sum.ClosedAlpha += alpha
		sum.ExitTAO += c.TAO
		sum.RawGain += c.RawGain
		sum.Gain += c.Gain
	}
	if taken != op.Alpha {
		return sum, fmt.Errorf("close %s: %d candidates hold %v alpha of %v: the work is not what it should be", op.Extrinsic, len(candidates), taken, op.Alpha)
	}
	return sum, nil
}

// isOutOfOrder compares an event with the miner's latest one, as the ledger does.
func isOutOfOrder(m read.Miner, key chain.EventKey) bool {
	return m.LatestKey != nil && *m.LatestKey > key
}

// key is the operation's place among those of its miner.
func (op Op) key() chain.EventKey { return chain.NewEventKey(op.Time, op.Block, op.Extrinsic, 0) }

var (
	strict  = chain.Strict
	zero    = chain.SelfTradeZero
	minimum = int64(minBlocks)
)
