package manager_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
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
