//go:build cgo && linux && !libsqlite3 && !stakeledger_nostep

package csqlite_test

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager/internal/csqlite"
)

// openFile opens a file in WAL mode, through vfs or, if that is empty, the default
// one. With a small cache it writes pages before COMMIT.
func openFile(t testing.TB, path, vfs string, texts ...string) *csqlite.Conn {
	t.Helper()
	dsn := "file:" + path + "?_mutex=no"
	if vfs != "" {
		dsn += "&vfs=" + vfs
	}
	_, h, err := csqlite.Open(func() (driver.Conn, error) { return (&sqlite3.SQLiteDriver{}).Open(dsn) })
	if err != nil {
		t.Fatal(err)
	}
	c, err := h.Conn()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	run(t, c, append([]string{"PRAGMA journal_mode = WAL", "PRAGMA wal_autocheckpoint = 0"}, texts...)...)
	return c
}

func writerVFS(t testing.TB) string {
	t.Helper()
	vfs := csqlite.WriterVFS()
	if vfs == "" {
		t.Fatal("there is no VFS for the writer")
	}
	return vfs
}

// run runs texts as the manager does, each prepared by this package.
func run(t testing.TB, c *csqlite.Conn, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err := runOne(c, text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

func runOne(c *csqlite.Conn, text string) error {
	prepared, err := c.Prepare(text)
	if err != nil {
		return err
	}
	defer prepared.Close()
	return prepared.(*csqlite.Stmt).RunContext(context.Background(), nil)
}

// read is the first value of a query.
func read(t testing.TB, c *csqlite.Conn, text string) string {
	t.Helper()
	r, err := c.QueryContext(context.Background(), text, nil)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	defer r.Close()
	dest := make([]driver.Value, len(r.Columns()))
	if err := r.Next(dest); err != nil && err != io.EOF {
		t.Fatalf("%s: %v", text, err)
	}
	return fmt.Sprint(dest[0])
}

// writes is how many calls of this process have written so far.
func writes(t testing.TB) int {
	t.Helper()
	counts, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Skip("this system does not count writes:", err)
	}
	n, err := strconv.Atoi(string(regexp.MustCompile(`syscw: (\d+)`).FindSubmatch(counts)[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const rowsOfAPage = "INSERT INTO t (v) SELECT randomblob(3000) FROM generate LIMIT "

var makeRows = []string{
	"CREATE TABLE generate AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT i FROM n",
	"CREATE TABLE t (id INTEGER PRIMARY KEY, v)",
}

// The pages of a COMMIT reach the log in pieces of 29, and all of them before
// another connection can see the commit.
func TestCommitIsWrittenInFewCalls(t *testing.T) {
	for _, pages := range []int{1, 20, 28, 29, 30, 64, 500} {
		t.Run(strconv.Itoa(pages), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "log.db")
			c := openFile(t, path, writerVFS(t), makeRows...)
			other := openFile(t, path, "")
			run(t, c, "BEGIN IMMEDIATE", rowsOfAPage+strconv.Itoa(pages))
			before := writes(t)
			run(t, c, "COMMIT")
			// Without the VFS there are two for each page.
			if got, most := writes(t)-before, pages/25+8; got > most {
				t.Errorf("got %d writes for %d pages, want at most %d", got, pages, most)
			}
			if got := read(t, other, "SELECT count(*) FROM t"); got != strconv.Itoa(pages) {
				t.Errorf("another connection found %s rows", got)
			}
			log, err := os.ReadFile(path + "-wal")
			if err != nil {
				t.Fatal(err)
			}
			copied := filepath.Join(t.TempDir(), "copy.db")
			if err := errors.Join(copyFile(path, copied), os.WriteFile(copied+"-wal", log, 0o600)); err != nil {
				t.Fatal(err)
			}
			if got := read(t, openFile(t, copied, ""), "SELECT count(*) FROM t"); got != strconv.Itoa(pages) {
				t.Errorf("what was in the files after COMMIT holds %s rows", got)
			}
		})
	}
}

func copyFile(from, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o600)
}

// A COMMIT is whole in the log also where SQLite writes more than its frames one
// after the other: where pages were written before, it computes the checksums of
// all frames from there again, and where the disk may tear a sector, it repeats the
// last frame up to the sector's end.
func TestCommitCanBeRecovered(t *testing.T) {
	for _, test := range []struct {
		name, options, pragma string
		commits, fills        int
	}{
		{"written before, NORMAL", "", "PRAGMA synchronous = NORMAL", 20, 3},
		{"written before, FULL", "", "PRAGMA synchronous = FULL", 20, 3},
		// The last 24 bytes of the 405th frame, as many as a header has, begin a sector.
		{"padded", "&psow=0", "PRAGMA synchronous = FULL", 60, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "log.db")
			run(t, openFile(t, path, ""), "PRAGMA journal_mode = DELETE", "PRAGMA page_size = 512", "VACUUM")
			c := openFile(t, path, writerVFS(t)+test.options, test.pragma, "PRAGMA cache_size = 10")
			other := openFile(t, path, "")
			run(t, c, makeRows[1], "INSERT INTO t (v) VALUES ('')")
			for i := range test.commits {
				run(t, c, "BEGIN IMMEDIATE")
				for range test.fills * (i % 2) { // with more pages than the cache holds
					run(t, c, "DELETE FROM t WHERE id > 1", "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) INSERT INTO t (v) SELECT randomblob(400) FROM n", "SAVEPOINT s", "RELEASE s")
				}
				run(t, c, "UPDATE t SET v = "+strconv.Itoa(i)+" WHERE id = 1", "COMMIT")
				const content = "SELECT count(*) || ' ' || min(v) || ' ' || (SELECT hex(v) FROM t ORDER BY id DESC) FROM t"
				want := read(t, c, content)
				if got := read(t, other, content); got != want {
					t.Fatalf("commit %d: another connection found %.20s, want %.20s", i, got, want)
				}
				copied := filepath.Join(t.TempDir(), "copy.db")
				if err := errors.Join(copyFile(path, copied), copyFile(path+"-wal", copied+"-wal")); err != nil {
					t.Fatal(err)
				}
				recovered := openFile(t, copied, "")
				if got := read(t, recovered, content); got != want {
					t.Fatalf("commit %d: what is in the files holds %.20s, want %.20s", i, got, want)
				}
			}
		})
	}
}

