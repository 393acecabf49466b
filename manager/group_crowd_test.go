package manager_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager"
)

// dice is a source of chance for many goroutines.
type dice struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func roll(t testing.TB) *dice {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return &dice{rng: rand.New(rand.NewPCG(seed, 0))}
}

func (d *dice) n(sides int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.IntN(sides)
}

// Everything at once: whatever the order of arrivals, cancels, errors, panics,
// exits and faults of the database, each answer is true.
func TestEveryAnswerIsTrueInACrowd(t *testing.T) {
	const workers, rounds = 24, 20
	d, tap := roll(t), newTap()
	db := openNotes(t, manager.WithDriver(tap.wrap), manager.WithGroupCommit(8, 2*time.Millisecond))
	// Of the writer's statements, some fail in each of SQLite's ways.
	tap.on("COMMIT", func(c manager.DriverConn) error {
		switch d.n(20) {
		case 0:
			return rollBack(sqlite3.Error{Code: sqlite3.ErrFull})(c)
		case 1:
			return sqlite3.Error{Code: sqlite3.ErrFull}
		case 2:
			return busy(0)
		}
		return nil
	})
	tap.on("AddNote", func(c manager.DriverConn) error {
		switch d.n(60) {
		case 0:
			return rollBack(sqlite3.Error{Code: sqlite3.ErrFull})(c)
		case 1:
			return busy(2)
		}
		return nil
	})
	tap.on("BEGIN IMMEDIATE", func(c manager.DriverConn) error {
		if d.n(10) == 0 {
			return busy(0)
		}
		return nil
	})
	var mu sync.Mutex
	acknowledged := map[string]bool{}
	var calls []*call
	for worker := range workers {
		calls = append(calls, start(func() error {
			for round := range rounds {
				title := fmt.Sprintf("%d of worker %d", round, worker)
				if oneOfTheCrowd(d, db, title) {
					mu.Lock()
					acknowledged[title] = true
					mu.Unlock()
				}
			}
			return nil
		}))
	}
	for _, c := range calls {
		c.wait(t)
	}
	list := titles(t, db)
	if len(list) != len(acknowledged) {
		t.Errorf("notes: got %d, want the %d whose callers were told so", len(list), len(acknowledged))
	}
	for _, title := range list {
		if !acknowledged[title] {
			t.Errorf("note %q is there, but its caller was told otherwise", title)
		}
	}
	if stats := db.Stats(); stats.Groups == 0 || stats.Commits != uint64(len(list)) {
		t.Errorf("stats: got %d groups, %d commits, want several and %d", stats.Groups, stats.Commits, len(list))
	}
}

// oneOfTheCrowd adds a note in one way of many, and reports whether it was
// told that the note is there.
func oneOfTheCrowd(d *dice, db *DB, title string) bool {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	way := d.n(10)
	one := start(func() error {
		return db.WithTx(ctx, func(ctx context.Context, tx Tx) error {
			if way == 0 {
				return db.WithTx(ctx, adding(title))
			}
			if err := tx.add(ctx, title); err != nil {
				return err
			}
			switch way {
			case 1:
				return errOwn
			case 2:
				panic(title)
			case 3:
				exit()
			case 4:
				cancel()
				return tx.AddTag(ctx, 1, title)
			case 5:
				_ = db.WithTx(ctx, func(ctx context.Context, tx Tx) error { _ = tx.add(ctx, "not "+title); return errOwn })
			}
			return nil
		})
	})
	if way == 6 {
		cancel() // may come in time or too late: the answer tells
	}
	<-one.done
	return one.err == nil && one.panic == nil && !one.exited
}
