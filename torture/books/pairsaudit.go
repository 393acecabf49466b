package books

import (
	"bytes"
	"context"
	"fmt"
	"slices"
)

// Audit returns the numbers of the transactions in the order of their commits.
// It is an error if one of them is changed, incomplete or there twice, if a place
// in the order is empty, or if PRAGMA integrity_check finds anything.
func (p *Pairs) Audit(ctx context.Context) ([]int64, error) {
	var numbers []int64
	err := p.db.ReadOnly(ctx, func(ctx context.Context, q queries) (err error) {
		if err := integrity(ctx, q); err != nil {
			return err
		}
		numbers, err = whole(ctx, q)
		return err
	})
	return numbers, err
}

func integrity(ctx context.Context, q queries) error {
	var found string
	if err := q.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&found); err != nil {
		return fmt.Errorf("integrity check: %w", err)
	}
	if found != "ok" {
		return fmt.Errorf("integrity check: %s", found)
	}
	return nil
}

// whole reads every pair in the order of places.
func whole(ctx context.Context, q queries) (numbers []int64, err error) {
	var places, credits int64
	if err := q.QueryRowContext(ctx, "SELECT places, (SELECT COUNT(*) FROM credits) FROM progress").Scan(&places, &credits); err != nil {
		return nil, fmt.Errorf("read progress: %w", err)
	}
	if credits != places {
		return nil, fmt.Errorf("%d credits, want one for each of %d places", credits, places)
	}
	rows, err := q.QueryContext(ctx, "SELECT d.place, d.number, d.body, c.place, c.body FROM debits d LEFT JOIN credits c ON c.number = d.number ORDER BY d.place")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var place, number int64
		var credited *int64
		var debit, credit []byte
		if err := rows.Scan(&place, &number, &debit, &credited, &credit); err != nil {
			return nil, err
		}
		want := body(number)
		if place <= places-keptBodies {
			want = nil
		}
		switch {
		case place != int64(len(numbers))+1:
			return nil, fmt.Errorf("place %d holds nothing, want a transaction in every place up to %d", len(numbers)+1, places)
		case credited == nil || *credited != place:
			return nil, fmt.Errorf("transaction %d is half there: debit at place %d, credit missing or elsewhere", number, place)
		case !bytes.Equal(debit, want) || !bytes.Equal(credit, want):
			return nil, fmt.Errorf("transaction %d at place %d of %d: bodies of %d and %d bytes are not the %d that were written", number, place, places, len(debit), len(credit), len(want))
		}
		numbers = append(numbers, number)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if int64(len(numbers)) != places {
		return nil, fmt.Errorf("%d debits, want one for each of %d places", len(numbers), places)
	}
	return numbers, nil
}

// Lost returns those of the acknowledged numbers that were not found.
func Lost(acknowledged, found []int64) (lost []int64) {
	there := slices.Clone(found)
	slices.Sort(there)
	for _, n := range acknowledged {
		if _, ok := slices.BinarySearch(there, n); !ok {
			lost = append(lost, n)
		}
	}
	return lost
}
