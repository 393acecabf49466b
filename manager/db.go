package manager

import (
	"context"
	"fmt"
	"reflect"
)

// DB runs transactions on one SQLite database. R is the query set of reads, W
// the one of write transactions; both are made by the functions given to
// [Open], usually sqlc's New. A DB is safe for concurrent use. There should be
// one per file and process; several work, but wait for each other at the lock
// file.
type DB[R, W any] struct {
	core    *core
	newRead func(DBTX) R
	newTx   func(DBTX) W
}

// Open opens the database at path, creating it if it is missing, migrates it
// (see [WithMigration]) and makes the connections. The types come from the
// arguments: newRead and newTx take whatever interface sqlc generated for its
// DBTX.
//
// It returns ErrWrongFile, ErrTooNew, ErrCorrupt, ErrReadOnly, ErrIO, ErrBusy
// or ErrUnsupported, in an [*Error] that says what to do.
func Open[DR, DW, R, W any](ctx context.Context, path string, newRead func(DR) R, newTx func(DW) W, opts ...Option) (*DB[R, W], error) {
	read, err := adaptQueries(newRead)
	if err != nil {
		return nil, err
	}
	tx, err := adaptQueries(newTx)
	if err != nil {
		return nil, err
	}
	co, err := openCore(ctx, path, openWritable, opts)
	if err != nil {
		return nil, err
	}
	return &DB[R, W]{core: co, newRead: read, newTx: tx}, nil
}

// OpenReadOnly opens an existing database for reading only, also while other
// processes write it. It runs no migration and takes no lock. There is no query set
// of writes to make: WithTx returns ErrReadOnly.
func OpenReadOnly[DR, R any](ctx context.Context, path string, newRead func(DR) R, opts ...Option) (*DB[R, R], error) {
	return OpenReadOnlyAs[R](ctx, path, newRead, opts...)
}

// OpenReadOnlyAs is [OpenReadOnly] for a program that has one type for both: it
// returns what Open does for a query set W of writes.
//
//	db, err := manager.OpenReadOnlyAs[Tx](ctx, "app.db", read.New) // *manager.DB[*read.Queries, Tx]
func OpenReadOnlyAs[W, DR, R any](ctx context.Context, path string, newRead func(DR) R, opts ...Option) (*DB[R, W], error) {
	read, err := adaptQueries(newRead)
	if err != nil {
		return nil, err
	}
	co, err := openCore(ctx, path, openReadOnly, opts)
	if err != nil {
		return nil, err
	}
	return &DB[R, W]{core: co, newRead: read}, nil
}

func openCore(ctx context.Context, path string, open func(context.Context, string, config) (*core, error), opts []Option) (*core, error) {
	cfg := newConfig(opts)
	warnOfDrivers(cfg.logger)
	return open(ctx, path, cfg)
}

// adaptQueries checks once that a txn implements the DBTX interface that sqlc
// generated.
func adaptQueries[D, Q any](newQueries func(D) Q) (func(DBTX) Q, error) {
	if _, ok := any((*txn)(nil)).(D); !ok {
		return nil, &Error{Op: "open", Kind: ErrUnsupported, Detail: fmt.Sprintf("manager's DBTX does not implement %s; generate for database/sql", reflect.TypeFor[D]())}
	}
	return func(t DBTX) Q { return newQueries(t.(D)) }, nil
}

// WithTx runs fn in a write transaction and commits it. When it returns nil,
// the change is on disk. When it returns an error, nothing happened, or the
// error is ErrCommitUnknown; fn's own error comes back as it is.
//
// fn may run more than once, so it assigns captured variables and never
// accumulates in them; other effects belong in [AfterCommit]. Its queries end
// with it (ErrTxDone). It must use the context it is given: with it, a WithTx
// inside fn is a savepoint. It must wait neither for another transaction nor
// for a lock that another caller holds across WithTx.
//
// Errors: those of fn and of its statements, ErrBusy, ErrQueueFull, ErrClosed,
// ErrReadOnly, ErrTxAborted, ErrFull, ErrIO, or the context's.
func (db *DB[R, W]) WithTx(ctx context.Context, fn func(ctx context.Context, tx W) error, opts ...TxOption) error {
	cfg := newTxConfig(opts)
	return db.core.write(ctx, newLabel(cfg.label, fn), cfg, func(ctx context.Context, t *txn) error {
		return fn(ctx, db.newTx(t))
	})
}

