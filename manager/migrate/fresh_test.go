package migrate_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/migrate"
)

// freshProcesses open one file that does not exist yet, at the same moment. FRESH_ROUNDS sets how often; what
// a hundred rounds find takes ten seconds.
const (
	freshProcesses = 8
	freshRounds    = 20
	freshVariable  = "MIGRATE_TEST_ROLE"
)

// freshRoles are the ways to make the schema. Each gets a path and returns an error.
var freshRoles = map[string]func(ctx context.Context, path string) error{
	"manager": func(ctx context.Context, path string) error { return freshManager(ctx, path) },
	"without lock file": func(ctx context.Context, path string) error {
		return freshManager(ctx, path, manager.WithoutLockFile())
	},
	"goose alone": freshGoose,
}

func freshManager(ctx context.Context, path string, opts ...manager.Option) error {
	db, err := open(ctx, path, migrate.Up(migrations), opts...)
	if err != nil {
		return err
	}
	err = db.WithTx(ctx, func(ctx context.Context, tx *queries) error {
		_, err := tx.db.ExecContext(ctx, "INSERT INTO notes (title) VALUES ('opened')")
		return err
	})
	if closeErr := db.Close(ctx); err == nil {
		err = closeErr
	}
	return err
}

// freshGoose is what a program does that has no manager.
func freshGoose(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite3", path+"?_journal_mode=WAL&_busy_timeout=5000&_txlock=immediate")
	if err != nil {
		return err
	}
	defer db.Close()
	p, err := goose.NewProvider(goose.DialectSQLite3, db, migrations)
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// TestFreshProcess is no test of its own: it is one of the processes. It reads a path a line and answers.
func TestFreshProcess(t *testing.T) {
	role := freshRoles[os.Getenv(freshVariable)]
	if role == nil {
		return
	}
	fmt.Println("> ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		if err := role(t.Context(), in.Text()); err != nil {
			fmt.Printf("> failed: %q\n", err)
		} else {
			fmt.Println("> ok")
		}
	}
}

// A freshGroup is processes of one role that run at the same time.
type freshGroup struct {
	in  []io.Writer
	out []*bufio.Scanner
}

func freshStart(t *testing.T, role string) *freshGroup {
	t.Helper()
	g := &freshGroup{}
	for range freshProcesses {
		cmd := exec.Command(os.Args[0], "-test.run=^TestFreshProcess$", "-test.count=1", "-test.timeout=5m")
		cmd.Env = append(os.Environ(), freshVariable+"="+role)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
		g.in, g.out = append(g.in, in), append(g.out, bufio.NewScanner(out))
	}
	for _, answer := range g.answers(t) {
		if answer != "ready" {
			t.Fatalf("process says %q, want ready", answer)
		}
	}
	return g
}

// answers waits for a line of every process.
func (g *freshGroup) answers(t *testing.T) (answers []string) {
	t.Helper()
	for i, out := range g.out {
		answer, ok := "", false
		for !ok {
			if !out.Scan() {
				t.Fatalf("process %d ended", i)
			}
			answer, ok = strings.CutPrefix(out.Text(), "> ")
		}
		answers = append(answers, answer)
	}
	return answers
}

// round lets all processes open path and returns the answers of those that failed.
func (g *freshGroup) round(t *testing.T, path string) (failures []string) {
	t.Helper()
	for _, in := range g.in {
		if _, err := fmt.Fprintln(in, path); err != nil {
			t.Fatal(err)
		}
	}
	for _, answer := range g.answers(t) {
		if answer != "ok" {
			failures = append(failures, answer)
		}
	}
	return failures
}

func freshCount(t *testing.T) int {
	t.Helper()
	set := os.Getenv("FRESH_ROUNDS")
	if set == "" {
		return freshRounds
	}
	n, err := strconv.Atoi(set)
	if err != nil {
		t.Fatalf("FRESH_ROUNDS: %v", err)
	}
	return n
}

func TestProcessesOpenAFreshFileAtOnce(t *testing.T) {
	for _, role := range []string{"manager", "without lock file"} {
		t.Run(role, func(t *testing.T) {
			g := freshStart(t, role)
			for round := range freshCount(t) {
				path := filepath.Join(t.TempDir(), "fresh.db")
				if failures := g.round(t, path); len(failures) > 0 {
					t.Errorf("round %d: %d of %d processes failed: %q", round, len(failures), freshProcesses, failures)
				}
				got := opened(t, path, migrate.Up(migrations), `SELECT (SELECT COUNT(*) FROM notes WHERE title = 'opened') || ' ' ||
					(SELECT COUNT(*) FROM notes WHERE title = 'first') || ' ' || (SELECT COUNT(*) FROM goose_db_version WHERE version_id > 0)`)
				if want := fmt.Sprint(freshProcesses, " 1 3"); got != want {
					t.Errorf("round %d: rows of the processes, of the migration, versions: got %s, want %s", round, got, want)
				}
			}
		})
	}
}

// The test above would prove nothing if goose did as well by itself.
func TestProcessesOpenAFreshFileAtOnceWithGooseAloneFail(t *testing.T) {
	g := freshStart(t, "goose alone")
	rounds := freshCount(t)
	for round := range rounds {
		if failures := g.round(t, filepath.Join(t.TempDir(), "fresh.db")); len(failures) > 0 {
			t.Logf("round %d: %d of %d processes failed, the first with %s", round, len(failures), freshProcesses, failures[0])
			return
		}
	}
	t.Skipf("goose without a lock failed in none of %d rounds here", rounds)
}
