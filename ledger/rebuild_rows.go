package ledger

import (
	"context"
	"fmt"

	"github.com/stakeledger/stakeledger/dbgen/read"
)

// recordedAccounts are a miner's rows as they stand, with where they are.
type recordedAccounts struct {
	accounts
	archivedPositions map[int64]bool
	archivedTrades    map[int64]bool
	archivedCloses    map[closeKey]bool
}

// readAccounts reads a miner's rows from the live tables and the archive. The error is ErrInvalid for a row
// that is in both.
func readAccounts(ctx context.Context, tx Tx, minerID int64) (recordedAccounts, error) {
	r := recordedAccounts{newAccounts(), map[int64]bool{}, map[int64]bool{}, map[closeKey]bool{}}
	if err := r.readPositions(ctx, tx, minerID); err != nil {
		return r, err
	}
	return r, r.readTrades(ctx, tx, minerID)
}

func (r recordedAccounts) readPositions(ctx context.Context, tx Tx, minerID int64) error {
	query := read.PositionsParams{MinerID: minerID, AfterTime: -1, Until: maxTime, AnyNetuid: 1, AnyStatus: 1, PageSize: maxPage}
	for {
		page, err := tx.Positions(ctx, query)
		if err != nil {
			return err
		}
		for _, p := range page {
			r.positions[p.PositionID] = p
		}
		if len(page) < maxPage {
			break
		}
		query.AfterTime, query.AfterPositionID = page[len(page)-1].EntryTime, page[len(page)-1].PositionID
	}
	query.AfterTime, query.AfterPositionID = -1, 0
	for {
		page, err := tx.ArchivedPositions(ctx, read.ArchivedPositionsParams(query))
		if err != nil {
			return err
		}
		for _, p := range page {
			if _, live := r.positions[p.PositionID]; live {
				return twice("position", p.PositionID)
			}
			r.positions[p.PositionID], r.archivedPositions[p.PositionID] = Position(p), true
		}
		if len(page) < maxPage {
			return nil
		}
		query.AfterTime, query.AfterPositionID = page[len(page)-1].EntryTime, page[len(page)-1].PositionID
	}
}

func (r recordedAccounts) readTrades(ctx context.Context, tx Tx, minerID int64) error {
	query := read.TradesParams{MinerID: minerID, AfterTime: -1, Until: maxTime, AnyNetuid: 1, PageSize: maxPage}
	for {
		page, err := tx.Trades(ctx, query)
		if err != nil {
			return err
		}
		for _, t := range page {
			r.trades[t.TradeID] = t
		}
		if err := r.readCloses(ctx, tx, page); err != nil {
			return err
		}
		if len(page) < maxPage {
			break
		}
		query.AfterTime, query.AfterTradeID = page[len(page)-1].ExitTime, page[len(page)-1].TradeID
	}
	query.AfterTime, query.AfterTradeID = -1, 0
	for {
		archived, err := tx.ArchivedTrades(ctx, read.ArchivedTradesParams(query))
		if err != nil {
			return err
		}
		page := converted(archived, func(t read.ArchivedTrade) Trade { return Trade(t) })
		for _, t := range page {
			if _, live := r.trades[t.TradeID]; live {
				return twice("trade", t.TradeID)
			}
			r.trades[t.TradeID], r.archivedTrades[t.TradeID] = t, true
		}
		if err := r.readCloses(ctx, tx, page); err != nil {
			return err
		}
		if len(page) < maxPage {
			return nil
		}
		query.AfterTime, query.AfterTradeID = page[len(page)-1].ExitTime, page[len(page)-1].TradeID
	}
}

// readCloses reads the closes of a page of trades, wherever they are.
func (r recordedAccounts) readCloses(ctx context.Context, tx Tx, trades []Trade) error {
	ids := make([]int64, len(trades))
	for i, t := range trades {
		ids[i] = t.TradeID
	}
	live, err := tx.ClosesOfTrades(ctx, idList(ids))
	if err != nil {
		return err
	}
	for _, c := range live {
		r.closes[closeKey{c.TradeID, c.Step}] = c
	}
	archived, err := tx.ArchivedClosesOfTrades(ctx, idList(ids))
	if err != nil {
		return err
	}
	for _, a := range archived {
		key := closeKey{a.TradeID, a.Step}
		if _, both := r.closes[key]; both {
			return twice("close of trade", a.TradeID)
		}
		r.closes[key], r.archivedCloses[key] = Close(a), true
	}
	return nil
}

// twice is the error for a row that is live and archived at once: which of the two is right, nobody knows.
func twice(what string, id int64) error {
	return &Error{Op: "rebuild", Subject: fmt.Sprintf("%s %d", what, id),
		Err: invalid("id", id, "is live and archived at once; restore a backup, or delete the wrong one of the two")}
}
