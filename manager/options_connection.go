package manager

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// WithPragma sets a PRAGMA on every connection of the manager, those of
// migrations, backups and Maintain too: what a closure may not do, since it
// would stay for the next caller. It replaces what the manager itself would
// set, foreign_keys or cache_size for one. Those that the manager lives on
// (journal_mode, synchronous, locking_mode, query_only, busy_timeout,
// wal_autocheckpoint) and those that set nothing (optimize, user_version) make Open return
// ErrUnsupported, and so does a name that SQLite does not know.
func WithPragma(name, value string) Option {
	return func(c *config) { c.pragmas = append(c.pragmas, setting{strings.ToLower(name), value}) }
}

// WithConnectHook calls fn for every connection that the manager opens, those
// of migrations, backups and Maintain too, before anything else runs on it:
// the place to register functions and collations, to load extensions and to
// ATTACH databases. The manager's pragmas and its guard come after it and win. An
// error of fn is that of Open, or of the transaction that needed the
// connection. fn may be called from several goroutines at once.
//
// A commit over two attached files is not atomic after a power failure, and the
// second one is outside backups and the lock file.
func WithConnectHook(fn func(ctx context.Context, conn *sqlite3.SQLiteConn) error) Option {
	return func(c *config) { c.connectHooks = append(c.connectHooks, fn) }
}

// A setting is a PRAGMA that the user set.
type setting struct{ name, value string }

// reserved says why a PRAGMA is no setting of the user's.
var reserved = map[string]string{
	"journal_mode":       "the manager needs the write-ahead log",
	"synchronous":        "use WithSynchronousNormal",
	"locking_mode":       "the readers need the file too",
	"query_only":         "the manager sets it on its readers",
	"busy_timeout":       "use WithRetryBudget",
	"wal_autocheckpoint": "use WithCheckpointFrames",
	"journal_size_limit": "the manager bounds the log itself",
	"read_uncommitted":   "a snapshot would be none",
	"writable_schema":    "run it in Maintain",
	"user_version":       "it is in the file: set it in a migration",
	"application_id":     "it is in the file: set it in a migration, see WithApplicationID",
	"auto_vacuum":        "it is in the file: set it in a migration before the first table, or with VACUUM in Maintain",
	"page_size":          "it is in the file: set it with VACUUM in Maintain",
	"encoding":           "it is in the file: set it in a migration before the first table",
	"defer_foreign_keys": "it ends with each transaction: set it inside WithTx",
	"optimize":           "it sets nothing; run it in Maintain",
	"incremental_vacuum": "it sets nothing; run it inside WithTx",
	"wal_checkpoint":     "it sets nothing; the manager does it, or run it in Maintain",
	"shrink_memory":      "it sets nothing; run it in Maintain",
}

// checkPragmas refuses what WithPragma cannot do.
func (cfg *config) checkPragmas() error {
	for _, s := range cfg.pragmas {
		switch why, isReserved := reserved[s.name]; {
		case isReserved:
			return &Error{Op: "set PRAGMA " + s.name, Kind: ErrUnsupported, Detail: "WithPragma cannot set it: " + why}
		case !pragmaName.MatchString(s.name):
			return &Error{Op: fmt.Sprintf("set PRAGMA %q", s.name), Kind: ErrUnsupported, Detail: "WithPragma takes the name of a PRAGMA, such as mmap_size"}
		case s.value == "":
			return &Error{Op: "set PRAGMA " + s.name, Kind: ErrUnsupported, Detail: "WithPragma needs a value"}
		}
	}
	return nil
}

var (
	pragmaName  = regexp.MustCompile(`^[a-z][a-z_]*$`)
	pragmaValue = regexp.MustCompile(`^([a-zA-Z_]+|[-+]?[0-9]+)$`)
)

// set sets s on a connection.
func (s setting) set(c DriverConn) error {
	known, err := readValue(c, "SELECT count(*) FROM pragma_pragma_list WHERE name = '"+s.name+"'")
	if err == nil && known == "0" {
		return &Error{Op: "set PRAGMA " + s.name, Kind: ErrUnsupported, Detail: "SQLite knows no PRAGMA of this name, and would ignore it"}
	}
	if err == nil {
		value := s.value
		if !pragmaValue.MatchString(value) {
			value = "'" + strings.ReplaceAll(value, "'", "''") + "'"
		}
		_, err = readValue(c, "PRAGMA "+s.name+" = "+value)
	}
	return wrap("set PRAGMA "+s.name+" = "+s.value, "", "", err)
}

// connected readies a connection that the driver has just opened: the user's
// hooks, then the user's pragmas.
func (cfg *config) connected(ctx context.Context, c *sqlite3.SQLiteConn) (err error) {
	finished := false
	defer func() {
		if err != nil || !finished { // a hook's panic passes through
			_ = c.Close()
		}
	}()
	for _, hook := range cfg.connectHooks {
		if err := hook(ctx, c); err != nil {
			return fmt.Errorf("connect hook: %w", err)
		}
	}
	for _, s := range cfg.pragmas {
		if err := s.set(c); err != nil {
			return err
		}
	}
	finished = true
	return nil
}

// without leaves those pragmas out which the user has set.
func (cfg *config) without(pragmas []pragma) []pragma {
	set := map[string]bool{}
	for _, s := range cfg.pragmas {
		set[s.name] = true
	}
	return slices.DeleteFunc(slices.Clone(pragmas), func(p pragma) bool { return set[p.name] })
}
