package manager

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/stakeledger/stakeledger/manager/internal/testdb"
)

// Package managertest reaches these through testdb. A public option that
// commits without syncing would one day be used outside of tests.
func init() {
	testdb.Hooks.Unsynced = func() any {
		return Option(func(c *config) { c.synchronous = "OFF" })
	}
	testdb.Hooks.Making = func(opts any) (migration func(context.Context, *sql.DB) error, settings string, functions []any) {
		cfg := newConfig(opts.([]Option))
		for _, hook := range cfg.connectHooks {
			functions = append(functions, hook)
		}
		if cfg.wrapDriver != nil {
			functions = append(functions, cfg.wrapDriver)
		}
		return cfg.migrate, fmt.Sprint(cfg.applicationID, cfg.hasID, cfg.pragmas), functions
	}
}
