package manager

import (
	"context"
	"database/sql/driver"
	"fmt"
	"hash/maphash"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
)

// DriverStmt is what the manager needs of a prepared statement;
// *sqlite3.SQLiteStmt has it.
type DriverStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
	Readonly() bool
}

// A DriverStepper is a [DriverStmt] that can finish in one call. The manager's
// own statements, which replace the driver's where possible, are such; a wrapper
// may pass that on.
type DriverStepper interface {
	DriverStmt
	// RunContext is ExecContext for a caller that wants no result.
	RunContext(ctx context.Context, args []driver.NamedValue) error
	// QueryRowContext is QueryContext for a caller that reads no row after the first.
	QueryRowContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error)
}

// Bounds of what one connection keeps prepared. Programs have tens of queries;
// SQL built at run time must not grow memory.
const (
	maxStmts     = 512
	maxStmtBytes = 1 << 20 // of text; SQLite's program is a few times as large
	maxArgBytes  = 1 << 16 // the driver keeps the arguments of a prepared statement
)

// openStmts is how many statements are prepared and not yet closed, on all
// connections. The driver leaves unclosed ones to the garbage collector, which
// may finalize them while their connection is used: a crash. Tests check that
// it is 0.
var openStmts atomic.Int64

// returnsRows finds statements that return rows although they write or are not
// plain reads. The driver's exec would leave them unfinished, and COMMIT busy.
var returnsRows = regexp.MustCompile(`(?i)\b(?:RETURNING|EXPLAIN)\b`)

// A stmt is a prepared statement. The caller of [conn.acquire] owns it until
// [stmt.release]. It is closed on its connection, under its mu.
type stmt struct {
	DriverStmt
	text     string
	readonly bool
	params   int           // how many arguments it takes
	names    []string      // its parameters' names, read for the first named argument
	busy     bool          // owned
	kept     bool          // in the connection's stmts, not closed by release
	stepper  DriverStepper // DriverStmt, if it is one
	plain    bool          // an sqlc :exec, which returns neither rows nor a count
	returns  bool          // writes and, as far as its text shows, returns rows
	stats    *queryStats   // nil for SQL without a name
}

// newStmt prepares one statement. The caller closes it.
func (c *conn) newStmt(statement, name string) (*stmt, error) {
	c.calling = true
	ds, err := c.raw.Prepare(statement)
	c.calling = false
	if err != nil {
		return nil, wrap("prepare", name, "", err)
	}
	s, ok := ds.(DriverStmt)
	if !ok {
		_ = ds.Close()
		return nil, &Error{Op: "prepare", Query: name, Kind: ErrUnsupported, Detail: "the driver's statements lack ExecContext, QueryContext or Readonly"}
	}
	openStmts.Add(1)
	stepper, _ := s.(DriverStepper)
	return &stmt{DriverStmt: s, stepper: stepper, text: statement, readonly: s.Readonly(), params: s.NumInput()}, nil
}

// newControl prepares a statement of the manager's own.
func (c *conn) newControl(text string) (*stmt, error) {
	if c.server == nil {
		return c.newStmt(text, "")
	}
	openStmts.Add(1)
	return &stmt{DriverStmt: c.server.Control(text), text: text}, nil
}

// close finalizes the statement. Its error would be that of the last run, which
// was reported.
func (s *stmt) close() {
	openStmts.Add(-1)
	_ = s.DriverStmt.Close()
}

// keptStmt returns the statement that is kept for query, or nil. What runs again
// and again, with one string in the program, is found without a hash of its text.
func (c *conn) keptStmt(query string) *stmt {
	s := c.last
	if s == nil || s.text != query {
		if s = c.stmts[query]; s != nil {
			c.last = s
		}
	}
	return s
}

// acquire returns the statement of an sqlc query; it stays prepared afterwards,
// unless another one of it is in use. A view may get one that was compiled
// outside a view, which the guard did not check for it: see
// [txn.acquirePermitted].
func (c *conn) acquire(query, name, command string) (*stmt, error) {
	kept := c.stmts[query]
	if kept != nil && !kept.busy {
		kept.busy = true
		return kept, nil
	}
	if err := c.oneStatement(query, name); err != nil {
		return nil, err
	}
	return c.prepareStmt(query, name, command, kept == nil)
}

