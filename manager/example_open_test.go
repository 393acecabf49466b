package manager_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/internal/notes/read"
)

// A program opens its database once, hands it around, and closes it at the end.
// The read queries are a type of their own, so a write inside ReadOnly does not
// compile.
func ExampleOpen() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "notes")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	db, err := manager.Open(ctx, filepath.Join(dir, "notes.db"), read.New, newNoteTx, manager.WithMigration(createNotes))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(db.WithTx(ctx, addMilk))
	fmt.Println(db.Close(ctx))
	fmt.Println(errors.Is(db.WithTx(ctx, addMilk), manager.ErrClosed))
	// Output:
	// <nil>
	// <nil>
	// true
}

// All reads of one ReadOnly see one state, whatever is written meanwhile.
func ExampleDB_ReadOnly() {
	ctx := context.Background()
	db, remove := openExample()
	defer remove()

	err := db.ReadOnly(ctx, func(readCtx context.Context, q *read.Queries) error {
		before, err := q.Titles(readCtx, "inbox")
		if err != nil {
			return err
		}
		// The ctx from outside makes this a transaction of its own.
		if err := db.WithTx(ctx, addMilk); err != nil {
			return err
		}
		after, err := q.Titles(readCtx, "inbox")
		fmt.Println(len(before), len(after))
		return err
	})
	fmt.Println(err)

	titles, err := manager.Read(ctx, db, func(ctx context.Context, q *read.Queries) ([]string, error) {
		return q.Titles(ctx, "inbox")
	})
	fmt.Println(titles, err)
	// Output:
	// 0 0
	// <nil>
	// [milk] <nil>
}

// Backup copies the database while it is in use. Restore makes a database of the
// copy, and overwrites nothing.
func ExampleDB_Backup() {
	ctx := context.Background()
	db, remove := openExample()
	defer remove()
	dir, err := os.MkdirTemp("", "backup")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	backup := filepath.Join(dir, "backup.db")

	fmt.Println(db.WithTx(ctx, addMilk))
	fmt.Println(db.Backup(ctx, backup))
	fmt.Println(errors.Is(db.Backup(ctx, backup), fs.ErrExist))
	fmt.Println(db.Backup(ctx, backup, manager.Overwrite()))
	// Output:
	// <nil>
	// <nil>
	// true
	// <nil>
}

func ExampleRestore() {
	ctx := context.Background()
	db, remove := openExample()
	defer remove()
	dir, err := os.MkdirTemp("", "restore")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	backup, path := filepath.Join(dir, "backup.db"), filepath.Join(dir, "notes.db")
	if err := errors.Join(db.WithTx(ctx, addMilk), db.Backup(ctx, backup)); err != nil {
		log.Fatal(err)
	}

	fmt.Println(manager.Restore(ctx, backup, path))
	restored, err := manager.Open(ctx, path, read.New, newNoteTx)
	if err != nil {
		log.Fatal(err)
	}
	titles, err := manager.Read(ctx, restored, func(ctx context.Context, q *read.Queries) ([]string, error) {
		return q.Titles(ctx, "inbox")
	})
	fmt.Println(titles, err)
	fmt.Println(restored.Close(ctx))
	// Output:
	// <nil>
	// [milk] <nil>
	// <nil>
}

// A tracer sees every transaction and every statement begin and end.
func ExampleWithTracer() {
	ctx := context.Background()
	trace := func(ctx context.Context, op manager.Operation) (context.Context, func(error)) {
		return ctx, func(err error) { fmt.Println(op.Kind, op.Label, op.Query, err) }
	}
	db, remove := openExample(manager.WithTracer(trace))
	defer remove()

	err := db.WithTx(ctx, func(ctx context.Context, tx NoteTx) error {
		return tx.AddNote(ctx, "inbox", "milk")
	}, manager.Label("shopping"))
	fmt.Println(err)
	// Output:
	// statement shopping AddNote <nil>
	// write shopping  <nil>
	// <nil>
}

// A closure may run more than once. One that accumulates in captured variables is
// wrong then, which a test finds with WithRunTwice.
func ExampleWithRunTwice() {
	ctx := context.Background()
	db, remove := openExample(manager.WithRunTwice())
	defer remove()

	var wrong, right int
	err := db.WithTx(ctx, func(ctx context.Context, tx NoteTx) error {
		added := 0
		for _, title := range []string{"milk", "bread"} {
			if err := tx.AddNote(ctx, "inbox", title); err != nil {
				return err
			}
			wrong++
			added++
		}
		right = added
		return nil
	})
	fmt.Println(wrong, right, err)

	titles, err := manager.Read(ctx, db, func(ctx context.Context, q *read.Queries) ([]string, error) {
		return q.Titles(ctx, "inbox")
	})
	fmt.Println(titles, err)
	// Output:
	// 4 2 <nil>
	// [milk bread] <nil>
}