// A COMMIT gathers its own frames alone: what another connection writes before its
// end, on the same thread, is that one's, also where the hook in which it does so
// panics.
func TestCommitGathersItsOwnFrames(t *testing.T) {
	for _, panics := range []bool{false, true} {
		t.Run(fmt.Sprintf("panics %t", panics), func(t *testing.T) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			c := openFile(t, filepath.Join(t.TempDir(), "log.db"), writerVFS(t), makeRows...)
			path := filepath.Join(t.TempDir(), "other.db")
			other := openFile(t, path, writerVFS(t), append(slices.Clone(makeRows), "PRAGMA cache_size = 10")...)
			before := size(t, path+"-wal")
			c.RegisterCommitHook(func() int {
				if panics {
					panic("in the hook")
				}
				run(t, other, "BEGIN IMMEDIATE", rowsOfAPage+"20")
				return 0
			})
			run(t, c, "BEGIN IMMEDIATE", rowsOfAPage+"1")
			func() {
				defer func() { _ = recover() }()
				run(t, c, "COMMIT")
			}()
			c.RegisterCommitHook(nil)
			if panics {
				run(t, other, "BEGIN IMMEDIATE", rowsOfAPage+"20")
			}
			if got := size(t, path+"-wal"); got < before+10*4096 {
				t.Errorf("%d bytes are in the log, want what the cache does not hold", got)
			}
			run(t, other, "COMMIT")
			if got := read(t, other, "PRAGMA integrity_check"); got != "ok" {
				t.Errorf("integrity check: %s", got)
			}
			if got := read(t, other, "SELECT sum(length(v)) FROM t"); got != "60000" {
				t.Errorf("found %s bytes of rows, want 60000", got)
			}
		})
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// A savepoint's journal of several megabytes, which goes from SQLite's memory to
// ours and then to a file, undoes all of it; the first two take no writes.
func TestJournalOfASavepoint(t *testing.T) {
	for _, pages := range []int{5, 100, 1000} {
		t.Run(strconv.Itoa(pages), func(t *testing.T) {
			c := openFile(t, filepath.Join(t.TempDir(), "undo.db"), writerVFS(t), makeRows...)
			run(t, c, rowsOfAPage+"1500", "PRAGMA cache_size = 4000")
			const content = "SELECT group_concat(hex(substr(v, 1, 4))) FROM t"
			want := read(t, c, content)
			update := "UPDATE t SET v = randomblob(3000) WHERE id <= " + strconv.Itoa(pages)
			run(t, c, "BEGIN IMMEDIATE")
			before := writes(t)
			for range 2 {
				run(t, c, "SAVEPOINT s", update, "SAVEPOINT inner", update, "ROLLBACK TO inner", "RELEASE inner", "ROLLBACK TO s", "RELEASE s")
			}
			if got := writes(t) - before; pages < 200 && got > 8 {
				t.Errorf("got %d writes, want none", got)
			}
			run(t, c, "COMMIT")
			if got := read(t, c, content); got != want {
				t.Error("what was rolled back is still there")
			}
			if got := read(t, c, "PRAGMA integrity_check"); got != "ok" {
				t.Errorf("integrity check: %s", got)
			}
		})
	}
}

// A COMMIT whose frames do not fit on the disk fails, and nothing of it is there.
func TestCommitWithoutRoom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "full.db")
	c := openFile(t, path, writerVFS(t), makeRows...)
	for _, pages := range []int{5, 100} {
		run(t, c, "BEGIN IMMEDIATE", rowsOfAPage+strconv.Itoa(pages))
		err := withFileLimit(t, path+"-wal", func() error { return runOne(c, "COMMIT") })
		if err == nil {
			t.Errorf("%d pages: COMMIT succeeded", pages)
		}
		if !c.AutoCommit() {
			run(t, c, "ROLLBACK")
		}
		run(t, c, "INSERT INTO t (v) VALUES ('after')", "DELETE FROM t WHERE v = 'after'")
		other := openFile(t, path, "")
		if got := read(t, other, "SELECT count(*) FROM t"); got != "0" {
			t.Errorf("%d pages: another connection found %s rows", pages, got)
		}
	}
}

