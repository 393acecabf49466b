package manager

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// WithPragma sets a PRAGMA on every connection of the manager, also of
// migrations, backups and Maintain. A closure may not set one, since that would
// affect the next caller. It replaces what the manager itself would set, such as
// foreign_keys or cache_size. Those that the manager relies on (journal_mode,
// synchronous, locking_mode, query_only, busy_timeout, wal_autocheckpoint), those
// that are in the file (user_version) and those that only ask or act
// (integrity_check, table_info, optimize) make Open return ErrUnsupported, and so
// do a name that SQLite does not know and a value that the PRAGMA does not take,
// such as foreign_keys = maybe, which SQLite reads as OFF.
func WithPragma(name, value string) Option {
	return func(c *config) { c.pragmas = append(c.pragmas, setting{strings.ToLower(name), value}) }
}

// WithConnectHook calls fn for every connection that the manager opens, also of migrations, backups and
// Maintain, before anything but PRAGMA temp_store runs on it: the place to register functions and collations,
// to load extensions, to ATTACH databases and to create TEMP objects. The manager's pragmas and its guard come
// after it and win. An error of fn is that of Open, or of the transaction that needed the connection. fn may be
// called from several goroutines at once.
//
// A commit over two attached files is not atomic after a power failure, and the
// second one is outside backups and the lock file.
func WithConnectHook(fn func(ctx context.Context, conn *sqlite3.SQLiteConn) error) Option {
	return func(c *config) { c.connectHooks = append(c.connectHooks, fn) }
}

// A setting is a PRAGMA that the user set.
type setting struct{ name, value string }

// settable are the PRAGMAs that WithPragma sets, and the values that each takes.
// SQLite itself accepts any value, and takes one that it does not understand for
// 0 in most cases.
var settable = map[string]pragmaValues{
	"analysis_limit": number32, "cache_size": number32, "hard_heap_limit": number64, "max_page_count": number32,
	"mmap_size": number64, "soft_heap_limit": number64, "threads": number32,

	"automatic_index": flag, "case_sensitive_like": flag, "cell_size_check": flag, "checkpoint_fullfsync": flag,
	"foreign_keys": flag, "fullfsync": flag, "ignore_check_constraints": flag, "legacy_alter_table": flag,
	"recursive_triggers": flag, "reverse_unordered_selects": flag, "trusted_schema": flag,

	"cache_spill":   {flag.words, 32},
	"secure_delete": {flag.words + " fast", 0},
	"temp_store":    {"default file memory 0 1 2", 0},
}

// pragmaValues are the words and the range of numbers that a PRAGMA takes.
type pragmaValues struct {
	words string
	bits  int
}

var (
	flag     = pragmaValues{words: "on off yes no true false 1 0"}
	number32 = pragmaValues{bits: 32}
	number64 = pragmaValues{bits: 64}
)

func (v pragmaValues) allow(value string) bool {
	if slices.Contains(strings.Fields(v.words), strings.ToLower(value)) {
		return true
	}
	_, err := strconv.ParseInt(value, 10, v.bits)
	return v.bits > 0 && err == nil
}

func (v pragmaValues) String() string {
	words := strings.ReplaceAll(v.words, " ", ", ")
	switch {
	case v.bits == 0:
		return words
	case words == "":
		return fmt.Sprintf("a number of %d bits", v.bits)
	}
	return fmt.Sprintf("%s, or a number of %d bits", words, v.bits)
}

