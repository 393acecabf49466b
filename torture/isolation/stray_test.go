package isolation_test

import (
	"context"
	"fmt"
)

// What a closure may do besides.
const (
	settings = "settings" // tries to change its connection
	deferred = "deferred" // leaves a row whose parent is missing, in a table that is checked at COMMIT
	pragma   = "pragma"   // the same by PRAGMA defer_foreign_keys
)

var strays = []string{settings, deferred, pragma}

// stray does it. A row without its parent fails its own COMMIT, and nobody else's.
func (q queries) stray(ctx context.Context, what string) error {
	switch what {
	case settings:
		for _, text := range []string{
			"PRAGMA query_only = ON", "PRAGMA ignore_check_constraints = 1", "PRAGMA foreign_keys = OFF", "PRAGMA recursive_triggers = ''",
			"ATTACH ':memory:' AS more", "CREATE TEMP TABLE logs (id, names)", "PRAGMA writable_schema = ON", "PRAGMA case_sensitive_like = 1",
		} {
			if _, err := q.ExecContext(ctx, text); err == nil {
				return fmt.Errorf("%s was let through", text)
			}
		}
	case deferred:
		_, err := q.ExecContext(ctx, "-- name: Mark :exec\nINSERT INTO marks VALUES (99)")
		return err
	case pragma:
		if _, err := q.ExecContext(ctx, "PRAGMA defer_foreign_keys = ON"); err != nil {
			return err
		}
		_, err := q.ExecContext(ctx, "-- name: Tie :exec\nINSERT INTO ties VALUES (99)")
		return err
	}
	return nil
}

// untouched returns an error if the closure meets what another one did besides.
// It would also cure a violation that another one left.
func (q queries) untouched(ctx context.Context) error {
	var found int
	err := q.QueryRowContext(ctx, "-- name: Strays :one\n"+`SELECT
		(SELECT defer_foreign_keys FROM pragma_defer_foreign_keys) + (SELECT query_only FROM pragma_query_only)
		+ (SELECT ignore_check_constraints FROM pragma_ignore_check_constraints) + (SELECT count(*) FROM sqlite_temp_schema)
		+ (SELECT count(*) FROM pragma_database_list WHERE name NOT IN ('main', 'temp')) + ('a' NOT LIKE 'A')`).Scan(&found)
	if err == nil && found != 0 {
		return fmt.Errorf("met %d settings of another closure", found)
	}
	for _, text := range []string{"-- name: Unmark :execrows\nDELETE FROM marks", "-- name: Untie :execrows\nDELETE FROM ties"} {
		if err != nil {
			return err
		}
		result, e := q.ExecContext(ctx, text)
		if err = e; e != nil {
			return err
		}
		if n, _ := result.RowsAffected(); n != 0 {
			return fmt.Errorf("met %d rows of another closure that had no parent", n)
		}
	}
	return err
}
