package manager

import (
	"bytes"
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"reflect"
	"sync"
)

// sealedRows are rows none of whose errors is driver.ErrBadConn.
type sealedRows struct{ *rows }

func (r sealedRows) Next(dest []driver.Value) error { return hideBadConnNext(r.rows.Next(dest)) }

func (r sealedRows) Close() error { return hideBadConn(r.rows.Close()) }

// leasedRows hold the reader that they come from until they are closed.
type leasedRows struct {
	sealedRows
	pool     *readers
	txn      *txn
	label    *label
	released sync.Once
}

func (r *leasedRows) Next(dest []driver.Value) error {
	err := r.sealedRows.Next(dest)
	if err == io.EOF {
		if written := r.pool.writtenMeanwhile(r.txn.conn, r.label); written != nil {
			return written
		}
	}
	return err
}

func (r *leasedRows) Close() error {
	defer r.released.Do(func() { r.pool.release(r.txn) }) // also when a tracer panics
	if err := r.sealedRows.Close(); err != nil {
		return err
	}
	return r.pool.writtenMeanwhile(r.txn.conn, r.label) // for a *sql.Row, which does not read to the end
}

// hideBadConnNext is hideBadConn for Next, whose io.EOF database/sql compares
// with ==.
func hideBadConnNext(err error) error {
	if err == io.EOF {
		return err
	}
	return hideBadConn(err)
}

// retrying calls try again while it meets a busy database.
func (p *readers) retrying(ctx context.Context, l *label, try func() error) error {
	retry := retrier{env: &p.core.env, label: l, op: "read"}
	for {
		err := try()
		if err == nil || !isBusy(err) {
			return err
		}
		if err := retry.wait(ctx, err); err != nil {
			return err
		}
	}
}

// leaseRows runs a query in a snapshot that ends with its rows.
func (p *readers) leaseRows(ctx context.Context, l *label, query string, args []driver.NamedValue) (rows driver.Rows, err error) {
	err = p.retrying(ctx, l, func() error {
		rows, err = p.leaseRowsOnce(ctx, l, query, args)
		return err
	})
	return rows, err
}

func (p *readers) leaseRowsOnce(ctx context.Context, l *label, query string, args []driver.NamedValue) (driver.Rows, error) {
	t, err := p.lease(ctx, l)
	if err != nil {
		return nil, err
	}
	leased := false
	defer func() {
		if !leased { // also when a tracer panics
			p.release(t)
		}
	}()
	found, err := t.driverRows(ctx, query, args)
	if err != nil {
		return nil, err
	}
	if err := t.conn.refuseOfWrite(l); err != nil {
		_ = found.Close()
		return nil, err
	}
	leased = true
	p.core.stats.reads.Add(1)
	return &leasedRows{sealedRows: found, pool: p, txn: t, label: l}, nil
}

// refuseOfWrite refuses what would be 0 whatever was written: a program that had one
// connection to its database asks so after an INSERT.
func (c *conn) refuseOfWrite(l *label) error {
	c.mu.Lock()
	defer c.unlock()
	if c.ofWrite == "" {
		return nil
	}
	return &Error{Op: "query", Label: l.String(), Kind: ErrUnsupported,
		Detail: c.ofWrite + "() is about a write on the same connection, and outside a transaction there is none; use the sql.Result of Exec, RETURNING, or ask in the transaction that writes"}
}

// maxBuffered bounds the rows of a write outside a transaction, which must be
// read before its commit.
const maxBuffered = 1 << 20

// bufferedRows are rows that were read to their end.
type bufferedRows struct {
	columns []bufferedColumn
	rows    [][]driver.Value
}

type bufferedColumn struct {
	name, databaseType string
	scanType           reflect.Type
	nullable, known    bool
}

// bufferRows reads all of rows and closes them.
func bufferRows(from sealedRows, query string) (_ *bufferedRows, err error) {
	defer func() {
		if e := from.Close(); err == nil {
			err = e
		}
	}()
	types := from.rows
	b := &bufferedRows{}
	for i, name := range from.Columns() {
		c := bufferedColumn{name: name, databaseType: types.ColumnTypeDatabaseTypeName(i), scanType: types.ColumnTypeScanType(i)}
		c.nullable, c.known = types.ColumnTypeNullable(i)
		b.columns = append(b.columns, c)
	}
	for size := 0; ; {
		row := make([]driver.Value, len(b.columns))
		if err := from.Next(row); err == io.EOF {
			return b, nil
		} else if err != nil {
			return nil, err
		}
		for i, v := range row {
			size += 16
			switch v := v.(type) {
			case []byte:
				row[i] = bytes.Clone(v)
				size += len(v)
			case string:
				size += len(v)
			}
		}
		if size > maxBuffered {
			name, _ := queryName(query)
			return nil, &Error{Op: "query", Query: name, Kind: ErrUnsupported,
				Detail: fmt.Sprintf("a statement that writes outside a transaction returned more than %d bytes; use BeginTx", maxBuffered)}
		}
		b.rows = append(b.rows, row)
	}
}

func (b *bufferedRows) Columns() []string {
	names := make([]string, len(b.columns))
	for i, c := range b.columns {
		names[i] = c.name
	}
	return names
}

func (b *bufferedRows) Close() error { return nil }

func (b *bufferedRows) Next(dest []driver.Value) error {
	if len(b.rows) == 0 {
		return io.EOF
	}
	copy(dest, b.rows[0])
	b.rows = b.rows[1:]
	return nil
}

func (b *bufferedRows) ColumnTypeDatabaseTypeName(i int) string { return b.columns[i].databaseType }
func (b *bufferedRows) ColumnTypeScanType(i int) reflect.Type   { return b.columns[i].scanType }
func (b *bufferedRows) ColumnTypeNullable(i int) (nullable, ok bool) {
	return b.columns[i].nullable, b.columns[i].known
}

// maxTexts bounds a textSet: SQL built at run time must not grow memory.
const maxTexts = 512

// A textSet remembers some queries.
type textSet struct {
	mu    sync.RWMutex
	texts map[string]bool
}

func (s *textSet) has(query string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.texts[query]
}

func (s *textSet) add(query string) {
	if len(query) > maxTextLength {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.texts == nil || len(s.texts) >= maxTexts {
		s.texts = map[string]bool{}
	}
	s.texts[query] = true
}

// maxTextLength bounds the length of a query that is remembered.
const maxTextLength = 4096
