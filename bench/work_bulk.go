package main

import (
	"context"
	"fmt"
	"time"

	"github.com/stakeledger/stakeledger/bench/floor"
)

const (
	bulkMiners    = 50
	bulkPerCommit = 1000
)

// bulkWork books a long input, a thousand events in a transaction. There is one
// writer, so the three ways to use sqlc do the same, and one of them takes part.
func bulkWork(events int) Workload {
	return Workload{
		Name:       fmt.Sprintf("bulk, %d events of %d miners, FULL", events, bulkMiners),
		Unit:       "events",
		Contenders: []Contender{ours, ledgerApply, byHand, naive, zombiezen},
		Run: func(ctx context.Context, b *Bench, c Contender, path string) (Sample, error) {
			if c.Name == ledgerApply.Name {
				s, err := applyBulk(ctx, events, path)
				if err == nil {
					err = checkEvents(path, b.Template.Events+events)
				}
				return s, err
			}
			store, err := c.Open(path, Full)
			if err != nil {
				return Sample{}, fmt.Errorf("open %s: %w", c.Name, err)
			}
			s, err := bulk(events, func(batch []Op) error {
				return store.Write(ctx, func(ctx context.Context, q Queries) error {
					for _, op := range batch {
						if err := book(ctx, q, op); err != nil {
							return err
						}
					}
					return nil
				})
			})
			if closeErr := store.Close(); err == nil {
				err = closeErr
			}
			if err == nil {
				err = checkEvents(path, b.Template.Events+events)
			}
			return s, err
		},
		Floors: []string{floorName},
		Floor: func(b *Bench, _, path string) (Sample, error) {
			db, err := openFloor(path, Full)
			if err != nil {
				return Sample{}, err
			}
			defer db.Close()
			ops := make([]floor.Op, bulkPerCommit)
			return bulk(events, func(batch []Op) error {
				for i, op := range batch {
					ops[i] = floorOp(op)
				}
				_, err := db.Book(ops[:len(batch)], bulkPerCommit)
				return err
			})
		},
	}
}

// bulkOps is the input: one operation of each miner in turn.
type bulkOps [bulkMiners]*Ops

func newBulkOps() (ops bulkOps) {
	for i := range ops {
		ops[i] = newOps(i)
	}
	return ops
}

func (o *bulkOps) next(n int) Op { return o[n%bulkMiners].Next() }

// bulk hands events to write in batches.
func bulk(events int, write func([]Op) error) (Sample, error) {
	ops := newBulkOps()
	s := Sample{Done: []int64{int64(events)}, Ended: int64(events)}
	batch := make([]Op, 0, bulkPerCommit)
	began, before := time.Now(), usageNow()
	for n := 0; n < events; {
		batch = batch[:0]
		for ; n < events && len(batch) < bulkPerCommit; n++ {
			batch = append(batch, ops.next(n))
		}
		start := time.Now()
		if err := write(batch); err != nil {
			return Sample{}, err
		}
		s.Waits = append(s.Waits, int64(time.Since(start)))
	}
	s.Elapsed, s.Used = time.Since(began), usageNow().since(before)
	return s, nil
}
