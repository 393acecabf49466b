package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// asCommand makes the test binary the command, for tests that need a process of its own.
const asCommand = "STAKELEDGER_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, envPrefix) {
			_ = os.Unsetenv(name)
		}
	}
	_ = os.Setenv(envPrefix+"WIDTH", "100") // what the tests print is no terminal
	os.Exit(m.Run())
}

// process is the command as a process of its own.
func process(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	return cmd
}

// result is what a command did.
type result struct {
	code           int
	stdout, stderr string // but for the line that says that a ledger was created
	created        bool
	unsynced       int // how often it was said that the server runs without fsync
}

// run executes the command within the test.
func run(t testing.TB, stdin string, args ...string) result {
	t.Helper()
	r := runWith(context.Background(), strings.NewReader(stdin), args...)
	if found := goName.FindString(withoutPaths(r.stderr)); found != "" {
		t.Errorf("%s: standard error: got %q, in which %q is a name of Go", strings.Join(args, " "), r.stderr, found)
	}
	if r.unsynced > 1 {
		t.Errorf("%s: it is said %d times that the server runs without fsync, want once", strings.Join(args, " "), r.unsynced)
	}
	return r
}

// goName finds what only who reads the source understands: names in mixed case, a package's names, calls, pointers.
var goName = regexp.MustCompile(`\b[A-Za-z]*[a-z][A-Z]\w*|\b[a-z]+\.[A-Z]\w*|\b[A-Za-z]\w*\(\)|\*[a-z]+\.|%!|0x[0-9a-f]{6}|\bnil\b|\bgoroutine\b`)

// withoutPaths leaves out what a message repeats of its reader's own words: paths, what is in quotes, addresses.
func withoutPaths(text string) string {
	return regexp.MustCompile(`PostgreSQL|[KMG]iB|\S*/\S*|"[^"]*"|\b5[1-9A-HJ-NP-Za-km-z]{47}\b`).ReplaceAllString(text, "")
}

// serverOfTests is what is said of the throw-away PostgreSQL, which runs without fsync.
var serverOfTests = regexp.MustCompile(`(?m)^.*the server runs with fsync=off.*\n`)

func runWith(ctx context.Context, stdin io.Reader, args ...string) result {
	var stdout, stderr bytes.Buffer
	code := runCommand(ctx, newRoot(stdin, &stdout, &stderr), args)
	r := result{code: code, stdout: stdout.String(), stderr: serverOfTests.ReplaceAllString(stderr.String(), ""), unsynced: len(serverOfTests.FindAllString(stderr.String(), -1))}
	if rest, created := strings.CutPrefix(r.stderr, "created "); created {
		_, r.stderr, r.created = strings.Cut(rest, "\n")
	}
	return r
}

// must runs a command that has to succeed, and returns its standard output.
func must(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	r := run(t, stdin, args...)
	if r.code != exitDone || r.stderr != "" {
		t.Fatalf("%s: got exit code %d and on standard error %q, want 0 and nothing", strings.Join(args, " "), r.code, r.stderr)
	}
	return r.stdout
}

// fails checks that a command fails with a code and one line that holds every one of the parts.
func (r result) fails(t testing.TB, code int, parts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("got exit code %d, want %d; standard error: %s", r.code, code, r.stderr)
	}
	line, rest, _ := strings.Cut(r.stderr, "\n")
	if !strings.HasPrefix(line, "stakeledger: ") || rest != "" {
		t.Errorf("standard error: got %q, want one line that begins with the command's name", r.stderr)
	}
	for _, part := range parts {
		if !strings.Contains(line, part) {
			t.Errorf("standard error: got %q, want it to say %q", line, part)
		}
	}
}

// rows decodes what a command printed with --json.
func rows(t testing.TB, text string) []map[string]any {
	t.Helper()
	var list []map[string]any
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatalf("decode %.200q: %v", text, err)
	}
	return list
}

// object decodes what a command printed with --json.
func object(t testing.TB, text string) map[string]any {
	t.Helper()
	var decoded map[string]any
	if err := json.Unmarshal([]byte(text), &decoded); err != nil {
		t.Fatalf("decode %.200q: %v", text, err)
	}
	return decoded
}

// file is a path in the test's own folder.
func file(t testing.TB, name string) string { return filepath.Join(t.TempDir(), name) }

// writeFile puts text into a new file and returns its path.
func writeFile(t testing.TB, name, text string) string {
	t.Helper()
	path := file(t, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// simulated is a ledger with some thousands of made-up events.
func simulated(t testing.TB) (db string) {
	t.Helper()
	db = file(t, "ledger.db")
	must(t, must(t, "", "simulate", "--events", "3000", "--miners", "20", "--seed", "5"), "--db", db, "ingest", "-")
	return db
}

// shared is a file of the material beside the checkout; tests that need it are skipped where it is absent.
func shared(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no shared/%s beside the checkout", name)
	}
	return path
}

const (
	alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
	bob   = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
)

// events are lines of our own form; a test writes what matters to it and event adds the rest.
func events(lines ...string) string { return strings.Join(lines, "\n") + "\n" }

// event is a line with the given members; those it leaves out are a stake of Alice on subnet 1.
func event(members string) string {
	given := map[string]any{}
	if err := json.Unmarshal([]byte("{"+members+"}"), &given); err != nil {
		panic(err)
	}
	line := map[string]any{
		"coldkey": alice, "hotkey": bob, "kind": "stake", "netuid": 1, "extrinsic_id": "100-0001",
		"time": "2026-01-01T00:00:00Z", "tao": "1.000000000", "alpha": "2.000000000",
	}
	maps.Copy(line, given)
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	return string(text)
}
