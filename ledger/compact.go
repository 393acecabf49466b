package ledger

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/stakeledger/stakeledger/manager"
)

// Compact returns unused space of the file to the system: it rewrites the whole file, for which the disk must have
// room for a second copy. No other writer runs meanwhile; readers do. See manager.DB.Maintain, also for its errors.
func (l *Ledger) Compact(ctx context.Context) error {
	return l.db.Maintain(ctx, func(ctx context.Context, conn *sql.Conn) error {
		if _, err := conn.ExecContext(ctx, "VACUUM"); err != nil {
			return fmt.Errorf("compact: %w", err)
		}
		if _, err := conn.ExecContext(ctx, "PRAGMA optimize"); err != nil {
			return fmt.Errorf("compact: %w", err)
		}
		return nil
	}, manager.Label("ledger.Compact"))
}