// ReadOnly runs fn on one snapshot of the database, taken by its first
// statement: never older than the call. Readers do not wait for writers, nor
// writers for readers. Inside WithTx it sees the transaction's own changes;
// inside ReadOnly it shares the snapshot.
//
// fn may run more than once, when the database is busy: like that of WithTx it
// assigns captured variables and never accumulates in them.
//
// Errors: those of fn and of its statements, ErrBusy when no reader became
// free within the retry budget, ErrClosed, or the context's. A query that runs
// when ctx ends is interrupted.
func (db *DB[R, W]) ReadOnly(ctx context.Context, fn func(ctx context.Context, q R) error, opts ...TxOption) error {
	cfg := newTxConfig(opts)
	return db.core.read(ctx, newLabel(cfg.label, fn), cfg, func(ctx context.Context, t *txn) error {
		return fn(ctx, db.newRead(t))
	})
}

// Write is [DB.WithTx] for a function that returns a value. After an error the
// value is the zero one.
func Write[T, R, W any](ctx context.Context, db *DB[R, W], fn func(ctx context.Context, tx W) (T, error), opts ...TxOption) (T, error) {
	cfg := newTxConfig(opts)
	var value T
	err := db.core.write(ctx, newLabel(cfg.label, fn), cfg, func(ctx context.Context, t *txn) (err error) {
		value, err = fn(ctx, db.newTx(t))
		return err
	})
	if err != nil {
		value = *new(T)
	}
	return value, err
}

// Read is [DB.ReadOnly] for a function that returns a value. After an error
// the value is the zero one.
func Read[T, R, W any](ctx context.Context, db *DB[R, W], fn func(ctx context.Context, q R) (T, error), opts ...TxOption) (T, error) {
	cfg := newTxConfig(opts)
	var value T
	err := db.core.read(ctx, newLabel(cfg.label, fn), cfg, func(ctx context.Context, t *txn) (err error) {
		value, err = fn(ctx, db.newRead(t))
		return err
	})
	if err != nil {
		value = *new(T)
	}
	return value, err
}

// Path is the database's absolute path, symbolic links resolved; of a server's
// its URL without the password.
func (db *DB[R, W]) Path() string { return db.core.path }

// Engine is "sqlite", or "postgres" for a database that was opened by a URL.
func (db *DB[R, W]) Engine() string {
	if s := db.core.server; s != nil {
		return s.Engine()
	}
	return "sqlite"
}

// Stats counts what the manager has done since Open. It never blocks.
func (db *DB[R, W]) Stats() Stats { return db.core.snapshotStats() }

// Close refuses new transactions, waits for those that run or wait, moves the
// write-ahead log into the database, and closes the connections. If ctx ends
// first it returns an error that names what still holds the database; that
// stays open, and Close may be called again.
func (db *DB[R, W]) Close(ctx context.Context) error { return db.core.shutDown(ctx) }

func (co *core) write(ctx context.Context, l label, cfg txConfig, run closure) (err error) {
	outer, kind := co.innermostTxn(ctx), OperationWrite
	if outer != nil {
		kind = OperationSavepoint
	}
	ctx, end := co.traceTransaction(ctx, kind, &l)
	if end != nil {
		err = errUnfinished
		defer func() { end(err) }()
	}
	if err := co.refuseOuterContext(ctx, "begin transaction", &l); err != nil {
		return err
	}
	switch {
	case outer != nil:
		return outer.runNested(ctx, &l, endingLent(run))
	case co.readOnly:
		return &Error{Op: "begin transaction", Label: l.String(), Kind: ErrReadOnly, Detail: "opened with OpenReadOnly"}
	}
	if check := co.cfg.keyCheck; check != nil {
		run = checked(check, cfg.keys, run)
	}
	return co.submit(&request{ctx: ctx, label: l, run: endingLent(run), alone: cfg.alone, once: cfg.once, keys: cfg.keys, idempotent: cfg.idempotent, pipelined: cfg.pipelined})
}

func (co *core) read(ctx context.Context, l label, cfg txConfig, run closure) (err error) {
	around := currentTxn(ctx)
	outer, kind := co.innermostOf(around), OperationRead
	if outer != nil {
		kind = OperationView
	}
	ctx, end := co.traceTransaction(ctx, kind, &l)
	if end != nil {
		err = errUnfinished
		defer func() { end(err) }()
	}
	if outer != nil {
		return outer.runView(ctx, &l, endingLent(run))
	}
	if err := co.refuseOuterContext(ctx, "begin snapshot", &l); err != nil {
		return err
	}
	if end != nil { // the tracer may have made another context
		around = currentTxn(ctx)
	}
	if cfg.stale {
		if served, err := co.standby.run(ctx, around, &l, cfg.pinned, run); served {
			return err
		}
	}
	return co.readers.run(ctx, around, &l, cfg.pinned, run)
}
