// Package engine is the seam between the manager and databases other than the
// SQLite that is built into it: what the manager needs of a server, and how an
// error of one is classified. An engine registers itself when its package is
// imported, as the drivers of database/sql do.
package engine

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"log/slog"
	"math"
	"strings"
	"sync"
	"time"
)

// An Engine opens databases that are named by a URL.
type Engine interface {
	// Parse reads a URL. It connects to nothing, and its errors hold no password.
	Parse(url string, s Settings) (Database, error)
}

// Settings are what the manager was opened with.
type Settings struct {
	Logger      *slog.Logger
	RetryBudget time.Duration // bounds each wait in the server for a lock
	Standby     bool          // a server that only reads will do
	Positions   bool          // Commit says where in the server's log it is
	Durability  Durability
}

// Durability says what a commit that has been answered survives.
type Durability int

const (
	Durable Durability = iota // a power failure, and the loss of the primary as far as the server's standbys allow
	Server                    // what the server's own settings say
	None                      // nothing: tests
)

// A Database is one database of a server.
type Database interface {
	// Name is the database's URL without its password.
	Name() string
	// Engine is the engine's name: "postgres".
	Engine() string
	// Connect opens a connection, for writing or for reading only.
	Connect(ctx context.Context, write bool) (Conn, error)
	// Pool is for migrations. Its driver has a method GooseDialect.
	Pool() (*sql.DB, error)
	// Snapshot are the texts that begin a transaction that reads, and that take its snapshot.
	Snapshot() (begin, pin string)
}

// A Conn is a connection. Its statements are buffered: one that has returned
// rows holds nothing of the connection. A failed statement ends the transaction
// or, inside a savepoint, that: until ROLLBACK (TO) everything fails.
type Conn interface {
	driver.Conn
	driver.ExecerContext
	driver.QueryerContext
	AutoCommit() bool // no transaction is open
	Failed() bool     // a failed statement has ended it
	Lost() bool       // the connection is gone

	// Control makes a statement of the manager's own: BEGIN, SAVEPOINT s, ROLLBACK, …
	Control(text string) Stmt
	// View makes the statements that follow read-only, inside a transaction that is not.
	View(on bool)
	// BeginWrite begins a transaction that writes. With keys it excludes those with one of the same keys and those
	// without any; without keys all others. One that is recorded is committed as if it had written something: COMMIT
	// waits until all that it has seen is as safe as its own changes would be.
	BeginWrite(keys []string, recorded bool) error
	// Commit ends it. Its errors are an [*Error] that says whether the outcome is known. What takes longer than
	// limit is given up. A standby shows it once it has replayed the log to at: 0 if nothing was committed, or if
	// nobody asked for positions; [Unplaced] if that is not known.
	Commit(limit time.Duration) (at uint64, err error)
	// Position is how far the server has written its log or, if it is a standby, replayed it.
	Position(ctx context.Context) (Position, error)
}

// Unplaced is no position: that of a commit is not known.
const Unplaced = math.MaxUint64

// A Position is a place in the log of a server.
type Position struct {
	At       uint64
	Database string // the same on a primary and its standbys, and on no others
	Standby  bool   // it is that of a standby
}

// A Stmt is a prepared statement.
type Stmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
	Readonly() bool // as far as its text shows
}

// A Deferrer is a statement that can go to the server with the next one, or with
// COMMIT, which then return its error.
type Deferrer interface {
	Defer(args []driver.NamedValue) error
}

// A Kind is what an error means to the manager's callers.
type Kind int

const (
	Other Kind = iota
	Unique
	ForeignKey
	Check
	NotNull
	ReadOnly
	Full
	Corrupt
	IO
	Busy
	Unsupported
	Aborted       // COMMIT answered that it rolled back
	CommitUnknown // nobody knows whether COMMIT took place
)

// An Error is a classified error of a server or of the way to it.
type Error struct {
	Kind        Kind
	Retry       bool // waiting, or another connection, cures it
	Lost        bool // the connection is gone
	Interrupted bool // the statement was cancelled
	Table       string
	Query       string // sqlc's name of the statement, where it is another than the one that returned the error
	Columns     []string
	Detail      string // what can be done about it
	Err         error
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Detail
	}
	return e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

var (
	mu      sync.Mutex
	engines = map[string]Engine{}
)

// Register makes e the engine of the URLs that begin with one of schemes.
func Register(e Engine, schemes ...string) {
	mu.Lock()
	defer mu.Unlock()
	for _, s := range schemes {
		engines[s] = e
	}
}

// For is the engine of a URL; nil, with the import that would register one, where
// that is missing. What is no such URL is a path and has no import either.
func For(url string) (e Engine, missing string) {
	scheme, _, ok := strings.Cut(url, "://")
	if !ok || !known[scheme] {
		return nil, ""
	}
	mu.Lock()
	defer mu.Unlock()
	if e = engines[scheme]; e == nil {
		missing = "github.com/stakeledger/stakeledger/manager/postgres"
	}
	return e, missing
}

// known are the schemes of the engines that this module has.
var known = map[string]bool{"postgres": true, "postgresql": true}

// IsURL reports whether a database's name is that of a server's, no path.
func IsURL(name string) bool {
	scheme, _, ok := strings.Cut(name, "://")
	return ok && known[scheme]
}
