package adopting

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"slices"
	"testing"

	"github.com/stakeledger/stakeledger/examples/notes/db"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/managertest"
	"github.com/stakeledger/stakeledger/manager/migrate"
)

var migrations = manager.WithMigration(migrate.Up(os.DirFS("../notes/schema")))

func open(t *testing.T) *Store {
	return &Store{managertest.Open(t, db.New, db.New, append(options(slog.New(slog.DiscardHandler)), migrations)...)}
}

func TestStore(t *testing.T) {
	s := open(t)
	var mailed []int64
	if err := s.AddAndNotify(t.Context(), "a", func(id int64) { mailed = append(mailed, id) }); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(mailed, []int64{1}) { // once, although the closure ran twice
		t.Errorf("mailed: got %v, want once of note 1", mailed)
	}
	for range 2 {
		if err := s.AddOnce(t.Context(), "b"); err != nil {
			t.Error(err)
		}
	}
	if err := s.Rename(t.Context(), 1, "c"); err != nil {
		t.Error(err)
	}
	if err := s.Rename(t.Context(), 99, "d"); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("rename of no note: got %v, want sql.ErrNoRows", err)
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Error(err)
	}
	titles, err := s.Titles(t.Context())
	if want := []string{"c", "b"}; err != nil || !slices.Equal(titles, want) {
		t.Errorf("titles: got %q, %v, want %q", titles, err, want)
	}
}

func TestFunctionOfAHook(t *testing.T) {
	s := open(t)
	var valid bool
	if err := s.db.SQL().QueryRowContext(context.Background(), "SELECT is_json('{}')").Scan(&valid); err != nil || !valid {
		t.Errorf("is_json: got %t, %v, want true", valid, err)
	}
}

func TestWithoutSQLC(t *testing.T) {
	db, err := OpenPlain(t.Context(), t.TempDir()+"/app.db", migrations)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	err = db.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO notes (title, body, written) VALUES ('a', '', '2026-01-01')")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := db.SQL().QueryRow("SELECT count(*) FROM notes").Scan(&n); err != nil || n != 1 {
		t.Errorf("notes: got %d, %v, want 1", n, err)
	}
}
