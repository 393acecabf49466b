package main

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/stakeledger/stakeledger/bench/floor"
)

const warmUps = 20 // operations before the measurement, so that statements are prepared

// writeWork books positions from several goroutines as fast as they can, each for
// a miner of its own, one in a transaction.
func writeWork(goroutines int, level Sync) Workload {
	w := Workload{
		Name:       fmt.Sprintf("write, %s, %s", count(goroutines, "goroutine"), level),
		Unit:       "tx",
		Contenders: append([]Contender{ours, oursAlone}, contenders[1:]...),
		Run: func(ctx context.Context, b *Bench, c Contender, path string) (Sample, error) {
			s, err := runWriters(ctx, c, path, level, goroutines, b.Round)
			if err == nil {
				err = checkEvents(path, b.Template.Events+warmUps+int(s.Ended))
			}
			return s, err
		},
	}
	// C has no queue. One transaction at a time is the floor of their cost; batches
	// show the most that group commit could gain.
	switch goroutines {
	case 1:
		w.Floors, w.Floor = []string{floorName}, floorWrite(level, 1)
	case 64:
		w.Floors, w.Floor = []string{floorBatchName}, floorWrite(level, 64)
	}
	return w
}

func runWriters(ctx context.Context, c Contender, path string, level Sync, goroutines int, round time.Duration) (Sample, error) {
	w, err := openWriters(ctx, c, path, level, 0, goroutines)
	if err != nil {
		return Sample{}, err
	}
	s := w.measure(ctx, round)
	return s, w.store.Close()
}

// writers are an open store and the work of each goroutine that will use it.
type writers struct {
	store Store
	ops   []*Ops
	next  []Op
}

// openWriters opens the store and warms it up. The miners of its goroutines are
// numbered from first.
func openWriters(ctx context.Context, c Contender, path string, level Sync, first, goroutines int) (*writers, error) {
	store, err := c.Open(path, level)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", c.Name, err)
	}
	w := &writers{store: store, next: make([]Op, goroutines)}
	for i := range goroutines {
		w.ops = append(w.ops, newOps(first+i))
	}
	for range warmUps {
		op := w.ops[0].Next()
		err := store.Write(ctx, func(ctx context.Context, q Queries) error { return book(ctx, q, op) })
		for giveUp := time.Now().Add(10 * time.Second); err != nil; {
			if time.Now().After(giveUp) {
				store.Close()
				return nil, fmt.Errorf("warm up %s: %w", c.Name, err)
			}
			err = store.Write(ctx, func(ctx context.Context, q Queries) error { return book(ctx, q, op) })
		}
	}
	return w, nil
}

func (w *writers) measure(ctx context.Context, round time.Duration) Sample {
	tried := make([]int, len(w.ops)) // the number of the operation in next
	for i := range tried {
		tried[i] = -1
	}
	return measure(len(w.ops), round, func(worker, n int) error {
		if tried[worker] != n {
			w.next[worker], tried[worker] = w.ops[worker].Next(), n
		}
		op := w.next[worker]
		return w.store.Write(ctx, func(ctx context.Context, q Queries) error { return book(ctx, q, op) })
	})
}

// checkEvents makes sure that what was measured also happened: nothing lost,
// nothing twice.
func checkEvents(path string, want int) error {
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		return err
	}
	defer db.Close()
	var got int
	if err := db.QueryRow("SELECT count(*) FROM events").Scan(&got); err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("check %s: %d events in the file, want %d", path, got, want)
	}
	return nil
}

// floorWrite measures C for one round, perCommit operations in a transaction.
func floorWrite(level Sync, perCommit int) func(*Bench, string, string) (Sample, error) {
	return func(b *Bench, _, path string) (Sample, error) {
		db, err := openFloor(path, level)
		if err != nil {
			return Sample{}, err
		}
		defer db.Close()
		ops := make([]*Ops, perCommit) // each for a miner of its own, as those of the goroutines
		for i := range ops {
			ops[i] = newOps(i)
		}
		return repeatFloor(b.Round, func() ([]int64, error) {
			batch := make([]floor.Op, 64)
			for i := range batch {
				batch[i] = floorOp(ops[i%perCommit].Next())
			}
			return db.Book(batch, perCommit)
		})
	}
}

// repeatFloor calls batch until the round has passed, the first time to warm up.
func repeatFloor(round time.Duration, batch func() ([]int64, error)) (Sample, error) {
	if _, err := batch(); err != nil {
		return Sample{}, err
	}
	s := Sample{Done: []int64{0}}
	began, before := time.Now(), usageNow()
	for s.Elapsed < round {
		waits, err := batch()
		if err != nil {
			return Sample{}, err
		}
		s.Done[0] += int64(len(waits))
		s.Waits = append(s.Waits, waits...)
		s.Elapsed = time.Since(began)
	}
	s.Used, s.Ended = usageNow().since(before), s.Done[0]
	return s, nil
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
