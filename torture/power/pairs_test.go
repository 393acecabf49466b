package power_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/torture/books"
	"github.com/stakeledger/stakeledger/torture/effort"
	"github.com/stakeledger/stakeledger/torture/power"
)

const pairsFile = "pairs.db"

// A session opens the pairs in a folder, writes them from several goroutines
// and closes them.
type session struct {
	folder         string
	opts           []manager.Option
	writers, count int
	first          int64
}

// run says each number once it is acknowledged. It returns the manager's
// figures from before the end.
func (s session) run(mark func(string)) (stats manager.Stats, err error) {
	ctx := context.Background()
	// Few frames to a checkpoint, so that the log is restarted again and again.
	opts := append([]manager.Option{manager.WithCheckpointFrames(40)}, s.opts...)
	db, err := books.OpenPairs(ctx, filepath.Join(s.folder, pairsFile), opts...)
	if err != nil {
		return stats, err
	}
	err = db.WriteAll(ctx, db.Write, s.writers, s.count, s.first, func(n int64) { mark(strconv.FormatInt(n, 10)) })
	stats = db.Stats()
	return stats, errors.Join(err, db.Close(ctx))
}

// commitOrder is the order of commits in the pairs of a folder that lost no power.
func commitOrder(t *testing.T, folder string) []int64 {
	t.Helper()
	db, err := books.OpenPairs(t.Context(), filepath.Join(folder, pairsFile))
	if err != nil {
		t.Fatal(err)
	}
	numbers, err := db.Audit(t.Context())
	if err := errors.Join(err, db.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	return numbers
}

// recordPairs records two sessions, the second of them on the file that the
// first has closed, and returns the order of all commits.
func recordPairs(t *testing.T, opts ...manager.Option) (*power.Log, []int64) {
	t.Helper()
	folder := t.TempDir()
	var first, second manager.Stats
	log := record(t, folder, func(mark func(string)) (err error) {
		if first, err = (session{folder, opts, 8, 100, 1}).run(mark); err == nil {
			second, err = (session{folder, opts, 8, 20, 10_000}).run(mark)
		}
		return err
	})
	if first.Groups == 0 || first.Checkpoints == 0 {
		t.Errorf("first session: got %d group commits and %d checkpoints, want both", first.Groups, first.Checkpoints)
	}
	t.Logf("recorded %d writes, %d syncs, %d checkpoints, %d commits of groups", log.Count(power.Wrote), log.Count(power.Synced),
		first.Checkpoints+second.Checkpoints, first.Groups+second.Groups)
	return log, commitOrder(t, folder)
}

// pairsSurvive checks that the pairs found are whole and the first of the
// order of commits, with every acknowledged one if all must be there, and
// that one more can be written. lost counts those acknowledged that are gone.
func pairsSurvive(order []int64, all bool, lost *int) check {
	return func(path string, acknowledged []string) (err error) {
		ctx := context.Background()
		db, err := books.OpenPairs(ctx, path, manager.WithReaders(1))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, db.Close(ctx)) }()
		found, err := db.Audit(ctx)
		if err != nil {
			return err
		}
		if len(found) > len(order) || !slices.Equal(found, order[:len(found)]) {
			return fmt.Errorf("%d transactions are not the first of the order of commits", len(found))
		}
		if gone := books.Lost(numbers(acknowledged), found); all && len(gone) > 0 {
			return fmt.Errorf("%w: %d of %d transactions, first %d", errLost, len(gone), len(acknowledged), gone[0])
		} else if lost != nil {
			*lost += len(gone)
		}
		const next = 1 << 40
		if err := db.Write(ctx, next); err != nil {
			return fmt.Errorf("write after the power failure: %w", err)
		}
		after, err := db.Audit(ctx)
		if err == nil && !slices.Equal(after, append(slices.Clone(found), next)) {
			err = fmt.Errorf("after one more transaction there are %d, before it %d", len(after), len(found))
		}
		return err
	}
}

func numbers(texts []string) []int64 {
	n := make([]int64, len(texts))
	for i, text := range texts {
		n[i], _ = strconv.ParseInt(text, 10, 64)
	}
	return n
}

func TestEveryAcknowledgedCommitSurvives(t *testing.T) {
	r := effort.Rand(t)
	log, order := recordPairs(t)
	survives(t, r, log, effort.Count(35, 800), pairsFile, pairsSurvive(order, true, nil))
}

func TestSynchronousNormalLosesTheLatestAndTearsNothing(t *testing.T) {
	r := effort.Rand(t)
	log, order := recordPairs(t, manager.WithSynchronousNormal())
	lost := 0
	survives(t, r, log, effort.Count(20, 400), pairsFile, pairsSurvive(order, false, &lost))
	if lost == 0 {
		t.Error("no acknowledged transaction was lost on any disk; want some, or the disks hold more than was synced")
	}
}

// What is found after a power failure is written on, until the power fails again.
func TestPowerFailsAgainAndAgain(t *testing.T) {
	r := effort.Rand(t)
	folder := filepath.Join(t.TempDir(), "run")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	var acknowledged []string // before this generation
	for generation := range effort.Count(4, 40) {
		log := record(t, folder, func(mark func(string)) error {
			_, err := session{folder, nil, 4, 40, int64(1+generation) * 1000}.run(mark)
			return err
		})
		order := commitOrder(t, folder)
		survivor := pairsSurvive(order, true, nil)
		count := effort.Count(4, 5)
		survives(t, r, log, count, pairsFile, func(path string, now []string) error {
			return survivor(path, append(slices.Clone(acknowledged), now...))
		})
		if t.Failed() {
			return
		}
		err := cuts(r, log, 1, func(c cut) error {
			acknowledged = append(acknowledged, c.acknowledged...)
			return power.Lay(c.files, folder)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A disk that answers a sync and does nothing is found out, whichever sync it is.
func TestLostSyncsAreFound(t *testing.T) {
	log, order := recordPairs(t)
	for _, c := range []struct {
		name, suffix string
	}{
		{"of the log", "-wal"},
		{"of the database", pairsFile},
		{"of the folder", "folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := effort.Rand(t)
			lying := log.WithoutSyncs(c.suffix)
			if len(lying.Ops) == len(log.Ops) {
				t.Fatal("there were no such syncs")
			}
			tried, lost := fails(t, r, lying, 300, pairsFile, pairsSurvive(order, true, nil))
			if lost == nil {
				t.Errorf("%d disks without the syncs %s: nothing is wrong with any, want a loss", tried, c.name)
			}
			t.Logf("disk %d without the syncs %s: %v", tried, c.name, lost)
		})
	}
}

// unsynced is a connection that turns syncs off behind the manager's back, once
// the manager has set and read back that they are on.
type unsynced struct{ manager.DriverConn }

func (u unsynced) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if query == "PRAGMA wal_autocheckpoint = 0" {
		if _, err := u.ExecContext(ctx, "PRAGMA synchronous = OFF", nil); err != nil {
			return nil, err
		}
	}
	return u.DriverConn.QueryContext(ctx, query, args)
}

func TestCommitsWithoutSyncsAreFound(t *testing.T) {
	r := effort.Rand(t)
	log, order := recordPairs(t, manager.WithDriver(func(c manager.DriverConn) manager.DriverConn { return unsynced{c} }))
	tried, lost := fails(t, r, log, 300, pairsFile, pairsSurvive(order, true, nil))
	if lost == nil {
		t.Errorf("%d disks: nothing is wrong with any, want a loss", tried)
	}
	t.Logf("disk %d: %v", tried, lost)
}
