package ledger

import (
	"context"
	"fmt"
	"slices"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
)

// candidate holds what closing a position needs of it.
type candidate = read.FIFOCandidatesRow

// Pages of candidates start small, since most trades close a position or two, and grow for trades that
// close thousands.
const (
	firstPage = 4
	lastPage  = 1024
)

// gatherCandidates returns the positions that a trade will close, in that order and no more than it needs. Together
// they may hold less than the trade sells.
func gatherCandidates(ctx context.Context, tx Tx, minerID int64, e Event, terms closeTerms) ([]candidate, error) {
	if terms.listed {
		listed, err := gatherListed(ctx, tx, minerID, e, terms)
		if err != nil {
			return nil, err
		}
		return ownOrAll(listed, e), nil
	}
	own, err := tx.SelfTradeCandidates(ctx, read.SelfTradeCandidatesParams{
		MinerID: minerID, ExtrinsicID: e.ExtrinsicID, Netuid: e.Netuid, BeforeKey: e.eventKey(),
	})
	if err != nil {
		return nil, err
	}
	if len(own) > 0 {
		candidates := make([]candidate, len(own))
		for i, c := range own {
			candidates[i] = candidate(c)
		}
		return candidates, nil
	}
	return gatherFIFO(ctx, tx, minerID, e)
}

// gatherFIFO pages through the open positions of a subnet until they cover the trade.
func gatherFIFO(ctx context.Context, tx Tx, minerID int64, e Event) ([]candidate, error) {
	var candidates []candidate
	query := read.FIFOCandidatesParams{MinerID: minerID, Netuid: e.Netuid, BeforeKey: e.eventKey()}
	left := e.Alpha
	for size := int64(firstPage); ; size = min(size*4, lastPage) {
		query.PageSize = size
		page, err := tx.FIFOCandidates(ctx, query)
		if err != nil {
			return nil, err
		}
		for _, c := range page {
			candidates = append(candidates, c)
			if left -= min(left, c.RemainingAlpha); left == 0 {
				return candidates, nil
			}
		}
		if int64(len(page)) < size {
			return candidates, nil
		}
		last := page[len(page)-1].EventKey
		if last <= query.AfterKey {
			return nil, unorderedRows("open positions")
		}
		query.AfterKey = last
	}
}

// gatherListed returns the positions of an explicit list, all of which must exist and be open to this
// trade.
func gatherListed(ctx context.Context, tx Tx, minerID int64, e Event, terms closeTerms) ([]candidate, error) {
	positions, err := tx.ListedPositions(ctx, *terms.listJSON())
	if err != nil {
		return nil, err
	}
	owner := make(map[int64]int64, len(positions))
	for _, p := range positions {
		owner[p.PositionID] = p.MinerID
	}
	for _, id := range terms.list {
		if owner[id] != minerID {
			return nil, &Error{Op: "close", Subject: e.subject(), Err: ErrNotFound, Detail: fmt.Sprintf("the miner has no position %d", id)}
		}
	}
	key := e.eventKey()
	candidates := make([]candidate, len(positions))
	for i, p := range positions {
		if reason := cannotClose(p, e, key); reason != "" {
			return nil, &Error{Op: "close", Subject: e.subject(), Err: ErrNoOpenPosition, Detail: fmt.Sprintf("position %d %s", p.PositionID, reason)}
		}
		candidates[i] = candidateOf(p)
	}
	return candidates, nil
}

// ownOrAll returns the candidates that the trade's own extrinsic opened, or all if there are none.
func ownOrAll(candidates []candidate, e Event) []candidate {
	own := slices.DeleteFunc(slices.Clone(candidates), func(c candidate) bool { return c.ExtrinsicID != e.ExtrinsicID })
	if len(own) > 0 {
		return own
	}
	return candidates
}

func candidateOf(p Position) candidate {
	return candidate{
		PositionID: p.PositionID, ExtrinsicID: p.ExtrinsicID, EventKey: p.EventKey, EntryBlock: p.EntryBlock, EntryTime: p.EntryTime,
		EntryTAO: p.EntryTAO, EntryAlpha: p.EntryAlpha, RemainingAlpha: p.RemainingAlpha, LastExitTime: p.LastExitTime,
	}
}

// cannotClose says why a trade, whose place in the order of events is key, cannot close a position. It is empty
// if it can.
func cannotClose(p Position, e Event, key chain.EventKey) string {
	switch {
	case p.ArchiveRun != nil:
		return "is closed and archived"
	case p.Status == chain.PositionClosed:
		return "is closed"
	case p.Netuid != e.Netuid:
		return fmt.Sprintf("is of subnet %d, the trade of %d", p.Netuid, e.Netuid)
	case p.EntryTime > e.Time:
		return fmt.Sprintf("was entered at %s, after the trade at %s", p.EntryTime, e.Time)
	case p.EventKey > key:
		return fmt.Sprintf("of %s #%d comes after the trade in the order of events", p.ExtrinsicID, p.EventIndex)
	}
	return ""
}
