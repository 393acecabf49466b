// Package ledger keeps the trading record of miners on a Bittensor subnet: who staked TAO into a subnet, who
// sold the alpha again, and what was gained. The record is money: nothing is lost, nothing is counted twice,
// every rao adds up.
//
// # Miners
//
// A miner is its coldkey ([Ledger.RegisterMiner], [Ledger.EnsureMiner]). UIDs and hotkeys belong to
// registrations, which begin and end; the history stays with the miner.
//
// # Positions, trades, closes
//
// Staking opens a position ([Ledger.AddPosition]). Unstaking is a trade ([Ledger.ProcessClose]): it closes
// the miner's open positions of that subnet first in, first out. Each step of that is a close, with its exact
// share of the trade's TAO and of the position's cost; the shares of a whole sum to the whole, to the rao. A
// miner carries lifetime counters, kept by increments in the same transaction.
//
// # Order
//
// The events of a miner stand in one order, the same everywhere: by time, block, extrinsic and index, see
// [chain.EventKey]. A trade closes positions that stand before it. An event that comes after a later one was
// handled is late: it is applied to what there is, flagged, and marks its miner (Miner.OldestLateKey) until
// [Ledger.Rebuild] has replayed the events in order.
//
// # Events
//
// Both operations take an [Event], known by (miner, extrinsic, event index). The same event again returns the
// earlier result and changes nothing; the same key with other contents is [ErrDuplicateEvent]. Every event
// that was taken in stays on record with its outcome and the terms it was handled on.
//
// # Policy
//
// The minimum of blocks, the rule for self-trades, whether transfers count and the window of scores are the ledger's
// ([Policy], [Ledger.SetPolicy]). A call that asks for another is refused, unless it passes [OverridePolicy]. Events
// keep what they were handled under, until [Ledger.Rebuild] with [UnderPolicy]. [Ledger.Basis] is what figures are
// based on.
//
// # Ingesting
//
// [Ledger.Apply] takes a whole input of any size and any order. It validates and stages all of it before anything is
// applied, so a bad row applies nothing; then it applies the events in order, in batches of one transaction. It may be
// stopped at any moment, also by a crash: the next Apply continues with what is staged, and running the same input
// again ends in the same ledger.
//
// # Reading
//
// Lists are paged by key, see [Page]. A missing row is [ErrNotFound]. Amounts are in rao, times in
// microseconds, durations in microseconds.
//
// # Archiving
//
// [Ledger.ArchiveClosedPositions] marks what was closed long ago as archived, in many short transactions. Lists leave
// it out unless they are asked for it, so they stay short; reading by id finds it as before. Counters, the report,
// snapshots and scores do not change by it.
//
// # Snapshots and scores
//
// [Ledger.TakeSnapshot] records a miner's results over the positions of a window, in exact sums; [Ledger.TakeSnapshots]
// does so for all miners at one moment. [Ledger.Scores] ranks the miners that the chain can give weight to by what they
// gained on the last days, the older the less; [Ledger.Weights] are for the chain. Sums are exact to the rao; the means
// and scores made of them are floats.
//
// # Transactions
//
// Every exported method is one transaction: when it returns nil, its change is on disk; when it returns an
// error, nothing happened. [Ledger.WithTx] makes several of them one: methods called with the context of its
// closure join its transaction. On a server a commit whose answer was lost is settled before the method returns:
// manager.ErrCommitUnknown comes only from WithTx, and where the retry budget or the context has ended before.
//
// # Opening
//
// [Open] migrates the file and refuses one that calls itself a ledger but whose tables, views or triggers are not
// the ledger's ([ErrSchema]). Tables of your own may stand beside them.
//
// # Concurrency
//
// A Ledger is safe for concurrent use, and several processes may use one file.
package ledger
