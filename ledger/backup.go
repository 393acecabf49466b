package ledger

import (
	"context"
	"database/sql"
	"io/fs"

	"github.com/stakeledger/stakeledger"
	"github.com/stakeledger/stakeledger/manager"
)

// Backup copies the ledger to a new file at dest while it is in use: one snapshot, which is checked and then
// appears at dest in one step. See manager.DB.Backup, also for its errors.
func (l *Ledger) Backup(ctx context.Context, dest string, opts ...manager.BackupOption) error {
	return l.db.Backup(ctx, dest, opts...)
}

// Restore copies the ledger at src, usually a backup, to a new file, which appears at dest in one step once it is
// checked. It overwrites nothing, and refuses a file that is damaged, another program's, of a newer schema, or
// whose schema is not the ledger's (ErrSchema). See manager.Restore, also for its errors.
func Restore(ctx context.Context, src, dest string, opts ...manager.Option) error {
	migrations, err := sqliteMigrations()
	if err != nil {
		return err
	}
	return manager.Restore(ctx, src, dest, append([]manager.Option{
		manager.WithApplicationID(applicationID),
		manager.WithRestoreCheck(func(ctx context.Context, db *sql.DB) error {
			_, _, err := checkSchema(ctx, db, migrations)
			return err
		}),
	}, opts...)...)
}

func sqliteMigrations() (fs.FS, error) { return fs.Sub(stakeledger.Schema, "schema") }

func postgresMigrations() (fs.FS, error) {
	return fs.Sub(stakeledger.SchemaPostgres, "schema/postgres")
}
