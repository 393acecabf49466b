package manager_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

func init() {
	// Opens for reading, and says at each line it hears how many transfers there are.
	childRoles["count on request"] = func(t *testing.T, args []string) {
		if args[1] == "mount" {
			dir := filepath.Dir(args[0])
			err := errors.Join(syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""), syscall.Mount(dir, dir, "", syscall.MS_BIND, ""),
				syscall.Mount("none", dir, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
			if err != nil {
				childSay("no mount: %v", err)
				return
			}
		}
		db, err := manager.OpenReadOnly(t.Context(), args[0], newBank, manager.WithApplicationID(bankApplication))
		if err != nil {
			childSay("%q", err.Error())
			return
		}
		defer db.Close(context.Background())
		if err := db.Backup(t.Context(), filepath.Join(t.TempDir(), "copy.db")); err != nil {
			childSay("%q", err.Error())
			return
		}
		childSay("ready")
		for {
			read, known := slowReads[childHear()()]
			if !known {
				return
			}
			n, err := read(t.Context(), db)
			if err != nil {
				childSay("%q", err.Error())
				continue
			}
			childSay("%d", n)
		}
	}
}

// slowReads count the transfers, and all but the first wait for a line in the middle.
var slowReads = map[string]func(context.Context, *bankDB) (int64, error){
	"count": func(ctx context.Context, db *bankDB) (int64, error) {
		return manager.Read(ctx, db, func(ctx context.Context, q *bank) (int64, error) { return q.transfers(ctx) })
	},
	"ReadOnly": func(ctx context.Context, db *bankDB) (int64, error) {
		pause := sync.OnceFunc(middle)
		return manager.Read(ctx, db, func(ctx context.Context, q *bank) (int64, error) {
			n, err := q.transfers(ctx)
			pause()
			return n, err
		})
	},
	"SQL().Query": func(ctx context.Context, db *bankDB) (n int64, err error) {
		rows, err := db.SQL().QueryContext(ctx, "SELECT 1 FROM transfers")
		if err != nil {
			return 0, err
		}
		defer rows.Close()
		for ; rows.Next(); n++ {
			if n == 0 {
				middle()
			}
		}
		return n, rows.Err()
	},
	"SQL().QueryRow": func(ctx context.Context, db *bankDB) (n int64, err error) {
		row := db.SQL().QueryRowContext(ctx, "SELECT count(*) FROM transfers")
		middle()
		err = row.Scan(&n)
		return n, err
	},
	"SQL().BeginTx": func(ctx context.Context, db *bankDB) (int64, error) {
		tx, err := db.SQL().BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			return 0, err
		}
		defer tx.Rollback()
		n, err := newBank(tx).transfers(ctx)
		if err != nil {
			return 0, err
		}
		middle()
		return n, tx.Commit()
	},
}

// middle lets the parent do something while a child reads.
func middle() {
	childSay("middle")
	childHear()()
}

// mediaKinds are the places that cannot be written, as the reader finds them.
var mediaKinds = []struct {
	name    string
	prepare func(*exec.Cmd)
}{
	{"mount", func(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS} }},
	{"folder", childAsNobody},
}

