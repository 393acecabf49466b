package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stakeledger/stakeledger/manager"
)

// A copyTable is a table as Copy goes through it: in the order of its key.
type copyTable struct {
	name  string
	key   []string
	fixed bool // its rows are there from the beginning

	// later are the columns that a guard lets be set only once rows of other tables are there, with their types.
	// Until unset holds of a row they are as they began.
	later []laterColumn
	unset string

	columns []string // all of them, as the database has them
}

type laterColumn struct {
	name, kind string
	begins     any    // with this value,
	like       string // or with that of another column
}

// copyTables are in the order in which rows may refer to each other: a close needs its position whole and its trade
// live, and what is archived needs its run.
func copyTables() []copyTable {
	table := func(name string, key ...string) copyTable { return copyTable{name: name, key: key} }
	policy, miners, positions, trades := table("policy", "policy_id"), table("miners", "miner_id"), table("positions", "position_id"), table("trades", "trade_id")
	policy.fixed = true
	policy.later = []laterColumn{{name: "min_blocks", kind: "bigint"}, {name: "self_trade", kind: "text"}, {name: "transfers", kind: "text"},
		{name: "lookback_days", kind: "bigint"}, {name: "mixed", kind: "bigint"}}
	policy.unset = "policy.policy_id = 1"
	miners.later = []laterColumn{{name: "latest_key", kind: "text"}, {name: "oldest_late_key", kind: "text"}, {name: "last_active", kind: "bigint"}}
	miners.unset = "miners.latest_key IS NULL"
	positions.later = []laterColumn{{name: "remaining_alpha", kind: "bigint", like: "entry_alpha"}, {name: "status", kind: "text", begins: "open"},
		{name: "last_exit_time", kind: "bigint"}, {name: "closed_at", kind: "bigint"}, {name: "gain", kind: "bigint", begins: int64(0)}, {name: "archive_run", kind: "bigint"}}
	positions.unset = "positions.status = 'open'"
	trades.later = []laterColumn{{name: "archive_run", kind: "bigint"}}
	trades.unset = "trades.archive_run IS NULL"
	return []copyTable{
		policy, miners, table("registrations", "registration_id"), table("events", "event_id"), table("archive_runs", "run_id", "miner_id"),
		positions, trades, table("closes", "trade_id", "step"), table("snapshots", "miner_id", "at"), table("rejected_events", "rejected_id"),
		table("intakes", "intake_id"), table("intake_ignored", "intake_id", "reason"), table("intake_rejected", "intake_id", "reason"),
		table("staged_events", "intake_id", "coldkey", "event_key", "seq"),
	}
}

// copyParameters bounds the parameters of one statement: SQLite takes 32,766.
const copyParameters = 30_000

// most is how many rows a page has.
func (t *copyTable) most(rows int) int { return min(rows, copyParameters/len(t.columns)) }

// count reads the columns of the tables, and how many rows they have.
func (k *copying) count(ctx context.Context) error {
	k.tables, k.total, k.done.Rows = copyTables(), 0, map[string]int64{}
	for i := range k.tables {
		t := &k.tables[i]
		rows, err := k.from.QueryContext(ctx, "SELECT * FROM "+t.name+" LIMIT 0")
		if err != nil {
			return err
		}
		t.columns, err = rows.Columns()
		_ = rows.Close()
		if err != nil {
			return err
		}
		var n int64
		if err := k.from.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+t.name).Scan(&n); err != nil {
			return err
		}
		k.total += n
		k.done.Rows[t.name] = 0
	}
	return nil
}

// page reads rows after a key, from the first one for nil.
func (t *copyTable) page(ctx context.Context, q manager.DBTX, after []any, most int) ([][]any, error) {
	where, args := "", slices.Clone(after)
	if after != nil {
		where = " WHERE (" + strings.Join(t.key, ", ") + ") > (" + parameters(1, len(t.key)) + ")"
	}
	args = append(args, int64(most))
	text := "SELECT " + strings.Join(t.columns, ", ") + " FROM " + t.name + where + " ORDER BY " + strings.Join(t.key, ", ") + " LIMIT " + parameters(len(args), 1)
	return t.query(ctx, q, text, args...)
}

// lastKey is the key of the last row, nil where there is none.
func (t *copyTable) lastKey(ctx context.Context, q manager.DBTX) ([]any, error) {
	text := "SELECT " + strings.Join(t.columns, ", ") + " FROM " + t.name + " ORDER BY " + strings.Join(t.key, " DESC, ") + " DESC LIMIT 1"
	rows, err := t.query(ctx, q, text)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return t.keyOf(rows[0]), nil
}

// query reads rows of all columns; texts are strings on either engine.
func (t *copyTable) query(ctx context.Context, q manager.DBTX, text string, args ...any) (list [][]any, err error) {
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		row, into := make([]any, len(t.columns)), make([]any, len(t.columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		for i, v := range row {
			if text, isBytes := v.([]byte); isBytes {
				row[i] = string(text)
			}
		}
		list = append(list, row)
	}
	return list, rows.Err()
}

// insert inserts rows of all columns.
func (t *copyTable) insert(ctx context.Context, tx manager.DBTX, rows [][]any) error {
	values, args := make([]string, len(rows)), make([]any, 0, len(rows)*len(t.columns))
	for i, row := range rows {
		values[i] = "(" + parameters(len(args)+1, len(row)) + ")"
		args = append(args, row...)
	}
	text := "INSERT INTO " + t.name + " (" + strings.Join(t.columns, ", ") + ") VALUES " + strings.Join(values, ", ")
	_, err := tx.ExecContext(ctx, text, args...)
	return err
}

// finish sets the columns that come later.
func (t *copyTable) finish(ctx context.Context, tx manager.DBTX, rows [][]any) error {
	var sets, values []string
	var args []any
	for i, c := range t.later {
		sets = append(sets, fmt.Sprintf("%s = v.column%d", c.name, i+2))
	}
	for i, row := range rows {
		var cells []string
		cell := func(column, kind string) {
			args = append(args, row[t.at(column)])
			text := parameters(len(args), 1)
			if i == 0 { // which says the types of all
				text = "CAST(" + text + " AS " + kind + ")"
			}
			cells = append(cells, text)
		}
		cell(t.key[0], "bigint")
		for _, c := range t.later {
			cell(c.name, c.kind)
		}
		values = append(values, "("+strings.Join(cells, ", ")+")")
	}
	text := "UPDATE " + t.name + " SET " + strings.Join(sets, ", ") + " FROM (VALUES " + strings.Join(values, ", ") + ") AS v WHERE " +
		t.name + "." + t.key[0] + " = v.column1 AND " + t.unset
	_, err := tx.ExecContext(ctx, text, args...)
	return err
}

// parameters are n of them from the one with a number on.
func parameters(first, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("?%d", first+i)
	}
	return strings.Join(list, ", ")
}

// begun is a row with the columns that come later as they begin.
func (t *copyTable) begun(row []any) []any {
	if len(t.later) == 0 {
		return row
	}
	begun := slices.Clone(row)
	for _, c := range t.later {
		begun[t.at(c.name)] = c.begins
		if c.like != "" {
			begun[t.at(c.name)] = row[t.at(c.like)]
		}
	}
	return begun
}

func (t *copyTable) at(column string) int { return slices.Index(t.columns, column) }

func (t *copyTable) keyOf(row []any) (key []any) {
	for _, column := range t.key {
		key = append(key, row[t.at(column)])
	}
	return key
}

// subject names a row by its table and key.
func (t *copyTable) subject(row []any) string {
	return fmt.Sprintf("row %v of %s", t.keyOf(row), t.name)
}
