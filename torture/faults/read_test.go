package faults_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
)

// snapshot reads twice in one ReadOnly, once from a ReadOnly inside it.
var snapshot = operation{
	name: "ReadOnly",
	points: []faultdriver.Point{
		faultdriver.Begin, faultdriver.Statement, faultdriver.Step, faultdriver.CloseRows, faultdriver.Commit,
	},
	open: func(t *testing.T, s *stage) attempt {
		b := openUsedBook(t, s)
		return func() error { return b.readTwice() }
	},
}

var pinnedSnapshot = operation{
	name:   "pinned ReadOnly",
	points: []faultdriver.Point{faultdriver.Begin, faultdriver.Pragma},
	open: func(t *testing.T, s *stage) attempt {
		b := openUsedBook(t, s)
		return func() error { return b.readTwice(manager.Pinned()) }
	},
}

func (b *book) readTwice(opts ...manager.TxOption) error {
	var got [2]int
	runs := 0
	read := func(ctx context.Context, q queries) (int, error) {
		list, err := q.list(ctx, "-- name: Transfers :many\nSELECT DISTINCT transfer FROM entries ORDER BY transfer DESC LIMIT 3")
		if err != nil || len(list) == 0 {
			return 0, err
		}
		return int(list[0]), nil
	}
	var err error
	b.stage.play(func() {
		err = b.db.ReadOnly(context.Background(), func(ctx context.Context, q queries) (err error) {
			runs++
			if got[0], err = read(ctx, q); err != nil {
				return err
			}
			return b.db.ReadOnly(ctx, func(ctx context.Context, q queries) (err error) {
				got[1], err = read(ctx, q)
				return err
			})
		}, opts...)
	})
	if want := b.numbers; err == nil && (got[0] != want || got[1] != want) {
		return fmt.Errorf("latest transfer: got %v, want %d", got, want)
	}
	if b.stage.fault != nil && b.stage.fault.Point == faultdriver.Commit {
		if err != nil { // everything was read before it
			return fmt.Errorf("the end of a snapshot failed its reader: %w", err)
		}
		return b.after(0)
	}
	return errors.Join(b.stage.truthful(err), b.stage.surfaced(err, runs), b.after(0))
}

// backup copies a database that is in use.
var backup = operation{
	name: "Backup",
	points: []faultdriver.Point{
		faultdriver.Open, faultdriver.Begin, faultdriver.Pragma, faultdriver.Statement, faultdriver.Step, faultdriver.CloseRows, faultdriver.Close,
	},
	few: 4,
	open: func(t *testing.T, s *stage) attempt {
		b := openUsedBook(t, s)
		root := folder(t)
		return func() error {
			folder, err := os.MkdirTemp(root, "backup")
			if err != nil {
				return err
			}
			dest := filepath.Join(folder, "copy.db")
			s.play(func() { err = b.db.Backup(context.Background(), dest) })
			if err == nil {
				err = sameBook(dest, b)
			} else if s.fault != nil && causedBy(err, s.fault.Code) {
				err = empty(folder)
			}
			return errors.Join(err, b.after(0))
		}
	},
}

// sameBook checks that the database at path holds what b holds.
func sameBook(path string, b *book) error {
	db, err := openDB(context.Background(), path, newStage())
	if err != nil {
		return fmt.Errorf("open what was told to be whole: %w", err)
	}
	same := *b
	same.db = db
	return errors.Join(same.audit(), db.Close(context.Background()))
}

// empty checks that a folder is empty.
func empty(folder string) error {
	left, err := os.ReadDir(folder)
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("left behind: %v", left)
	}
	return err
}