// reserved says why a PRAGMA cannot be set, for those that do not only ask
// something.
var reserved = map[string]string{
	"journal_mode":           "the manager needs the write-ahead log",
	"synchronous":            "use WithSynchronousNormal",
	"locking_mode":           "the readers need the file too",
	"query_only":             "the manager sets it on its readers",
	"busy_timeout":           "use WithRetryBudget",
	"wal_autocheckpoint":     "use WithCheckpointFrames",
	"journal_size_limit":     "the manager bounds the log itself",
	"read_uncommitted":       "a snapshot would be none",
	"writable_schema":        "run it in Maintain",
	"schema_version":         "SQLite counts it up by itself, and finds changes of the schema by it",
	"user_version":           "it is in the file: set it in a migration",
	"application_id":         "it is in the file: set it in a migration, see WithApplicationID",
	"auto_vacuum":            "it is in the file: set it in a migration before the first table, or with VACUUM in Maintain",
	"page_size":              "it is in the file: set it with VACUUM in Maintain",
	"encoding":               "it is in the file: set it in a migration before the first table",
	"defer_foreign_keys":     "it ends with each transaction: set it inside WithTx",
	"optimize":               "it sets nothing; run it in Maintain",
	"incremental_vacuum":     "it sets nothing; run it inside WithTx",
	"wal_checkpoint":         "it sets nothing; the manager does it, or run it in Maintain",
	"shrink_memory":          "it sets nothing; run it in Maintain",
	"integrity_check":        "it sets nothing; run it inside ReadOnly, or let Backup do it",
	"quick_check":            "it sets nothing; run it inside ReadOnly",
	"foreign_key_check":      "it sets nothing; run it inside ReadOnly",
	"temp_store_directory":   "it is the whole process's, and no other thread may use SQLite meanwhile; set the environment variable SQLITE_TMPDIR",
	"count_changes":          "it is deprecated, and makes each statement that writes return a row",
	"empty_result_callbacks": "it is deprecated, and changes nothing here",
	"full_column_names":      "it is deprecated; name the column with AS",
	"short_column_names":     "it is deprecated; name the column with AS",
}

// checkPragmas refuses what WithPragma cannot do.
func (cfg *config) checkPragmas() error {
	for _, s := range cfg.pragmas {
		values, isSettable := settable[s.name]
		why, isReserved := reserved[s.name]
		switch {
		case isReserved:
			why = "WithPragma cannot set it: " + why
		case isSettable && values.allow(s.value):
			continue
		case isSettable:
			why = fmt.Sprintf("its value can be %s, not %q", values, s.value)
		default:
			why = "WithPragma sets what SQLite keeps for a connection, such as cache_size; this one only asks, or SQLite does not know it"
		}
		return &Error{Op: fmt.Sprintf("set PRAGMA %q", s.name), Kind: ErrUnsupported, Detail: why}
	}
	return nil
}

// set sets s on a connection.
func (s setting) set(c DriverConn) error {
	_, err := readValue(c, "PRAGMA "+s.name+" = "+s.value)
	return wrap("set PRAGMA "+s.name+" = "+s.value, "", "", err)
}

// connected prepares a connection that the driver has just opened: it runs the
// user's hooks, then sets the user's pragmas. pragmas are those that will
// follow.
func (cfg *config) connected(ctx context.Context, c *sqlite3.SQLiteConn, pragmas ...pragma) (err error) {
	defer func() {
		if err != nil {
			_ = c.Close()
		}
	}()
	if err := cfg.setTempStore(c, pragmas); err != nil {
		return err
	}
	for _, hook := range cfg.connectHooks {
		if err := runContained(func() error { return hook(ctx, c) }); err != nil {
			cfg.logStray("connect hook did not return", err)
			return fmt.Errorf("connect hook: %w", &callersError{err})
		}
	}
	for _, s := range cfg.pragmas {
		if err := s.set(c); err != nil {
			return err
		}
	}
	return nil
}

// setTempStore sets where TEMP objects are kept before a hook can make one: SQLite
// drops them all when that changes.
func (cfg *config) setTempStore(c DriverConn, pragmas []pragma) error {
	if len(cfg.connectHooks) == 0 {
		return nil
	}
	for _, p := range pragmas {
		if p.name == "temp_store" {
			if err := p.set(c); err != nil {
				return err
			}
		}
	}
	for _, s := range cfg.pragmas {
		if s.name == "temp_store" {
			return s.set(c)
		}
	}
	return nil
}

// without removes the pragmas that the user has set.
func (cfg *config) without(pragmas []pragma) []pragma {
	set := map[string]bool{}
	for _, s := range cfg.pragmas {
		set[s.name] = true
	}
	return slices.DeleteFunc(slices.Clone(pragmas), func(p pragma) bool { return set[p.name] })
}
