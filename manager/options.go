package manager

import (
	"context"
	"database/sql"
	"log/slog"
	"runtime"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// Option sets how Open opens a database. The zero set of options is what most
// programs want.
type Option func(*config)

type config struct {
	readers       int
	queueDepth    int
	maxQueueWait  time.Duration
	retryBudget   time.Duration
	groupSize     int
	groupTime     time.Duration
	synchronous   string
	applicationID int32
	hasID         bool
	migrate       func(context.Context, *sql.DB) error
	logger        *slog.Logger
	lockFile      bool
	runTwice      bool
	keyCheck      func(context.Context, DBTX, []string) error
	slowTx        time.Duration
	slowQuery     time.Duration
	slowRead      time.Duration
	walFrames     int
	writers       int
	standby       string
	wrapDriver    func(DriverConn) DriverConn
	trace         Tracer
	restoreCheck  func(context.Context, *sql.DB) error
	pragmas       []setting
	connectHooks  []func(context.Context, *sqlite3.SQLiteConn) error
}

func newConfig(opts []Option) config {
	c := config{
		readers:      max(2, min(4, runtime.GOMAXPROCS(0))),
		queueDepth:   16_384,
		maxQueueWait: 30 * time.Second,
		retryBudget:  5 * time.Second,
		groupSize:    64,
		groupTime:    2 * time.Millisecond,
		synchronous:  "FULL",
		logger:       slog.Default(),
		lockFile:     true,
		slowTx:       time.Second,
		slowQuery:    time.Second,
		slowRead:     5 * time.Second,
		walFrames:    2_000,
		writers:      16,
	}
	for _, o := range opts {
		o(&c)
	}
	c.logger = slog.New(containedHandler{c.logger.Handler()})
	return c
}

// WithMigration runs migrate on every Open, before the manager's own
// connections exist and while no other process opens or migrates the file.
// The *sql.DB is closed when migrate returns. It may run again when another
// program kept the database busy; an error that says busy of another database comes
// back at once. [migrate.Up] makes one of a
// folder of goose migrations. Default: none.
//
// [migrate.Up]: https://pkg.go.dev/github.com/stakeledger/stakeledger/manager/migrate#Up
func WithMigration(migrate func(ctx context.Context, db *sql.DB) error) Option {
	return func(c *config) { c.migrate = migrate }
}

// WithApplicationID refuses a file whose PRAGMA application_id is another one,
// before anything in it is changed. Open sets the id of a new file before it
// migrates. Default: any file is accepted.
func WithApplicationID(id int32) Option {
	return func(c *config) { c.applicationID, c.hasID = id, true }
}

// WithLogger sets where retries, slow transactions, the stacks of panics and
// problems with checkpoints are logged. Default: slog.Default().
func WithLogger(l *slog.Logger) Option { return func(c *config) { c.logger = l } }

// WithReaders sets the number of read-only connections. More than the
// processor has cores only starve the writer. Default: max(2, min(4, GOMAXPROCS)).
func WithReaders(n int) Option { return func(c *config) { c.readers = max(1, n) } }

// WithQueueDepth bounds how many writers may wait; one more gets ErrQueueFull.
// Default: 16,384.
func WithQueueDepth(n int) Option { return func(c *config) { c.queueDepth = max(1, n) } }

// WithMaxQueueWait bounds how long a writer waits for its turn before it gets
// ErrBusy with the label of the transaction that holds the writer. Default: 30
// s.
func WithMaxQueueWait(d time.Duration) Option { return func(c *config) { c.maxQueueWait = d } }

// WithRetryBudget bounds how long one transaction is retried on SQLITE_BUSY
// and how long it waits for a reader or for the lock file.
// Queueing does not count. Default: 5 s.
func WithRetryBudget(d time.Duration) Option { return func(c *config) { c.retryBudget = d } }

// WithGroupCommit sets how many waiting closures may share one commit, and for
// how long a group may run before it commits. A size of 1 turns sharing off.
// Default: 64 and 2 ms.
func WithGroupCommit(size int, time time.Duration) Option {
	return func(c *config) { c.groupSize, c.groupTime = max(1, size), time }
}

// WithSynchronousNormal lets a power failure take the latest commits, but
// never tear one: PRAGMA synchronous=NORMAL. Default: FULL, every commit is on disk.
func WithSynchronousNormal() Option { return func(c *config) { c.synchronous = "NORMAL" } }

// WithoutLockFile turns off the queue between processes: they then compete for
// SQLite's own lock, with backoff and without order. Migrations still take the
// lock file. Default: the lock file is used.
func WithoutLockFile() Option { return func(c *config) { c.lockFile = false } }

// WithRunTwice runs every write closure twice, rolling the first run back, so
// that a test finds closures that cannot run again. It also refuses
// (ErrUnsupported), in the goroutine of a closure of WithTx, every use of the same
// manager with a context from outside the closure: without the option a write
// waits for its own transaction, and a read does not see it. For tests only.
func WithRunTwice() Option { return func(c *config) { c.runTwice = true } }

// WithKeyCheck runs check before every closure of WithTx, in its transaction, with
// the keys that it was given (see [Keyed]): none means all. A test can use it to
// make triggers refuse rows that do not belong to the keys, on any engine. For
// tests only.
func WithKeyCheck(check func(ctx context.Context, tx DBTX, keys []string) error) Option {
	return func(c *config) { c.keyCheck = check }
}

// WithSlowWarnings sets the durations from which on a write transaction, a
// single statement and a read transaction are logged as slow; a transaction is
// reported while it still runs. 0 turns a warning off. Defaults: 1 s, 1 s and 5
// s.
func WithSlowWarnings(tx, query, read time.Duration) Option {
	return func(c *config) { c.slowTx, c.slowQuery, c.slowRead = tx, query, read }
}

// WithCheckpointFrames sets the length of the write-ahead log, in frames of 4,096 bytes,
// from which on the writer checkpoints it; with larger pages it takes fewer frames. Default:
// 2,000.
func WithCheckpointFrames(n int) Option { return func(c *config) { c.walFrames = max(1, n) } }

// walBytes is the length from which on the write-ahead log is checkpointed.
func (cfg *config) walBytes() int { return cfg.walFrames * 4096 }

// WithDriver wraps every connection of the driver, those of migrations too: the
// way tests inject faults (see package faultdriver) and look at statements. The
// connection that wrap gets has the methods of *sqlite3.SQLiteConn, but is one
// only if the manager has no prepared statements of its own (see
// [DriverStepper]). Default: the driver itself.
func WithDriver(wrap func(DriverConn) DriverConn) Option {
	return func(c *config) { c.wrapDriver = wrap }
}

// WithTracer calls t for every transaction and every statement. Default: none, at
// no cost. The module manager/otelmanager makes one for OpenTelemetry.
func WithTracer(t Tracer) Option { return func(c *config) { c.trace = t } }

// TxOption sets one call of WithTx, ReadOnly, Read or Write.
type TxOption func(txConfig) txConfig

type txConfig struct {
	label  string
	alone  bool
	pinned bool
	stale  bool
	keys   []string
	once   bool // even under WithRunTwice, since the caller cannot run again

	idempotent bool
	pipelined  bool
}

func newTxConfig(opts []TxOption) (c txConfig) {
	for _, o := range opts {
		c = o(c)
	}
	return c
}

// Label names the transaction in errors, warnings and statistics.
// Default: the name of the function that the closure was written in.
func Label(name string) TxOption {
	return func(c txConfig) txConfig { c.label = name; return c }
}

// Alone commits the transaction by itself, sharing its commit with no other.
func Alone() TxOption {
	return func(c txConfig) txConfig { c.alone = true; return c }
}

// Pinned takes a ReadOnly's snapshot before its closure starts instead of at
// its first statement.
func Pinned() TxOption {
	return func(c txConfig) txConfig { c.pinned = true; return c }
}
