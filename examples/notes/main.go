// Notes is the smallest program on the manager: one table, one sqlc package, goose migrations that are
// part of the binary.
//
//	go run ./examples/notes notes.db
package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/stakeledger/stakeledger/examples/notes/db"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/migrate"
)

//go:embed schema/*.sql
var schema embed.FS

var migrations = manager.WithMigration(migrate.Up(schema))

// Store is what the rest of a program sees. One package of queries reads and writes, so both type parameters are its own.
type Store = manager.DB[*db.Queries, *db.Queries]

func open(ctx context.Context, path string) (*Store, error) {
	return manager.Open(ctx, path, db.New, db.New, migrations)
}

// addNotes adds all of the titles or none.
func addNotes(ctx context.Context, store *Store, titles ...string) error {
	return store.WithTx(ctx, func(ctx context.Context, q *db.Queries) error {
		for _, title := range titles {
			if _, err := q.AddNote(ctx, db.AddNoteParams{Title: title, Body: "…", Written: time.Now().UTC()}); err != nil {
				return fmt.Errorf("note %q: %w", title, err)
			}
		}
		return nil
	})
}

func writeNotes(ctx context.Context, store *Store, w io.Writer) error {
	notes, err := manager.Read(ctx, store, func(ctx context.Context, q *db.Queries) ([]db.Note, error) {
		return q.Notes(ctx)
	})
	if err != nil {
		return err
	}
	for _, n := range notes {
		fmt.Fprintln(w, n.ID, n.Title)
	}
	return nil
}

func run(ctx context.Context, path string) (err error) {
	store, err := open(ctx, path)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := store.Close(ctx); err == nil {
			err = closeErr
		}
	}()
	if err := addNotes(ctx, store, "first at "+time.Now().Format(time.RFC3339Nano), "second at "+time.Now().Format(time.RFC3339Nano)); err != nil {
		return err
	}
	return writeNotes(ctx, store, os.Stdout)
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: notes FILE")
	}
	if err := run(context.Background(), os.Args[1]); err != nil {
		log.Fatal(err)
	}
}
