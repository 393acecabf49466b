package manager_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/internal/notes/read"
	"github.com/stakeledger/stakeledger/manager/internal/notes/write"
)

func TestValuesComeBackAsTheyWent(t *testing.T) {
	db := openNotes(t)
	written := time.Date(2026, 2, 3, 4, 5, 6, 123456789, time.FixedZone("", 2*60*60))
	for _, want := range []read.Note{
		{Title: "everything", Body: []byte{0, 1, 0xff}, Written: &written, Stars: 5},
		{Title: "nothing"},
		{Title: "", Body: []byte("\x00")},
		{Title: "quote ' and ümlaut \U0001F4DD"},
	} {
		want.Folder = "values"
		got, err := manager.Write(t.Context(), db, func(ctx context.Context, tx Tx) (read.Note, error) {
			if _, err := tx.InsertNote(ctx, write.InsertNoteParams{Folder: want.Folder, Title: want.Title, Body: want.Body, Written: want.Written, Stars: want.Stars}); err != nil {
				return read.Note{}, err
			}
			return tx.Note(ctx, want.Folder, want.Title)
		})
		if err != nil {
			t.Fatalf("%q: %v", want.Title, err)
		}
		if !slices.Equal(got.Body, want.Body) || (got.Body == nil) != (want.Body == nil) {
			t.Errorf("%q: body: got %#v, want %#v", want.Title, got.Body, want.Body)
		}
		if (got.Written == nil) != (want.Written == nil) || got.Written != nil && !got.Written.Equal(*want.Written) {
			t.Errorf("%q: written: got %v, want %v", want.Title, got.Written, want.Written)
		}
		if got.Title != want.Title || got.Stars != want.Stars {
			t.Errorf("got %q with %d stars, want %q with %d", got.Title, got.Stars, want.Title, want.Stars)
		}
	}
}

func TestDatabaseSQLWouldBindTheSame(t *testing.T) {
	type title string
	text, none := "x", (*string)(nil)
	plain, err := sql.Open("sqlite3", filepath.Join(t.TempDir(), "plain.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	db := openNotes(t)
	for _, test := range []struct {
		name string
		args []any
	}{
		{"nil", []any{nil, 1}},
		{"bytes", []any{[]byte("ab"), []byte(nil)}},
		{"empty bytes", []any{[]byte{}, 1}},
		{"text and a type of text", []any{"a", title("b")}},
		{"integers", []any{int8(-3), uint32(7)}},
		{"an integer beyond int64", []any{uint64(1 << 63), 1}},
		{"real and bool", []any{1.5, true}},
		{"pointers", []any{&text, none}},
		{"a valuer", []any{sql.NullInt64{Int64: 4, Valid: true}, sql.NullString{}}},
		{"time with a zone", []any{time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600)), time.Time{}}},
		{"named", []any{sql.Named("b", 2), sql.Named("a", "one")}},
		{"named over positions", []any{sql.Named("a", 1), 2}},
		{"named twice", []any{sql.Named("a", 1), sql.Named("a", 2), sql.Named("b", 3)}},
		{"a channel", []any{make(chan int), 1}},
		{"a struct", []any{struct{ N int }{1}, 1}},
		{"an output parameter", []any{sql.Out{Dest: &text}, 1}},
		{"too few", []any{1}},
		{"none", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			const create = "CREATE TABLE bound (a ANY, b ANY)"
			const insert = "INSERT INTO bound (a, b) VALUES (@a, @b)"
			const query = "SELECT typeof(a) || ' ' || quote(a) || ', ' || typeof(b) || ' ' || quote(b) FROM bound"
			try := func(ctx context.Context, on manager.DBTX, insert string) (got string) {
				if _, err := on.ExecContext(ctx, create); err != nil {
					t.Fatal(err)
				}
				defer on.ExecContext(ctx, "DROP TABLE bound")
				if _, err := on.ExecContext(ctx, insert, test.args...); err != nil {
					return "an error"
				}
				if err := on.QueryRowContext(ctx, query).Scan(&got); err != nil {
					t.Fatal(err)
				}
				return got
			}
			want := try(t.Context(), plain, insert)
			for _, kind := range []string{"", "-- name: Bind :exec\n", "-- name: Bind :execrows\n"} {
				err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
					if got := try(ctx, tx.raw, kind+insert); got != want {
						t.Errorf("%q bound: got %s, want %s as database/sql does", kind, got, want)
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			// The way of queries is another one.
			err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
				var got, want string
				const query = "-- name: Echo :one\nSELECT typeof(@a) || ' ' || quote(@a) || ', ' || typeof(@b) || ' ' || quote(@b)"
				gotErr := tx.raw.QueryRowContext(ctx, query, test.args...).Scan(&got)
				wantErr := plain.QueryRowContext(ctx, query, test.args...).Scan(&want)
				if got != want || (gotErr == nil) != (wantErr == nil) {
					t.Errorf("query saw: got %s, %v, want %s, %v as database/sql does", got, gotErr, want, wantErr)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}
