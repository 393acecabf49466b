package manager

import (
	"slices"
	"strings"
	"testing"
)

// FuzzParseConstraint: whatever a message holds, nothing is made up.
func FuzzParseConstraint(f *testing.F) {
	for _, seed := range []string{
		"", "UNIQUE constraint failed: positions.miner_id, positions.extrinsic_id", "NOT NULL constraint failed: miners.coldkey", "CHECK constraint failed: remaining_within_entry",
		"UNIQUE constraint failed: index 'by_lower_name'", "FOREIGN KEY constraint failed", "UNIQUE constraint failed: ", "UNIQUE constraint failed: index '", "UNIQUE constraint failed: .",
		"UNIQUE constraint failed: a.b, ", "CHECK constraint failed: x constraint failed: y", "NOT NULL constraint failed: a.b.c", "\x00 constraint failed: \xff.\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, message string) {
		table, columns := parseConstraint(message)
		_, names, ok := strings.Cut(message, " constraint failed: ")
		if !ok && (table != "" || columns != nil) {
			t.Fatalf("%q: got table %q, columns %q from a message that names none", message, table, columns)
		}
		for _, name := range append([]string{table}, columns...) {
			if !strings.Contains(names, name) {
				t.Fatalf("%q: got %q, which the message does not hold", message, name)
			}
		}
		if table != "" && len(columns) == 0 {
			t.Fatalf("%q: got table %q without a column", message, table)
		}
	})
}

// FuzzConstraintNames: the names that SQLite puts into a message come out of it, as long as they hold none of the
// signs that part them.
func FuzzConstraintNames(f *testing.F) {
	f.Add("positions", "miner_id", "extrinsic_id")
	f.Add("Table 1", "", "'quoted'")
	f.Add("index 'x'", "é", "\n")
	f.Fuzz(func(t *testing.T, table, first, second string) {
		if strings.Contains(table, ".") || strings.Contains(table+first+second, ", ") || strings.Contains(table+first+second, " constraint failed: ") || strings.HasSuffix(first, ",") || strings.HasPrefix(table, "index '") {
			return // such names cannot be told from what stands between them
		}
		for _, kind := range []string{"UNIQUE", "NOT NULL"} {
			gotTable, gotColumns := parseConstraint(kind + " constraint failed: " + table + "." + first + ", " + table + "." + second)
			if gotTable != table || !slices.Equal(gotColumns, []string{first, second}) {
				t.Fatalf("%s: got table %q, columns %q, want %q, %q and %q", kind, gotTable, gotColumns, table, first, second)
			}
		}
	})
}
