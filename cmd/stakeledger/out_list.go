package main

import (
	"fmt"
	"iter"

	"github.com/stakeledger/stakeledger/ledger"
)

// listing is how a command prints rows: as a table under header, or as a JSON array.
type listing[T any] struct {
	json   bool
	limit  limit
	header []string
	cells  func(T) []any
	empty  string // what a table without rows says
}

func (l listing[T]) write(rows iter.Seq2[T, error]) error {
	out := l.limit.cmd.OutOrStdout()
	if l.json {
		return writeArray(out, first(rows, l.limit.rows.or(0)))
	}
	most := l.limit.rows.or(tableRows)
	t := newTable(l.header...)
	more := false
	for row, err := range rows {
		if err != nil {
			return err
		}
		if more = most > 0 && int64(len(t.rows)) == most; more {
			break
		}
		t.add(l.cells(row)...)
	}
	if len(t.rows) == 0 {
		_, err := fmt.Fprintln(out, l.empty)
		return err
	}
	if err := t.write(out); err != nil {
		return err
	}
	if more {
		_, err := fmt.Fprintf(out, "There are more than these %d; --limit 0 prints all.\n", most)
		return err
	}
	return nil
}

// first ends a sequence after n rows; 0 stands for all.
func first[T any](rows iter.Seq2[T, error], n int64) iter.Seq2[T, error] {
	if n == 0 {
		return rows
	}
	return func(yield func(T, error) bool) {
		left := n
		for row, err := range rows {
			if left--; !yield(row, err) || left == 0 {
				return
			}
		}
	}
}

const pageSize = 1000

// pages goes through a whole list of the ledger, page by page. Each page is a snapshot of its own, so that
// slow output never holds a writer's log back.
func pages[T any](page func(ledger.Page[T]) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		next := ledger.Page[T]{Limit: pageSize}
		for {
			rows, err := page(next)
			if err != nil {
				yield(*new(T), err)
				return
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			if len(rows) < pageSize {
				return
			}
			next.After = &rows[len(rows)-1]
		}
	}
}
