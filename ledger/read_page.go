package ledger

import (
	"cmp"
	"fmt"
	"iter"

	"github.com/stakeledger/stakeledger/manager"
)

const (
	defaultPage = 100
	maxPage     = 10_000
)

// Page asks for a part of a list: at most Limit rows (0: 100, at most 10,000) that come after the row After,
// the last one of the page before. Rows that are inserted meanwhile neither repeat others nor hide them. The
// zero Page is the start of the list.
type Page[T any] struct {
	After *T
	Limit int
}

// bounds is the number of rows asked for, and the row to go on from; at the start that is the zero row.
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

// pages reads all rows that a query has after a key, a page of at most size rows at a time. Where a row does not come
// after the one before it, an index and its table say different things, and the same page would be read again and
// again: the error is manager.ErrCorrupt.
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

// checkAscending checks a page that a caller reads after a row, nil at the start, as pages does its own.
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

// unorderedRows is the error of rows that do not come in the order of their keys, each key once.
func unorderedRows(what string) error {
	return &Error{Op: "list " + what, Err: manager.ErrCorrupt, Detail: "a row comes twice or out of order, so an index is damaged; verify the file, and restore a backup"}
}

// convertRows are rows as values of another type.
func convertRows[A, B any](rows []A, convert func(A) B) []B {
	var list []B
	for _, r := range rows {
		list = append(list, convert(r))
	}
	return list
}
