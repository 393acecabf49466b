package simulation_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"

	_ "github.com/mattn/go-sqlite3"
)

// A watcher is another program on the file: it adds up and checkpoints.
type watcher struct{ db *sql.DB }

func watch(path string) (*watcher, error) {
	db, err := sql.Open("sqlite3", "file:"+path+"?_busy_timeout=5000")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return &watcher{db}, nil
}

func (w *watcher) close() error { return w.db.Close() }

// checkpoint fails with BUSY while others read or write.
func (w *watcher) checkpoint(mode string) error {
	var busy, log, moved int
	return w.db.QueryRow("PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &log, &moved)
}

// recount returns a row for each miner with pairs that must be equal: a counter, and
// the sum of the rows, live and archived. Each sum has a counter, so none overflows.
const recount = `
WITH
p AS (SELECT * FROM positions),
t AS (SELECT trade_id, miner_id, exit_tao, exit_alpha, unmatched_alpha, unmatched_tao FROM trades),
c AS (SELECT miner_id, alpha, tao, cost, raw_gain, gain, duration_us, min_blocks_met FROM closes),
ps AS (SELECT miner_id, COUNT(*) n, SUM(status <> 'closed') open, SUM(entry_tao) tao, SUM(entry_alpha) alpha, SUM(remaining_alpha) rest, SUM(gain) gain FROM p GROUP BY miner_id),
ts AS (SELECT miner_id, COUNT(*) n, SUM(exit_tao - unmatched_tao) tao, SUM(exit_alpha - unmatched_alpha) alpha, SUM(unmatched_alpha) more, SUM(unmatched_tao) more_tao FROM t GROUP BY miner_id),
cs AS (SELECT miner_id, COUNT(*) n, SUM(alpha) alpha, SUM(tao) tao, SUM(cost) cost, SUM(raw_gain) raw, SUM(gain) gain, SUM(min_blocks_met) met, SUM(min_blocks_met AND gain > 0) won, SUM(min_blocks_met * duration_us) us FROM c GROUP BY miner_id),
es AS (SELECT miner_id, SUM(outcome = 'applied' AND kind = 'stake') stakes, SUM(outcome = 'applied' AND kind = 'unstake') unstakes,
  SUM(CASE WHEN reason = 'no_open_position' THEN alpha ELSE 0 END) alpha, SUM(CASE WHEN reason = 'no_open_position' THEN tao ELSE 0 END) tao FROM events GROUP BY miner_id)
SELECT m.miner_id,
  m.positions, IFNULL(ps.n, 0), m.positions, IFNULL(es.stakes, 0), m.open_positions, IFNULL(ps.open, 0), m.trades, IFNULL(ts.n, 0), m.trades, IFNULL(es.unstakes, 0), m.closes, IFNULL(cs.n, 0),
  m.entry_tao, IFNULL(ps.tao, 0), m.entry_alpha, IFNULL(ps.alpha, 0), m.entry_alpha, IFNULL(ps.rest, 0) + IFNULL(cs.alpha, 0), m.closed_alpha, IFNULL(cs.alpha, 0),
  m.exit_tao, IFNULL(cs.tao, 0), IFNULL(ts.tao, 0), IFNULL(cs.tao, 0), IFNULL(ts.alpha, 0), IFNULL(cs.alpha, 0),
  m.raw_gain, IFNULL(cs.raw, 0), m.raw_gain, IFNULL(cs.tao, 0) - IFNULL(cs.cost, 0), m.gain, IFNULL(cs.gain, 0), m.gain, IFNULL(ps.gain, 0),
  m.counted_closes, IFNULL(cs.met, 0), m.winning_closes, IFNULL(cs.won, 0), m.counted_duration_us, IFNULL(cs.us, 0),
  m.unmatched_alpha, IFNULL(ts.more, 0) + IFNULL(es.alpha, 0), m.unmatched_tao, IFNULL(ts.more_tao, 0) + IFNULL(es.tao, 0)
FROM miners m LEFT JOIN ps USING (miner_id) LEFT JOIN ts USING (miner_id) LEFT JOIN cs USING (miner_id) LEFT JOIN es USING (miner_id)`

// recounted names the pairs of recount.
var recounted = strings.Fields(`positions positions:stakes open_positions trades trades:unstakes closes
	entry_tao entry_alpha alpha:in=open+closed closed_alpha exit_tao trades:tao-unmatched=shares trades:alpha-unmatched=shares
	raw_gain raw_gain=tao-cost gain gain:positions counted_closes winning_closes counted_duration_us unmatched_alpha unmatched_tao`)

// conserved returns an error for what does not add up, in one snapshot.
func (w *watcher) conserved() (err error) {
	rows, err := w.db.Query(recount)
	if err != nil {
		return fmt.Errorf("recount: %w", err)
	}
	defer rows.Close()
	values := make([]int64, 1+2*len(recounted))
	into := make([]any, len(values))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("recount: %w", err)
		}
		for i, what := range recounted {
			if got, want := values[1+2*i], values[2+2*i]; got != want {
				err = errors.Join(err, fmt.Errorf("miner %d: %s: got %d, rows add up to %d", values[0], what, got, want))
			}
		}
	}
	return errors.Join(err, rows.Err())
}