// withFileLimit calls fn while no file may grow beyond path's size.
func withFileLimit(t *testing.T, path string, fn func() error) error {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	small := limit
	small.Cur = uint64(size(t, path))
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		t.Skip("cannot limit the size of files:", err)
	}
	defer syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
	return fn()
}

// Random transactions leave the same rows through this VFS as through SQLite's own,
// also with a cache so small that pages are written before COMMIT and again.
func TestVFSKeepsWhatSQLiteWrites(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for _, pageSize := range []string{"512", "4096", "65536"} {
		for _, vacuum := range []string{"NONE", "FULL"} {
			var sides []*csqlite.Conn
			var paths []string
			for _, vfs := range []string{"", writerVFS(t)} {
				paths = append(paths, filepath.Join(t.TempDir(), "same.db"))
				c := openFile(t, paths[len(paths)-1], "")
				run(t, c, "PRAGMA journal_mode = DELETE", "PRAGMA page_size = "+pageSize, "PRAGMA auto_vacuum = "+vacuum, "VACUUM")
				run(t, c, makeRows...)
				c = openFile(t, paths[len(paths)-1], vfs, "PRAGMA cache_size = 12", "CREATE INDEX t_v ON t (v)")
				sides = append(sides, c)
			}
			for range 15 {
				for _, text := range randomTransaction(r) {
					for _, c := range sides {
						run(t, c, text)
					}
				}
			}
			var got [][]byte
			for _, path := range paths {
				c := openFile(t, path, "")
				if found := read(t, c, "PRAGMA integrity_check"); found != "ok" {
					t.Errorf("page size %s, auto_vacuum %s: integrity check: %s", pageSize, vacuum, found)
				}
				got = append(got, []byte(read(t, c, "SELECT group_concat(id || hex(v)) FROM t")))
			}
			if !bytes.Equal(got[0], got[1]) || len(got[0]) == 0 {
				t.Errorf("page size %s, auto_vacuum %s: %d and %d bytes of rows differ", pageSize, vacuum, len(got[0]), len(got[1]))
			}
		}
	}
}

// randomTransaction is one that both sides run alike: its values are numbers.
func randomTransaction(r *rand.Rand) []string {
	value := func() string { return fmt.Sprintf("hex(zeroblob(%d)) || (i * %d)", r.IntN(1500), r.IntN(1000)) }
	change := func() string {
		switch from, n := r.IntN(60), r.IntN(60); r.IntN(3) {
		case 0:
			return fmt.Sprintf("INSERT INTO t (v) SELECT %s FROM generate LIMIT %d", value(), 1+n)
		case 1:
			return fmt.Sprintf("UPDATE t SET v = (SELECT %s FROM generate WHERE i = t.id) WHERE id BETWEEN %d AND %d", value(), from, from+n)
		default:
			return fmt.Sprintf("DELETE FROM t WHERE id BETWEEN %d AND %d", from+20, from+20+n/4)
		}
	}
	list := []string{"BEGIN IMMEDIATE", "INSERT INTO t (v) VALUES ('at least one')"}
	for range 1 + r.IntN(4) {
		switch r.IntN(3) {
		case 0:
			list = append(list, change())
		case 1:
			list = append(list, "SAVEPOINT s", change(), change(), "ROLLBACK TO s", "RELEASE s")
		default:
			list = append(list, "SAVEPOINT s", change(), "RELEASE s")
		}
	}
	end := "COMMIT"
	if r.IntN(4) == 0 {
		end = "ROLLBACK"
	}
	list = append(list, end)
	if r.IntN(4) == 0 {
		list = append(list, "PRAGMA wal_checkpoint(RESTART)")
	}
	return slices.Clip(list)
}
