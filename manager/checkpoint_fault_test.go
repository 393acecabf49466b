package manager_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
)

// untilCheckpoint writes notes until the writer has checkpointed since the call, and returns their titles.
func untilCheckpoint(t *testing.T, db *DB, have []string) []string {
	t.Helper()
	before := db.Stats().Checkpoints
	until(t, "a checkpoint", func() bool {
		title := numbered(len(have) + 1)[len(have)]
		if err := db.WithTx(t.Context(), adding(title)); err != nil {
			t.Fatal(err)
		}
		have = append(have, title)
		return db.Stats().Checkpoints > before
	})
	return have
}

// SQLite waits for readers while it checkpoints, and may not wait for anybody afterwards.
func TestCheckpointLeavesNoBusyTimeout(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault []faultdriver.Fault
	}{
		{"as it was set", nil},
		{"where it cannot be set again", []faultdriver.Fault{{Point: faultdriver.Pragma, Query: "PRAGMA busy_timeout = 0", Code: faultdriver.NoMem}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			faults := faultdriver.New()
			db := openNotes(t, manager.WithCheckpointFrames(1), manager.WithDriver(faults.Wrap))
			connections := readOnce(t, db, faults.Connections)
			faults.Arm(test.fault...)
			want := untilCheckpoint(t, db, nil)
			if got := len(faults.Fired()); got != len(test.fault) {
				t.Fatalf("fired: got %d faults, want %d", got, len(test.fault))
			}
			got, err := manager.Write(t.Context(), db, func(ctx context.Context, tx Tx) (timeout int, err error) {
				err = tx.raw.QueryRowContext(ctx, "PRAGMA busy_timeout").Scan(&timeout)
				return timeout, err
			})
			if err != nil || got != 0 {
				t.Errorf("PRAGMA busy_timeout after a checkpoint: got %d, %v, want 0", got, err)
			}
			if got := titles(t, db); !slices.Equal(got, want) {
				t.Errorf("titles: got %d, want %d", len(got), len(want))
			}
			if got := faults.Connections(); got != connections {
				t.Errorf("connections: got %d, want %d", got, connections)
			}
		})
	}
}

// A checkpoint is no part of a transaction: where it fails, nobody hears of it, and a later one makes up for it.
func TestCheckpointThatFailsHarmsNobody(t *testing.T) {
	for _, query := range []string{"PRAGMA wal_checkpoint(NOOP)", "PRAGMA wal_checkpoint(RESTART)", "PRAGMA busy_timeout = 50"} {
		for _, code := range []faultdriver.Code{faultdriver.IOErr, faultdriver.ConnectionLost} {
			t.Run(fmt.Sprintf("%s, %v", query, code), func(t *testing.T) {
				faults := faultdriver.New()
				db := openNotes(t, manager.WithCheckpointFrames(100), manager.WithDriver(faults.Wrap))
				faults.Arm(faultdriver.Fault{Point: faultdriver.Pragma, Query: query, Code: code})
				want := untilCheckpoint(t, db, nil)
				if got := len(faults.Fired()); got != 1 {
					t.Errorf("fired: got %d faults, want 1", got)
				}
				if got := titles(t, db); !slices.Equal(got, want) {
					t.Errorf("titles: got %d, want %d", len(got), len(want))
				}
			})
		}
	}
}

// What Close does for a tidy file may fail: the log then stays beside it, with everything in it.
func TestCloseWhoseTidyingFailsLosesNothing(t *testing.T) {
	for _, query := range []string{"PRAGMA busy_timeout = 50", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		t.Run(query, func(t *testing.T) {
			faults := faultdriver.New()
			path := filepath.Join(t.TempDir(), "notes.db")
			db := openAt(t, path, manager.WithDriver(faults.Wrap))
			if err := db.WithTx(t.Context(), adding("first")); err != nil {
				t.Fatal(err)
			}
			faults.Arm(faultdriver.Fault{Point: faultdriver.Pragma, Query: query, Code: faultdriver.IOErr})
			if err := db.Close(t.Context()); err != nil {
				t.Errorf("Close: %v", err)
			}
			if got := len(faults.Fired()); got != 1 {
				t.Errorf("fired: got %d faults, want 1", got)
			}
			if got := faults.Connections(); got != 0 {
				t.Errorf("connections left open: got %d, want none", got)
			}
			if got := titles(t, openAt(t, path)); !slices.Equal(got, []string{"first"}) {
				t.Errorf("titles: got %q, want [first]", got)
			}
		})
	}
}
