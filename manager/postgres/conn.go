package postgres

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stakeledger/stakeledger/manager/internal/engine"
)

// A conn is one connection to the server. The manager calls it from one
// goroutine at a time.
type conn struct {
	pc           *pgconn.PgConn
	write        bool
	view         bool     // statements are read-only, inside a transaction that writes
	prepared     int      // how many names were given away
	dead         []string // prepared statements that nobody needs, closed before the next is prepared
	unreplicated bool     // COMMIT warned
	positions    bool     // COMMIT is to say where it is
	pooled       bool     // the server keeps nothing when a transaction has ended
	local        string   // what sets the parameters of one transaction, if nothing else does

	pending      []message // what goes with the next statement, see wait
	pendingBytes int
	begins       int  // how many of them begin the transaction
	doomed       bool // a statement could not be prepared in the transaction that waits to begin
}

// AutoCommit reports whether no transaction is open.
func (c *conn) AutoCommit() bool { return c.pc.TxStatus() == 'I' && len(c.pending) == 0 }

// Failed reports whether a failed statement has ended the transaction.
func (c *conn) Failed() bool { return (c.pc.TxStatus() == 'E' || c.doomed) && !c.pc.IsClosed() }

// Lost reports whether the connection is gone.
func (c *conn) Lost() bool { return c.pc.IsClosed() }

// View makes the statements that follow read-only.
func (c *conn) View(on bool) { c.view = on }

// Begin is not used: BeginWrite and control statements are.
func (c *conn) Begin() (driver.Tx, error) {
	return nil, errors.New("transactions are the manager's")
}

// Close ends the connection; the server rolls back what was open on it.
func (c *conn) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return c.pc.Close(ctx)
}

// all is the advisory lock that transactions with keys share and those without
// hold alone: 'SKLG', in the space of locks that have one number.
const all = 0x534b4c47

// BeginWrite begins a transaction and takes its locks, in one message with its
// first statement. Locks are taken in the order of their numbers, so that nobody
// waits in a circle.
func (c *conn) BeginWrite(keys []string, recorded bool) error {
	shared := ""
	if len(keys) > 0 {
		shared = "_shared"
	}
	locks := make([]int64, len(keys))
	for i, k := range keys {
		locks[i] = lockOf(k)
	}
	slices.Sort(locks)
	c.forget()
	c.pending = append(c.pending,
		message{text: "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"},
		message{text: "SELECT pg_advisory_xact_lock" + shared + "(" + strconv.Itoa(all) + ")"})
	if c.local != "" {
		c.pending = slices.Insert(c.pending, 1, message{text: c.local}) // before it waits for a lock
	}
	for _, n := range slices.Compact(locks) {
		c.pending = append(c.pending, message{text: "SELECT pg_advisory_xact_lock(" + strconv.FormatInt(n, 10) + ")"})
	}
	if recorded { // a transaction with a number leaves a commit record, which the standbys have to confirm
		c.pending = append(c.pending, message{text: "SELECT txid_current()"})
	}
	if c.begins = len(c.pending); recorded {
		c.begins = 0 // COMMIT is to wait also where the closure only looked
	}
	return nil
}

// lockOf is the number of a key's lock. Two keys that share one only wait for each other.
func lockOf(key string) int64 {
	sum := sha256.Sum256([]byte("stakeledger\x00" + key))
	n := int64(binary.BigEndian.Uint64(sum[:8]))
	if n == all {
		n++
	}
	return n
}

// committedLocally is a warning in place of a COMMIT that reached the standbys,
// from waitsForStandbys. A trigger's own RAISE WARNING has the same code.
const (
	committedLocally = "01000"
	waitsForStandbys = "SyncRepWaitForLSN"
)

// Commit sends COMMIT. From then on only the server's answer shows the outcome:
// pgx's SafeToRetry is also true if the connection was lost after that.
func (c *conn) Commit(limit time.Duration) (at uint64, err error) {
	switch {
	case c.pc.IsClosed():
		return 0, c.classify(errLost)
	case len(c.pending) > 0 && len(c.pending) == c.begins: // it has done nothing
		c.forget()
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), max(limit, time.Second))
	defer cancel()
	c.unreplicated = false
	messages := []message{{text: "COMMIT"}}
	if c.positions {
		messages = append(messages, message{text: "SELECT " + written})
	}
	results, err := c.exchange(ctx, messages...)
	var f *failure
	var e *pgconn.PgError
	switch {
	case len(results) > 0 && c.unreplicated:
		return 0, unknown(errors.New("committed on the primary, but not on its synchronous standbys"))
	case len(results) > 0 && results[0].CommandTag.String() == "ROLLBACK":
		return 0, &engine.Error{Kind: engine.Aborted, Detail: "the server rolled it back: a statement in it had failed"}
	case len(results) > 0: // it is answered, whatever came after that
		return c.placeOf(results), nil
	case errors.As(err, &e) && (e.SeverityUnlocalized == "ERROR" || errors.As(err, &f) && f.at < 0):
		return 0, c.classify(err) // it has rolled back, or has not got so far
	}
	return 0, unknown(err)
}

func unknown(err error) error {
	return &engine.Error{Kind: engine.CommitUnknown, Err: err, Detail: "the change may be there; look it up by your own key"}
}

// Control makes a statement of the manager's own.
func (c *conn) Control(text string) engine.Stmt { return &stmt{conn: c, text: text, control: true} }

// Prepare reads a text. One that sqlc has named is kept prepared by the server.
func (c *conn) Prepare(text string) (driver.Stmt, error) {
	t, err := translate(text)
	if err != nil {
		return nil, err
	}
	s := &stmt{conn: c, text: t.text, inputs: t.inputs, readonly: t.readonly}
	if s.returnsID = t.inserts && strings.Contains(firstLine(text), " :execresult"); s.returnsID {
		s.text += " RETURNING *"
	}
	if c.pooled || !strings.HasPrefix(text, "-- name: ") {
		return s, nil
	}
	ctx := context.Background()
	if !c.Failed() && len(c.pending) == 0 { // which may name them
		for _, name := range c.dead {
			_ = c.pc.Deallocate(ctx, name)
		}
		c.dead = nil
	}
	c.prepared++
	name := "s" + strconv.Itoa(c.prepared)
	if _, err := c.pc.Prepare(ctx, name, s.text, nil); err != nil {
		c.doomed = !c.AutoCommit()
		return nil, c.classify(err)
	}
	s.name = name
	return s, nil
}

// firstLine is where sqlc writes what a query is for.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// ExecContext runs a text.
func (c *conn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.Prepare(text)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return s.(*stmt).ExecContext(ctx, args)
}

// QueryContext runs a text.
func (c *conn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.Prepare(text)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return s.(*stmt).QueryContext(ctx, args)
}
