package main

import (
	"context"
	"database/sql"
	"fmt"
	"sync"

	_ "github.com/mattn/go-sqlite3"
)

// What people write with sqlc alone: generated code over database/sql. The
// three differ in the data source name and in how many may enter at a time.
var (
	naive = Contender{
		Name:  "sqlc, default pool",
		About: "sqlc's code on sql.Open with WAL and the driver's defaults: BEGIN DEFERRED, busy timeout 5 s",
		Open: func(path string, sync Sync) (Store, error) {
			return openSQLC(dsn(path, sync, ""), 0)
		},
	}
	immediate = Contender{
		Name:  "sqlc, immediate pool",
		About: "the same with _txlock=immediate and a busy timeout of 10 s",
		Open: func(path string, sync Sync) (Store, error) {
			return openSQLC(dsn(path, sync, "&_txlock=immediate&_busy_timeout=10000"), 0)
		},
	}
	mutex = Contender{
		Name:  "sqlc, one conn, mutex",
		About: "the same with one connection behind a sync.Mutex, one commit each",
		Open: func(path string, sync Sync) (Store, error) {
			return openSQLC(dsn(path, sync, "&_txlock=immediate&_busy_timeout=10000"), 1)
		},
	}
)

func dsn(path string, sync Sync, more string) string {
	return fmt.Sprintf("file:%s?_journal_mode=WAL&_foreign_keys=1&_synchronous=%s%s", path, sync, more)
}

type sqlcStore struct {
	db    *sql.DB
	mutex *sync.Mutex // nil: the pool decides
}

func openSQLC(dsn string, conns int) (Store, error) {
	db, err := sql.Open("sqlite3", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	s := &sqlcStore{db: db}
	if conns == 1 {
		s.mutex = &sync.Mutex{}
	}
	return s, db.Ping()
}

func (s *sqlcStore) Write(ctx context.Context, fn func(context.Context, Queries) error) error {
	return s.transact(ctx, nil, fn)
}

// A read needs no write lock, but with _txlock=immediate the driver takes one even
// for a ReadOnly transaction. People who choose that pay for it, so it is measured.
func (s *sqlcStore) Snapshot(ctx context.Context, fn func(context.Context, Queries) error) error {
	return s.transact(ctx, &sql.TxOptions{ReadOnly: true}, fn)
}

func (s *sqlcStore) Lone(ctx context.Context, fn func(context.Context, Queries) error) error {
	if s.mutex != nil {
		s.mutex.Lock()
		defer s.mutex.Unlock()
	}
	return fn(ctx, newGenerated(s.db))
}

func (s *sqlcStore) transact(ctx context.Context, opts *sql.TxOptions, fn func(context.Context, Queries) error) error {
	if s.mutex != nil {
		s.mutex.Lock()
		defer s.mutex.Unlock()
	}
	tx, err := s.db.BeginTx(ctx, opts)
	if err != nil {
		return err
	}
	if err := fn(ctx, newGenerated(tx)); err != nil {
		tx.Rollback()
		return err
	}
	return tx.Commit()
}

func (s *sqlcStore) Close() error { return s.db.Close() }
