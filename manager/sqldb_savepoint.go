package manager

import (
	"context"
	"database/sql/driver"
	"fmt"
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

// parseSavepoint parses the three statements that the manager runs itself,
// because all of its own savepoints have the same name, which must not collide
// with a caller's.
func parseSavepoint(query string) (s savepointText, ok bool) {
	const most = 5 // ROLLBACK TRANSACTION TO SAVEPOINT name
	var words []token
	for scan, ended := (scanner{text: query}), false; ; {
		switch t := scan.next(); {
		case t.kind == endOfText:
			return savepointOf(words)
		case t.kind == semicolon:
			ended = len(words) > 0
		case ended || len(words) == most:
			return s, false
		default:
			words = append(words, t)
		}
	}
}

func savepointOf(words []token) (s savepointText, ok bool) {
	if len(words) < 2 {
		return s, false
	}
	last := len(words) - 1
	verb := make([]string, last)
	for i, word := range words[:last] {
		verb[i] = strings.ToUpper(word.text)
	}
	switch strings.Join(verb, " ") {
	case "SAVEPOINT":
		s.verb = "SAVEPOINT"
	case "RELEASE", "RELEASE SAVEPOINT":
		s.verb = "RELEASE"
	case "ROLLBACK TO", "ROLLBACK TO SAVEPOINT", "ROLLBACK TRANSACTION TO", "ROLLBACK TRANSACTION TO SAVEPOINT":
		s.verb = "ROLLBACK TO"
	default:
		return s, false
	}
	s.name, ok = words[last].unquotedName()
	return s, ok
}

// unquotedName is the name that t is, without its quotes.
func (t token) unquotedName() (name string, ok bool) {
	if t.kind == identifier {
		return t.text, true
	}
	if t.kind != otherToken || len(t.text) < 2 || !strings.ContainsRune("\"'`[", rune(t.text[0])) {
		return "", false
	}
	quote, inner := t.text[:1], t.text[1:len(t.text)-1]
	if quote == "[" {
		return inner, true
	}
	return strings.ReplaceAll(inner, quote+quote, quote), true
}

// innermostTxn is the transaction that statements run in.
func (tx *sqlTx) innermostTxn() *txn {
	if n := len(tx.savepoints); n > 0 {
		return tx.savepoints[n-1].txn
	}
	return tx.txn
}

func (tx *sqlTx) runSavepoint(ctx context.Context, s savepointText, args []driver.NamedValue) error {
	if len(args) > 0 {
		return &Error{Op: strings.ToLower(s.verb), Label: tx.txn.label.String(), Kind: ErrUnsupported, Detail: fmt.Sprintf("too many arguments: the statement takes 0, got %d", len(args))}
	}
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
	outer := tx.innermostTxn()
	if outer.view {
		return &Error{Op: "savepoint", Label: outer.label.String(), Kind: ErrReadOnly, Detail: "a savepoint inside a transaction that only reads"}
	}
	n := outer.newChild(outer.ctx(), &label{name: "savepoint " + name}) // ctx is that of the statement
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
