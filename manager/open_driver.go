package manager

import (
	"database/sql"
	"database/sql/driver"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// warnedOfDrivers is set once the process has been warned.
var warnedOfDrivers atomic.Bool

// warnOfDrivers reports a second SQLite library in the program, once for each
// process. The two do not see each other's locks: the kernel keeps locks per
// process, and drops all of them when either library closes the file.
func warnOfDrivers(log *slog.Logger) {
	if others := foreignDrivers(); len(others) > 0 && warnedOfDrivers.CompareAndSwap(false, true) {
		log.Warn("a second SQLite library is linked into this program; a file that both open in this process WILL BE DAMAGED: open it through the manager alone",
			slog.String("drivers", strings.Join(others, ", ")))
	}
}

// foreignDrivers names the database/sql drivers with another SQLite library.
func foreignDrivers() []string {
	return slices.DeleteFunc(sql.Drivers(), func(name string) bool {
		db, err := sql.Open(name, "")
		if err != nil { // the driver refuses an empty name, so its own name has to decide
			return !isSQLiteName(name)
		}
		defer db.Close()
		return !isForeign(name, db.Driver())
	})
}

func isForeign(name string, d driver.Driver) bool {
	if _, ours := d.(*sqlite3.SQLiteDriver); ours { // also under another name, with hooks
		return false
	}
	t := reflect.TypeOf(d)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return isSQLiteName(name) || strings.Contains(t.PkgPath(), "sqlite") || strings.Contains(t.PkgPath(), "libsql")
}

// isSQLiteName reports whether name is what other SQLite libraries call themselves.
func isSQLiteName(name string) bool { return name == "sqlite" || name == "libsql" }
