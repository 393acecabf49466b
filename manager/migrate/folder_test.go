package migrate_test

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"unsafe"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/migrate"
)

func TestFolderOfMigrationsIsFound(t *testing.T) {
	file := &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE t (x INTEGER);\n")}
	other := &fstest.MapFile{Data: []byte("-- +goose Up\nnot for this engine\n")}
	for _, test := range []struct {
		name  string
		files fstest.MapFS
		want  string // in the error; empty: none
	}{
		{"itself", fstest.MapFS{"00001_t.sql": file}, ""},
		{"one below", fstest.MapFS{"schema/00001_t.sql": file, "schema/README.md": other}, ""},
		{"two below", fstest.MapFS{"db/schema/00001_t.sql": file}, ""},
		{"itself, with another engine's below", fstest.MapFS{"00001_t.sql": file, "postgres/00001_t.sql": other}, ""},
		{"none", fstest.MapFS{"README.md": other}, "go:embed"},
		{"several", fstest.MapFS{"a/00001_t.sql": file, "b/00001_t.sql": other}, "a, b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			same := func(db manager.DBTX) manager.DBTX { return db }
			db, err := manager.Open(t.Context(), t.TempDir()+"/t.db", same, same, manager.WithMigration(migrate.Up(test.files)))
			if test.want != "" {
				if !errors.Is(err, manager.ErrUnsupported) || !strings.Contains(err.Error(), test.want) {
					t.Fatalf("Open: got %v, want ErrUnsupported with %q", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close(context.Background())
			err = db.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
				_, err := tx.ExecContext(ctx, "INSERT INTO t VALUES (1)")
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// managertest makes a template for each function value, so one schema has one.
func TestUpIsOneFunctionForOneFileSystem(t *testing.T) {
	type migration = func(context.Context, *sql.DB) error
	same := func(a, b migration) bool {
		x, y := a, b
		return address(&x) == address(&y)
	}
	dir := os.DirFS(t.TempDir())
	if !same(migrate.Up(dir), migrate.Up(dir)) {
		t.Error("Up made two functions for one file system")
	}
	if same(migrate.Up(dir), migrate.Up(os.DirFS(t.TempDir()))) {
		t.Error("Up made one function for two file systems")
	}
	var files fs.FS = fstest.MapFS{} // cannot be compared
	migrate.Up(files)
}

// address is where the closure behind a function value is.
func address(fn *func(context.Context, *sql.DB) error) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(fn))
}
