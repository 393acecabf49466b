package migrate

import (
	"context"
	"database/sql"
	"io/fs"
)

// NotNewer returns a check for [manager.WithRestoreCheck] that changes nothing: a file that has a migration
// which fsys lacks was made by a newer program, and the error is manager.ErrTooNew. An older one passes, since
// Open migrates it.
func NotNewer(fsys fs.FS) func(context.Context, *sql.DB) error {
	return func(ctx context.Context, db *sql.DB) error {
		p, err := provider(fsys, db)
		if err != nil {
			return err
		}
		return checkVersion(ctx, p)
	}
}
