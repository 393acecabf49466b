package stakeledger_test

import (
	"os/exec"
	"strings"
	"testing"
)

// pgx is linked by those programs alone that ask for PostgreSQL.
func TestWhoImportsManagerOrLedgerLinksNoPostgreSQL(t *testing.T) {
	list := func(args ...string) []string {
		out, err := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(out))
	}
	const driver = "github.com/jackc/"
	for _, dep := range list("-deps", "./manager", "./manager/migrate", "./manager/managertest", "./ledger", "./ingest") {
		if strings.HasPrefix(dep, driver) {
			t.Errorf("a program that imports manager or ledger links %s", dep)
		}
	}
	const engine = "github.com/stakeledger/stakeledger/manager/postgres"
	for line := range strings.SplitSeq(strings.Join(list("-f", "{{.ImportPath}}={{join .Imports \",\"}}", "./..."), "\n"), "\n") {
		if name, imports, _ := strings.Cut(line, "="); name != engine && strings.Contains(imports, driver) {
			t.Errorf("%s imports %s; only %s does", name, driver, engine)
		}
	}
}
