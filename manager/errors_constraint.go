package manager

import "strings"

// parseConstraint reads the table and the columns out of SQLite's message for
// a failed constraint. SQLite offers them nowhere else. Known forms:
//
//	UNIQUE constraint failed: positions.miner_id, positions.extrinsic_id
//	NOT NULL constraint failed: miners.coldkey
//	CHECK constraint failed: remaining_within_entry
//	UNIQUE constraint failed: index 'by_lower_name'
//
// What a CHECK names is the constraint, given back as the only column with no
// table; a foreign key and a trigger name nothing.
func parseConstraint(message string) (table string, columns []string) {
	head, rest, ok := strings.Cut(message, " constraint failed: ")
	if !ok || rest == "" {
		return "", nil
	}
	switch head {
	case "CHECK":
		return "", []string{rest}
	case "UNIQUE", "NOT NULL":
	default:
		return "", nil
	}
	if name, ok := strings.CutPrefix(rest, "index '"); ok {
		return "", []string{strings.TrimSuffix(name, "'")}
	}
	for part := range strings.SplitSeq(rest, ", ") {
		t, column, ok := strings.Cut(part, ".")
		if !ok {
			return "", nil
		}
		table = t
		columns = append(columns, column)
	}
	return table, columns
}
