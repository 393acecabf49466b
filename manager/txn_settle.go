package manager

import (
	"context"
	"errors"
	"slices"
)

// Idempotent says that the closure does nothing twice: run again after a run
// that was committed, it finds by a key of its own what that one wrote. On a
// server a COMMIT whose outcome nobody knows is then settled by running the
// closure again, within the retry budget, which counts the time that COMMIT took.
// ErrCommitUnknown comes back only when the budget or the context has ended
// before. [CommitUnknown] is true in such a run.
//
// On SQLite that error means that the disk is failing, and comes back at once.
func Idempotent() TxOption {
	return func(c txConfig) txConfig { c.idempotent = true; return c }
}

// CommitUnknown reports whether an earlier run of the closure that ctx belongs to
// may have been committed, see [Idempotent].
func CommitUnknown(ctx context.Context) bool {
	t := currentTxn(ctx)
	return t != nil && t.root.unsettled
}

// settles reports whether r's closure is to run again, since nobody knows whether
// it was committed.
func (r *request) settles() bool {
	if r.lane == nil || !r.unknown || !errors.Is(r.err, ErrCommitUnknown) {
		return false
	}
	r.unsettled = true
	return r.idempotent && r.conclude < r.lane.core.cfg.retryBudget
}

// settled is r's answer. What ended the runs after a commit of unknown outcome
// before one of them could look for it says nothing about that commit.
func (r *request) settled() error {
	if r.err == nil || !r.unsettled || errors.Is(r.err, ErrCommitUnknown) || isAnswer(r.err) {
		return r.err
	}
	r.unknown = true
	return &Error{Op: "settle commit", Label: r.label.String(), Kind: ErrCommitUnknown, Err: r.err,
		Detail: "the change may be there; run it again, or look it up by your own key"}
}

// isAnswer reports whether err, of a run that looked for what an earlier one had
// written, is about that: the closure's own, or that of a constraint.
func isAnswer(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var e *Error
	if !errors.As(err, &e) {
		return true
	}
	return slices.ContainsFunc([]error{ErrUnique, ErrForeignKey, ErrCheck, ErrNotNull}, e.Is)
}
