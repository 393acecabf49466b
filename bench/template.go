package main

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"

	"github.com/stakeledger/stakeledger"
	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/write"
)

// coldkeys and hotkeys are the addresses of the template's miners.
var coldkeys, hotkeys = func() (c, h [miners]chain.Address) {
	for i := range c {
		c[i] = chain.AddressFromPublicKey([32]byte{1, byte(i), byte(i >> 8)})
		h[i] = chain.AddressFromPublicKey([32]byte{2, byte(i), byte(i >> 8)})
	}
	return c, h
}()

// A Template is a migrated database with miners and a history. Every
// measurement starts on a copy, so that nobody meets a file that another one
// has grown.
type Template struct {
	Path   string
	Events int     // in its history
	Scan   int64   // the id of the miner with scanRows open positions
	Points []int64 // ids of positions to read
}

// newTemplate builds the database in dir with a history of about that many
// events, spread over the miners.
func newTemplate(ctx context.Context, dir string, events int) (*Template, error) {
	t := &Template{Path: filepath.Join(dir, "template.db")}
	db, err := sql.Open("sqlite3", "file:"+t.Path+"?_foreign_keys=1&_synchronous=OFF")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	migrations, err := fs.Sub(stakeledger.Schema, "schema")
	if err != nil {
		return nil, err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, migrations)
	if err != nil {
		return nil, err
	}
	if _, err := provider.Up(ctx); err != nil {
		return nil, fmt.Errorf("migrate the template: %w", err)
	}
	if err := t.fill(ctx, db, events); err != nil {
		return nil, fmt.Errorf("fill the template: %w", err)
	}
	_, err = db.ExecContext(ctx, "ANALYZE")
	return t, err
}

func (t *Template) fill(ctx context.Context, db *sql.DB, events int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	stmts := preparer{db: tx}
	q := stmts.reads()
	stmts.writes(q)
	if stmts.err != nil {
		return stmts.err
	}
	for i := range miners {
		_, err := write.New(tx).InsertMiner(ctx, write.InsertMinerParams{Coldkey: coldkeys[i], Status: chain.MinerActive, RegisteredAt: firstTime})
		if err != nil {
			return err
		}
	}
	pairs := max(1, events/2/scanMiner)
	for miner := range scanMiner {
		ops := newOps(miner, "history")
		ops.n = 0
		for range 2 * pairs {
			if err := book(ctx, q, ops.Next()); err != nil {
				return err
			}
			t.Events++
		}
	}
	ops := newOps(scanMiner, "history")
	for ops.n = 0; ops.n < 2*scanRows; t.Events++ {
		op := ops.Next()
		ops.n++ // never the close
		if err := book(ctx, q, op); err != nil {
			return err
		}
	}
	if t.Points, err = ids(ctx, tx); err != nil {
		return err
	}
	state, err := q.MinerState(ctx, coldkeys[scanMiner])
	if err != nil {
		return err
	}
	t.Scan = state.Miner.MinerID
	return tx.Commit()
}

// ids are positions scattered over the file in no order that a cache would like.
func ids(ctx context.Context, tx *sql.Tx) (list []int64, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT position_id FROM positions ORDER BY position_id * 7919 % 10007, position_id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		list = append(list, id)
	}
	return list, rows.Err()
}

// Copy puts a copy of the template at path, on disk, so that the measurement
// does not pay for writing it back.
func (t *Template) Copy(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal", "-lock"} {
		if err := os.Remove(path + suffix); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	data, err := os.ReadFile(t.Path)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}
