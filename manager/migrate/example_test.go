package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"testing/fstest"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/migrate"
)

// Notes stands for what sqlc generates.
type Notes struct{ db manager.DBTX }

func newNotes(db manager.DBTX) *Notes { return &Notes{db} }

func (q *Notes) Columns(ctx context.Context) (n int, err error) {
	err = q.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM pragma_table_info('notes')").Scan(&n)
	return n, err
}

// Open migrates a file of any older version. The migrations are usually
// embedded: //go:embed schema/*.sql, and fs.Sub for the folder.
func ExampleUp() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "notes")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "notes.db")

	first := &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE notes (title TEXT NOT NULL);\n-- +goose Down\nDROP TABLE notes;\n")}
	second := &fstest.MapFile{Data: []byte("-- +goose Up\nALTER TABLE notes ADD COLUMN tag TEXT;\n-- +goose Down\nALTER TABLE notes DROP COLUMN tag;\n")}

	for _, schema := range []fstest.MapFS{
		{"00001_notes.sql": first},
		{"00001_notes.sql": first, "00002_tags.sql": second},
		{"00001_notes.sql": first}, // an older program
	} {
		db, err := manager.Open(ctx, path, newNotes, newNotes, manager.WithMigration(migrate.Up(schema)))
		if err != nil {
			fmt.Println(errors.Is(err, manager.ErrTooNew))
			continue
		}
		columns, err := manager.Read(ctx, db, func(ctx context.Context, q *Notes) (int, error) { return q.Columns(ctx) })
		fmt.Println(columns, err)
		if err := db.Close(ctx); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// 1 <nil>
	// 2 <nil>
	// true
}
