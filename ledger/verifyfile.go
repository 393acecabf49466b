package ledger

import (
	"context"
	"errors"

	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
)

// fileCheck is what SQLite found.
type fileCheck struct {
	report VerifyReport
	err    error
}

// checkFile has SQLite check the foreign keys and the file, in a snapshot of its own.
func (l *Ledger) checkFile(ctx context.Context, c verifyConfig) (f fileCheck) {
	f.err = l.db.ReadOnly(ctx, func(ctx context.Context, q *read.Queries) error {
		v := newVerification(q, c)
		err := v.file(ctx)
		f.report = v.report
		return err
	}, manager.Pinned(), manager.Label("ledger.Verify: file"))
	return f
}

// checkFileBeside starts checkFile in a goroutine, so that it and the comparison of the records have a
// processor each. The function it returns waits for it. A ledger with a single reader, or with all others
// taken, has none to spare for it meanwhile; then the check runs when it is waited for.
func (l *Ledger) checkFileBeside(ctx context.Context, c verifyConfig) (wait func() fileCheck) {
	done := make(chan fileCheck, 1)
	go func() { done <- l.checkFile(ctx, c) }()
	return func() fileCheck {
		f := <-done
		if errors.Is(f.err, manager.ErrBusy) {
			f = l.checkFile(ctx, c)
		}
		return f
	}
}

// file has SQLite check the foreign keys and itself.
func (v *verification) file(ctx context.Context) error {
	broken, err := v.q.BrokenForeignKeys(ctx)
	if err != nil {
		return err
	}
	for _, f := range broken {
		v.differ(f.Table, id(f.RowID), "foreign key", "a row of "+f.Parent, "none")
	}
	lines, err := v.q.IntegrityCheck(ctx)
	if err != nil {
		return err
	}
	for _, line := range lines {
		if line != "ok" {
			v.differ("sqlite", "", "integrity_check", "ok", line)
		}
	}
	return nil
}
