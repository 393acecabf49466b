package manager_test

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager"
)

type strangeDriver struct{}

func (strangeDriver) Open(string) (driver.Conn, error) { return nil, errors.New("no connection") }

func init() {
	// A program of its own, since drivers cannot be unregistered and the warning comes once.
	childRoles["register a driver"] = func(t *testing.T, args []string) {
		var d driver.Driver = strangeDriver{}
		if args[1] == "mattn" {
			d = &sqlite3.SQLiteDriver{}
		}
		sql.Register(args[0], d)
		log := &logbook{}
		for _, name := range []string{"a.db", "b.db"} {
			bankOpen(t, filepath.Join(t.TempDir(), name), manager.WithLogger(log.logger()))
		}
		warnings := log.about("second SQLite library")
		names := ""
		for _, w := range warnings {
			names += w.attrs["drivers"].String()
		}
		childSay("%d %s", len(warnings), names)
	}
}

func TestSecondSQLiteInTheProgramIsReportedOnce(t *testing.T) {
	for _, c := range []struct{ name, kind, want string }{
		{"sqlite", "strange", "1 sqlite"}, // modernc's and golang-migrate's
		{"libsql", "strange", "1 libsql"},
		{"postgres", "strange", "0"},
		{"sqlite3_with_hooks", "mattn", "0"}, // our own library
	} {
		t.Run(c.name, func(t *testing.T) {
			child := childStart(t, "register a driver", nil, c.name, c.kind)
			if got := strings.TrimSpace(child.said(t)); got != c.want {
				t.Errorf("warnings and drivers: got %q, want %q", got, c.want)
			}
			child.wait(t)
		})
	}
}
