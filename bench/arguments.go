package main

import "github.com/stakeledger/stakeledger/dbgen/write"

// The arguments of the statements that write, in the order of their parameters,
// for contenders that do not use the generated code.

func insertEventArgs(a write.InsertEventParams) []any {
	return []any{a.MinerID, a.ExtrinsicID, a.EventIndex, a.EventKey, a.Kind, a.Netuid, a.Hotkey, a.Block, a.Time, a.TAO, a.Alpha,
		a.Outcome, a.Reason, a.OutOfOrder, a.Mode, a.MinBlocks, a.SelfTrade, a.PositionIds, a.IsTransfer, a.Fee, a.USD}
}

func insertPositionArgs(a write.InsertPositionParams) []any {
	return []any{a.PositionID, a.MinerID, a.Netuid, a.Hotkey, a.ExtrinsicID, a.EventIndex, a.EventKey,
		a.EntryBlock, a.EntryTime, a.EntryTAO, a.EntryAlpha, a.RemainingAlpha, a.Status}
}

func insertTradeArgs(a write.InsertTradeParams) []any {
	return []any{a.TradeID, a.MinerID, a.Netuid, a.Hotkey, a.ExtrinsicID, a.EventIndex, a.EventKey,
		a.ExitBlock, a.ExitTime, a.ExitTAO, a.ExitAlpha, a.UnmatchedAlpha, a.UnmatchedTAO}
}

func insertCloseArgs(a write.InsertCloseParams) []any {
	return []any{a.TradeID, a.Step, a.PositionID, a.MinerID, a.EventKey, a.Alpha, a.TAO, a.Cost, a.RawGain, a.Gain, a.DurationUs,
		a.MinBlocksMet, a.SelfTrade}
}

func shrinkPositionArgs(a write.ShrinkPositionParams) []any {
	return []any{a.Alpha, a.Status, a.LastExitTime, a.ClosedAt, a.Gain, a.PositionID}
}

func addToMinerArgs(a write.AddToMinerParams) []any {
	return []any{a.LatestKey, a.OldestLateKey, a.LastActive, a.Positions, a.OpenPositions, a.Trades, a.Closes, a.EntryTAO,
		a.EntryAlpha, a.ClosedAlpha, a.ExitTAO, a.RawGain, a.Gain, a.CountedCloses, a.WinningCloses,
		a.CountedDurationUs, a.UnmatchedAlpha, a.UnmatchedTAO, a.MinerID}
}
