package ledger

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/stakeledger/stakeledger/manager"
)

// Exists reports whether Open finds something at path, or would make a new ledger: false for a file that is missing
// or empty, and for a server's database into which no ledger was migrated. What is at path need be no ledger. Errors
// are those of manager.OpenReadOnly for a database that cannot be reached.
func Exists(ctx context.Context, path string, opts ...Option) (found bool, err error) {
	if !manager.IsURL(path) {
		info, err := os.Stat(path)
		return !errors.Is(err, fs.ErrNotExist) && (err != nil || !info.Mode().IsRegular() || info.Size() > 0), nil
	}
	db, err := manager.OpenReadOnly(ctx, path, rawSQL, newConfig(opts).readOptions()...)
	if err != nil {
		return false, err
	}
	err = db.ReadOnly(ctx, func(ctx context.Context, q manager.DBTX) (err error) {
		found, err = hasTable(ctx, q, true, gooseTable)
		return err
	}, manager.Label("ledger.Exists"))
	return found, errors.Join(err, db.Close(context.WithoutCancel(ctx)))
}
