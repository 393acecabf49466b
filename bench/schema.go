package main

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/stakeledger/stakeledger/bench/floor"
)

// writtenOps are the operations whose cost is told, in the order in which each miner does them: it opens a position,
// and closes it.
var writtenOps = [2]string{"AddPosition", "ProcessClose"}

// schemaCosts prints what each table, index and trigger costs of an AddPosition and a ProcessClose: the pages that a
// transaction writes to the log, and the steps of SQLite's virtual machine and the CPU that it takes. That of an
// index shows by a second one just like it, that of a trigger by leaving it out. Pages and steps are counted, and the
// same on a busy machine; of the CPU, in transactions of all miners, it is the least of all rounds.
func schemaCosts(ctx context.Context, s Settings, dir string) error {
	plain := &variant{name: "as it is"}
	variants := []*variant{plain}
	template, err := plain.open(ctx, dir, 0, s.History)
	if err != nil {
		return err
	}
	defer plain.db.Close()
	pages, err := pagesWritten(ctx, template, dir, 40)
	if err != nil {
		return err
	}
	list, err := schemaVariants(ctx, template.Path)
	if err != nil {
		return err
	}
	for i, v := range list {
		if _, err := v.open(ctx, dir, i+1, s.History); err != nil {
			return err
		}
		defer v.db.Close()
		variants = append(variants, v)
	}
	for round := range s.Rounds {
		for i := range variants {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := variants[(i+round)%len(variants)].measure(); err != nil {
				return err
			}
		}
	}
	printSchema(pages, variants)
	return nil
}

// A variant is a database whose schema was changed before it got its history. All grow alike.
type variant struct {
	name, change string // the change in SQL
	btree        string // of an index: the one it is like
	db           *floor.DB
	ops          []*Ops
	steps, cpu   [len(writtenOps)][]float64 // of one operation, by round; CPU in nanoseconds
}

func (v *variant) open(ctx context.Context, dir string, number, events int) (*Template, error) {
	var changes []string
	if v.change != "" {
		changes = []string{v.change}
	}
	size := Size{Miners: someMiners, Events: events}
	t, err := newTemplate(ctx, filepath.Join(dir, "schema-"+strconv.Itoa(number)+".db"), size, changes...)
	if err != nil {
		return nil, err
	}
	v.ops = opsOfAll()
	v.db, err = openFloor(t.Path, Normal)
	return t, err
}

func opsOfAll() (list []*Ops) {
	for miner := range scanMiner {
		list = append(list, newOps(miner))
	}
	return list
}

// nextOf is the next operation of every miner.
func nextOf(ops []*Ops) []floor.Op {
	batch := make([]floor.Op, 0, len(ops))
	for _, o := range ops {
		batch = append(batch, floorOp(o.Next()))
	}
	return batch
}

func (v *variant) measure() error {
	for i, name := range writtenOps {
		batch := nextOf(v.ops)
		v.db.Steps()
		before := cpuTime()
		if _, err := v.db.Book(batch, len(batch)); err != nil {
			return fmt.Errorf("%s, %s: %w", v.name, name, err)
		}
		v.cpu[i] = append(v.cpu[i], float64(cpuTime()-before)/float64(len(batch)))
		v.steps[i] = append(v.steps[i], float64(v.db.Steps())/float64(len(batch)))
	}
	return nil
}

// schemaVariants are a second index for each one, and a schema without each trigger, of the tables that are written.
func schemaVariants(ctx context.Context, path string) (list []*variant, err error) {
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, `WITH written (name) AS (VALUES ('events'), ('positions'), ('trades'), ('closes'), ('miners'))
		SELECT CASE WHEN s.sql IS NULL THEN w.name || ' (' || c.list || ')' ELSE l.name END, l.name,
			COALESCE(replace(replace(s.sql, l.name, 'second'), 'UNIQUE ', ''), 'CREATE INDEX second ON ' || w.name || ' (' || c.list || ')')
		FROM written w, pragma_index_list(w.name) l
		JOIN (SELECT x.name AS of, group_concat(i.name, ', ') AS list FROM written y, pragma_index_list(y.name) x, pragma_index_info(x.name) i GROUP BY x.name) c ON c.of = l.name
		LEFT JOIN sqlite_schema s ON s.name = l.name
		WHERE l.origin <> 'pk'
		UNION ALL
		SELECT s.name, '', 'DROP TRIGGER ' || s.name FROM sqlite_schema s JOIN written w ON w.name = s.tbl_name WHERE s.type = 'trigger'`)
	if err != nil {
		return nil, fmt.Errorf("list the indexes and triggers: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var v variant
		if err := rows.Scan(&v.name, &v.btree, &v.change); err != nil {
			return nil, err
		}
		list = append(list, &v)
	}
	return list, rows.Err()
}

// printSchema prints what is added by each thing.
func printSchema(pages []map[string]float64, variants []*variant) {
	plain := variants[0]
	fmt.Printf("\n| | pages written | | steps | | CPU, µs | |\n|---|---|---|---|---|---|---|\n| | add | close | add | close | add | close |\n")
	line := func(name string, written [2]float64, steps, cpu [2]float64) {
		fmt.Printf("| %s | %.2f | %.2f | %.0f | %.0f | %.1f | %.1f |\n", name, written[0], written[1], steps[0], steps[1], cpu[0]/1e3, cpu[1]/1e3)
	}
	indexes := map[string]bool{}
	var idle []string
	for _, v := range variants[1:] {
		var written, steps, cpu [2]float64
		for i := range writtenOps {
			steps[i] = slices.Min(v.steps[i]) - slices.Min(plain.steps[i])
			cpu[i] = slices.Min(v.cpu[i]) - slices.Min(plain.cpu[i])
			if v.btree != "" {
				written[i] = pages[i][v.btree]
				indexes[v.btree] = true
			} else {
				steps[i], cpu[i] = -steps[i], -cpu[i]
			}
		}
		if steps == [2]float64{} {
			idle = append(idle, v.name)
			continue
		}
		line(v.name, written, steps, cpu)
	}
	var rest, all, steps, cpu [2]float64
	for i := range writtenOps {
		for name, n := range pages[i] {
			all[i] += n
			if !indexes[name] {
				rest[i] += n
			}
		}
		steps[i], cpu[i] = slices.Min(plain.steps[i]), slices.Min(plain.cpu[i])
	}
	fmt.Printf("| tables | %.2f | %.2f | | | | |\n", rest[0], rest[1])
	line("all", all, steps, cpu)
	fmt.Printf("\nNothing: %v\n", idle)
}
