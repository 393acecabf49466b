package faultdriver_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
)

// Queries is what sqlc would generate.
type Queries struct{ db manager.DBTX }

func newQueries(db manager.DBTX) *Queries { return &Queries{db} }

func (q *Queries) AddNote(ctx context.Context, title string) error {
	_, err := q.db.ExecContext(ctx, "-- name: AddNote :exec\nINSERT INTO notes (title) VALUES (?)", title)
	return err
}

func (q *Queries) CountNotes(ctx context.Context) (n int64, err error) {
	err = q.db.QueryRowContext(ctx, "-- name: CountNotes :one\nSELECT COUNT(*) FROM notes").Scan(&n)
	return n, err
}

func create(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL)")
	return err
}

// A full disk at the second note: neither is there, and the program goes on.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "notes")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	faults := faultdriver.New()
	db, err := manager.Open(ctx, filepath.Join(dir, "notes.db"), newQueries, newQueries,
		manager.WithMigration(create), manager.WithDriver(faults.Wrap))
	if err != nil {
		log.Fatal(err)
	}
	addTwo := func(ctx context.Context, tx *Queries) error {
		if err := tx.AddNote(ctx, "milk"); err != nil {
			return err
		}
		return tx.AddNote(ctx, "bread")
	}

	faults.Arm(faultdriver.Fault{
		Point: faultdriver.Statement, Query: "AddNote", Nth: 2,
		Code: faultdriver.Full, Moment: faultdriver.RolledBack,
	})
	err = db.WithTx(ctx, addTwo)
	fmt.Println("full:", errors.Is(err, manager.ErrFull))
	fmt.Println("fired:", faults.Fired())
	fmt.Println("strays:", faults.Strays())

	faults.Arm()
	fmt.Println("afterwards:", db.WithTx(ctx, addTwo))
	notes, err := manager.Read(ctx, db, func(ctx context.Context, q *Queries) (int64, error) { return q.CountNotes(ctx) })
	fmt.Println("notes:", notes, err)
	fmt.Println("close:", db.Close(ctx), faults.Connections())
	// Output:
	// full: true
	// fired: [FULL rolled back statement 2 (AddNote)]
	// strays: []
	// afterwards: <nil>
	// notes: 2 <nil>
	// close: <nil> 0
}
