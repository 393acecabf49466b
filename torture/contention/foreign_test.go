package contention_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/torture/process"
)

// The foreign programs use the driver alone, with its busy timeout, and know nothing
// of the lock file. Each reports how often it held the lock or the snapshot.

// foreignWriter holds the write lock at random moments for random times.
func foreignWriter(parent *process.Parent) error {
	return visit(parent, func(ctx context.Context, c *sql.Conn, random *rand.Rand, o order) error {
		if _, err := c.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
			return err
		}
		hold := time.NewTimer(time.Duration(random.Int64N(int64(o.Hold))))
		defer hold.Stop()
		_, err := c.ExecContext(ctx, "INSERT INTO totals VALUES (?, 1) ON CONFLICT (worker) DO UPDATE SET count = totals.count + 1", foreign)
		if err != nil {
			return err
		}
		<-hold.C
		if _, err := c.ExecContext(ctx, "COMMIT"); err != nil {
			return err
		}
		time.Sleep(time.Duration(random.Int64N(int64(o.Hold)/2)) + 200*time.Millisecond)
		return nil
	})
}

// foreignReader holds one snapshot after another.
func foreignReader(parent *process.Parent) error {
	return visit(parent, func(ctx context.Context, c *sql.Conn, random *rand.Rand, o order) error {
		if _, err := c.ExecContext(ctx, "BEGIN"); err != nil {
			return err
		}
		var before, after int64
		const query = "SELECT coalesce(sum(count), 0) FROM totals"
		if err := c.QueryRowContext(ctx, query).Scan(&before); err != nil {
			return err
		}
		time.Sleep(o.Hold)
		if err := c.QueryRowContext(ctx, query).Scan(&after); err != nil {
			return err
		}
		if before != after {
			return fmt.Errorf("a snapshot changed: %d entries, then %d", before, after)
		}
		if _, err := c.ExecContext(ctx, "COMMIT"); err != nil {
			return err
		}
		time.Sleep(o.Hold / 20)
		return nil
	})
}

// visit calls one on a connection of its own, again and again until the test says stop.
func visit(parent *process.Parent, one func(context.Context, *sql.Conn, *rand.Rand, order) error) error {
	var o order
	if err := parent.Order(&o); err != nil {
		return err
	}
	db, err := sql.Open("sqlite3", "file:"+o.Path+"?_busy_timeout=60000")
	if err != nil {
		return err
	}
	ctx := context.Background()
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	if err := parent.Say("ready"); err != nil {
		return err
	}
	parent.Hear()
	random := rand.New(rand.NewPCG(o.Seed, 0))
	for times := 0; ; times++ {
		select {
		case <-parent.Told():
			return parent.Say(times)
		default:
		}
		if err := one(ctx, c, random, o); err != nil {
			return fmt.Errorf("visit %d: %w", times, err)
		}
	}
}
