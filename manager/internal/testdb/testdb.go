// Package testdb hands package managertest what package manager offers to tests
// of its users alone, and keeps it out of the public API.
package testdb

import (
	"context"
	"database/sql"
)

// Hooks are set by package manager when it is initialised. Options are
// manager.Option values; this package cannot name the type without a circle.
var Hooks struct {
	// Unsynced returns the option under which no commit waits for the disk.
	Unsynced func() any
	// Making returns what opts, a []manager.Option, say of a fresh file: what
	// WithMigration set, or nil, and what else decides what is then in the file.
	Making func(opts any) (migration func(context.Context, *sql.DB) error, settings string, functions []any)
}
