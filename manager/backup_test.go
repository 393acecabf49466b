package manager_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// backupGrow adds n transfers with a payload of the given size.
func backupGrow(t testing.TB, db *bankDB, n, size int) {
	t.Helper()
	payload := make([]byte, size)
	const batch = 200
	for first := 0; first < n; first += batch {
		err := db.WithTx(t.Context(), func(ctx context.Context, tx *bank) error {
			for i := first; i < min(n, first+batch); i++ {
				if err := tx.insertTransfer(ctx, "grow", int64(i), 0, 1, 0, payload); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// backupSource is a bank of about two megabytes.
func backupSource(t testing.TB, opts ...manager.Option) *bankDB {
	t.Helper()
	db := bankOpen(t, bankPath(t), opts...)
	bankFill(t, db)
	backupGrow(t, db, 400, 5000)
	return db
}

// backupAudit opens the copy and checks that it is whole. It returns the number of transfers in it.
func backupAudit(t testing.TB, path string) int64 {
	t.Helper()
	db := bankOpen(t, path)
	n := bankCount(t, db)
	bankAudit(t, db, n)
	bankClose(t, db)
	if err := os.Remove(path + "-lock"); err != nil {
		t.Error(err)
	}
	return n
}

// backupDump is everything that a database holds, as text.
func backupDump(t testing.TB, path string) string {
	t.Helper()
	raw := openRaw(t, path, "?mode=ro")
	defer raw.Close()
	var all strings.Builder
	read := func(query string) (first []string) {
		rows, err := raw.Query(query)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		defer rows.Close()
		columns, _ := rows.Columns()
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			if err := rows.Scan(values...); err != nil {
				t.Fatal(err)
			}
			for i := range values {
				fmt.Fprintf(&all, "%v\t", *values[i].(*any))
			}
			all.WriteByte('\n')
			first = append(first, fmt.Sprint(*values[0].(*any)))
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return first
	}
	read("SELECT * FROM pragma_application_id, pragma_user_version, pragma_page_size, pragma_encoding, pragma_journal_mode")
	read("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY rowid")
	for _, table := range read("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") {
		read("SELECT * FROM \"" + table + "\" ORDER BY 1, 2")
	}
	return all.String()
}

// Every account's money and every worker's unbroken row of transfers show whether the copy is one moment.
func TestBackupBesideWritersIsOneSnapshot(t *testing.T) {
	db := backupSource(t)
	folder := t.TempDir()
	var stop atomic.Bool
	var acknowledged [8]atomic.Int64
	var writers sync.WaitGroup
	for w := range acknowledged {
		writers.Go(func() {
			for seq := int64(0); !stop.Load(); seq++ {
				payer := (seq + int64(w)) % bankAccounts
				payee := (payer + 1 + seq%(bankAccounts-1)) % bankAccounts
				err := db.WithTx(context.Background(), func(ctx context.Context, tx *bank) error {
					return tx.transfer(ctx, fmt.Sprint("worker", w), seq, payer, payee, 1+seq%9)
				})
				if err != nil {
					t.Error(err)
					return
				}
				acknowledged[w].Store(seq + 1)
			}
		})
	}
	defer writers.Wait()
	defer stop.Store(true)
	for i := range 5 {
		var before [len(acknowledged)]int64
		for w := range acknowledged {
			until(t, "a transfer of every worker", func() bool { return acknowledged[w].Load() > 0 })
			before[w] = acknowledged[w].Load()
		}
		dest := filepath.Join(folder, fmt.Sprintf("copy%d.db", i))
		if err := db.Backup(t.Context(), dest); err != nil {
			t.Fatal(err)
		}
		copied := bankOpen(t, dest)
		bankAudit(t, copied, bankCount(t, copied))
		err := copied.ReadOnly(t.Context(), func(ctx context.Context, q *bank) error {
			for w, atLeast := range before {
				got, err := q.value(ctx, fmt.Sprintf("SELECT COUNT(*) || ' up to ' || MAX(seq) FROM transfers WHERE worker = 'worker%d'", w))
				if err != nil {
					return err
				}
				var count, last int64
				if _, err := fmt.Sscanf(got, "%d up to %d", &count, &last); err != nil {
					return err
				}
				if count != last+1 || count < atLeast {
					t.Errorf("transfers of worker %d in copy %d: got %s, want all of them, and at least the %d committed before the call", w, i, got, atLeast)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		bankClose(t, copied)
	}
}

func TestBackupEqualsAnIdleDatabase(t *testing.T) {
	for _, c := range []struct{ name, sql string }{
		{"of accounts and transfers", "CREATE INDEX by_payee ON transfers (payee); CREATE VIEW rich AS SELECT * FROM accounts WHERE balance > 5; PRAGMA user_version = 7"},
		{"in pages of another size", "PRAGMA journal_mode = DELETE; PRAGMA page_size = 1024; VACUUM; PRAGMA journal_mode = WAL"},
		{"with incremental vacuum", "PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = INCREMENTAL; VACUUM; PRAGMA journal_mode = WAL; DELETE FROM transfers WHERE seq > 100"},
		{"in UTF-16", "DROP TABLE transfers; DROP TABLE accounts"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := bankPath(t)
			if c.name == "in UTF-16" {
				raw := openRaw(t, path, "")
				if _, err := raw.Exec("PRAGMA encoding = 'UTF-16'; PRAGMA application_id = 0x42414e4b; CREATE TABLE names (name TEXT, n); INSERT INTO names VALUES ('ümlaut', 1)"); err != nil {
					t.Fatal(err)
				}
				raw.Close()
			}
			db := bankOpen(t, path)
			bankFill(t, db)
			backupGrow(t, db, 300, 3000)
			bankClose(t, db)
			raw := openRaw(t, path, "")
			if _, err := raw.Exec(c.sql); err != nil {
				t.Fatal(err)
			}
			raw.Close()
			db = bankOpen(t, path)
			folder := t.TempDir()
			dest := filepath.Join(folder, "what? 100%.db")
			if err := db.Backup(t.Context(), dest); err != nil {
				t.Fatal(err)
			}
			if got, want := openFiles(t, folder), []string{filepath.Base(dest)}; !slices.Equal(got, want) {
				t.Errorf("files: got %q, want %q", got, want)
			}
			if got, want := besideOwner(t, dest), besideOwner(t, path); got != want {
				t.Errorf("owner and mode: got %s, want the database's %s", got, want)
			}
			if backupDump(t, dest) != backupDump(t, path) {
				t.Error("the copy does not hold what the database holds")
			}
		})
	}
}
