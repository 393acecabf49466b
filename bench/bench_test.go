package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/bench/floor"
	"github.com/stakeledger/stakeledger/dbgen/read"
)

// The workload of several processes starts this program again; here that is the
// test binary.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, "-child") {
		if err := serve(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// A comparison is worth nothing unless all contenders do the same work, so they
// must leave the same rows.
func TestEverybodyLeavesTheSameRows(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	template, err := newTemplate(ctx, filepath.Join(dir, "template.db"), Size{Miners: someMiners, Events: 1000, Open: scanRows})
	if err != nil {
		t.Fatal(err)
	}
	const operations = 40
	path := filepath.Join(dir, "c.db")
	bookInC(t, template, path, operations)
	want := rows(t, path)

	for _, c := range append(contenders, oursAlone) {
		t.Run(c.Name, func(t *testing.T) {
			path := filepath.Join(dir, "contender.db")
			if err := template.Copy(path); err != nil {
				t.Fatal(err)
			}
			store, err := c.Open(path, Full)
			if err != nil {
				t.Fatal(err)
			}
			ops := newOps(0)
			for range operations {
				op := ops.Next()
				if err := store.Write(ctx, func(ctx context.Context, q Queries) error { return book(ctx, q, op) }); err != nil {
					t.Fatal(err)
				}
			}
			checkReads(t, store, template)
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			if got := rows(t, path); got != want {
				t.Errorf("the rows differ from those that C left: got\n%.2000s\nwant\n%.2000s", got, want)
			}
		})
	}
}

func bookInC(t *testing.T, template *Template, path string, operations int) {
	t.Helper()
	if err := template.Copy(path); err != nil {
		t.Fatal(err)
	}
	db, err := openFloor(path, Full)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ops := newOps(0)
	var batch []floor.Op
	for range operations {
		batch = append(batch, floorOp(ops.Next()))
	}
	waits, err := db.Book(batch, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(waits) != operations || waits[0] <= 0 {
		t.Errorf("waits of %d operations: got %d, the first %d ns", operations, len(waits), waits[0])
	}
}

// checkReads compares what a contender reads with what a plain query reads.
func checkReads(t *testing.T, store Store, template *Template) {
	t.Helper()
	ctx := context.Background()
	id := template.Points[0]
	err := store.Snapshot(ctx, func(ctx context.Context, q Queries) error {
		p, err := q.PositionByID(ctx, id)
		if err == nil && (p.PositionID != id || p.EntryTAO == 0 || p.Hotkey == "" || p.Status == "") {
			err = fmt.Errorf("position %d: got %+v", id, p)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	err = store.Lone(ctx, func(ctx context.Context, q Queries) error {
		list, err := q.OpenPositions(ctx, read.OpenPositionsParams{MinerID: template.Scan, PageSize: scanRows})
		if err == nil && (len(list) != scanRows || list[scanRows-1].EntryAlpha == 0) {
			err = fmt.Errorf("open positions: got %d, want %d", len(list), scanRows)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// rows prints the newest rows of every table that the work writes to.
func rows(t *testing.T, path string) string {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var b strings.Builder
	for _, query := range []string{
		"SELECT * FROM events ORDER BY event_id DESC LIMIT 100",
		"SELECT * FROM positions ORDER BY position_id DESC LIMIT 100",
		"SELECT * FROM trades ORDER BY trade_id DESC LIMIT 100",
		"SELECT * FROM closes ORDER BY trade_id DESC, step LIMIT 100",
		"SELECT * FROM miners ORDER BY miner_id LIMIT 10",
	} {
		list, err := db.Query(query)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := list.Columns()
		if err != nil {
			t.Fatal(err)
		}
		values, fields := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			fields[i] = &values[i]
		}
		for list.Next() {
			if err := list.Scan(fields...); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&b, values...)
		}
		if err := list.Err(); err != nil {
			t.Fatal(err)
		}
		list.Close()
	}
	return b.String()
}

// The whole program once, with rounds too short to mean anything.
func TestEveryWorkloadRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	ctx := context.Background()
	dir := t.TempDir()
	template, err := newTemplate(ctx, filepath.Join(dir, "template.db"), Size{Miners: someMiners, Events: 1000, Open: scanRows})
	if err != nil {
		t.Fatal(err)
	}
	b := &Bench{Template: template, Dir: dir, Round: 5 * time.Millisecond}
	list := []Workload{
		writeWork(1, Full), writeWork(4, Normal), pointWork(true), snapshotWork(), scanWork(), ledgerWork(2), processWork(ours, mutex), bulkWork(500),
	}
	for _, w := range list {
		for _, e := range b.entrants(ctx, w) {
			s, err := e.run()
			if err != nil {
				t.Errorf("%s: %s: %v", w.Name, e.name, err)
			}
			if s.PerSecond() == 0 && len(s.Waits) == 0 {
				t.Errorf("%s: %s: nothing was done", w.Name, e.name)
			}
		}
	}
}

func TestGrowth(t *testing.T) {
	sizes := growthSizes
	t.Cleanup(func() { growthSizes = sizes })
	growthSizes = slices.Clone(sizes[:2])
	growthSizes[1].size = Size{Miners: someMiners, Events: 1000, Open: 10}
	report := &Report{}
	if err := growth(context.Background(), t.TempDir(), 1, time.Millisecond, report); err != nil {
		t.Fatal(err)
	}
	for _, table := range report.Tables {
		for _, r := range table.Results {
			if r.Max == 0 {
				t.Errorf("%s, %s: nothing was done", table.Workload, r.Contender)
			}
		}
	}
}

func TestStatistics(t *testing.T) {
	if got := jain([]int64{5, 5, 5, 5}); got != 1 {
		t.Errorf("jain of equals: got %v, want 1", got)
	}
	if got := jain([]int64{8, 0, 0, 0}); got != 0.25 {
		t.Errorf("jain of one in four: got %v, want 0.25", got)
	}
	list := make([]int64, 1000)
	for i := range list {
		list[i] = int64(i + 1)
	}
	for p, want := range map[float64]time.Duration{0.5: 500, 0.99: 990, 0.999: 999, 1: 1000} {
		if got := percentile(list, p); got != want {
			t.Errorf("percentile %v of 1..1000: got %d, want %d", p, got, want)
		}
	}
	if got := median([]float64{9, 1, 3}); got != 3 {
		t.Errorf("median of three: got %v, want 3", got)
	}
	if got := median([]float64{1, 2, 3, 10}); got != 2.5 {
		t.Errorf("median of four: got %v, want 2.5", got)
	}
}

// What costs nothing but database/sql must still read the rows of the others.
func TestTheDriverInMemoryReadsTheRowsOfTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "template.db")
	template, err := newTemplate(t.Context(), path, Size{Miners: someMiners, Events: 1000, Open: scanRows})
	if err != nil {
		t.Fatal(err)
	}
	store, err := databaseSQL.Open(path, Full)
	if err != nil {
		t.Fatal(err)
	}
	checkReads(t, store, template)
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}