// mediaBank is a bank of ten transfers in a folder that all may read: closed in order, or as a kill leaves it.
func mediaBank(t *testing.T, killed bool) (path string) {
	t.Helper()
	dir := besideFolder(t)
	db, from := fileBank(t)
	if !killed {
		bankClose(t, db)
	}
	path = filepath.Join(dir, "bank.db")
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(from + suffix)
		if err != nil && suffix == "" {
			t.Fatal(err)
		}
		if err != nil {
			continue
		}
		if err := os.WriteFile(path+suffix, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func mediaReader(t *testing.T, path, kind string, prepare func(*exec.Cmd)) *child {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs the superuser, to mount and to become another user")
	}
	c := childStart(t, "count on request", prepare, path, kind)
	switch said := c.said(t); {
	case strings.HasPrefix(said, "no mount"):
		t.Skip(said)
	case said != "ready":
		t.Fatalf("OpenReadOnly: %s", said)
	}
	return c
}

func TestReadOnlyMediaCanBeRead(t *testing.T) {
	for _, kind := range mediaKinds {
		for _, killed := range []bool{false, true} {
			t.Run(fmt.Sprint(kind.name, ", killed ", killed), func(t *testing.T) {
				path := mediaBank(t, killed)
				before := openFiles(t, filepath.Dir(path))
				c := mediaReader(t, path, kind.name, kind.prepare)
				for range 2 {
					c.tell(t, "count")
					if got := c.said(t); got != "10" {
						t.Errorf("transfers: got %s, want 10", got)
					}
				}
				c.wait(t)
				if got := openFiles(t, filepath.Dir(path)); !slices.Equal(got, before) {
					t.Errorf("files: got %q, want %q as before", got, before)
				}
			})
		}
	}
}

// Reading without locks rests on nobody writing: where somebody does, what is read is what was committed, or an error.
func TestReaderWithoutLocksMeetsAWriterThatStartsLater(t *testing.T) {
	for _, kind := range mediaKinds {
		for _, killed := range []bool{false, true} {
			t.Run(fmt.Sprint(kind.name, ", killed ", killed), func(t *testing.T) {
				path := mediaBank(t, killed)
				c := mediaReader(t, path, kind.name, kind.prepare)
				c.tell(t, "count")
				if got := c.said(t); got != "10" {
					t.Fatalf("transfers: got %s, want 10", got)
				}
				for round := range int64(3) {
					db := bankOpen(t, path)
					for seq := range int64(5) {
						if err := bankAdd(t.Context(), db, fmt.Sprint("later", round), seq); err != nil {
							t.Fatal(err)
						}
					}
					count := func(when string) {
						t.Helper()
						c.tell(t, "count")
						if got, want := c.said(t), fmt.Sprint(10+5*(round+1)); got != want && !strings.Contains(got, "busy") {
							t.Errorf("%s: got %s, want %s or ErrBusy", when, got, want)
						}
					}
					count("while the writer is there")
					bankClose(t, db)
					count("after the writer has gone")
				}
				c.wait(t)
			})
		}
	}
}

// Who reads without locks while somebody writes may have read pages of two moments.
func TestReaderWithoutLocksMeetsAWriterMeanwhile(t *testing.T) {
	for _, kind := range mediaKinds {
		for _, killed := range []bool{false, true} {
			for read, want := range map[string]string{"ReadOnly": "15", "SQL().Query": "busy", "SQL().QueryRow": "busy", "SQL().BeginTx": "busy"} {
				t.Run(fmt.Sprint(read, ", ", kind.name, ", killed ", killed), func(t *testing.T) {
					path := mediaBank(t, killed)
					c := mediaReader(t, path, kind.name, kind.prepare)
					for _, when := range []string{"at first", "later"} {
						c.tell(t, read)
						if got := c.said(t); got != "middle" {
							t.Fatal(got)
						}
						if when == "later" {
							db := bankOpen(t, path)
							for seq := range int64(5) {
								if err := bankAdd(t.Context(), db, "meanwhile", seq); err != nil {
									t.Fatal(err)
								}
							}
							bankClose(t, db)
						}
						c.tell(t, "go on")
						if got := c.said(t); when == "at first" && got != "10" || when == "later" && !strings.Contains(got, want) {
							t.Errorf("%s: got %s, want 10 at first, and then %s", when, got, want)
						}
					}
					c.tell(t, "count")
					if got := c.said(t); got != "15" {
						t.Errorf("the next read: got %s, want 15", got)
					}
					c.wait(t)
				})
			}
		}
	}
}

func TestReadingLeavesNothingThatStopsWriting(t *testing.T) {
	db, path := fileBank(t)
	copied := filepath.Join(t.TempDir(), "copy.db")
	for range 3 {
		if err := db.Backup(t.Context(), copied, manager.Overwrite()); err != nil {
			t.Fatal(err)
		}
		report, err := manager.OpenReadOnly(t.Context(), copied, newBank)
		if err != nil {
			t.Fatal(err)
		}
		bankCount(t, report)
		if err := report.Backup(t.Context(), path+".second", manager.Overwrite()); err != nil {
			t.Error(err)
		}
		bankClose(t, report)
		refuseOpenReadOnlyLeaves(t, copied)
		if got := openFiles(t, filepath.Dir(copied)); !slices.Equal(got, []string{"copy.db"}) {
			t.Errorf("files: got %q, want the copy alone", got)
		}
	}
}

// refuseOpenReadOnlyLeaves opens for reading what is another program's.
func refuseOpenReadOnlyLeaves(t *testing.T, path string) {
	t.Helper()
	if _, err := manager.OpenReadOnly(t.Context(), path, newBank, manager.WithApplicationID(7)); !errors.Is(err, manager.ErrWrongFile) {
		t.Errorf("got %v, want ErrWrongFile", err)
	}
}
