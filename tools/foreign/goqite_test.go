package foreign

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// onManager takes the place of the function with which goqite's tests open their database.
const onManager = `package testing

import (
	"context"
	"database/sql"
	_ "embed"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

//go:embed schema_sqlite.sql
var sqliteSchema string

func NewSQLiteDB(t testing.TB) *sql.DB {
	t.Helper()
	itself := func(db manager.DBTX) manager.DBTX { return db }
	db, err := manager.Open(t.Context(), t.TempDir()+"/test.db", itself, itself, manager.WithMigration(func(ctx context.Context, db *sql.DB) error {
		_, err := db.ExecContext(ctx, sqliteSchema)
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return db.SQL()
}
`

// withoutPostgres skips those tests that wait for a PostgreSQL server at a fixed address.
const withoutPostgres = `package testing

import (
	"database/sql"
	"testing"
)

func NewPostgreSQLDB(t *testing.T) *sql.DB {
	t.Skip("needs a PostgreSQL server")
	return nil
}
`

// goqite's tests, which know nothing of a manager, pass on its SQL().
func TestGoqitesOwnTests(t *testing.T) {
	extended(t)
	var module struct{ Dir string }
	dir := t.TempDir()
	if err := json.Unmarshal([]byte(run(t, dir, "go", "mod", "download", "-json", "maragu.dev/goqite@v0.4.0")), &module); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS(module.Dir)); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "chmod", "-R", "u+w", ".")
	if err := os.WriteFile(filepath.Join(dir, "internal/testing/sqlite.go"), []byte(onManager), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "internal/testing/postgres.go"), []byte(withoutPostgres), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "go", "mod", "edit", "-go=1.26", "-toolchain=none", "-require=github.com/stakeledger/stakeledger@v0.0.0", "-replace=github.com/stakeledger/stakeledger="+root(t))
	run(t, dir, "go", "mod", "tidy")
	output := run(t, dir, "go", "test", "-race", "-v", "-timeout", "3m", "./...")
	for _, test := range []string{"TestQueue/can_send_and_receive_and_delete_a_message/sqlite", "TestQueue_ReceiveAndWait", "TestRunner_Start", "TestCreateTx"} {
		if !strings.Contains(output, "--- PASS: "+test) {
			t.Errorf("%s did not run:\n%s", test, output)
		}
	}
}
