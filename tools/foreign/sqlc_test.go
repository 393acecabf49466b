package foreign

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sqltest takes the place of the package with which sqlc's examples open their databases.
const sqltest = `package sqltest

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

func itself(tx manager.DBTX) manager.DBTX { return tx }

// SQLite opens a database with the statements of the files, or of the folders of files, in order.
func SQLite(t *testing.T, schema []string) (*sql.DB, func()) {
	t.Helper()
	db, err := manager.Open(t.Context(), t.TempDir()+"/test.db", itself, itself, manager.WithMigration(func(ctx context.Context, db *sql.DB) error {
		for _, name := range schema {
			files := []string{name}
			if inside, err := filepath.Glob(name + "/*.sql"); err == nil && len(inside) > 0 {
				files = inside
			}
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					return err
				}
				if _, err := db.ExecContext(ctx, string(text)); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	return db.SQL(), func() {
		if err := db.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}
`

// The tests of sqlc's examples, which know nothing of a manager, pass on its SQL().
func TestSQLCsOwnExamples(t *testing.T) {
	extended(t)
	dir := t.TempDir()
	var module struct{ Dir string }
	if err := json.Unmarshal([]byte(run(t, dir, "go", "mod", "download", "-json", "github.com/sqlc-dev/sqlc@v1.31.1")), &module); err != nil {
		t.Fatal(err)
	}
	for _, example := range []string{"authors", "booktest", "ondeck"} {
		to := filepath.Join(dir, example)
		if err := os.CopyFS(to, os.DirFS(filepath.Join(module.Dir, "examples", example, "sqlite"))); err != nil {
			t.Fatal(err)
		}
		run(t, dir, "chmod", "-R", "u+w", to)
		text, err := os.ReadFile(filepath.Join(to, "db_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		ours := strings.ReplaceAll(string(text), "github.com/sqlc-dev/sqlc/internal/sqltest", "examples/sqltest")
		if err := os.WriteFile(filepath.Join(to, "db_test.go"), []byte(ours), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "sqltest"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "sqltest", "sqltest.go"), []byte(sqltest), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "go", "mod", "init", "examples")
	run(t, dir, "go", "mod", "edit", "-go=1.26", "-require=github.com/stakeledger/stakeledger@v0.0.0", "-replace=github.com/stakeledger/stakeledger="+root(t))
	run(t, dir, "go", "mod", "tidy")
	output := run(t, dir, "go", "test", "-race", "-v", "-tags", "examples", "./...")
	for _, test := range []string{"TestAuthors", "TestBooks", "TestPrepared", "TestQueries"} {
		if !strings.Contains(output, "--- PASS: "+test) {
			t.Errorf("%s did not run:\n%s", test, output)
		}
	}
}