// acquireRaw returns the statement of a raw text. It is kept prepared only from
// the second time on, so that SQL built at run time does not evict statements
// that are used again.
func (c *conn) acquireRaw(statement string) (*stmt, error) {
	kept := c.stmts[statement]
	if kept != nil && !kept.busy {
		kept.busy = true
		return kept, nil
	}
	name, command := queryName(statement) // a text of several statements may have named the last one
	return c.prepareStmt(statement, name, command, kept == nil && c.seen.seenBefore(statement))
}

// prepareStmt prepares a statement, and keeps it prepared if keep is set, unless it
// is a PRAGMA.
func (c *conn) prepareStmt(query, name, command string, keep bool) (*stmt, error) {
	s, err := c.newStmt(query, name)
	if err != nil {
		return nil, err
	}
	s.busy = true
	if name != "" {
		s.plain = command == ":exec"
		s.stats = c.stats.statsOf(name)
	}
	if name != "" || keep { // the search is slow in a long text
		s.returns = !s.readonly && (returnsRows.MatchString(query) || name != "" && !strings.HasPrefix(command, ":exec"))
	}
	if keep && !c.pragma && c.ofWrite == "" {
		c.keepPrepared(s)
	}
	return s, nil
}

// seenTexts remembers the last texts by their hash. A text that was forgotten
// is prepared once more; one that is confused with another is kept one run too
// early.
type seenTexts [256]uint64

var textSeed = maphash.MakeSeed()

// seenBefore reports whether text has come before, and notes that it has.
func (s *seenTexts) seenBefore(text string) bool {
	hash := maphash.String(textSeed, text)
	place := &s[hash%uint64(len(s))]
	again := *place == hash
	*place = hash
	return again
}

// release ends the ownership of a statement whose rows are closed.
func (s *stmt) release() {
	s.busy = false
	if !s.kept {
		s.close()
	}
}

// countRun adds a run to the statistics.
func (s *stmt) countRun(elapsed time.Duration, err error) {
	if s.stats != nil {
		s.stats.add(elapsed, err)
	}
}

// keepPrepared makes s outlive its release, and closes others if too much is kept.
func (c *conn) keepPrepared(s *stmt) {
	if len(s.text) > maxStmtBytes {
		return
	}
	for _, other := range c.stmts {
		if len(c.stmts) < maxStmts && c.stmtBytes+len(s.text) <= maxStmtBytes {
			break
		}
		if !other.busy {
			c.dropPrepared(other)
			other.close()
		}
	}
	s.kept = true
	c.stmts[s.text] = s
	c.stmtBytes += len(s.text)
}

// dropPrepared stops keeping s: its owner's release closes it.
func (c *conn) dropPrepared(s *stmt) {
	if s.kept {
		s.kept = false
		delete(c.stmts, s.text)
		if c.last == s {
			c.last = nil
		}
		c.stmtBytes -= len(s.text)
	}
}

// closeStmts closes all statements but those that rows own.
func (c *conn) closeStmts() {
	for _, s := range c.stmts {
		c.dropPrepared(s)
		if !s.busy {
			s.close()
		}
	}
	for _, s := range []*stmt{c.begin, c.commit, c.rollback, c.savepoint, c.release, c.rollbackTo, c.pin} {
		if s != nil {
			s.close()
		}
	}
}

// oneStatement refuses a text that is not one statement: SQLite would run the
// first and drop the rest.
func (c *conn) oneStatement(query, name string) error {
	list, err := c.readWhole(query, name)
	switch {
	case err != nil:
		return err
	case len(list) == 0:
		return errNoStatement(name)
	case len(list) > 1:
		return &Error{Op: "prepare", Query: name, Kind: ErrUnsupported, Detail: fmt.Sprintf("the text holds %d statements; give each a name of its own, or run it without a name", len(list))}
	}
	return nil
}

func errNoStatement(name string) error {
	return &Error{Op: "prepare", Query: name, Kind: ErrUnsupported, Detail: "the text holds no statement"}
}

// readWhole splits a text into its statements, and refuses one that SQLite
// would not read to its end. A server parses the text itself, and refuses
// several statements.
func (c *conn) readWhole(query, name string) ([]string, error) {
	if strings.IndexByte(query, 0) >= 0 {
		return nil, &Error{Op: "prepare", Query: name, Kind: ErrUnsupported, Detail: "the text holds a NUL byte, at which SQLite stops reading; give it as an argument"}
	}
	list := statementsOf(query)
	if c.server != nil && len(list) > 1 {
		list = []string{query}
	}
	return list, nil
}
