package postgres

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stakeledger/stakeledger/manager/internal/engine"
)

// written is the end of the log, which a commit that has been answered is before. A standby cannot ask for it.
const written = "pg_current_wal_insert_lsn() - '0/0'"

// Position is how far the server has written its log or, if it is a standby,
// replayed it. It is asked outside of transactions: the snapshot of one would be
// older than the answer.
func (c *conn) Position(ctx context.Context) (engine.Position, error) {
	results, err := c.exchange(ctx, message{text: "SELECT pg_is_in_recovery(), CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() - '0/0' ELSE " + written + " END, " +
		"system_identifier::text || '/' || current_database() FROM pg_control_system()"})
	if err != nil {
		return engine.Position{}, c.classify(err)
	}
	row := results[0].Rows[0]
	at, err := strconv.ParseUint(string(row[1]), 10, 64)
	return engine.Position{At: at, Database: string(row[2]), Standby: string(row[0]) == "t"}, c.classify(err)
}

// placeOf is where COMMIT is, by the answer to the message after it.
func (c *conn) placeOf(results []*pgconn.Result) uint64 {
	if !c.positions {
		return 0
	}
	if len(results) > 1 {
		if at, err := strconv.ParseUint(string(results[1].Rows[0][0]), 10, 64); err == nil {
			return at
		}
	}
	_ = c.Close() // the next one asks again
	return engine.Unplaced
}
