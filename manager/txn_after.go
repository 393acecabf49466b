package manager

import "context"

// A Hook runs after the commit, with the commit's number: it increases from
// commit to commit of one manager and restarts with every Open.
type Hook func(ctx context.Context, commit uint64)

// AfterCommit registers fn to run once the transaction that ctx belongs to is
// on disk: in the goroutine that called WithTx, before WithTx returns, in the
// order of registration, with that caller's context. The writer is free again
// by then, so fn may call WithTx. If the transaction or the savepoint around
// the call is rolled back, fn never runs. A panic in fn surfaces from WithTx;
// the commit stands.
//
// Outside WithTx, and inside ReadOnly, it returns ErrTxDone.
func AfterCommit(ctx context.Context, fn Hook) error {
	t := currentTxn(ctx)
	if t == nil || t.view {
		return &Error{Op: "register AfterCommit", Kind: ErrTxDone, Detail: "the context does not come from a WithTx closure"}
	}
	t.conn.mu.Lock()
	defer t.conn.unlock()
	if t.hasEnded() {
		return t.endedError("register AfterCommit", "")
	}
	t.hooks = append(t.hooks, fn)
	return nil
}

// AfterRollback registers fn to run once the transaction that ctx belongs to was
// rolled back: in the goroutine that called WithTx, before WithTx returns, in the
// order of registration, with that caller's context and the error that WithTx is
// about to return. It is the place to undo what the closure did elsewhere. The writer
// is free again by then.
//
// Of a closure that runs again only the last run counts. If a nested
// transaction is rolled back and the closure around it goes on, its functions run
// when the outermost WithTx ends, also when that commits, with the error of the
// nested one. If the closure panics or ends its goroutine, they run while that goes
// on. After ErrCommitUnknown, and ErrFileMoved of a commit, the change may be there:
// then those of the transaction itself do not run.
//
// Outside WithTx, and inside ReadOnly, it returns ErrTxDone.
func AfterRollback(ctx context.Context, fn func(ctx context.Context, err error)) error {
	t := currentTxn(ctx)
	if t == nil || t.view {
		return &Error{Op: "register AfterRollback", Kind: ErrTxDone, Detail: "the context does not come from a WithTx closure"}
	}
	t.conn.mu.Lock()
	defer t.conn.unlock()
	if t.hasEnded() {
		return t.endedError("register AfterRollback", "")
	}
	t.undo = append(t.undo, rollbackHook{fn: fn})
	return nil
}

// A rollbackHook is a function that was given to AfterRollback.
type rollbackHook struct {
	fn    func(ctx context.Context, err error)
	cause error // why its savepoint was rolled back; nil while it stands
}

// passUndo gives the parent what is to be called if it comes to nothing, and
// what is to be called in any case: if there is a cause, t has been rolled back.
// The caller holds the connection's mu.
func (t *txn) passUndo(cause error) {
	for _, u := range t.undo {
		if u.cause == nil {
			u.cause = cause
		}
		t.parent.undo = append(t.parent.undo, u)
	}
	t.undo = nil
}

// callHooks calls all of hooks, also when one of them panics or ends its
// goroutine.
func (r *request) callHooks(hooks []Hook) {
	if len(hooks) == 0 {
		return
	}
	defer r.callHooks(hooks[1:])
	hooks[0](r.ctx, r.commit)
}

// callUndo calls what must be called now that r has ended with err, and all of
// it like callHooks.
func (r *request) callUndo(list []rollbackHook, err error) {
	if len(list) == 0 {
		return
	}
	defer r.callUndo(list[1:], err)
	cause := list[0].cause
	if cause == nil && !r.unknown {
		cause = err
	}
	if cause != nil {
		list[0].fn(r.ctx, cause)
	}
}
