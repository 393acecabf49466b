// Package sqlcoptions generates one schema under many of sqlc's options and
// runs each result on a manager. docs/ADOPTING.md has the table of what works,
// which the test compares.
package sqlcoptions

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const schema = `CREATE TABLE authors (
  id    INTEGER PRIMARY KEY,
  name  TEXT NOT NULL UNIQUE,
  bio   TEXT,
  born  TIMESTAMP,
  alive BOOLEAN NOT NULL DEFAULT true
);
CREATE TABLE books (
  id        INTEGER PRIMARY KEY,
  author_id INTEGER NOT NULL REFERENCES authors (id),
  title     TEXT NOT NULL
);
`

const queries = `-- name: AddAuthor :one
INSERT INTO authors (name, bio) VALUES (@name, @bio) RETURNING *;

-- name: AddBook :exec
INSERT INTO books (author_id, title) VALUES (@author_id, @title);

-- name: ListAuthors :many
SELECT * FROM authors ORDER BY id;

-- name: BooksOf :many
SELECT sqlc.embed(authors), sqlc.embed(books) FROM books JOIN authors ON authors.id = books.author_id WHERE authors.name = @name ORDER BY books.id;

-- name: Among :many
SELECT id, name FROM authors WHERE id IN (sqlc.slice('ids')) ORDER BY id;

-- name: Bury :execrows
UPDATE authors SET alive = false WHERE name = @name;

-- name: Forget :execresult
DELETE FROM books WHERE title = @title;
`

// An option is one line of sqlc's configuration of Go, and how a program uses
// what it makes. The zero use is that of sqlc's defaults.
type option struct {
	line string // under gen.go
	note string // in the table: what to write besides

	open string // how newRead and newTx are spelled
	add  string // how an author is added, giving err
	list string // how the authors are listed, giving n and err
}

const (
	plainOpen = "manager.Open(t.Context(), t.TempDir()+\"/a.db\", New, New, migration)"
	plainAdd  = "_, err := q.AddAuthor(ctx, AddAuthorParams{Name: \"a\"})"
	plainList = "authors, err := q.ListAuthors(ctx); n = len(authors)"
)

var options = []option{
	{line: ""},
	{line: "emit_json_tags: true"},
	{line: "emit_db_tags: true"},
	{line: "emit_interface: true"},
	{line: "emit_exact_table_names: true"},
	{line: "emit_empty_slices: true"},
	{line: "emit_exported_queries: true"},
	{line: "emit_pointers_for_null_types: true"},
	{line: "emit_sql_as_comment: true"},
	{line: "emit_result_struct_pointers: true"},
	{line: "emit_params_struct_pointers: true", add: "_, err := q.AddAuthor(ctx, &AddAuthorParams{Name: \"a\"})"},
	{line: "emit_enum_valid_method: true"},
	{line: "emit_all_enum_values: true"},
	{line: "omit_unused_structs: true"},
	{line: "query_parameter_limit: 4", add: "_, err := q.AddAuthor(ctx, \"a\", sql.NullString{})"},
	{line: "query_parameter_limit: 0"},
	{line: "json_tags_case_style: camel"},
	{line: "initialisms: [id, url]"},
	{line: "output_db_file_name: database.go"},
	{line: "rename: {author: writer}"},
	{line: "overrides: [{column: authors.alive, go_type: bool}]"},
	{line: "emit_prepared_queries: true", note: "`New`, not `Prepare`, in Open; `Prepare` on `SQL()`"},
	{line: "emit_methods_with_db_argument: true", note: "pass `func(db manager.DBTX) manager.DBTX { return db }`, and what it gives to each query",
		open: "manager.Open(t.Context(), t.TempDir()+\"/a.db\", itself, itself, migration)",
		add:  "_, err := New().AddAuthor(ctx, q, AddAuthorParams{Name: \"a\"})",
		list: "authors, err := New().ListAuthors(ctx, q); n = len(authors)"},
}

// source is the test of one generated package.
func (o option) source(name string) string {
	or := func(s, other string) string {
		if s == "" {
			return other
		}
		return s
	}
	q := "*Queries"
	if o.open != "" {
		q = "manager.DBTX"
	}
	return fmt.Sprintf(`package %s

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

var migration = manager.WithMigration(func(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, %q)
	return err
})

func itself(db manager.DBTX) manager.DBTX { return db }

func TestOnTheManager(t *testing.T) {
	_, _ = itself, sql.NullString{}
	db, err := %s
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	if err := db.WithTx(t.Context(), func(ctx context.Context, q %s) error { %s; return err }); err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := db.ReadOnly(t.Context(), func(ctx context.Context, q %s) error { %s; return err }); err != nil || n != 1 {
		t.Fatalf("got %%d authors, %%v, want 1", n, err)
	}
}
`, name, schema, or(o.open, plainOpen), q, or(o.add, plainAdd), q, or(o.list, plainList))
}

func TestOptionsOfSQLC(t *testing.T) {
	if os.Getenv("EXTENDED") == "" {
		t.Skip("generates and compiles two dozen packages: make test-extended runs it")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := "version: \"2\"\nsql:\n"
	for i, o := range options {
		name := fmt.Sprintf("set%02d", i)
		config += fmt.Sprintf("  - engine: sqlite\n    schema: schema.sql\n    queries: queries.sql\n    gen:\n      go:\n        package: %s\n        out: %s\n", name, name)
		if o.line != "" {
			config += "        " + o.line + "\n"
		}
		write(name+"/manager_test.go", o.source(name))
	}
	write("sqlc.yaml", config)
	write("schema.sql", schema)
	write("queries.sql", queries)
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	write("go.sum", string(sum))
	write("go.mod", "module example.com/options\n\ngo 1.26\n\nrequire github.com/stakeledger/stakeledger v0.0.0\n\nreplace github.com/stakeledger/stakeledger => "+root+"\n")
	run(t, root, "go", "tool", "-modfile="+filepath.Join(root, "tools/sqlc.mod"), "sqlc", "generate", "-f", filepath.Join(dir, "sqlc.yaml"))
	run(t, dir, "go", "mod", "tidy")
	run(t, dir, "go", "test", "./...")
}

// The table of the page is the list of this test.
func TestTableOfOptions(t *testing.T) {
	page, err := os.ReadFile("../../docs/ADOPTING.md")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	for _, o := range options {
		if o.line == "" {
			continue
		}
		name, _, _ := strings.Cut(o.line, ":")
		note := o.note
		if note == "" {
			note = "yes"
		}
		if row := fmt.Sprintf("| `%s` | %s |\n", name, note); !strings.Contains(table.String(), row) {
			table.WriteString(row)
		}
	}
	if !strings.Contains(string(page), table.String()) {
		t.Errorf("docs/ADOPTING.md lacks this table of sqlc's options:\n%s", table.String())
	}
}

func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}
