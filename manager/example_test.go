package manager_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/internal/notes"
	"github.com/stakeledger/stakeledger/manager/internal/notes/read"
	"github.com/stakeledger/stakeledger/manager/internal/notes/write"
)

type (
	// NoteReader and NoteWriter are aliases, because a struct cannot embed two
	// types of the same name.
	NoteReader = read.Queries
	NoteWriter = write.Queries
	// NoteTx is what a write transaction can do: both query sets.
	NoteTx struct {
		*NoteReader
		*NoteWriter
	}
)

func newNoteTx(db manager.DBTX) NoteTx { return NoteTx{read.New(db), write.New(db)} }

func createNotes(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, notes.Schema)
	return err
}

func addMilk(ctx context.Context, tx NoteTx) error { return tx.AddNote(ctx, "inbox", "milk") }

// openExample opens a database of notes in a folder that remove removes.
func openExample(opts ...manager.Option) (db *manager.DB[*read.Queries, NoteTx], remove func()) {
	dir, err := os.MkdirTemp("", "notes")
	if err != nil {
		log.Fatal(err)
	}
	opts = append(opts, manager.WithMigration(createNotes))
	db, err = manager.Open(context.Background(), filepath.Join(dir, "notes.db"), read.New, newNoteTx, opts...)
	if err != nil {
		log.Fatal(err)
	}
	return db, func() {
		if err := db.Close(context.Background()); err != nil {
			log.Print(err)
		}
		os.RemoveAll(dir)
	}
}

func ExampleDB_WithTx() {
	ctx := context.Background()
	db, remove := openExample()
	defer remove()

	err := db.WithTx(ctx, func(ctx context.Context, tx NoteTx) error {
		if err := tx.AddNote(ctx, "inbox", "milk"); err != nil {
			return err
		}
		return tx.AddNote(ctx, "inbox", "bread")
	})
	fmt.Println(err)

	err = db.WithTx(ctx, func(ctx context.Context, tx NoteTx) error {
		if err := tx.AddNote(ctx, "inbox", "salt"); err != nil {
			return err
		}
		return errors.New("changed my mind") // nothing happened
	})
	fmt.Println(err)

	titles, err := manager.Read(ctx, db, func(ctx context.Context, q *read.Queries) ([]string, error) {
		return q.Titles(ctx, "inbox")
	})
	fmt.Println(titles, err)
	// Output:
	// <nil>
	// changed my mind
	// [milk bread] <nil>
}

// A WithTx inside another one is a savepoint. What must not happen twice, or
// for a change that never was, waits for the commit.
func ExampleAfterCommit() {
	ctx := context.Background()
	db, remove := openExample()
	defer remove()

	err := db.WithTx(ctx, func(ctx context.Context, tx NoteTx) error {
		if err := manager.AfterCommit(ctx, func(context.Context, uint64) { fmt.Println("on disk") }); err != nil {
			return err
		}
		nested := db.WithTx(ctx, func(ctx context.Context, tx NoteTx) error {
			if err := tx.AddNote(ctx, "inbox", "draft"); err != nil {
				return err
			}
			return errors.New("no draft")
		})
		fmt.Println(nested)
		return tx.AddNote(ctx, "inbox", "milk")
	})
	fmt.Println(err)
	// Output:
	// no draft
	// on disk
	// <nil>
}
