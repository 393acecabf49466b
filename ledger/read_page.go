package ledger

import (
	"cmp"
	"context"
	"fmt"
	"iter"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
)

const (
	defaultPage = 100
	maxPage     = 10_000
)

// Page asks for a part of a list: at most Limit rows (0: 100, at most 10,000) that come after the row After,
// the last one of the page before. Rows that are inserted between two pages never make another row appear
// twice or not at all. The zero Page is the start of the list.
type Page[T any] struct {
	After *T
	Limit int
}

// bounds returns the row to continue after, which is the zero row at the start, and the number of rows
// asked for.
func (p Page[T]) bounds() (after T, limit int64, err error) {
	if p.Limit < 0 || p.Limit > maxPage {
		return after, 0, &Error{Op: "list", Err: invalid("limit", p.Limit, fmt.Sprintf("want 1 to %d, or 0 for %d", maxPage, defaultPage))}
	}
	if p.After != nil {
		after = *p.After
	}
	if p.Limit == 0 {
		return after, defaultPage, nil
	}
	return after, int64(p.Limit), nil
}

// pages reads all rows of a query after a key, in pages of at most size rows. Rows that are not in ascending order of
// their keys would make it read the same page forever; they mean that an index disagrees with its table, and the
// error is manager.ErrCorrupt.
func pages[T any, K cmp.Ordered](what string, size int64, after K, key func(T) K, query func(after K) ([]T, error)) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		for {
			page, err := query(after)
			for i := 0; err == nil && i < len(page); i++ {
				if next := key(page[i]); next > after {
					after = next
				} else {
					err = unorderedRows(what)
				}
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if len(page) > 0 && !yield(page, nil) || int64(len(page)) < size {
				return
			}
		}
	}
}

// checkAscending checks the order of a single page after a row (nil at the start), as pages does.
func checkAscending[T any](what string, after *T, page []T, order func(a, b T) int) error {
	for i := range page {
		if after != nil && order(*after, page[i]) >= 0 {
			return unorderedRows(what)
		}
		after = &page[i]
	}
	return nil
}

func minerIDOf(m Miner) int64 { return m.MinerID }

// minersInOrder reads all miners in the order of their coldkeys.
func minersInOrder(ctx context.Context, q *read.Queries, after chain.Address, size int64) iter.Seq2[[]Miner, error] {
	return pages("miners", size, after, func(m Miner) chain.Address { return m.Coldkey }, func(after chain.Address) ([]Miner, error) {
		return q.MinersByColdkey(ctx, after, size)
	})
}

// currentRegistrations reads the registrations that are current by UID.
func currentRegistrations(ctx context.Context, q *read.Queries) iter.Seq2[[]RecordedRegistration, error] {
	return pages("registrations", maxPage, -1, func(r RecordedRegistration) int64 { return int64(r.UID) }, func(after int64) ([]RecordedRegistration, error) {
		return q.CurrentRegistrations(ctx, after, maxPage)
	})
}

// currentHolders reads the same with the miners that hold them.
func currentHolders(ctx context.Context, q *read.Queries) iter.Seq2[[]read.CurrentHoldersRow, error] {
	return pages("registrations", maxPage, -1, func(r read.CurrentHoldersRow) int64 { return int64(r.UID) }, func(after int64) ([]read.CurrentHoldersRow, error) {
		return q.CurrentHolders(ctx, after, maxPage)
	})
}

// unorderedRows is the error of rows whose keys do not ascend.
func unorderedRows(what string) error {
	return &Error{Op: "list " + what, Err: manager.ErrCorrupt, Detail: "a row comes twice or out of order, so an index is damaged; verify the file, and restore a backup"}
}

func convertRows[A, B any](rows []A, convert func(A) B) []B {
	var list []B
	for _, r := range rows {
		list = append(list, convert(r))
	}
	return list
}
