// Package managertest gives tests throw-away databases that are already
// migrated:
//
//	func TestTransfer(t *testing.T) {
//		t.Parallel()
//		db := managertest.Open(t, db.New, db.New, manager.WithMigration(migrate.Up(schema)))
//		managertest.Seed(t, db, func(ctx context.Context, tx *db.Queries) error { … })
//		…
//	}
//
// The migration runs once per process; every further database is a copy of the
// file that it made. The databases are real files with a write-ahead log, so a
// test meets the same transactions, groups and errors as the program does. No
// commit waits for the disk.
package managertest

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/internal/testdb"
)

// closeTimeout bounds how long the end of a test waits for its transactions.
const closeTimeout = 10 * time.Second

// Open returns a database for t alone, in a folder of its own, migrated as
// [manager.WithMigration] among opts says. It is closed when t ends, and t fails
// if that fails: mostly because a transaction still runs. Open may be called from
// parallel tests.
//
// Before opts come, in tests, [manager.WithRunTwice], which runs every write
// closure twice; in benchmarks it is left out. Warnings and errors are logged
// to t. A database that cannot be opened ends t with t.Fatal.
//
// The migration is known again by its function value: keep the one that
// [manager.WithMigration] is given in a variable, or make it with migrate.Up, which
// returns the same value for the same files. Any other one runs for each Open. It
// runs again with another application id, other pragmas, or other connect hooks,
// which are known by their function values too.
func Open[DR, DW, R, W any](t testing.TB, newRead func(DR) R, newTx func(DW) W, opts ...manager.Option) *manager.DB[R, W] {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	all := append(defaults(t), opts...)
	making := makingOf(all)
	open := func() *manager.DB[R, W] {
		db, err := manager.Open(context.Background(), path, newRead, newTx, all...)
		if err != nil {
			t.Fatalf("managertest: %v", err)
		}
		return db
	}
	if making.migration != nil {
		file := templates.of(making, func() []byte {
			closeDB(t, open())
			return readFile(t, path)
		})
		writeFile(t, path, file)
		all = append(all, manager.WithMigration(nil)) // the copy has it
	}
	db := open()
	t.Cleanup(func() { closeDB(t, db) })
	return db
}

// Seed runs fn in one write transaction of db and ends t with t.Fatal if it fails.
func Seed[R, W any](t testing.TB, db *manager.DB[R, W], fn func(ctx context.Context, tx W) error) {
	t.Helper()
	if err := db.WithTx(context.Background(), fn, manager.Label("seed")); err != nil {
		t.Fatalf("managertest: seed: %v", err)
	}
}

func defaults(t testing.TB) []manager.Option {
	opts := []manager.Option{
		testdb.Hooks.Unsynced().(manager.Option),
		manager.WithLogger(newLogger(t)),
	}
	if _, measured := t.(*testing.B); !measured {
		opts = append(opts, manager.WithRunTwice())
	}
	return opts
}

func closeDB[R, W any](t testing.TB, db *manager.DB[R, W]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := db.Close(ctx); err != nil {
		t.Errorf("managertest: %v", err)
	}
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("managertest: read the migrated file: %v", err)
	}
	return file
}

func writeFile(t testing.TB, path string, file []byte) {
	t.Helper()
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatalf("managertest: copy the migrated file: %v", err)
	}
}
