//go:build unix

package crash_test

import (
	"context"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/torture/books"
	"github.com/stakeledger/stakeledger/torture/effort"
)

const pairsFile = "pairs.db"

// roles are what a child may do.
var roles = map[string]func(context.Context, task, reporter) error{
	"write": func(ctx context.Context, t task, r reporter) error {
		return writePairs(ctx, t, r, (*books.Pairs).Write, 10_000)
	},
	"write a few": func(ctx context.Context, t task, r reporter) error {
		return writePairs(ctx, t, r, (*books.Pairs).Write, 30)
	},
	"write through SQL": func(ctx context.Context, t task, r reporter) error {
		return writePairs(ctx, t, r, (*books.Pairs).WriteSQL, 10_000)
	},
}

const writers = 16

// writePairs opens the pairs and writes the given number from each goroutine. Each
// write is reported after it has returned.
func writePairs(ctx context.Context, t task, r reporter, write func(*books.Pairs, context.Context, int64) error, each int) error {
	r.begin()
	frames := 500
	if t.Small {
		frames = 10
	}
	db, err := books.OpenPairs(ctx, filepath.Join(t.Folder, pairsFile), manager.WithCheckpointFrames(frames))
	if err != nil {
		return err
	}
	var grouped atomic.Bool
	pair := func(ctx context.Context, number int64) error { return write(db, ctx, number) }
	return db.WriteAll(ctx, pair, writers, each, t.First, func(number int64) {
		r.say("%d", number)
		if !grouped.Load() && db.Stats().Groups > 0 && grouped.CompareAndSwap(false, true) {
			r.say("grouped")
		}
	})
}

// A pairsBook is what all processes that wrote one file reported.
type pairsBook struct {
	folder       string
	acknowledged []int64
	order        []int64 // of the commits that were found
	grouped      int     // processes that shared commits
}

func (b *pairsBook) note(t *testing.T, lines []string) {
	t.Helper()
	for _, line := range lines {
		if line == "grouped" {
			b.grouped++
			continue
		}
		number, err := strconv.ParseInt(line, 10, 64)
		if err != nil {
			t.Fatalf("the child said %q", line)
		}
		b.acknowledged = append(b.acknowledged, number)
	}
}

// audit opens the file and compares it with what was reported.
func (b *pairsBook) audit(t *testing.T) {
	t.Helper()
	lockIsFree(t, filepath.Join(b.folder, pairsFile))
	db, err := books.OpenPairs(t.Context(), filepath.Join(b.folder, pairsFile))
	if err != nil {
		t.Fatalf("open after a kill: %v", err)
	}
	found, err := db.Audit(t.Context())
	if err != nil {
		t.Fatalf("audit after a kill: %v", err)
	}
	if lost := books.Lost(b.acknowledged, found); len(lost) > 0 {
		t.Fatalf("%d of %d reported transactions are gone, first %d", len(lost), len(b.acknowledged), lost[0])
	}
	if len(found) < len(b.order) || !slices.Equal(found[:len(b.order)], b.order) {
		t.Fatalf("the %d commits found do not begin with the %d found before", len(found), len(b.order))
	}
	b.order = found
	if err := db.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	onlyFiles(t, b.folder, pairsFile, pairsFile+"-lock")
}

func TestKilledWritersKeepWhatTheyReported(t *testing.T) {
	r := effort.Rand(t)
	span := length(t, task{Role: "write a few", Folder: t.TempDir()})
	var book *pairsBook
	processes, commits, grouped := effort.Count(12, 240), 0, 0
	ways := []string{"write", "write through SQL"} // half of the processes each, in the same files
	settle := func() {
		if book != nil {
			book.audit(t)
			commits, grouped = commits+len(book.order), grouped+book.grouped
		}
	}
	for i := range processes {
		if i%40 == 0 { // an audit reads all of a file
			settle()
			book = &pairsBook{folder: t.TempDir()}
		}
		v := start(t, task{Role: ways[i%len(ways)], Folder: book.folder, First: int64(i+1) << 32, Small: r.IntN(2) == 0})
		book.note(t, v.killAfter(t, time.Duration(r.Int64N(int64(span)))))
		if r.IntN(2) == 0 {
			book.audit(t)
		}
	}
	settle()
	if grouped == 0 {
		t.Error("no process shared a commit")
	}
	t.Logf("%d kills within %v of the beginning: %d transactions committed, %d processes shared commits", processes, span.Round(time.Millisecond), commits, grouped)
}
