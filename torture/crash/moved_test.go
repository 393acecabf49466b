//go:build unix

package crash_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/torture/books"
	"github.com/stakeledger/stakeledger/torture/effort"
)

func init() { roles["write until it is moved"] = writeUntilMoved }

// names are the files of a database that is open.
var names = []string{pairsFile, pairsFile + "-wal", pairsFile + "-shm"}

// inodes are what the names in folder lead to; 0 for none.
func inodes(folder string) (list [3]uint64) {
	for i, name := range names {
		var s syscall.Stat_t
		if syscall.Stat(filepath.Join(folder, name), &s) == nil {
			list[i] = s.Ino
		}
	}
	return list
}

// writeUntilMoved writes until the manager says that its file is no longer the
// one. A write that began after that had become so must not be acknowledged.
func writeUntilMoved(ctx context.Context, t task, r reporter) error {
	db, err := books.OpenPairs(ctx, filepath.Join(t.Folder, pairsFile), manager.WithCheckpointFrames(50))
	if err != nil {
		return err
	}
	if err := db.Write(ctx, t.First); err != nil {
		return err
	}
	r.say("%d", t.First)
	held := inodes(t.Folder)
	r.begin()
	var done sync.WaitGroup
	errs := make([]error, writers)
	for w := range writers {
		done.Go(func() {
			for number := t.First + 1 + int64(w)<<20; errs[w] == nil; number++ {
				moved := inodes(t.Folder) != held
				switch errs[w] = db.Write(ctx, number); {
				case errs[w] == nil && moved:
					errs[w] = errors.New("acknowledged after the file had moved")
				case errs[w] == nil:
					r.say("%d", number)
				}
			}
		})
	}
	done.Wait()
	for _, err := range errs {
		if !errors.Is(err, manager.ErrFileMoved) {
			return err
		}
	}
	return nil
}

// moves are what others may do to the files of a database that is open. spare is
// a folder with a copy of them.
var moves = []struct {
	name string
	move func(folder, spare string) error
}{
	{"renamed", func(folder, _ string) error {
		return os.Rename(filepath.Join(folder, pairsFile), filepath.Join(folder, "old.db"))
	}},
	{"deleted", func(folder, _ string) error { return os.Remove(filepath.Join(folder, pairsFile)) }},
	{"replaced", func(folder, spare string) error {
		return os.Rename(filepath.Join(spare, pairsFile), filepath.Join(folder, pairsFile))
	}},
	{"log deleted", func(folder, _ string) error { return os.Remove(filepath.Join(folder, names[1])) }},
	{"log replaced", func(folder, spare string) error {
		return os.Rename(filepath.Join(spare, names[1]), filepath.Join(folder, names[1]))
	}},
	{"index deleted", func(folder, _ string) error { return os.Remove(filepath.Join(folder, names[2])) }},
	{"index replaced", func(folder, spare string) error {
		return os.Rename(filepath.Join(spare, names[2]), filepath.Join(folder, names[2]))
	}},
	{"folder renamed", func(folder, _ string) error { return os.Rename(folder, folder+".old") }},
	{"folder exchanged", func(folder, spare string) error {
		return errors.Join(os.Rename(folder, folder+".old"), os.Rename(spare, folder))
	}},
}

// What was acknowledged is in the files that the process had open, wherever they are then; nothing is acknowledged
// once they are not at their path any more, and the process says so. Half of the processes are killed meanwhile.
func TestMovedFilesKeepWhatWasReported(t *testing.T) {
	r := effort.Rand(t)
	kills := 0
	for i := range effort.Count(len(moves), 40*len(moves)) {
		m := moves[i%len(moves)]
		root := t.TempDir()
		folder, spare, kept := filepath.Join(root, "data"), filepath.Join(root, "spare"), filepath.Join(root, "kept")
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		v := start(t, task{Role: "write until it is moved", Folder: folder, First: 1})
		await(t, v.began, "the child's beginning")
		// Links keep what the child holds in reach, and a copy is what takes its place.
		if err := errors.Join(os.CopyFS(spare, os.DirFS(folder)), os.Mkdir(kept, 0o700),
			os.Link(filepath.Join(folder, names[0]), filepath.Join(kept, names[0])),
			os.Link(filepath.Join(folder, names[1]), filepath.Join(kept, names[1]))); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Duration(r.Int64N(int64(20 * time.Millisecond)))) // the random moment
		if err := m.move(folder, spare); err != nil {
			t.Fatalf("%s: %v", m.name, err)
		}
		if killed := r.IntN(2) == 0; killed {
			kills++
			<-time.After(time.Duration(r.Int64N(int64(2 * time.Millisecond))))
		} else {
			await(t, v.ended, m.name+": the child to notice")
		}
		v.kill(t)
		auditMoved(t, m.name, kept, v.lines)
	}
	t.Logf("%d of the processes were killed", kills)
}

// auditMoved looks for all that was reported in a copy of the files: Open refuses files of several links.
func auditMoved(t *testing.T, name, kept string, lines []string) {
	t.Helper()
	var acknowledged []int64
	for _, line := range lines {
		number, err := strconv.ParseInt(line, 10, 64)
		if err != nil {
			t.Fatalf("%s: the child said %q", name, line)
		}
		acknowledged = append(acknowledged, number)
	}
	copied := kept + ".copy"
	if err := os.CopyFS(copied, os.DirFS(kept)); err != nil {
		t.Fatal(err)
	}
	db, err := books.OpenPairs(t.Context(), filepath.Join(copied, pairsFile))
	if err != nil {
		t.Fatalf("%s: open what was moved: %v", name, err)
	}
	defer db.Close(t.Context())
	found, err := db.Audit(t.Context())
	if err != nil {
		t.Fatalf("%s: audit of what was moved: %v", name, err)
	}
	if lost := books.Lost(acknowledged, found); len(lost) > 0 {
		t.Errorf("%s: %d of %d reported transactions are gone, first %d", name, len(lost), len(acknowledged), lost[0])
	}
}
