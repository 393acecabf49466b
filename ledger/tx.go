package ledger

import (
	"context"

	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/dbgen/write"
	"github.com/stakeledger/stakeledger/manager"
)

// Reader is the generated set of reads. It is an alias so that Tx embeds it under this name.
type Reader = read.Queries

// Tx is what a write transaction offers: every generated read, the ledger's methods by the closure's context, and
// DB, on which your own queries run in the same transaction, also those of another sqlc package: mine.New(tx.DB).
// It ends with its closure. The generated writes stay inside this package, since they know nothing of counters and
// order.
type Tx struct {
	*Reader
	DB    manager.DBTX
	write *write.Queries
}

func newTx(db manager.DBTX) Tx {
	return Tx{Reader: read.New(db), DB: db, write: write.New(db)}
}

// rawSQL is for managers of a database whose generated queries are not needed.
func rawSQL(db manager.DBTX) manager.DBTX { return db }

func newReader(db manager.DBTX) *read.Queries { return read.New(db) }

// The rows of the database. Columns that may be NULL are pointers.
type (
	// Miner is a miner with its lifetime counters; amounts in rao, CountedDurationUs in microseconds. What its
	// closes cost is ExitTAO − RawGain, what is still open is EntryAlpha − ClosedAlpha.
	Miner = read.Miner
	// RecordedRegistration is a UID and a hotkey that a miner held, or holds while EndedAt is nil.
	RecordedRegistration = read.Registration
	// Position is TAO staked into a subnet. Its id is the id of its event.
	Position = read.Position
	// Trade is alpha sold for TAO. Its id is the id of its event.
	Trade = read.Trade
	// Close is the part of a trade that closed a part of a position; DurationUs is in microseconds.
	Close = read.Close
	// RecordedEvent is an event with its outcome and, for an unstake, the terms it was handled on.
	RecordedEvent = read.Event
	// RejectedEvent is an event that Apply could not apply, as a line of the project's own JSON
	// format.
	RejectedEvent = read.RejectedEvent
)

// WithTx runs fn in one write transaction and commits it. fn may run more than once, so it assigns captured
// variables and never accumulates in them. Methods of the ledger called with fn's context join the
// transaction. Errors: those of fn, and those of manager.DB.WithTx.
func (l *Ledger) WithTx(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error {
	return l.db.WithTx(ctx, fn)
}

// ReadOnly runs fn on one snapshot of the ledger. Methods of the ledger called with fn's context read the
// same snapshot, which with manager.MayBeStale is that of a standby (see WithStandby). Errors: those of fn, and those of
// manager.DB.ReadOnly.
func (l *Ledger) ReadOnly(ctx context.Context, fn func(ctx context.Context, q *read.Queries) error, opts ...manager.TxOption) error {
	return l.db.ReadOnly(ctx, fn, opts...)
}
