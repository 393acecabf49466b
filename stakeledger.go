// Package stakeledger is the front page of a data layer for the trading record of miners on a Bittensor
// subnet, and holds the database schema for those who migrate by hand.
//
// # What to import
//
//   - github.com/stakeledger/stakeledger/ledger: miners, positions, trades and what they gained. Staking TAO
//     into a subnet opens a position; unstaking closes positions first in, first out.
//   - github.com/stakeledger/stakeledger/ingest: stake events from files, for ledger.Apply.
//   - github.com/stakeledger/stakeledger/manager: SQLite transactions that simply work, for any sqlc project.
//     It knows nothing of stakes.
//   - github.com/stakeledger/stakeledger/chain: the value types (amounts in rao, times in microseconds,
//     addresses).
//
// # Guarantees
//
// The record is money. Amounts are whole rao in 64 bits, never floats; shares of a whole always sum to the
// whole. A transaction that returned without error is on disk. The same event taken in twice counts once.
// What one SQL statement can break, the schema refuses by itself.
package stakeledger

import "embed"

// Schema holds the migrations of the ledger's database in the goose format, schema/00101_words.sql and on.
// ledger.Open applies them; the goose command works on the same files.
//
//go:embed schema/*.sql
var Schema embed.FS

// SchemaPostgres holds the same for PostgreSQL: the same tables, columns, guards and names.
//
//go:embed schema/postgres/*.sql
var SchemaPostgres embed.FS
