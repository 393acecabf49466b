package stakeledger_test

import (
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/stakeledger/stakeledger"

// mayImport is the way down: what each folder's package may import besides the
// standard library. CONTRIBUTING.md says why. Folders of the project are named
// from its root, other modules by their path.
var mayImport = map[string][]string{
	".":     nil,
	"chain": {"golang.org/x/crypto"},

	"dbgen/read":  {"chain"},
	"dbgen/write": {"chain"},

	"manager":                      {"github.com/mattn/go-sqlite3", "github.com/cenkalti/backoff/v4", "manager/internal/csqlite", "manager/internal/engine", "manager/internal/testdb"},
	"manager/postgres":             {"manager/internal/engine", "github.com/jackc/pgx/v5"},
	"manager/migrate":              {"manager", "github.com/pressly/goose/v3"},
	"manager/managertest":          {"manager", "manager/internal/testdb"},
	"manager/faultdriver":          {"manager", "github.com/mattn/go-sqlite3"},
	"manager/otelmanager":          {"manager", "go.opentelemetry.io/otel"},
	"manager/internal/csqlite":     {"github.com/mattn/go-sqlite3"},
	"manager/internal/engine":      nil,
	"manager/internal/notes":       nil,
	"manager/internal/notes/read":  nil,
	"manager/internal/notes/write": nil,
	"manager/internal/testdb":      nil,

	"ledger":          {".", "chain", "dbgen/read", "dbgen/write", "manager", "manager/migrate"},
	"ingest":          {"chain", "ledger"},
	"ingest/simulate": {"chain", "ledger", "ingest"},
	"cmd/stakeledger": {".", "chain", "manager", "manager/migrate", "manager/postgres", "ledger", "ingest", "ingest/simulate",
		"github.com/spf13/cobra", "github.com/jedib0t/go-pretty/v6", "github.com/schollz/progressbar/v3", "golang.org/x/term"},

	"examples/adopting":       {"manager", "examples/notes/db", "github.com/mattn/go-sqlite3"},
	"examples/ledgerapp":      {"chain", "ledger", "manager/migrate", "examples/ledgerapp/mine"},
	"examples/ledgerapp/mine": nil,
	"examples/notes":          {"manager", "manager/migrate", "examples/notes/db"},
	"examples/notes/db":       nil,
	"examples/web":            {"manager", "manager/migrate", "examples/web/db", "github.com/alexedwards/scs"},
	"examples/web/db":         nil,
	"examples/outbox":         {"manager", "manager/migrate", "examples/outbox/db", "github.com/riverqueue/river"},
	"examples/outbox/db":      nil,
	"examples/testing":        {"manager", "manager/migrate", "examples/testing/db"},
	"examples/testing/db":     nil,

	"internal/pgtest": nil,

	"tools/gotest":   nil,
	"tools/mutants":  nil,
	"tools/systems":  nil,
	"tools/withlock": {"manager", "manager/migrate", "manager/postgres"},
}

// A floor knows only those below it. An import that the table lacks fails, and so
// does an entry of the table that nothing needs.
func TestImportsGoDown(t *testing.T) {
	needed := map[string]bool{}
	for folder, sources := range sourcePackages(t, token.NewFileSet()) {
		folder = filepath.ToSlash(folder)
		rules, known := mayImport[folder]
		if !known {
			t.Errorf("%s: no floor is named for this package: add it to mayImport and to CONTRIBUTING.md", folder)
		}
		needed[folder] = true
		for _, s := range sources {
			for _, spec := range s.file.Imports {
				path, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				path = nameInRules(path)
				if path == "" {
					continue
				}
				i := slices.IndexFunc(rules, func(rule string) bool {
					return path == rule || strings.Contains(rule, ".") && strings.HasPrefix(path, rule+"/")
				})
				if i < 0 {
					t.Errorf("%s imports %s, which its floor does not know: see CONTRIBUTING.md", s.path, path)
					continue
				}
				needed[folder+" imports "+rules[i]] = true
			}
		}
	}
	for folder, rules := range mayImport {
		if !needed[folder] {
			t.Errorf("%s: there is no such package", folder)
		}
		for _, rule := range rules {
			if !needed[folder+" imports "+rule] {
				t.Errorf("%s may import %s, which it does not need", folder, rule)
			}
		}
	}
}

// nameInRules is the folder of a package of the project, the path of another module's
// package, or empty for the standard library.
func nameInRules(path string) string {
	if path == module {
		return "."
	}
	if folder, ours := strings.CutPrefix(path, module+"/"); ours {
		return folder
	}
	if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
		return path
	}
	return ""
}
