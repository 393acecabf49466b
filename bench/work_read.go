package main

import (
	"context"
	"fmt"

	"github.com/stakeledger/stakeledger/dbgen/read"
)

const snapshotReads = 10

// pointWork reads single positions. A context that can be cancelled costs
// database/sql a goroutine for every query, so it is measured with and without.
func pointWork(cancellable bool) Workload {
	name := "point read"
	if cancellable {
		name = "point read, cancellable context"
	}
	return readWork(name, cancellable,
		func(ctx context.Context, b *Bench, s Store, n int) error {
			id := b.Template.Points[n%len(b.Template.Points)]
			return s.Lone(ctx, func(ctx context.Context, q Queries) error { return readPosition(ctx, q, id) })
		},
		func(b *Bench, path string) (Sample, error) {
			return readFloor(b, path, func(db floorDB) ([]int64, error) { return db.Lone(b.Template.Points) })
		})
}

// snapshotWork reads positions of one state of the database.
func snapshotWork() Workload {
	return readWork(fmt.Sprintf("%d reads in a snapshot", snapshotReads), false,
		func(ctx context.Context, b *Bench, s Store, n int) error {
			return s.Snapshot(ctx, func(ctx context.Context, q Queries) error {
				for i := range snapshotReads {
					id := b.Template.Points[(n*snapshotReads+i)%len(b.Template.Points)]
					if err := readPosition(ctx, q, id); err != nil {
						return err
					}
				}
				return nil
			})
		},
		func(b *Bench, path string) (Sample, error) {
			return readFloor(b, path, func(db floorDB) ([]int64, error) { return db.Snapshot(b.Template.Points, snapshotReads) })
		})
}

// scanWork reads many rows with one query.
func scanWork() Workload {
	return readWork(fmt.Sprintf("scan of %d rows", scanRows), false,
		func(ctx context.Context, b *Bench, s Store, _ int) error {
			return s.Lone(ctx, func(ctx context.Context, q Queries) error {
				list, err := q.OpenPositions(ctx, read.OpenPositionsParams{MinerID: b.Template.Scan, PageSize: scanRows})
				if err == nil && len(list) != scanRows {
					err = fmt.Errorf("scan: got %d rows, want %d", len(list), scanRows)
				}
				return err
			})
		},
		func(b *Bench, path string) (Sample, error) {
			return readFloor(b, path, func(db floorDB) ([]int64, error) { return db.Scan(b.Template.Scan, scanRows, 20) })
		})
}

func readPosition(ctx context.Context, q Queries, id int64) error {
	p, err := q.PositionByID(ctx, id)
	if err == nil && p.PositionID != id {
		err = fmt.Errorf("read position %d: got %d", id, p.PositionID)
	}
	return err
}

func readWork(name string, cancellable bool, op func(context.Context, *Bench, Store, int) error, floor func(*Bench, string) (Sample, error)) Workload {
	return Workload{
		Name:       name,
		Unit:       "reads",
		Contenders: append([]Contender{databaseSQL}, contenders...),
		Run: func(ctx context.Context, b *Bench, c Contender, path string) (Sample, error) {
			ctx = context.WithoutCancel(ctx)
			if cancellable {
				var cancel context.CancelFunc
				ctx, cancel = context.WithCancel(ctx)
				defer cancel()
			}
			store, err := c.Open(path, Full)
			if err != nil {
				return Sample{}, fmt.Errorf("open %s: %w", c.Name, err)
			}
			for n := range warmUps {
				if err := op(ctx, b, store, n); err != nil {
					store.Close()
					return Sample{}, fmt.Errorf("warm up %s: %w", c.Name, err)
				}
			}
			s := measure(1, b.Round, func(_, n int) error { return op(ctx, b, store, n) })
			return s, store.Close()
		},
		Floors: []string{floorName},
		Floor:  func(b *Bench, _, path string) (Sample, error) { return floor(b, path) },
	}
}

func readFloor(b *Bench, path string, batch func(floorDB) ([]int64, error)) (Sample, error) {
	db, err := openFloor(path, Full)
	if err != nil {
		return Sample{}, err
	}
	defer db.Close()
	return repeatFloor(b.Round, func() ([]int64, error) { return batch(db) })
}
