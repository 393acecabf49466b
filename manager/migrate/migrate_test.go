package migrate_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/migrate"
)

type queries struct{ db manager.DBTX }

func newQueries(db manager.DBTX) *queries { return &queries{db} }

func (q *queries) value(ctx context.Context, query string) (value string, err error) {
	err = q.db.QueryRowContext(ctx, query).Scan(&value)
	return value, err
}

const appID = 0x6d696772

// migrations are three, as a program that grows would have them. The third is too much for one statement.
var migrations = fstest.MapFS{
	"00001_notes.sql": file(`
-- +goose Up
PRAGMA application_id = 1835624306;
CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL);
-- +goose Down
DROP TABLE notes;
PRAGMA application_id = 0;`),
	"00002_tags.sql": file(`
-- +goose Up
CREATE TABLE tags (note_id INTEGER NOT NULL REFERENCES notes (id), name TEXT NOT NULL);
CREATE INDEX tags_by_name ON tags (name);
-- +goose Down
DROP TABLE tags;`),
	"00003_first_note.sql": file(`
-- +goose Up
INSERT INTO notes (id, title) VALUES (1, 'first');
INSERT INTO tags (note_id, name) VALUES (1, 'old');
-- +goose Down
DELETE FROM tags;
DELETE FROM notes;`),
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

// only is the program as it was when it had the first n migrations.
func only(n int) fs.FS {
	older := fstest.MapFS{}
	for name, f := range migrations {
		if name < fmt.Sprintf("%05d", n+1) {
			older[name] = f
		}
	}
	return older
}

func open(ctx context.Context, path string, migration func(context.Context, *sql.DB) error, opts ...manager.Option) (*manager.DB[*queries, *queries], error) {
	opts = append([]manager.Option{manager.WithMigration(migration), manager.WithApplicationID(appID), manager.WithLogger(slog.New(slog.DiscardHandler))}, opts...)
	return manager.Open(ctx, path, newQueries, newQueries, opts...)
}

// opened opens, reads one value and closes.
func opened(t *testing.T, path string, migration func(context.Context, *sql.DB) error, query string) string {
	t.Helper()
	db, err := open(t.Context(), path, migration)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	value, err := manager.Read(t.Context(), db, func(ctx context.Context, q *queries) (string, error) { return q.value(ctx, query) })
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// state is what a test looks at: the application id, the tables and goose's version.
const state = `SELECT (SELECT application_id FROM pragma_application_id) || ': ' ||
	(SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_schema WHERE name IN ('notes', 'tags', 'tags_by_name', 'half') ORDER BY name)) || ': version ' ||
	(SELECT MAX(version_id) FROM goose_db_version)`

func TestUpAppliesWhatIsMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.db")
	for _, step := range []struct {
		program int
		want    string
	}{
		{1, "1835624306: notes: version 1"},
		{1, "1835624306: notes: version 1"}, // nothing to do
		{3, "1835624306: notes tags tags_by_name: version 3"},
		{3, "1835624306: notes tags tags_by_name: version 3"},
	} {
		if got := opened(t, path, migrate.Up(only(step.program)), state); got != step.want {
			t.Errorf("after a program with %d migrations: got %q, want %q", step.program, got, step.want)
		}
	}
	if got := opened(t, path, migrate.Up(migrations), "SELECT COUNT(*) FROM tags"); got != "1" {
		t.Errorf("rows of the third migration: got %s, want 1: it runs once", got)
	}
}

func TestUpRefusesNewerSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.db")
	opened(t, path, migrate.Up(migrations), state)
	_, err := open(t.Context(), path, migrate.Up(only(2)))
	if !errors.Is(err, manager.ErrTooNew) {
		t.Fatalf("got %v, want ErrTooNew", err)
	}
	for _, part := range []string{"3", "2", "use a newer program"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error text %q lacks %q", err, part)
		}
	}
	if got, want := opened(t, path, migrate.Up(migrations), state), "1835624306: notes tags tags_by_name: version 3"; got != want {
		t.Errorf("afterwards: got %q, want %q", got, want)
	}
}

func TestUpThatFailsLeavesWholeMigrations(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.db")
	broken := fstest.MapFS{"00003_half.sql": file("-- +goose Up\nCREATE TABLE half (x);\nINSERT INTO nowhere VALUES (1);\n")}
	maps.Copy(broken, only(2).(fstest.MapFS))
	_, err := open(t.Context(), path, migrate.Up(broken))
	if err == nil || !strings.Contains(err.Error(), "version:3") || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("got %v, want an error that names the migration and the table", err)
	}
	if err != nil && !strings.HasPrefix(err.Error(), "migrate "+path) {
		t.Errorf("error text %q does not start with what was attempted", err)
	}
	if got, want := opened(t, path, migrate.Up(only(2)), state), "1835624306: notes tags tags_by_name: version 2"; got != want {
		t.Errorf("afterwards: got %q, want %q", got, want)
	}
}

func TestUpRefusesAFolderWithoutMigrations(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.db")
	_, err := open(t.Context(), path, migrate.Up(fstest.MapFS{"readme.txt": file("no SQL")}))
	if err == nil || !strings.Contains(err.Error(), "read migrations") {
		t.Errorf("got %v, want an error of reading the migrations", err)
	}
}

func TestUpSetsForeignKeysOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.db")
	breaking := fstest.MapFS{"00003_orphan.sql": file("-- +goose Up\nINSERT INTO tags (note_id, name) VALUES (99, 'orphan');\n")}
	maps.Copy(breaking, only(2).(fstest.MapFS))
	if _, err := open(t.Context(), path, migrate.Up(breaking)); !errors.Is(err, manager.ErrForeignKey) {
		t.Errorf("got %v, want ErrForeignKey", err)
	}
}

func TestToGoesUpAndDown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.db")
	for _, step := range []struct {
		version int64
		want    string
	}{
		{2, "1835624306: notes tags tags_by_name: version 2"},
		{1, "1835624306: notes: version 1"},
		{3, "1835624306: notes tags tags_by_name: version 3"},
	} {
		if got := opened(t, path, migrate.To(migrations, step.version), state); got != step.want {
			t.Errorf("to version %d: got %q, want %q", step.version, got, step.want)
		}
	}
	db, err := manager.Open(t.Context(), path, newQueries, newQueries, manager.WithMigration(migrate.To(migrations, 0)))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	got, err := manager.Read(t.Context(), db, func(ctx context.Context, q *queries) (string, error) {
		return q.value(ctx, "SELECT application_id || (SELECT COUNT(*) FROM sqlite_schema WHERE name IN ('notes', 'tags')) FROM pragma_application_id")
	})
	if err != nil || got != "00" {
		t.Errorf("to version 0: got id and tables %s, %v, want 00", got, err)
	}
}

func TestList(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.db")
	opened(t, path, migrate.Up(only(2)), state)
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	got, err := migrate.List(t.Context(), migrations, db)
	want := []migrate.Status{{1, "00001_notes.sql", true}, {2, "00002_tags.sql", true}, {3, "00003_first_note.sql", false}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}
