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

// A guard decides for SQLite's authorizer what statements on a connection may
// do. SQLite asks it whenever it compiles a statement, also those in views and
// triggers, and again when it recompiles one after a change of the schema.
type guard struct {
	own     bool   // a statement of the manager's own is run or prepared
	viewing bool   // the statement belongs to a ReadOnly, nested or not
	writes  bool   // the connection is the writer's
	text    string // being compiled
	pragma  bool   // the text holds a PRAGMA, which must be checked each time, so it is not kept prepared
	ofWrite string // a function in the text that is about the last write, on a connection that does not write
	defers  bool   // PRAGMA defer_foreign_keys is on
	denied  *Error // why the statement was refused, or nil
}

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
	before := g.own
	g.own = true
	return func() { g.own = before }
}

// startText resets the guard for the statements of one text.
func (g *guard) startText(view bool, text string) {
	g.viewing, g.text, g.pragma, g.ofWrite, g.denied = view, text, false, "", nil
}

func (c *conn) startText(view bool, text string) {
	c.guard.startText(view, text)
	if c.server != nil {
		c.server.View(view && c.writes)
	}
}

// allows refuses what would begin or end a transaction, write in a view, or
// change the connection beyond the transaction, for the next caller.
func (g *guard) allows(action int, a, b, schema string) bool {
	switch action {
	case sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqliteRecursive:
		return true
	case sqlite3.SQLITE_FUNCTION:
		switch b = strings.ToLower(b); b {
		case "load_extension", "fts3_tokenizer":
			return g.deny(ErrUnsupported, b+"() changes the connection, which stays when the transaction has ended; call it in WithConnectHook")
		case "last_insert_rowid", "changes", "total_changes":
			if !g.writes {
				g.ofWrite = b
			}
		}
		return true
	case sqlite3.SQLITE_PRAGMA:
		return g.allowsPragma(strings.ToLower(a), b)
	case sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_SAVEPOINT:
		return g.deny(ErrUnsupported, "the manager begins and ends transactions: use WithTx, which nests, or BeginTx of SQL()")
	case sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH:
		return g.deny(ErrUnsupported, "an attached database stays on the connection when the transaction has ended; attach it to every connection with WithConnectHook, or run the statement in Maintain")
	case sqlite3.SQLITE_ALTER_TABLE: // whose arguments start with the schema
		schema = a
	case sqlite3.SQLITE_CREATE_TEMP_INDEX, sqlite3.SQLITE_CREATE_TEMP_TABLE, sqlite3.SQLITE_CREATE_TEMP_TRIGGER, sqlite3.SQLITE_CREATE_TEMP_VIEW,
		sqlite3.SQLITE_DROP_TEMP_INDEX, sqlite3.SQLITE_DROP_TEMP_TABLE, sqlite3.SQLITE_DROP_TEMP_TRIGGER, sqlite3.SQLITE_DROP_TEMP_VIEW:
		schema = "temp"
	}
	// ALTER TABLE itself updates the TEMP schema, where something may refer to
	// the table.
	altering := action == sqlite3.SQLITE_UPDATE && strings.HasPrefix(a, "sqlite_")
	if strings.EqualFold(schema, "temp") && !altering {
		return g.deny(ErrUnsupported, "a TEMP object stays on the connection when the transaction has ended; create it on every connection with WithConnectHook, or use a table or a common table expression")
	}
	// SQLite itself keeps a reader's connection from writing. Refusing writes
	// here would be wrong: a virtual table may compile statements that write
	// without running them (R-Tree does).
	if g.viewing && g.writes {
		return g.deny(ErrReadOnly, "write inside ReadOnly; use WithTx")
	}
	return true
}

// queryPragmas are the pragmas whose value is a question, not a setting.
var queryPragmas = map[string]bool{
	"foreign_key_check": true, "foreign_key_list": true, "index_info": true, "index_list": true, "index_xinfo": true,
	"integrity_check": true, "quick_check": true, "table_info": true, "table_list": true, "table_xinfo": true,
}

// allowsPragma allows reading a pragma, and setting one that is part of the
// transaction.
func (g *guard) allowsPragma(name, value string) bool {
	g.pragma = true
	sets := value != "" || emptyValue.MatchString(g.text) && pragmaWord.MatchString(g.text)
	switch name {
	case "wal_checkpoint", "optimize":
		return g.deny(ErrUnsupported, "PRAGMA "+name+" is no part of a transaction; run it in Maintain")
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
		// Switching it off would forget violations so far, and let them be committed.
		if !g.viewing && trueValues[strings.ToLower(value)] {
			g.defers = true
			return true
		}
		return g.deny(ErrUnsupported, "PRAGMA defer_foreign_keys can only be set to ON, inside WithTx; it ends with the transaction by itself")
	}
	return g.deny(ErrUnsupported, fmt.Sprintf("PRAGMA %s = %s stays on the connection when the transaction has ended; set it on every connection with WithPragma, or run it in Maintain", name, cmpEmpty(value)))
}

// trueValues are the values that set a flag. SQLite also accepts other numbers;
// the guard does not.
var trueValues = map[string]bool{"on": true, "yes": true, "true": true, "1": true}

// An empty value sets a flag to false, but the authorizer gets it like no value
// at all, so the text is searched. If that finds too much, reading a pragma is
// refused in a statement that also compares with an empty text.
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

// deny stores the reason for the statement's error, and returns false.
func (g *guard) deny(kind error, detail string) bool {
	if g.denied == nil {
		g.denied = &Error{Kind: kind, Detail: detail}
	}
	return false
}

// explainVacuum says how to run VACUUM, about which SQLite does not ask the
// authorizer.
func explainVacuum(err error) {
	var e *Error
	if errors.As(err, &e) && e.Err != nil && strings.HasPrefix(e.Err.Error(), "cannot VACUUM") {
		e.Kind, e.Detail = ErrUnsupported, "VACUUM is no part of a transaction; run it in Maintain"
	}
}
