package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"strings"

	_ "modernc.org/sqlite" // has dbstat, which lists the pages of each table

	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

// Month is the size of the ledger after another thirty days.
type Month struct {
	Bytes    int64 `json:"bytes"` // of the file, without its WAL
	Events   int64 `json:"events"`
	Live     int64 `json:"live_rows"`     // positions and trades
	Archived int64 `json:"archived_rows"` // the same
	Snapshot int64 `json:"snapshots"`
}

const countRows = `SELECT (SELECT count(*) FROM events),
	(SELECT count(*) FROM positions WHERE archive_run IS NULL) + (SELECT count(*) FROM trades WHERE archive_run IS NULL),
	(SELECT count(archive_run) FROM positions) + (SELECT count(archive_run) FROM trades),
	(SELECT count(*) FROM snapshots)`

// month records how large everything is. This is not part of the timings.
func (y *simulation) month(ctx context.Context) error {
	var m Month
	err := y.ledger.DB().WithTx(ctx, func(ctx context.Context, tx ledger.Tx) error {
		return tx.DB.QueryRowContext(ctx, countRows).Scan(&m.Events, &m.Live, &m.Archived, &m.Snapshot)
	}, manager.Label("count"))
	if err != nil {
		return err
	}
	info, err := os.Stat(y.path)
	if err != nil {
		return err
	}
	m.Bytes = info.Size()
	y.year.Months = append(y.year.Months, m)
	return nil
}

// TableSize is what a table and its indexes take of the file.
type TableSize struct {
	Name  string `json:"name"`
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
}

// tableSizes reads a copy of the ledger. It uses a second SQLite library, and if
// both opened one file, one would drop the locks of the other.
func tableSizes(ctx context.Context, path string) (list []TableSize, err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro&immutable=1")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, `SELECT m.tbl_name, SUM(d.pgsize) FROM dbstat d JOIN sqlite_schema m ON m.name = d.name
		WHERE d.aggregate = TRUE GROUP BY m.tbl_name ORDER BY 2 DESC`)
	if err != nil {
		return nil, fmt.Errorf("read the sizes of tables: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var t TableSize
		if err := rows.Scan(&t.Name, &t.Bytes); err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for i := range list {
		if err := db.QueryRowContext(ctx, `SELECT count(*) FROM "`+strings.ReplaceAll(list[i].Name, `"`, `""`)+`"`).Scan(&list[i].Rows); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func printMonths(w io.Writer, months []Month) {
	table(w, func(w io.Writer) {
		fmt.Fprintln(w, "days\tevents\tlive rows\tarchived rows\tsnapshots\tfile MiB\tgrowth MiB\t")
		for i, m := range months[1:] {
			days := fmt.Sprint((i + 1) * 30)
			if i == len(months)-2 {
				days = "the end"
			}
			fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%.1f\t%.1f\t\n", days, m.Events, m.Live, m.Archived, m.Snapshot, mib(m.Bytes), mib(m.Bytes-months[i].Bytes))
		}
	})
}

func printTables(w io.Writer, list []TableSize) {
	var total int64
	for _, t := range list {
		total += t.Bytes
	}
	table(w, func(w io.Writer) {
		fmt.Fprintln(w, "table with its indexes\trows\tMiB\tbytes a row\tof the file\t")
		for _, t := range list {
			if t.Rows > 0 && mib(t.Bytes) >= .1 {
				fmt.Fprintf(w, "%s\t%d\t%.1f\t%d\t%.0f %%\t\n", t.Name, t.Rows, mib(t.Bytes), t.Bytes/t.Rows, 100*float64(t.Bytes)/float64(total))
			}
		}
	})
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
