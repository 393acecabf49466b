//go:build unix

package crash_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/torture/books"
	"github.com/stakeledger/stakeledger/torture/effort"
)

// A site is a folder in which one operation is killed again and again.
type site struct {
	operation
	folder       string
	acknowledged books.Progress
	copied       bool // the copy was reported
	hadCopy      bool // a copy lay there at first
}

func newSite(t *testing.T, o operation, master string) *site {
	t.Helper()
	s := &site{operation: o, folder: filepath.Join(t.TempDir(), "site")}
	if err := os.CopyFS(s.folder, os.DirFS(master)); err != nil {
		t.Fatal(err)
	}
	_, err := os.Stat(filepath.Join(s.folder, o.copy))
	s.hadCopy = o.copy != "" && err == nil
	return s
}

// kill starts the operation in a process, kills it after a delay and keeps its reports.
func (s *site) kill(t *testing.T, delay time.Duration) (over bool) {
	t.Helper()
	v := start(t, task{Role: s.name, Folder: s.folder})
	for _, line := range v.killAfter(t, delay) {
		if line == "copied" {
			s.copied = true
			continue
		}
		var p books.Progress
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatalf("%s: the child said %q", s.name, line)
		}
		s.acknowledged.Events = max(s.acknowledged.Events, p.Events)
		s.acknowledged.Archived = max(s.acknowledged.Archived, p.Archived)
		s.acknowledged.Snapshots = max(s.acknowledged.Snapshots, p.Snapshots)
	}
	return v.over
}

// inspect checks what the killed process left: the lock is free, the ledger is
// sound and holds what was reported, a copy is whole or absent, and the only files
// left over are those that the operation's next run removes.
func (s *site) inspect(t *testing.T) {
	t.Helper()
	lockIsFree(t, filepath.Join(s.folder, ledgerFile))
	kept := []string{ledgerFile, ledgerFile + "-lock"}
	if s.copy != "" {
		s.inspectCopy(t)
		kept = append(kept, backupFile, s.copy+".partial-copy", s.copy+".partial-copy-lock")
	}
	if s.copy != ledgerFile {
		found, err := audited(t.Context(), filepath.Join(s.folder, ledgerFile))
		if err != nil {
			t.Errorf("%s: ledger after a kill: %v", s.name, err)
		}
		if behind := found.Behind(s.acknowledged); behind != "" {
			t.Errorf("%s: %s", s.name, behind)
		}
	}
	onlyFiles(t, s.folder, kept...)
}

// inspectCopy reads the copy without changing anything. No file next to it may look
// like its log.
func (s *site) inspectCopy(t *testing.T) {
	t.Helper()
	path := filepath.Join(s.folder, s.copy)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if s.copied || s.hadCopy {
			t.Errorf("%s: no copy, want one: reported %v, there before %v", s.name, s.copied, s.hadCopy)
		}
		return
	}
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if _, err := os.Stat(path + suffix); err == nil {
			t.Errorf("%s: %s%s is left over", s.name, s.copy, suffix)
		}
	}
	l, err := ledger.OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Errorf("%s: copy after a kill: %v", s.name, err)
		return
	}
	found, err := books.AuditLedger(t.Context(), l)
	if err := errors.Join(err, l.Close(t.Context())); err != nil {
		t.Errorf("%s: copy after a kill: %v", s.name, err)
	}
	if s.hadCopy && s.copied && found.Archived == 0 {
		t.Errorf("%s: the old copy is there, want the new one that was reported", s.name)
	}
	// What reading in WAL mode leaves beside the copy is the test's own.
	_ = os.Remove(path + "-shm")
	_ = os.Remove(path + "-wal")
}

// settled runs the operation to its end and returns its outcome.
func (s *site) settled(t *testing.T) string {
	t.Helper()
	if s.operation.settle != nil {
		if err := s.operation.settle(t.Context(), s.folder); err != nil {
			t.Fatalf("%s: without a kill: %v", s.name, err)
		}
	} else { // in a process that is killed only after the end
		length(t, task{Role: s.name, Folder: s.folder})
	}
	text := s.outcome(t)
	kept := []string{ledgerFile, ledgerFile + "-lock"}
	if s.copy != "" {
		kept = append(kept, backupFile, s.copy+"-lock")
	}
	onlyFiles(t, s.folder, kept...)
	return text
}

// outcome verifies what the operation made and returns what it says.
func (s *site) outcome(t *testing.T) string {
	t.Helper()
	ctx, path := t.Context(), filepath.Join(s.folder, ledgerFile)
	if s.copy != "" {
		path = filepath.Join(s.folder, s.copy)
	}
	l, err := span.Open(ctx, path, manager.WithReaders(1))
	if err != nil {
		t.Fatalf("%s: in the end: %v", s.name, err)
	}
	found, err := books.AuditLedger(ctx, l)
	text, outcomeErr := books.Outcome(ctx, l)
	info, infoErr := l.Info(ctx)
	if err := errors.Join(err, outcomeErr, infoErr, l.Close(ctx)); err != nil {
		t.Fatalf("%s: in the end: %v", s.name, err)
	}
	return fmt.Sprintf("%+v, %d rejected, %d snapshots: %s", found, info.Rows["rejected_events"], info.Rows["snapshots"], text)
}

// audited opens a ledger, verifies it and closes it.
func audited(ctx context.Context, path string) (books.Progress, error) {
	l, err := span.Open(ctx, path, manager.WithReaders(1))
	if err != nil {
		return books.Progress{}, err
	}
	found, err := books.AuditLedger(ctx, l)
	return found, errors.Join(err, l.Close(ctx))
}

func TestKilledOperationsAreGoneOnWith(t *testing.T) {
	masters := map[string]string{"nothing": t.TempDir()}
	for _, o := range operations {
		if masters[o.from] == "" {
			masters[o.from] = filepath.Join(t.TempDir(), "master")
			if err := prepare(masters[o.from], o.from, masters["applied"]); err != nil {
				t.Fatal(err)
			}
		}
		t.Run(o.name, func(t *testing.T) {
			killAgainAndAgain(t, effort.Rand(t), o, masters[o.from], effort.Count(2, 36))
		})
	}
}

func killAgainAndAgain(t *testing.T, r *rand.Rand, o operation, master string, kills int) {
	undisturbed := newSite(t, o, master)
	took := length(t, task{Role: o.name, Folder: undisturbed.folder})
	want := undisturbed.outcome(t)
	goOn := func(s *site) {
		s.inspect(t)
		if got := s.settled(t); got != want {
			t.Errorf("gone on to the end: got %.300s, want %.300s", got, want)
		}
	}
	reach := took + took/8
	var within, after int
	var s *site
	for range kills {
		if s == nil {
			s = newSite(t, o, master)
		}
		over := s.kill(t, time.Duration(r.Int64N(int64(reach))))
		switch {
		case over:
			after++
			goOn(s)
			s = nil
		default:
			within++
			if r.IntN(2) == 0 { // otherwise the next process finds what this one left
				s.inspect(t)
			}
			if o.name == "open" && r.IntN(2) == 0 { // a file that has been opened once is never new again
				goOn(s)
				s = nil
			}
		}
		if t.Failed() {
			return
		}
	}
	if s != nil {
		goOn(s)
	}
	if within == 0 && effort.Long() {
		t.Errorf("none of %d kills met the operation before its end", kills)
	}
	t.Logf("it takes %v; killed %d times within it and %d times after its end", took.Round(time.Millisecond), within, after)
}
