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

// opening creates a file and makes its tables.
var opening = operation{
	name: "Open",
	points: []faultdriver.Point{
		faultdriver.Open, faultdriver.Pragma, faultdriver.Prepare, faultdriver.Begin, faultdriver.Statement, faultdriver.Step,
		faultdriver.CloseRows, faultdriver.Commit, faultdriver.Close,
	},
	few: 2,
	open: func(t *testing.T, s *stage) attempt {
		root := folder(t)
		return func() error {
			path, err := newPath(root)
			if err != nil {
				return err
			}
			var db *manager.DB[queries, queries]
			s.play(func() { db, err = openDB(context.Background(), path, s) })
			if truth := s.truthful(err); truth != nil {
				return truth
			}
			if err != nil {
				if got := s.faults.Connections(); got != 0 {
					return fmt.Errorf("connections that a failed Open left: %d", got)
				}
				if db, err = openDB(context.Background(), path, s); err != nil {
					return fmt.Errorf("open again: %w", err)
				}
			}
			b := &book{stage: s, db: db, there: map[int]bool{}}
			return errors.Join(b.probe(), b.closed(path))
		}
	},
}

// closing closes a database whose log holds a transfer.
var closing = operation{
	name:   "Close",
	points: []faultdriver.Point{faultdriver.Pragma, faultdriver.Close},
	open: func(t *testing.T, s *stage) attempt {
		root := folder(t)
		return func() error {
			path, err := newPath(root)
			if err != nil {
				return err
			}
			db, err := openDB(context.Background(), path, s)
			if err != nil {
				return err
			}
			b := &book{stage: s, db: db, there: map[int]bool{}}
			if err := b.probe(); err != nil {
				return err
			}
			s.play(func() { err = db.Close(context.Background()) })
			if err != nil && (s.fault == nil || !causedBy(err, s.fault.Code)) {
				return fmt.Errorf("the error does not carry its cause: %w", err)
			}
			if err == nil && s.fault != nil && s.fault.Point == faultdriver.Close {
				return errors.New("a connection that failed to close was not told of")
			}
			return b.closed(path)
		}
	},
}

// closed closes the database, if it is not, and checks that nothing is left
// open and everything is in the file.
func (b *book) closed(path string) error {
	if err := b.db.Close(context.Background()); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	if got := b.stage.faults.Connections(); got != 0 {
		return fmt.Errorf("connections after Close: got %d, want none", got)
	}
	return errors.Join(sameBook(path, b), os.RemoveAll(filepath.Dir(path)))
}

func newPath(root string) (string, error) {
	folder, err := os.MkdirTemp(root, "fresh")
	return filepath.Join(folder, "book.db"), err
}
