package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
)

// applicationID is 'SKLG', which the first migration writes into the file.
const applicationID = 0x534b4c47

const defaultBatchSize = 500

// Ledger is an open ledger. It is safe for concurrent use; there should be one for each file and process.
type Ledger struct {
	db          *manager.DB[*read.Queries, Tx]
	path        string
	readOptions []manager.Option // for the extra reading connection of Verify
	clock       func() time.Time
	batchSize   int64
}

// Option sets how Open opens a ledger.
type Option func(*openConfig)

type openConfig struct {
	clock     func() time.Time
	batchSize int64
	policy    *Policy
	manager   []manager.Option
	standby   string
	migrate   []func(context.Context, *sql.DB) error
}

// WithClock sets the clock that dates registrations without a time of their own and decides whether
// another process has abandoned its input. Default: time.Now.
func WithClock(now func() time.Time) Option { return func(c *openConfig) { c.clock = now } }

// WithBatchSize sets how many events Apply puts into one transaction. More is faster and makes
// other writers wait longer. Below 1 counts as 1. Default: 500.
func WithBatchSize(events int) Option {
	return func(c *openConfig) { c.batchSize = max(1, int64(events)) }
}

// WithMigration runs migrate on every Open after the ledger's own migrations, under the same lock: for a program's
// own tables in the ledger's file. Make it with migrate.Up and a version table of its own,
// migrate.Table("mine_versions"). Several run in the order they are given. Such tables may have any name that the
// ledger does not use. OpenReadOnly runs none. Default: none.
func WithMigration(migrate func(ctx context.Context, db *sql.DB) error) Option {
	return func(c *openConfig) { c.migrate = append(c.migrate, migrate) }
}

// WithManager passes options on to manager.Open. Default: none.
func WithManager(opts ...manager.Option) Option {
	return func(c *openConfig) { c.manager = append(c.manager, opts...) }
}

// WithStandby names a standby of the PostgreSQL server that the ledger is on. It serves those reads alone that ask
// for it: l.ReadOnly(ctx, fn, manager.MayBeStale()), and what is called with the context of fn. See
// manager.WithStandby. Default: none.
func WithStandby(url string) Option { return func(c *openConfig) { c.standby = url } }

func (c openConfig) readOptions() []manager.Option {
	return append([]manager.Option{manager.WithApplicationID(applicationID)}, c.manager...)
}

func newConfig(opts []Option) openConfig {
	c := openConfig{clock: time.Now, batchSize: defaultBatchSize}
	for _, o := range opts {
		o(&c)
	}
	return c
}

// Open opens the ledger at path, creating the file if it is missing, and brings its schema up to date. Many
// processes may do so at once. Errors are ErrSchema, before anything is changed, for a file whose tables and
// triggers are not the ledger's, and those of manager.Open: a file of another program, one written by a newer
// version, one that cannot be read or written. A migration given with WithManager takes the place of the ledger's
// own and of this check; use WithMigration to add to it.
//
// A path that is a URL, postgres://…, opens a ledger on PostgreSQL, in a program that imports manager/postgres.
func Open(ctx context.Context, path string, opts ...Option) (*Ledger, error) {
	c := newConfig(opts)
	migration, err := Migration()
	if err != nil {
		return nil, err
	}
	db, err := manager.Open(ctx, path, newReader, newTx, append([]manager.Option{
		manager.WithApplicationID(applicationID),
		manager.WithStandby(c.standby),
		manager.WithMigration(inTurn(append([]func(context.Context, *sql.DB) error{migration}, c.migrate...))),
	}, c.manager...)...)
	if err != nil {
		return nil, err
	}
	l := newLedger(db, path, c)
	if c.policy != nil {
		if err := l.ensurePolicy(ctx, *c.policy); err != nil {
			return nil, errors.Join(err, l.Close(ctx))
		}
	}
	return l, nil
}

func inTurn(migrations []func(context.Context, *sql.DB) error) func(context.Context, *sql.DB) error {
	return func(ctx context.Context, db *sql.DB) error {
		for _, migrate := range migrations {
			if err := migrate(ctx, db); err != nil {
				return err
			}
		}
		return nil
	}
}

func newLedger(db *manager.DB[*read.Queries, Tx], path string, c openConfig) *Ledger {
	return &Ledger{db: db, path: path, readOptions: c.readOptions(), clock: c.clock, batchSize: c.batchSize}
}

// OpenReadOnly opens an existing ledger for reading, also while other processes write it. It migrates
// nothing; every method that writes returns manager.ErrReadOnly. Errors are ErrSchema and manager.ErrTooNew, as
// those of Open, and those of manager.OpenReadOnly.
func OpenReadOnly(ctx context.Context, path string, opts ...Option) (*Ledger, error) {
	c := newConfig(opts)
	if err := checkReadOnly(ctx, path, c.readOptions()); err != nil {
		return nil, err
	}
	db, err := manager.OpenReadOnlyAs[Tx](ctx, path, newReader, append([]manager.Option{manager.WithStandby(c.standby)}, c.readOptions()...)...)
	if err != nil {
		return nil, err
	}
	return newLedger(db, path, c), nil
}

// Close waits for running transactions and closes the file. If ctx ends first it returns an error that names
// what still holds the ledger, and may be called again.
func (l *Ledger) Close(ctx context.Context) error { return l.db.Close(ctx) }

// DB is the underlying manager, for what it offers besides transactions.
func (l *Ledger) DB() *manager.DB[*read.Queries, Tx] { return l.db }

// Stats counts what the manager has done since Open.
func (l *Ledger) Stats() manager.Stats { return l.db.Stats() }

// now is the clock's time in whole microseconds.
func (l *Ledger) now() chain.Time { return chain.Time(l.clock().UnixMicro()) }
