package power_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/migrate"
	"github.com/stakeledger/stakeledger/torture/effort"
	"github.com/stakeledger/stakeledger/torture/power"
)

const migratedFiles = 12

// migrations are files that each make a table and add a row to the first one.
func migrations(n int) fstest.MapFS {
	files := fstest.MapFS{}
	for i := range n {
		text := fmt.Sprintf("-- +goose Up\nCREATE TABLE t%d (n INTEGER);\nINSERT INTO t0 VALUES (%d);\n", i, i)
		files[fmt.Sprintf("%05d_t.sql", i+1)] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

// openMigrated opens a database with n migrations and calls mark when it is open.
func openMigrated(path string, n int, mark func(string), opts ...manager.Option) error {
	raw := func(db manager.DBTX) manager.DBTX { return db }
	db, err := manager.Open(context.Background(), path, raw, raw, append(opts, manager.WithMigration(migrate.Up(migrations(n))))...)
	if err != nil {
		return err
	}
	mark("opened")
	return db.Close(context.Background())
}

// migratedSurvive checks that the file has the rows of n migrations once Open had returned, that those
// of none are half there, and that it can be opened.
func migratedSurvive(n int) check {
	return func(path string, acknowledged []string) error {
		found, err := count(path)
		if err == nil && len(acknowledged) > 0 && found < n {
			err = fmt.Errorf("%w: %d of %d migrations", errLost, found, n)
		}
		if err != nil {
			return err
		}
		if err := openMigrated(path, migratedFiles, func(string) {}); err != nil {
			return err
		}
		if found, err = count(path); err == nil && found != migratedFiles {
			err = fmt.Errorf("migrated again: got %d rows, want %d", found, migratedFiles)
		}
		return err
	}
}

// count is how many rows the migrations have left.
func count(path string) (n int, err error) {
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	var tables int
	if err := db.QueryRow("SELECT count(*) FROM sqlite_schema WHERE name GLOB 't[0-9]*'").Scan(&tables); err != nil || tables == 0 {
		return 0, err
	}
	if err := db.QueryRow("SELECT count(*) FROM t0").Scan(&n); err != nil {
		return 0, err
	}
	if n != tables {
		return n, fmt.Errorf("%d tables and %d rows: half of a migration is there", tables, n)
	}
	return n, nil
}

// What Open has migrated when it returns is on the disk, in a fresh file and in one that it found; what it waits for
// does not grow with the number of files.
func TestOpenSyncsWhatItMigrated(t *testing.T) {
	for name, before := range map[string]int{"fresh": 0, "used": 4} {
		t.Run(name, func(t *testing.T) {
			r := effort.Rand(t)
			folder := t.TempDir()
			path := filepath.Join(folder, "m.db")
			if before > 0 {
				if err := openMigrated(path, before, func(string) {}); err != nil {
					t.Fatal(err)
				}
			}
			log := record(t, folder, func(mark func(string)) error { return openMigrated(path, migratedFiles, mark) })
			syncs := 0
			opened := slices.IndexFunc(log.Ops, func(op power.Op) bool { return op.Kind == power.Marked })
			for _, op := range log.Ops[:opened] {
				if op.Kind == power.Synced || op.Kind == power.FolderSynced {
					syncs++
				}
			}
			if most := 8; syncs > most {
				t.Errorf("Open of a file with %d new migrations waits for %d syncs, want at most %d", migratedFiles-before, syncs, most)
			}
			survives(t, r, log, effort.Count(30, 400), "m.db", migratedSurvive(migratedFiles))
		})
	}
}

// The test above can find a loss.
func TestMigrationsWithoutSyncAreFound(t *testing.T) {
	r := effort.Rand(t)
	folder := t.TempDir()
	log := record(t, folder, func(mark func(string)) error {
		return openMigrated(filepath.Join(folder, "m.db"), migratedFiles, mark, manager.WithSynchronousNormal())
	})
	if tried, found := fails(t, r, log, 2000, "m.db", migratedSurvive(migratedFiles)); !errors.Is(found, errLost) {
		t.Errorf("on %d disks nothing was lost, but %v", tried, found)
	}
}
