package manager

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"

	"github.com/stakeledger/stakeledger/manager/internal/engine"
)

// What is different for a server's database. Everything above DriverConn is
// shared: transactions, savepoints, retries, hooks, limits.

// engineOf finds the engine for a database's URL; nil for the path of a file.
func engineOf(name string) (engine.Engine, error) {
	e, missing := engine.For(name)
	if missing != "" {
		return nil, &Error{Op: "open the database at a server's URL", Kind: ErrUnsupported, Detail: `its engine is not linked into this program; add import _ "` + missing + `"`}
	}
	return e, nil
}

// IsURL reports whether name is the URL of a server's database, and no path.
func IsURL(name string) bool { return engine.IsURL(name) }

// openServer opens a database of a server.
func openServer(ctx context.Context, e engine.Engine, url string, cfg config, readOnly bool) (_ *core, err error) {
	if len(cfg.pragmas) > 0 || len(cfg.connectHooks) > 0 {
		return nil, &Error{Op: "open", Kind: ErrUnsupported, Detail: "WithPragma and WithConnectHook are for SQLite; set a server's parameters in its URL or in its configuration"}
	}
	settings := engine.Settings{Logger: cfg.logger, RetryBudget: cfg.retryBudget, Standby: readOnly, Durability: cfg.durability(), Positions: cfg.standby != ""}
	db, err := e.Parse(url, settings)
	if err != nil {
		return nil, wrap("open", "", "", err)
	}
	co := newCore(cfg)
	co.server, co.path, co.readOnly = db, db.Name(), readOnly
	if co.standby, err = newStandby(co, settings); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			co.closeOpened()
		}
	}()
	for _, step := range []func(context.Context) error{co.migrateServer, co.connectServer} {
		if err := co.retryOpen(ctx, step); err != nil {
			return nil, err
		}
	}
	co.watchdog = startWatchdog(co)
	return co, nil
}

func (cfg *config) durability() engine.Durability {
	switch cfg.synchronous {
	case "OFF":
		return engine.None
	case "NORMAL":
		return engine.Server
	}
	return engine.Durable
}

// migrateServer runs the caller's migration. Excluding other processes is the
// migration's task: migrate.Up takes a lock on the server.
func (co *core) migrateServer(ctx context.Context) error {
	if co.cfg.migrate == nil || co.readOnly {
		return nil
	}
	db, err := co.server.Pool()
	if err != nil {
		return wrap("migrate "+co.path, "", "", err)
	}
	defer db.Close()
	err = co.cfg.migrate(ctx, db)
	if own := (*Error)(nil); errors.As(err, &own) {
		return err
	}
	return wrap("migrate "+co.path, "", "", err)
}

// connectServer opens the first connection, so that Open fails if the server
// cannot be reached; the others are opened when needed.
func (co *core) connectServer(ctx context.Context) error {
	if co.readOnly {
		c, err := co.readers.liveConn(nil)
		if err != nil {
			return err
		}
		co.readers.idle = append(co.readers.idle, c)
		return co.standby.watch(ctx, c)
	}
	c, err := co.openWriter(ctx)
	if err != nil {
		return err
	}
	co.lanes = newLanes(co, max(1, co.cfg.writers), c)
	return nil
}

// openOnServer opens a connection to the server, or to a standby of it.
func (co *core) openOnServer(ctx context.Context, db engine.Database, write bool) (*conn, error) {
	server, err := db.Connect(ctx, write)
	if err != nil {
		return nil, wrap("open", "", "", err)
	}
	c := &conn{server: server, raw: server, cfg: &co.cfg, stmts: map[string]*stmt{}, stats: &queryTable{}}
	c.writes = write
	if co.cfg.wrapDriver != nil {
		c.raw = co.cfg.wrapDriver(c.raw)
	}
	begin, pin := db.Snapshot()
	if err := c.prepareControls(ctx, begin, pin); err != nil {
		_ = c.close()
		return nil, err
	}
	return c, nil
}

// beginFor begins r's transaction.
func (c *conn) beginFor(r *request) error {
	if c.server == nil {
		return c.runControl(c.begin)
	}
	err := c.server.BeginWrite(r.keys, r.unsettled)
	c.noteLost(err)
	return err
}

// commitOnServer runs COMMIT once: if it fails, the server has rolled back, or
// the outcome is unknown. The caller holds the connection's mu.
func (r *request) commitOnServer(c *conn, t *txn) error {
	began := monotonic()
	at, err := c.server.Commit(c.cfg.retryBudget)
	r.conclude = monotonic() - began
	t.core.standby.noteCommit(at)
	c.lost = c.lost || c.server.Lost() // also after a commit without a position
	c.noteLost(err)
	return t.markBusy(wrap("commit", "", t.label.String(), err))
}

// kindByEngine are the errors of this package by the engine's kind.
var kindByEngine = map[engine.Kind]error{
	engine.Unique: ErrUnique, engine.ForeignKey: ErrForeignKey, engine.Check: ErrCheck, engine.NotNull: ErrNotNull,
	engine.ReadOnly: ErrReadOnly, engine.Full: ErrFull, engine.Corrupt: ErrCorrupt, engine.IO: ErrIO, engine.Busy: ErrBusy,
	engine.Unsupported: ErrUnsupported, engine.Aborted: ErrTxAborted, engine.CommitUnknown: ErrCommitUnknown,
}

// serverError is the server's error in err, or nil.
func serverError(err error) *engine.Error {
	var e *engine.Error
	if err == nil || !errors.As(err, &e) {
		return nil
	}
	return e
}

// classify fills in what the engine knows about the error.
func (e *Error) classify(s *engine.Error) {
	e.Kind, e.Table, e.Columns, e.Detail = kindByEngine[s.Kind], s.Table, s.Columns, s.Detail
	e.Query = cmp.Or(s.Query, e.Query)
}

// isLost reports whether err means that the server or the connection to it is
// gone.
func isLost(err error) bool {
	s := serverError(err)
	return s != nil && s.Lost
}

// failedOnServer notes that a statement in the root transaction t has failed:
// the innermost savepoint, or the whole transaction, can then only be rolled
// back.
func (t *txn) failedOnServer(err error) {
	switch {
	case t.top != t && t.top.broken == nil:
		t.top.broken = err
	case t.top == t && t.dropped == nil:
		t.dropped = err
	}
}

// onlySQLite refuses an operation that only SQLite has, and says what to use on
// a server.
func (co *core) onlySQLite(op, instead string) error {
	if co.server == nil {
		return nil
	}
	return &Error{Op: op, Kind: ErrUnsupported, Detail: "the database is a server's; " + instead}
}

// Pipelined lets sqlc's :exec statements of a closure wait on a server, and go
// with the next other statement or with COMMIT, without a round trip of their own.
// Their errors come from there. So it is only for closures that return every error
// they get; then nothing of the transaction remains, and no answer differs. Those
// of nested transactions do not wait. SQLite has no round trips.
func Pipelined() TxOption {
	return func(c txConfig) txConfig { c.pipelined = true; return c }
}

// defers reports whether s may wait for the next statement.
func (t *txn) defers(s *stmt) bool {
	if !t.pipelined || !s.plain || s.readonly || s.returns {
		return false
	}
	_, ok := s.DriverStmt.(engine.Deferrer)
	return ok
}

// execDeferred has s run before the next statement.
func (c *conn) execDeferred(s *stmt, args boundArgs) (driver.Result, error) {
	if err := s.checkArgs(args); err != nil {
		return nil, err
	}
	return driver.ResultNoRows, s.DriverStmt.(engine.Deferrer).Defer(args.values)
}
