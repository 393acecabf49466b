//go:build unix

package crash_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/torture/books"
)

const (
	ledgerFile = "ledger.db"
	backupFile = "backup.db"
	moments    = 4 // of snapshots
)

// span is the work on a ledger. Snapshots of more than 100 miners take several transactions.
var span = books.Trading{Seed: 5, Events: 600, Miners: 150, BatchEvents: 40, ArchiveRows: 9}

// An operation is killed at a random moment and continued by the next process.
type operation struct {
	name string
	from string // what lies in the folder at first, see prepare
	run  func(ctx context.Context, folder string, r reporter) error
	copy string // the file it makes, which must be absent or whole
	// settle runs the operation without a kill. It must have its usual outcome and
	// remove what killed runs left. nil: the same as run.
	settle func(ctx context.Context, folder string) error
}

func init() {
	for _, o := range operations {
		roles[o.name] = func(ctx context.Context, t task, r reporter) error { return o.run(ctx, t.Folder, r) }
	}
}

var operations = []operation{
	{name: "open", from: "nothing", run: func(ctx context.Context, folder string, r reporter) error {
		r.begin()
		_, err := openLedger(ctx, folder)
		return err
	}},
	{name: "apply", from: "nothing", run: func(ctx context.Context, folder string, r reporter) error {
		return onLedger(ctx, folder, r, func(l *ledger.Ledger) error { return span.Apply(ctx, l, r.progress) })
	}, settle: applyAndCollect},
	{name: "archive", from: "applied", run: func(ctx context.Context, folder string, r reporter) error {
		return onLedger(ctx, folder, r, func(l *ledger.Ledger) error { return span.Archive(ctx, l, r.progress) })
	}},
	{name: "snapshots", from: "applied", run: func(ctx context.Context, folder string, r reporter) error {
		return onLedger(ctx, folder, r, func(l *ledger.Ledger) error { return span.TakeSnapshots(ctx, l, moments, r.progress) })
	}},
	{name: "rebuild", from: "applied", run: func(ctx context.Context, folder string, r reporter) error {
		return onLedger(ctx, folder, r, func(l *ledger.Ledger) error { return rebuildAll(ctx, l) })
	}},
	{name: "replay", from: "late", run: func(ctx context.Context, folder string, r reporter) error {
		return onLedger(ctx, folder, r, func(l *ledger.Ledger) error { return l.RebuildMarked(ctx, nil) })
	}},
	{name: "policy", from: "late", run: func(ctx context.Context, folder string, r reporter) error {
		return onLedger(ctx, folder, r, func(l *ledger.Ledger) error { return anotherPolicy(ctx, l) })
	}},
	{name: "rejected", from: "rejected", run: func(ctx context.Context, folder string, r reporter) error {
		return onLedger(ctx, folder, r, func(l *ledger.Ledger) error { return seeToRejected(ctx, l) })
	}},
	{name: "prune", from: "snapshots", run: func(ctx context.Context, folder string, r reporter) error {
		return onLedger(ctx, folder, r, func(l *ledger.Ledger) error {
			_, err := l.PruneSnapshots(ctx, books.End)
			return err
		})
	}},
	{name: "checkpoint at the end", from: "applied", run: func(ctx context.Context, folder string, r reporter) error {
		l, err := openLedger(ctx, folder, manager.WithCheckpointFrames(1<<20))
		if err != nil {
			return err
		}
		if err := errors.Join(rebuildAll(ctx, l), span.TakeSnapshots(ctx, l, moments, r.progress)); err != nil {
			return err
		}
		r.begin()
		return l.Close(ctx)
	}},
	{name: "backup", from: "applied", copy: backupFile, run: backUp, settle: backUpAgain},
	{name: "backup over another", from: "archived with a backup", copy: backupFile, run: backUp, settle: backUpAgain},
	{name: "restore", from: "backup", copy: ledgerFile, run: func(ctx context.Context, folder string, r reporter) error {
		r.begin()
		err := ledger.Restore(ctx, filepath.Join(folder, backupFile), filepath.Join(folder, ledgerFile))
		if errors.Is(err, os.ErrExist) { // a killed run got this far
			return nil
		}
		if err == nil {
			r.say("copied")
		}
		return err
	}, settle: func(ctx context.Context, folder string) error {
		if err := os.Remove(filepath.Join(folder, ledgerFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return ledger.Restore(ctx, filepath.Join(folder, backupFile), filepath.Join(folder, ledgerFile))
	}},
}

func openLedger(ctx context.Context, folder string, opts ...manager.Option) (*ledger.Ledger, error) {
	return span.Open(ctx, filepath.Join(folder, ledgerFile), opts...)
}

// onLedger begins when the ledger is open, and leaves it open.
func onLedger(ctx context.Context, folder string, r reporter, work func(*ledger.Ledger) error) error {
	l, err := openLedger(ctx, folder)
	if err != nil {
		return err
	}
	r.begin()
	return work(l)
}

func rebuildAll(ctx context.Context, l *ledger.Ledger, opts ...ledger.RebuildOption) error {
	miners, err := l.Miners(ctx, ledger.Page[ledger.Miner]{Limit: 1000})
	for _, m := range miners {
		if err == nil {
			_, err = l.Rebuild(ctx, m.Coldkey, opts...)
		}
	}
	return err
}

// anotherPolicy sets a policy, and handles what is recorded under it.
func anotherPolicy(ctx context.Context, l *ledger.Ledger) error {
	_, err := l.SetPolicy(ctx, ledger.Policy{MinBlocks: 100_000, SelfTrade: chain.SelfTradeClamp, Transfers: chain.TransfersExclude, LookbackDays: 7})
	if err == nil {
		err = rebuildAll(ctx, l, ledger.UnderPolicy())
	}
	if err == nil {
		_, err = l.RefreshPolicy(ctx)
	}
	return err
}

// seeToRejected acknowledges the rejected events, a few at a time, and deletes them.
func seeToRejected(ctx context.Context, l *ledger.Ledger) error {
	list, err := l.RejectedEvents(ctx, "", ledger.Page[ledger.RejectedEvent]{Limit: 1000})
	for few := range slices.Chunk(list, 3) {
		var ids []int64
		for _, r := range few {
			ids = append(ids, r.RejectedID)
		}
		if err == nil {
			_, err = l.AcknowledgeRejected(ctx, ids...)
		}
	}
	if err == nil {
		_, err = l.PruneRejected(ctx, chain.Time(253402300799999999))
	}
	return err
}

// backUp copies the ledger while it is written, over an earlier backup if there is one.
func backUp(ctx context.Context, folder string, r reporter) error {
	return onLedger(ctx, folder, r, func(l *ledger.Ledger) error {
		err := l.Backup(ctx, filepath.Join(folder, backupFile), manager.Overwrite())
		if err == nil {
			r.say("copied")
		}
		return err
	})
}

func backUpAgain(ctx context.Context, folder string) error {
	return onClosed(ctx, folder, func(l *ledger.Ledger) error {
		return l.Backup(ctx, filepath.Join(folder, backupFile), manager.Overwrite())
	})
}

// applyAndCollect applies so much later that the inputs of killed processes count
// as abandoned, and checks that none of their staged events are left.
func applyAndCollect(ctx context.Context, folder string) error {
	later := ledger.WithClock(func() time.Time { return time.Now().Add(11 * time.Minute) })
	l, err := ledger.Open(ctx, filepath.Join(folder, ledgerFile), later)
	if err != nil {
		return err
	}
	var staged int64
	err = errors.Join(span.Apply(ctx, l, func(books.Progress) {}), l.WithTx(ctx, func(ctx context.Context, tx ledger.Tx) error {
		return tx.DB.QueryRowContext(ctx, "SELECT COUNT(*) FROM staged_events").Scan(&staged)
	}), l.Close(ctx))
	if err == nil && staged > 0 {
		err = fmt.Errorf("%d events of killed inputs are still staged", staged)
	}
	return err
}

// progress reports what the ledger answered.
func (r reporter) progress(p books.Progress) {
	text, err := json.Marshal(p)
	if err != nil {
		r.say("failed: %q", err)
		return
	}
	r.say("%s", text)
}

// prepare makes the folder that an operation starts from, in most cases a copy of
// one whose ledger has all events.
func prepare(folder, from, applied string) error {
	ctx := context.Background()
	said := func(books.Progress) {}
	switch from {
	case "applied", "late":
		if err := os.Mkdir(folder, 0o700); err != nil {
			return err
		}
		return onClosed(ctx, folder, func(l *ledger.Ledger) error {
			if from == "late" {
				return span.ApplyLate(ctx, l)
			}
			return span.Apply(ctx, l, said)
		})
	}
	if err := os.CopyFS(folder, os.DirFS(applied)); err != nil {
		return err
	}
	if from == "backup" {
		return errors.Join(os.Rename(filepath.Join(folder, ledgerFile), filepath.Join(folder, backupFile)),
			os.Remove(filepath.Join(folder, ledgerFile+"-lock")))
	}
	switch from {
	case "rejected":
		return onClosed(ctx, folder, func(l *ledger.Ledger) error { return span.ApplyOthers(ctx, l) })
	case "snapshots":
		return onClosed(ctx, folder, func(l *ledger.Ledger) error { return span.TakeSnapshots(ctx, l, moments, said) })
	}
	// The backup is older than the ledger, so that the two can be told apart.
	return onClosed(ctx, folder, func(l *ledger.Ledger) error {
		return errors.Join(l.Backup(ctx, filepath.Join(folder, backupFile)), span.Archive(ctx, l, said))
	})
}

// onClosed opens the ledger and closes it after the work.
func onClosed(ctx context.Context, folder string, work func(*ledger.Ledger) error) error {
	l, err := openLedger(ctx, folder)
	if err != nil {
		return err
	}
	return errors.Join(work(l), l.Close(ctx))
}
