package main

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"os"

	"github.com/pressly/goose/v3"

	"github.com/stakeledger/stakeledger"
	"github.com/stakeledger/stakeledger/bench/floor"
	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/write"
)

// coldkeys and hotkeys are the addresses of the template's miners.
var coldkeys, hotkeys = func() (c, h [maxMiners]chain.Address) {
	for i := range c {
		c[i] = chain.AddressFromPublicKey([32]byte{1, byte(i), byte(i >> 8)})
		h[i] = chain.AddressFromPublicKey([32]byte{2, byte(i), byte(i >> 8)})
	}
	return c, h
}()

// A Template is a migrated database with miners and a history. Every measurement
// starts on a copy, so that none meets a file that another one made larger.
type Template struct {
	Path   string
	Size   Size
	Events int     // in its history, those of the open positions included
	Scan   int64   // the id of the miner with open positions
	Points []int64 // ids of positions to read
}

// A Size is what a database holds before the measurement.
type Size struct {
	Miners int
	Events int // of closed positions, spread over the miners
	Open   int // positions of scanMiner, which has no other work
}

// newTemplate builds the database at path. Changes of the schema come before its rows.
func newTemplate(ctx context.Context, path string, size Size, changes ...string) (*Template, error) {
	t := &Template{Path: path, Size: size}
	db, err := sql.Open("sqlite3", "file:"+path+"?_foreign_keys=1&_synchronous=OFF")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	migrations, err := fs.Sub(stakeledger.Schema, "schema")
	if err != nil {
		return nil, err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, migrations)
	if err != nil {
		return nil, err
	}
	if _, err := provider.Up(ctx); err != nil {
		return nil, fmt.Errorf("migrate %s: %w", path, err)
	}
	for _, change := range changes {
		if _, err := db.ExecContext(ctx, change); err != nil {
			return nil, fmt.Errorf("%s: %w", change, err)
		}
	}
	if err := register(ctx, db, size.Miners); err != nil {
		return nil, fmt.Errorf("register %d miners: %w", size.Miners, err)
	}
	if err := t.fill(); err != nil {
		return nil, fmt.Errorf("fill %s: %w", path, err)
	}
	if t.Points, err = ids(ctx, db); err != nil {
		return nil, err
	}
	if err := db.QueryRowContext(ctx, "SELECT miner_id FROM miners WHERE coldkey = ?", coldkeys[scanMiner]).Scan(&t.Scan); err != nil {
		return nil, err
	}
	_, err = db.ExecContext(ctx, "ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)")
	return t, err
}

func register(ctx context.Context, db *sql.DB, miners int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	q := write.New(tx)
	for i := range miners {
		_, err := q.InsertMiner(ctx, write.InsertMinerParams{Coldkey: coldkeys[i], Status: chain.MinerActive, RegisteredAt: firstTime})
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}

// fill books the history in C, which is the fastest, one miner after the other.
func (t *Template) fill() error {
	db, err := openFloor(t.Path, "OFF")
	if err != nil {
		return err
	}
	defer db.Close()
	batch := make([]floor.Op, 0, 1000)
	add := func(op Op) error {
		batch = append(batch, floorOp(op))
		t.Events++
		if len(batch) < cap(batch) {
			return nil
		}
		_, err := db.Book(batch, len(batch))
		batch = batch[:0]
		return err
	}
	ops := make([]*Ops, t.Size.Miners)
	for i := range ops {
		ops[i] = newOps(i)
		ops[i].n = 0
	}
	for t.Events < t.Size.Events {
		for _, o := range ops {
			if o.miner == scanMiner {
				continue
			}
			for range 2 { // a position and its close
				if err := add(o.Next()); err != nil {
					return err
				}
			}
		}
	}
	for range t.Size.Open {
		if err := add(ops[scanMiner].Next()); err != nil {
			return err
		}
		ops[scanMiner].n++ // never the close
	}
	if len(batch) > 0 {
		_, err = db.Book(batch, len(batch))
	}
	return err
}

// ids are positions scattered over the file, so that a cache helps little.
func ids(ctx context.Context, db *sql.DB) (list []int64, err error) {
	rows, err := db.QueryContext(ctx, "SELECT position_id FROM positions ORDER BY position_id * 7919 % 10007, position_id")
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
