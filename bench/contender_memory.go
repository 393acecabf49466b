package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	_ "github.com/mattn/go-sqlite3"
)

// databaseSQL shows what sqlc's code and database/sql cost by themselves: their
// driver has read the rows before. Together with C this is the floor of whatever
// returns *sql.Rows.
var databaseSQL = Contender{
	Name:  "database/sql without SQLite",
	About: "sqlc's code on one database/sql connection whose driver has the rows in memory and no transactions",
	Open:  func(path string, _ Sync) (Store, error) { return openMemory(path) },
}

// memory is the driver: the positions of a file.
type memory struct {
	columns   []string
	positions map[int64][]any   // by id
	open      map[int64][][]any // by miner
}

func openMemory(path string) (Store, error) {
	m := &memory{positions: map[int64][]any{}, open: map[int64][][]any{}}
	if err := m.read(path); err != nil {
		return nil, err
	}
	db := sql.OpenDB(m)
	conn, err := db.Conn(context.Background())
	return memoryStore{db, conn}, err
}

func (m *memory) read(path string) (err error) {
	db, err := sql.Open("sqlite3", dsn(path, Full, ""))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.Query("SELECT * FROM positions ORDER BY position_id")
	if err != nil {
		return err
	}
	defer rows.Close()
	if m.columns, err = rows.Columns(); err != nil {
		return err
	}
	for rows.Next() {
		row, to := make([]any, len(m.columns)), make([]any, len(m.columns))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			return err
		}
		id, miner := row[0].(int64), row[1].(int64)
		m.positions[id] = row
		m.open[miner] = append(m.open[miner], row)
	}
	return rows.Err()
}

func (m *memory) Connect(context.Context) (driver.Conn, error) { return m, nil }
func (m *memory) Driver() driver.Driver                        { return nil }
func (m *memory) Prepare(string) (driver.Stmt, error)          { return nil, errCaught }
func (m *memory) Begin() (driver.Tx, error)                    { return nil, errCaught }
func (m *memory) Close() error                                 { return nil }

func (m *memory) QueryContext(_ context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	switch id, _ := args[0].Value.(int64); text {
	case texts.PositionByID:
		return &memoryRows{m.columns, [][]any{m.positions[id]}}, nil
	case texts.OpenPositions:
		return &memoryRows{m.columns, m.open[id]}, nil
	}
	return nil, fmt.Errorf("%s has no rows of this query: %s", databaseSQL.Name, text)
}

type memoryRows struct {
	columns []string
	rows    [][]any
}

func (r *memoryRows) Columns() []string { return r.columns }
func (r *memoryRows) Close() error      { return nil }

func (r *memoryRows) Next(dest []driver.Value) error {
	if len(r.rows) == 0 {
		return io.EOF
	}
	for i, v := range r.rows[0] {
		dest[i] = v
	}
	r.rows = r.rows[1:]
	return nil
}

type memoryStore struct {
	db   *sql.DB
	conn *sql.Conn
}

func (s memoryStore) Write(context.Context, func(context.Context, Queries) error) error {
	return fmt.Errorf("%s cannot write", databaseSQL.Name)
}

func (s memoryStore) Snapshot(ctx context.Context, fn func(context.Context, Queries) error) error {
	return fn(ctx, newGenerated(s.conn))
}

func (s memoryStore) Lone(ctx context.Context, fn func(context.Context, Queries) error) error {
	return s.Snapshot(ctx, fn)
}

func (s memoryStore) Close() error { return errors.Join(s.conn.Close(), s.db.Close()) }
