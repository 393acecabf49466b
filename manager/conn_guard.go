package manager

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// sqliteRecursive is SQLITE_RECURSIVE, which the driver does not name.
const sqliteRecursive = 33

// A guard is what SQLite's authorizer knows and says of one connection. SQLite
// asks it when it compiles a statement, wherever in a text or in a schema that
// stands, and again when it compiles one again after a change of the schema.
type guard struct {
	own     bool   // the manager's own statement is being run or prepared
	viewing bool   // the statement belongs to a ReadOnly, nested or not
	writes  bool   // the connection is the writer's
	text    string // what is being compiled
	pragma  bool   // it holds a PRAGMA, which has to be asked about each time: it is not kept prepared
	defers  bool   // PRAGMA defer_foreign_keys is on
	denied  *Error // why the statement was refused, or nil
}

// install makes g the guard of raw.
func (g *guard) install(raw *sqlite3.SQLiteConn) {
	raw.RegisterAuthorizer(func(action int, a, b, schema string) int {
		if g.own || g.allows(action, a, b, schema) {
			return sqlite3.SQLITE_OK
		}
		return sqlite3.SQLITE_DENY
	})
}

// suspendGuard lets the manager's own statements pass until end is called. The
// caller holds the connection's mu.
func (g *guard) suspendGuard() (end func()) {
	g.own = true
	return func() { g.own = false }
}

// startText prepares for the statements of one text.
func (g *guard) startText(view bool, text string) {
	g.viewing, g.text, g.pragma, g.denied = view, text, false, nil
}

// startText prepares for the statements of one text.
func (c *conn) startText(view bool, text string) {
	c.guard.startText(view, text)
	if c.server != nil {
		c.server.View(view && c.writes)
	}
}

// allows refuses what would begin or end a transaction, write in a view, or
// stay on the connection when the transaction has ended: the next caller would
// meet it.
func (g *guard) allows(action int, a, b, schema string) bool {
	switch action {
	case sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqliteRecursive:
		return true
	case sqlite3.SQLITE_FUNCTION:
		if b = strings.ToLower(b); b == "load_extension" || b == "fts3_tokenizer" {
			return g.deny(ErrUnsupported, b+"() changes the connection, which stays when the transaction has ended; call it in WithConnectHook")
		}
		return true
	case sqlite3.SQLITE_PRAGMA:
		return g.allowsPragma(strings.ToLower(a), b)
	case sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_SAVEPOINT:
		return g.deny(ErrUnsupported, "the manager begins and ends transactions; nest WithTx for a savepoint")
	case sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH:
		return g.deny(ErrUnsupported, "an attached database stays on the connection when the transaction has ended; attach it to every connection with WithConnectHook, or run the statement in Maintain")
	case sqlite3.SQLITE_ALTER_TABLE: // which names the schema first
		schema = a
	case sqlite3.SQLITE_CREATE_TEMP_INDEX, sqlite3.SQLITE_CREATE_TEMP_TABLE, sqlite3.SQLITE_CREATE_TEMP_TRIGGER, sqlite3.SQLITE_CREATE_TEMP_VIEW,
		sqlite3.SQLITE_DROP_TEMP_INDEX, sqlite3.SQLITE_DROP_TEMP_TABLE, sqlite3.SQLITE_DROP_TEMP_TRIGGER, sqlite3.SQLITE_DROP_TEMP_VIEW:
		schema = "temp"
	}
	// ALTER TABLE looks itself for what refers to a table from the TEMP schema.
	altering := action == sqlite3.SQLITE_UPDATE && strings.HasPrefix(a, "sqlite_")
	if strings.EqualFold(schema, "temp") && !altering {
		return g.deny(ErrUnsupported, "a TEMP object stays on the connection when the transaction has ended; create it on every connection with WithConnectHook, or use a table or a common table expression")
	}
	// A reader's connection, which SQLite keeps from writing, is left to it: a
	// virtual table may compile, never run, statements that write (R-Tree does).
	if g.viewing && g.writes {
		return g.deny(ErrReadOnly, "write inside ReadOnly; use WithTx")
	}
	return true
}

// queryPragmas are the pragmas whose value is what they are asked about.
var queryPragmas = map[string]bool{
	"foreign_key_check": true, "foreign_key_list": true, "index_info": true, "index_list": true, "index_xinfo": true,
	"integrity_check": true, "quick_check": true, "table_info": true, "table_list": true, "table_xinfo": true,
}

// allowsPragma lets through what asks, and what is part of the transaction.
func (g *guard) allowsPragma(name, value string) bool {
	g.pragma = true
	sets := value != "" || emptyValue.MatchString(g.text) && pragmaWord.MatchString(g.text)
	switch name {
	case "wal_checkpoint", "optimize":
		return g.deny(ErrUnsupported, "PRAGMA "+name+" is no part of a transaction; the manager runs it by itself, and Maintain when you want it")
	case "incremental_vacuum":
		sets = true
	}
	if !sets || queryPragmas[name] {
		return true
	}
	switch name {
	case "user_version", "application_id", "incremental_vacuum": // they are in the file, so COMMIT and ROLLBACK decide
		return !g.viewing || g.deny(ErrReadOnly, "PRAGMA "+name+" writes inside ReadOnly; use WithTx")
	case "defer_foreign_keys": // ends with the transaction
		// Switched off it would forget what is broken by then, and let it be committed.
		if !g.viewing && trueValues[strings.ToLower(value)] {
			g.defers = true
			return true
		}
		return g.deny(ErrUnsupported, "PRAGMA defer_foreign_keys can only be set to ON, inside WithTx; it ends with the transaction by itself")
	}
	return g.deny(ErrUnsupported, fmt.Sprintf("PRAGMA %s = %s stays on the connection when the transaction has ended; set it on every connection with WithPragma, or run it in Maintain", name, cmpEmpty(value)))
}

// trueValues are the values by which SQLite sets a flag, but for other numbers.
var trueValues = map[string]bool{"on": true, "yes": true, "true": true, "1": true}

// An empty value sets a flag to false, and comes to the authorizer like none at
// all, so the text is asked. Where these two find more than they should,
// reading a pragma is refused beside a comparison with ”.
var (
	pragmaWord = regexp.MustCompile(`(?i)\bpragma\b`)
	emptyValue = regexp.MustCompile(`(?s)[=(](?:[\s\v\x{feff}]|--[^\n]*(?:\n|$)|/\*.*?\*/)*(?:''(?:[^']|$)|""(?:[^"]|$)|` + "``(?:[^`]|$)" + `|\[\])`)
)

func cmpEmpty(value string) string {
	if value == "" {
		return "''"
	}
	return value
}

// deny keeps the reason for the statement's error, and returns false.
func (g *guard) deny(kind error, detail string) bool {
	if g.denied == nil {
		g.denied = &Error{Kind: kind, Detail: detail}
	}
	return false
}

// explainVacuum names the way for VACUUM, which the authorizer is not asked about.
func explainVacuum(err error) {
	var e *Error
	if errors.As(err, &e) && e.Err != nil && strings.HasPrefix(e.Err.Error(), "cannot VACUUM") {
		e.Kind, e.Detail = ErrUnsupported, "VACUUM is no part of a transaction; run it in Maintain"
	}
}
