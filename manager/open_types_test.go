package manager_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// Read-only is a property of the type: with one package of reads and one of
// writes, a write inside ReadOnly does not compile.
func TestWriteInsideReadOnlyDoesNotCompile(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command to compile with")
	}
	for _, test := range []struct{ name, call, want string }{
		{"a write inside WithTx", `db.WithTx(ctx, func(ctx context.Context, q Tx) error { return q.AddNote(ctx, "inbox", "a") })`, ""},
		{"a read inside WithTx", `db.WithTx(ctx, func(ctx context.Context, q Tx) error { _, err := q.CountNotes(ctx); return err })`, ""},
		{"a read inside ReadOnly", `db.ReadOnly(ctx, func(ctx context.Context, q *read.Queries) error { _, err := q.CountNotes(ctx); return err })`, ""},
		{"a write inside ReadOnly", `db.ReadOnly(ctx, func(ctx context.Context, q *read.Queries) error { return q.AddNote(ctx, "inbox", "a") })`, "q.AddNote undefined"},
		{"the write queries inside ReadOnly", `db.ReadOnly(ctx, func(ctx context.Context, q Tx) error { return q.AddNote(ctx, "inbox", "a") })`, "cannot use func(ctx context.Context, q Tx) error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			message, compiled := compile(t, strings.Replace(snippet, "CALL", test.call, 1))
			if compiled != (test.want == "") || !strings.Contains(message, test.want) {
				t.Errorf("compiled: %t, with the message %q, want %q", compiled, message, test.want)
			}
		})
	}
}

// The compiler's message is the one that the package's documentation explains.
func TestWrongConstructorDoesNotCompile(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command to compile with")
	}
	for name, constructor := range map[string]string{
		"Prepare":    "func(context.Context, manager.DBTX) (*read.Queries, error) { return nil, nil }",
		"New called": "read.New(nil)",
	} {
		source := strings.Replace(strings.Replace(snippet, "read.New, newTx)", constructor+", newTx)", 1), "CALL", "db.Close(ctx)", 1)
		message, compiled := compile(t, source)
		if want := "does not match func(DR) R (cannot infer DR, DW, R, and W)"; compiled || !strings.Contains(message, want) {
			t.Errorf("%s: compiled: %t, with the message %q, want %q", name, compiled, message, want)
		}
	}
	for name, open := range map[string]func() error{
		"*sql.DB": func() error {
			_, err := manager.Open(t.Context(), "notes.db", func(*sql.DB) int { return 0 }, newTx)
			return err
		},
		"another driver's DBTX": func() error {
			_, err := manager.Open(t.Context(), "notes.db", newReader, func(interface{ Exec() }) int { return 0 })
			return err
		},
	} {
		if err := open(); !errors.Is(err, manager.ErrUnsupported) || !strings.Contains(err.Error(), "generate for database/sql") {
			t.Errorf("%s: got %v, want ErrUnsupported and what to do", name, err)
		}
	}
}

const snippet = `package snippet

import (
	"context"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/internal/notes/read"
	"github.com/stakeledger/stakeledger/manager/internal/notes/write"
)

type (
	reader = read.Queries
	writer = write.Queries
	Tx     struct {
		*reader
		*writer
	}
)

func newTx(db manager.DBTX) Tx { return Tx{read.New(db), write.New(db)} }

func call(ctx context.Context) error {
	db, err := manager.Open(ctx, "notes.db", read.New, newTx)
	if err != nil {
		return err
	}
	return CALL
}
`

// compile builds source as a package of this module that is on no disk.
func compile(t testing.TB, source string) (message string, ok bool) {
	t.Helper()
	place, err := filepath.Abs("internal/notes/snippet/snippet.go")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "snippet.go")
	overlay := filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {place: file}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{file: []byte(source), overlay: replace} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"build", "-overlay", overlay, "-o", os.DevNull}
	if sameFlags := raceFlag(); sameFlags != "" {
		args = append(args, sameFlags) // what this test is built of is built already
	}
	out, err := exec.CommandContext(t.Context(), "go", append(args, "./internal/notes/snippet")...).CombinedOutput()
	return string(out), err == nil
}

func raceFlag() string {
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == "-race" && s.Value == "true" {
			return "-race"
		}
	}
	return ""
}

// OpenReadOnly asks for no query set of writes, and gives a type that Open gives too.
func TestOpenReadOnlyNeedsNoWriter(t *testing.T) {
	db := openNotes(t)
	if err := db.WithTx(t.Context(), adding("a")); err != nil {
		t.Fatal(err)
	}
	report, err := manager.OpenReadOnly(t.Context(), db.Path(), newReader)
	if err != nil {
		t.Fatal(err)
	}
	defer report.Close(context.Background())
	var same *DB
	if same, err = manager.OpenReadOnlyAs[Tx](t.Context(), db.Path(), newReader); err != nil {
		t.Fatal(err)
	}
	defer same.Close(context.Background())
	if got := titles(t, same); !slices.Equal(got, []string{"a"}) {
		t.Errorf("titles: got %q, want [a]", got)
	}
	for name, err := range map[string]error{
		"OpenReadOnly":   report.WithTx(t.Context(), func(context.Context, Reader) error { t.Error("a closure ran"); return nil }),
		"OpenReadOnlyAs": same.WithTx(t.Context(), adding("b")),
	} {
		wantKind(t, "WithTx after "+name, err, manager.ErrReadOnly)
	}
	wantKind(t, "inside ReadOnly", report.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error {
		return report.WithTx(ctx, func(context.Context, Reader) error { return nil })
	}), manager.ErrReadOnly)
}
