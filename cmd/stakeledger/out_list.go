package main

import (
	"fmt"
	"iter"
	"strings"

	"github.com/stakeledger/stakeledger/ledger"
)

// listOutput prints rows: as a table, or for programs.
type listOutput[T any] struct {
	output
	header columns
	cells  func(T) []any
	empty  string   // printed instead of a table without rows
	span   timeSpan // of the rows
}

func (l listOutput[T]) write(rows iter.Seq2[T, error]) error {
	out := l.cmd.OutOrStdout()
	if l.forPrograms() {
		l.span.announce(l.cmd)
		return writeRows(out, l.output, rows)
	}
	most, note := l.rows.valueOr(tableRows), l.span.note()
	t := newTableOf(l.header)
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
		return writeNote(out, strings.TrimSpace(l.empty+" "+note))
	}
	if err := t.write(out); err != nil {
		return err
	}
	if more {
		note = strings.TrimSpace(fmt.Sprintf("There are more than these %d; --limit 0 prints all.\n%s", most, note))
	}
	if note == "" {
		return nil
	}
	return writeNote(out, note)
}

// firstRows ends a sequence after n rows; 0 means all.
func firstRows[T any](rows iter.Seq2[T, error], n int64) iter.Seq2[T, error] {
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

// A list is read in pages, of which the first is small, since for most miners few rows
// are printed.
const (
	firstPage = 16
	pageSize  = 1000
)

// allPages goes through a whole list of the ledger, page by page.
func allPages[T any](page func(ledger.Page[T]) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		next := ledger.Page[T]{Limit: firstPage}
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
			if len(rows) < next.Limit {
				return
			}
			next = ledger.Page[T]{After: &rows[len(rows)-1], Limit: min(next.Limit*4, pageSize)}
		}
	}
}
