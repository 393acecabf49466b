package manager

import (
	"context"
	"database/sql"

	"github.com/stakeledger/stakeledger/manager/internal/testdb"
)

// Package managertest reaches these through testdb: a public option that takes
// the disk out of a commit would one day be used outside a test.
func init() {
	testdb.Hooks.Unsynced = func() any {
		return Option(func(c *config) { c.synchronous = "OFF" })
	}
	testdb.Hooks.Migration = func(opts any) func(context.Context, *sql.DB) error {
		return newConfig(opts.([]Option)).migrate
	}
}
