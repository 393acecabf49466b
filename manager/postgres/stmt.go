package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// A stmt is a statement: one that the server keeps prepared, a raw text, or one
// of the manager's own.
type stmt struct {
	conn      *conn
	name      string // the server's, or none
	text      string
	inputs    int
	readonly  bool
	returnsID bool // an INSERT whose first column is wanted: LastInsertId
	control   bool
}

// Readonly reports whether the text shows that it only reads.
func (s *stmt) Readonly() bool { return s.readonly }

// NumInput is how many arguments it takes.
func (s *stmt) NumInput() int { return s.inputs }

// Close lets the server forget the statement, with the next that is prepared.
func (s *stmt) Close() error {
	if s.name != "" {
		s.conn.dead, s.name = append(s.conn.dead, s.name), ""
	}
	return nil
}

var errNoContext = errors.New("statements run with a context")

func (s *stmt) Exec([]driver.Value) (driver.Result, error) { return nil, errNoContext }
func (s *stmt) Query([]driver.Value) (driver.Rows, error)  { return nil, errNoContext }

// ExecContext runs it for the number of rows it changed.
func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	r, err := s.run(ctx, args)
	if err != nil {
		return nil, err
	}
	changed := driver.RowsAffected(r.CommandTag.RowsAffected())
	if n := len(r.Rows); s.returnsID && n > 0 {
		id, err := decode(r.FieldDescriptions[0].DataTypeOID, r.Rows[n-1][0])
		return inserted{changed, id}, err
	}
	return changed, nil
}

// inserted is the result of an INSERT with the first column of its last row.
type inserted struct {
	driver.Result
	id driver.Value
}

// LastInsertId is that column, if it is an integer.
func (r inserted) LastInsertId() (int64, error) {
	if id, ok := r.id.(int64); ok {
		return id, nil
	}
	return 0, errors.New("the first column of the table is no integer; use RETURNING")
}

// QueryContext runs it and has all its rows.
func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if s.control {
		return &rows{}, s.conn.control(ctx, s.text)
	}
	r, err := s.run(ctx, args)
	if err != nil {
		return nil, err
	}
	return &rows{result: r}, nil
}

// Defer has it run before the next statement.
func (s *stmt) Defer(args []driver.NamedValue) error {
	values, formats := encode(args)
	query, _, _ := strings.Cut(strings.TrimPrefix(firstLine(s.text), "-- name: "), " ")
	err := s.conn.wait(message{name: s.name, text: s.text, query: query, values: values, formats: formats})
	return s.conn.classify(err)
}

// control runs a text of the manager's own. BEGIN goes with the first statement;
// of a transaction that has not begun nothing is to be ended.
func (c *conn) control(ctx context.Context, text string) error {
	switch first, _, _ := strings.Cut(text, " "); {
	case first == "BEGIN":
		c.forget()
		c.pending = append(c.pending, message{text: text})
		c.begins = 1
		return nil
	case text == "ROLLBACK", text == "COMMIT": // of a snapshot
		if !c.forget() {
			return nil
		}
	}
	_, err := c.exchange(ctx, message{text: text})
	return c.classify(err)
}

// run runs the statement. One of a view is kept from writing by the server, in
// a savepoint, with which that ends.
func (s *stmt) run(ctx context.Context, args []driver.NamedValue) (*pgconn.Result, error) {
	c := s.conn
	values, formats := encode(args)
	m := message{name: s.name, text: s.text, values: values, formats: formats}
	messages, at := []message{m}, 0
	if c.view {
		messages, at = []message{{text: "SAVEPOINT v"}, {text: "SET TRANSACTION READ ONLY"}, m, {text: "RELEASE v"}}, 2
	}
	results, err := c.exchange(ctx, messages...)
	if err != nil {
		return nil, c.classify(err)
	}
	return results[at], nil
}
