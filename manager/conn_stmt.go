package manager

import (
	"context"
	"database/sql/driver"
	"fmt"
	"hash/maphash"
	"io"
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

// A DriverStepper is a [DriverStmt] that can be over after one call. The
// manager's own statements, which take the place of the driver's where they can,
// are; what wraps them may pass it on.
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
	maxArgBytes  = 1 << 16 // the driver keeps a statement's arguments for as long as the statement
)

// openStmts is how many statements are prepared and not yet closed, on all
// connections. The driver leaves one that nobody closes to the garbage
// collector, which finalizes it while its connection runs: a crash.
var openStmts atomic.Int64

// returnsRows finds statements that write, or are no plain reads, and return
// rows: the driver's way to a count would leave them unfinished, and COMMIT busy.
var returnsRows = regexp.MustCompile(`(?i)\b(?:RETURNING|EXPLAIN)\b`)

// A stmt is a prepared statement. Whoever got it from [conn.acquire] owns it
// until [stmt.release]; every one is closed on its connection, under its mu.
type stmt struct {
	DriverStmt
	text     string
	readonly bool
	params   int           // how many arguments it takes
	names    []string      // its parameters' names, once a named argument asked for them
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

// close finalizes the statement. Its error would be that of its last run.
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

// acquire returns the statement of an sqlc query, kept prepared unless it is in
// use. A view may be given one that was compiled outside it, where its
// authorizer was not asked: see [txn.acquirePermitted].
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

// acquireRaw returns the statement of a text of one statement, which is kept
// prepared when it comes again: what is built at run time must not take the
// place of what comes again.
func (c *conn) acquireRaw(statement string) (*stmt, error) {
	kept := c.stmts[statement]
	if kept != nil && !kept.busy {
		kept.busy = true
		return kept, nil
	}
	name, command := queryName(statement) // of the last in a text of several
	return c.prepareStmt(statement, name, command, kept == nil && c.seen.seenBefore(statement))
}

// prepareStmt prepares a statement, and keeps it if keep says so and it may be kept.
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
	if name != "" || keep { // the search takes its time in a long text
		s.returns = !s.readonly && (returnsRows.MatchString(query) || name != "" && !strings.HasPrefix(command, ":exec"))
	}
	if keep && !c.pragma {
		c.keepPrepared(s)
	}
	return s, nil
}

// seenTexts remembers the last texts by their hash: one that is forgotten, or
// taken for another, is prepared once more or kept once too early.
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

// keepPrepared lets s outlive its release, in the place of others if too much is kept.
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

// dropPrepared takes s out of those that are kept: its owner's release closes it.
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

// readWhole cuts a text into its statements, and refuses one that SQLite would
// not read to its end. A server reads it itself, and refuses several.
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

// query runs s to its first row. One says that no other row is wanted.
func (c *conn) query(ctx context.Context, s *stmt, args boundArgs, one bool) (driver.Rows, error) {
	if err := s.checkArgs(args); err != nil {
		return nil, err
	}
	if args.bytes > maxArgBytes {
		c.dropPrepared(s)
	}
	var r driver.Rows
	var err error
	c.calling = true
	if one && s.stepper != nil {
		r, err = s.stepper.QueryRowContext(ctx, args.values)
	} else {
		r, err = s.QueryContext(ctx, args.values)
	}
	c.calling = false
	return r, err
}

// exec runs s to its end.
//
// The driver's query path binds all arguments and steps in one crossing into
// C, its exec path takes one crossing per argument. So what needs no count runs
// as a query, unless the statement is one of ours. The driver's other path leaves
// a statement with rows unfinished, which would make COMMIT fail, so that one is
// closed afterwards.
func (c *conn) exec(ctx context.Context, s *stmt, args boundArgs) (driver.Result, error) {
	if s.readonly || s.plain && (s.stepper == nil || s.returns) {
		r, err := c.query(ctx, s, args, false)
		if err != nil {
			return nil, err
		}
		c.calling = true
		err = drainRows(r)
		c.calling = false
		if err != nil {
			return nil, err
		}
		if s.plain {
			return driver.ResultNoRows, nil
		}
		return driver.RowsAffected(0), nil
	}
	if err := s.checkArgs(args); err != nil {
		return nil, err
	}
	if args.bytes > maxArgBytes || s.returns && s.stepper == nil {
		c.dropPrepared(s)
	}
	var err error
	result := driver.Result(driver.ResultNoRows)
	c.calling = true
	if s.plain {
		err = s.stepper.RunContext(ctx, args.values)
	} else {
		result, err = s.ExecContext(ctx, args.values)
	}
	c.calling = false
	return result, err
}

// drainRows steps through all rows and closes them.
func drainRows(r driver.Rows) error {
	if len(r.Columns()) == 0 {
		return r.Close()
	}
	for {
		switch err := r.Next(nil); err {
		case nil:
		case io.EOF:
			return r.Close()
		default:
			_ = r.Close()
			return err
		}
	}
}

// runControl runs one of the connection's own statements (BEGIN, COMMIT, …).
func (c *conn) runControl(s *stmt) error {
	c.own = true
	defer func() { c.own = false }()
	c.calling = true
	err := s.runControl()
	c.calling = false
	if err != nil {
		c.noteLost(err)
		c.stuck = c.stuck || isInProgress(err) && len(c.open) == 0
	}
	return err
}

func (s *stmt) runControl() error {
	if s.stepper != nil {
		return s.stepper.RunContext(context.Background(), nil)
	}
	r, err := s.QueryContext(context.Background(), nil)
	if err == nil {
		err = r.Close()
	}
	return err
}
