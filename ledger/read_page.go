package ledger

import "fmt"

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

// rows is the number of rows asked for, and the row to go on from; at the start that is the zero row.
func (p Page[T]) rows() (after T, limit int64, err error) {
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

// converted are rows as values of another type.
func converted[A, B any](rows []A, convert func(A) B) []B {
	var list []B
	for _, r := range rows {
		list = append(list, convert(r))
	}
	return list
}
