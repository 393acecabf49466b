// Package adopting holds the code of docs/ADOPTING.md, which shows parts of it,
// so that it compiles and its tests run it.
package adopting

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/examples/notes/db"
	"github.com/stakeledger/stakeledger/manager"
)

// Store is a store as many programs have one.
type Store struct {
	db *manager.DB[*db.Queries, *db.Queries]
}

// itself is the query set of a program without sqlc: the transaction.
func itself(tx manager.DBTX) manager.DBTX { return tx }

// OpenPlain opens a database for SQL that is written by hand.
func OpenPlain(ctx context.Context, path string, opts ...manager.Option) (*manager.DB[manager.DBTX, manager.DBTX], error) {
	return manager.Open(ctx, path, itself, itself, opts...)
}

// execTx stays; only its body goes.
func (s *Store) execTx(ctx context.Context, fn func(*db.Queries) error) error {
	return s.db.WithTx(ctx, func(_ context.Context, q *db.Queries) error { return fn(q) })
}

// Rename renames a note that is there.
func (s *Store) Rename(ctx context.Context, id int64, title string) error {
	return s.execTx(ctx, func(q *db.Queries) error {
		n, err := q.RenameNote(ctx, db.RenameNoteParams{ID: id, Title: title})
		if err == nil && n == 0 {
			err = sql.ErrNoRows
		}
		return err
	})
}

// Titles reads one snapshot.
func (s *Store) Titles(ctx context.Context) ([]string, error) {
	return manager.Read(ctx, s.db, func(ctx context.Context, q *db.Queries) ([]string, error) {
		notes, err := q.Notes(ctx)
		if err != nil {
			return nil, err
		}
		titles := make([]string, 0, len(notes)) // made inside: the closure may run again
		for _, n := range notes {
			titles = append(titles, n.Title)
		}
		return titles, nil
	})
}

// AddAndNotify mails once the note is on the disk, and not before.
func (s *Store) AddAndNotify(ctx context.Context, title string, mail func(id int64)) error {
	return s.db.WithTx(ctx, func(ctx context.Context, q *db.Queries) error {
		id, err := q.AddNote(ctx, db.AddNoteParams{Title: title, Body: "…", Written: time.Now().UTC()})
		if err != nil {
			return err
		}
		return manager.AfterCommit(ctx, func(context.Context, uint64) { mail(id) })
	})
}

// AddOnce answers the same whether it is called once or again after a failure
// that left open what happened.
func (s *Store) AddOnce(ctx context.Context, title string) error {
	err := s.db.WithTx(ctx, func(ctx context.Context, q *db.Queries) error {
		_, err := q.AddNote(ctx, db.AddNoteParams{Title: title, Body: "…", Written: time.Now().UTC()})
		return err
	})
	switch {
	case errors.Is(err, manager.ErrUnique):
		return nil // it is there: our own key says so
	case errors.Is(err, manager.ErrCommitUnknown):
		return s.AddOnce(ctx, title)
	case errors.Is(err, manager.ErrBusy), errors.Is(err, manager.ErrQueueFull):
		return fmt.Errorf("try again in a moment: %w", err)
	}
	return err
}

// Compact runs what no transaction can.
func (s *Store) Compact(ctx context.Context) error {
	return s.db.Maintain(ctx, func(ctx context.Context, c *sql.Conn) error {
		_, err := c.ExecContext(ctx, "VACUUM")
		return err
	})
}

// options are what an existing program may need.
func options(logger *slog.Logger) []manager.Option {
	return []manager.Option{
		manager.WithLogger(logger),
		manager.WithPragma("recursive_triggers", "on"),
		manager.WithConnectHook(func(_ context.Context, c *sqlite3.SQLiteConn) error {
			return c.RegisterFunc("is_json", json.Valid, true)
		}),
	}
}
