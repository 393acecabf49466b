package manager

import (
	"context"
	"strings"
)

// A sqlSavepoint is a nested transaction that a SAVEPOINT statement made.
type sqlSavepoint struct {
	name string
	txn  *txn
}

// A savepointText is a statement about a savepoint: SAVEPOINT, RELEASE or
// ROLLBACK TO, and its name.
type savepointText struct{ verb, name string }

// parseSavepoint reads the three statements that the manager runs by itself:
// its own savepoints all have one name, which a caller's must not meet.
func parseSavepoint(query string) (s savepointText, ok bool) {
	words := strings.Fields(strings.TrimRight(plainStart(query), "; \t\r\n"))
	if len(words) < 2 || len(words) > 5 {
		return s, false
	}
	s.name = unquoted(words[len(words)-1])
	switch verb := strings.ToUpper(strings.Join(words[:len(words)-1], " ")); verb {
	case "SAVEPOINT":
		s.verb = verb
	case "RELEASE", "RELEASE SAVEPOINT":
		s.verb = "RELEASE"
	case "ROLLBACK TO", "ROLLBACK TO SAVEPOINT", "ROLLBACK TRANSACTION TO", "ROLLBACK TRANSACTION TO SAVEPOINT":
		s.verb = "ROLLBACK TO"
	default:
		return s, false
	}
	return s, s.name != ""
}

// plainStart is query without the comments and spaces before its first word.
func plainStart(query string) string {
	for {
		query = strings.TrimSpace(query)
		switch {
		case strings.HasPrefix(query, "--"):
			_, query, _ = strings.Cut(query, "\n")
		case strings.HasPrefix(query, "/*"):
			_, query, _ = strings.Cut(query[2:], "*/")
		default:
			return query
		}
	}
}

func unquoted(name string) string {
	if len(name) >= 2 {
		switch name[:1] + name[len(name)-1:] {
		case `""`, "''", "``", "[]":
			return name[1 : len(name)-1]
		}
	}
	return name
}

// innermost is the transaction that statements run in.
func (tx *sqlTx) innermost() *txn {
	if n := len(tx.savepoints); n > 0 {
		return tx.savepoints[n-1].txn
	}
	return tx.txn
}

func (tx *sqlTx) runSavepoint(ctx context.Context, s savepointText) error {
	if s.verb == "SAVEPOINT" {
		return tx.openSavepoint(ctx, s.name)
	}
	for i := len(tx.savepoints) - 1; i >= 0; i-- {
		if !strings.EqualFold(tx.savepoints[i].name, s.name) {
			continue
		}
		if s.verb == "RELEASE" {
			return tx.closeSavepoints(i, true)
		}
		name := tx.savepoints[i].name
		if err := tx.closeSavepoints(i, false); err != nil {
			return err
		}
		return tx.openSavepoint(ctx, name)
	}
	return &Error{Op: strings.ToLower(s.verb), Label: tx.txn.label.String(), Kind: ErrUnsupported, Detail: "no such savepoint: " + s.name}
}

func (tx *sqlTx) openSavepoint(ctx context.Context, name string) error {
	outer := tx.innermost()
	if outer.view {
		return &Error{Op: "savepoint", Label: outer.label.String(), Kind: ErrReadOnly, Detail: "a savepoint inside a transaction that only reads"}
	}
	n := outer.child(ctx, &label{name: "savepoint " + name})
	if err := n.openSavepoint(ctx); err != nil {
		return err
	}
	tx.savepoints = append(tx.savepoints, sqlSavepoint{name, n})
	return nil
}

// closeSavepoints ends the savepoints from the i-th on, the innermost first.
func (tx *sqlTx) closeSavepoints(i int, keep bool) error {
	var err error
	for n := len(tx.savepoints) - 1; n >= i; n-- {
		if e := tx.savepoints[n].txn.closeSavepoint(rolledBackUnless(keep)); err == nil {
			err = e
		}
	}
	tx.savepoints = tx.savepoints[:min(i, len(tx.savepoints))]
	return err
}
