package ledger

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/stakeledger/stakeledger/chain"
)

// archivedRows is what moved of one miner.
type archivedRows struct {
	minerID                   int64
	positions, trades, closes int64
	entryTAO, gain            chain.Rao // of the positions
}

// moveToArchive moves closes, then the positions that have none left, then the trades that have none left. Of
// the positions it was given it leaves alone those that are gone or were not closed before the cutoff. What
// moved comes in the order of the miners.
func moveToArchive(ctx context.Context, tx Tx, next toArchive, cutoff chain.Time) ([]archivedRows, error) {
	found, err := tx.ArchivablePositions(ctx, idList(next.positions), cutoff)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	moved := archivedByMiner{}
	ids := make([]int64, len(found))
	for i, p := range found {
		ids[i] = p.PositionID
	}
	trades, err := moveCloses(ctx, tx, ids, next.untilTrade, moved)
	if err != nil {
		return nil, err
	}
	settled, err := tx.SettledPositions(ctx, idList(ids))
	if err != nil {
		return nil, err
	}
	if err := moveRows(ctx, "positions", settled, tx.ArchivePositions, tx.DeleteArchivedPositions); err != nil {
		return nil, err
	}
	for _, p := range found {
		if _, ok := slices.BinarySearch(settled, p.PositionID); ok {
			of := moved.of(p.MinerID)
			of.positions++
			of.entryTAO += p.EntryTAO // both are parts of a miner's counters, which hold their sums
			of.gain += p.Gain
		}
	}
	if err := moveTrades(ctx, tx, trades, moved); err != nil {
		return nil, err
	}
	return moved.sorted(), nil
}

// moveCloses moves the closes of positions up to a trade, and returns the trades that they belong to.
func moveCloses(ctx context.Context, tx Tx, positions []int64, untilTrade int64, moved archivedByMiner) (trades []int64, err error) {
	closes, err := tx.ArchivableCloses(ctx, idList(positions), untilTrade)
	if err != nil {
		return nil, err
	}
	for _, c := range closes {
		trades = append(trades, c.TradeID)
		moved.of(c.MinerID).closes++
	}
	copied, err := tx.ArchiveCloses(ctx, idList(positions), untilTrade)
	if err != nil {
		return nil, err
	}
	deleted, err := tx.DeleteArchivedCloses(ctx, idList(positions), untilTrade)
	if err != nil {
		return nil, err
	}
	slices.Sort(trades)
	return slices.Compact(trades), conserved("closes", int64(len(closes)), copied, deleted)
}

// moveTrades moves those of some trades whose closes have all moved.
func moveTrades(ctx context.Context, tx Tx, trades []int64, moved archivedByMiner) error {
	settled, err := tx.SettledTrades(ctx, idList(trades))
	if err != nil {
		return err
	}
	ids := make([]int64, len(settled))
	for i, t := range settled {
		ids[i] = t.TradeID
		moved.of(t.MinerID).trades++
	}
	return moveRows(ctx, "trades", ids, tx.ArchiveTrades, tx.DeleteArchivedTrades)
}

// moveRows copies rows and deletes them.
func moveRows(ctx context.Context, what string, ids []int64, copy, remove func(context.Context, string) (int64, error)) error {
	if len(ids) == 0 {
		return nil
	}
	copied, err := copy(ctx, idList(ids))
	if err != nil {
		return err
	}
	deleted, err := remove(ctx, idList(ids))
	if err != nil {
		return err
	}
	return conserved(what, int64(len(ids)), copied, deleted)
}

// conserved is an error unless every row that was to move was copied and deleted once.
func conserved(what string, want, copied, deleted int64) error {
	if copied == want && deleted == want {
		return nil
	}
	return &Error{Op: "archive", Subject: what,
		Err: fmt.Errorf("of %d rows %d were copied and %d deleted; nothing has moved, run Verify", want, copied, deleted)}
}

// archivedByMiner collects what moved, by miner.
type archivedByMiner map[int64]*archivedRows

func (m archivedByMiner) of(minerID int64) *archivedRows {
	if m[minerID] == nil {
		m[minerID] = &archivedRows{minerID: minerID}
	}
	return m[minerID]
}

func (m archivedByMiner) sorted() []archivedRows {
	rows := make([]archivedRows, 0, len(m))
	for _, r := range m {
		rows = append(rows, *r)
	}
	slices.SortFunc(rows, func(a, b archivedRows) int { return cmp.Compare(a.minerID, b.minerID) })
	return rows
}

// idList is a list of ids as the JSON array that queries take.
func idList(ids []int64) string {
	text, _ := json.Marshal(ids) // integers always marshal
	return string(text)
}
