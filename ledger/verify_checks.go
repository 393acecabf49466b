package ledger

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
)

// auditor adds raw SQL to the generated queries, for the checks that are made from the text of a table.
type auditor struct {
	*read.Queries
	db manager.DBTX
}

func newAuditor(db manager.DBTX) auditor { return auditor{read.New(db), db} }

// tableChecks are the CHECK constraints of a table.
type tableChecks struct {
	table string
	key   []string // columns
	names []string // of the constraints
	texts []string
}

// checkConstraints evaluates the CHECK constraints of the ledger's tables for every row. SQLite's own integrity check
// ignores them on a read-only connection. The constraints come from the program's migrations, not from the file.
func (v *verification) checkConstraints(ctx context.Context) error {
	if v.c.onServer { // which never stores a row that violates one
		return nil
	}
	found, err := readSchema(ctx, v.db)
	if err != nil {
		return err
	}
	version, err := schemaVersion(ctx, v.db, found)
	if err != nil {
		return err
	}
	own, err := sqliteMigrations()
	if err != nil {
		return err
	}
	tables, err := schemaAt(ctx, own, version)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(tables)) {
		if c := checksOf(tables[key]); len(c.names) > 0 {
			if err := v.checkTable(ctx, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkTable reports the rows that violate a constraint, with the first one that each
// violates.
func (v *verification) checkTable(ctx context.Context, c tableChecks) error {
	query := c.violations()
	rows, err := v.db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var row rowKey
		var broken int
		if err := rows.Scan((*string)(&row), &broken); err != nil {
			return fmt.Errorf("verify the constraints of %s: %w", c.table, err)
		}
		v.reportDifference(c.table, row, strings.TrimPrefix(c.names[broken], c.table+"_"), c.texts[broken], "a row that breaks it")
	}
	return rows.Err()
}

// rowKey is a row's key as SQL writes it.
type rowKey string

func (k rowKey) String() string { return string(k) }

// violations is the query for the rows that violate a constraint. As in SQLite, a constraint that is NULL is
// not violated.
func (c tableChecks) violations() string {
	var broken strings.Builder
	texts := slices.Clone(c.texts)
	for i := range texts {
		if c.table == "events" {
			texts[i] = strings.Replace(texts[i], lettersOfKey, "", 1)
		}
		fmt.Fprintf(&broken, " WHEN NOT (%s) THEN %d", texts[i], i)
	}
	return fmt.Sprintf("SELECT CAST(%s AS TEXT), CASE%s END FROM %s WHERE NOT (%s)",
		strings.Join(c.key, " AS TEXT) || '/' || CAST("), broken.String(), c.table, strings.Join(texts, ") OR NOT ("))
}

// lettersOfKey is left out of the constraint of an event's key, which takes as long as all others of events: every key
// is compared with what the event's fields make.
const lettersOfKey = " AND event_key NOT GLOB '*[^ -~]*'"

// checksOf reads the text of a table, as plainSQL leaves it.
func checksOf(o schemaObject) tableChecks {
	c := tableChecks{table: o.name}
	if o.kind != "table" {
		return c
	}
	for _, item := range betweenCommas(insideBrackets(o.sql)) {
		words := strings.SplitN(item, " ", 4)
		switch {
		case len(words) == 4 && words[0] == "CONSTRAINT" && words[2] == "CHECK":
			c.names, c.texts = append(c.names, words[1]), append(c.texts, insideBrackets(words[3]))
		case strings.HasPrefix(item, "PRIMARY KEY"):
			c.key = betweenCommas(insideBrackets(item))
		case strings.Contains(item, " PRIMARY KEY"):
			c.key = words[:1]
		}
	}
	return c
}

// insideBrackets is the text inside the outermost brackets.
func insideBrackets(text string) string {
	from, until := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	return text[from+1 : max(from+1, until)]
}

// betweenCommas splits a text at the commas that are outside of brackets and quotes.
func betweenCommas(text string) (items []string) {
	depth, from := 0, 0
	for i := 0; i < len(text); {
		n, _ := nextSpan(text[i:])
		switch {
		case text[i] == '(':
			depth++
		case text[i] == ')':
			depth--
		case text[i] == ',' && depth == 0:
			items, from = append(items, strings.TrimSpace(text[from:i])), i+1
		}
		i += n
	}
	return append(items, strings.TrimSpace(text[from:]))
}
