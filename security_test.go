package stakeledger_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ingest"
)

// mayBeShared are files that others than their owner may read.
var mayBeShared = map[string]string{
	"manager/lock_beside_unix.go: f.Chmod(mode)":   "a file beside a database gets the mode of the database",
	"cmd/stakeledger/page_file.go: f.Chmod(0o644)": "a report is there to be shown",
}

// Files that hold a ledger are made for their owner alone, whatever the umask. Those that are not are listed.
func TestFilesAreMadeForTheirOwner(t *testing.T) {
	set := token.NewFileSet()
	mode := map[string]int{"OpenFile": 2, "WriteFile": 2, "Chmod": -1, "Mkdir": 1, "MkdirAll": 1, "Create": -2}
	found := map[string]bool{}
	for _, sources := range packagesInOrder(sourcePackages(t, set)) {
		for _, s := range sources {
			ast.Inspect(s.file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				f, ok := call.Fun.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				at, ok := mode[f.Sel.Name]
				if !ok || len(call.Args) == 0 {
					return true
				}
				if at == -1 { // f.Chmod and os.Chmod
					at = len(call.Args) - 1
				}
				place := s.path + ": " + types.ExprString(call)
				if _, allowed := mayBeShared[place]; allowed {
					found[place] = true
					return true
				}
				if at < 0 || at >= len(call.Args) || !ownersAlone(call.Args[at]) {
					t.Errorf("%s: others may read what this makes:\n\t%q", set.Position(call.Pos()), place)
				}
				return true
			})
		}
	}
	for place := range mayBeShared {
		if !found[place] {
			t.Errorf("%s is allowed but no longer there", place)
		}
	}
}

func packagesInOrder(packages map[string][]source) (list [][]source) {
	for _, folder := range slices.Sorted(maps.Keys(packages)) {
		list = append(list, packages[folder])
	}
	return list
}

// ownersAlone reports whether a mode is a number without a bit for group and others.
func ownersAlone(mode ast.Expr) bool {
	literal, ok := mode.(*ast.BasicLit)
	if !ok {
		return false
	}
	bits, err := strconv.ParseUint(literal.Value, 0, 32)
	return err == nil && bits&0o077 == 0
}

// A file of events may come from anyone. What is beyond the bounds of a format is one error, and is not held in
// memory; ingest's own tests do the same for lines and values without an end.
func TestHostileEventsTakeLittleMemory(t *testing.T) {
	const mib = 1 << 20
	header := "coldkey,hotkey,kind,netuid,extrinsic_id,time,tao,alpha\n"
	for name, c := range map[string]struct {
		input io.Reader
		want  string
	}{
		"compressed, a thousand times larger": {bytes.NewReader(gzipped(t, 100*mib)), "events:1: longer than 1 MiB"},
		"a row of a million cells":            {strings.NewReader(header + strings.Repeat(",", mib-1)), "events:2: more than 64 cells"},
		"a header of a million cells":         {strings.NewReader(strings.Repeat(",", mib-1)), "events:1: more than 64 cells"},
		"a million quoted cells":              {strings.NewReader(header + strings.Repeat(`"",`, mib/3-1)), "events:2: more than 64 cells"},
		"a million levels of arrays":          {strings.NewReader(`[{"x":` + strings.Repeat("[", 1_000_000) + strings.Repeat("]", 1_000_000) + "}]"), "events:1: row 1: longer than 1 MiB"},
		"half a million levels within a row":  {strings.NewReader(`[{"action":"DELEGATE","x":` + strings.Repeat("[", mib/2-30) + strings.Repeat("]", mib/2-30) + "}]"), "events:1: row 1: nested deeper than 64 levels"},
		"half a million levels before data":   {strings.NewReader(`{"x":` + strings.Repeat(`{"x":`, mib/6-9) + "1" + strings.Repeat("}", mib/6-9) + `,"data":[]}`), "events:1: "},
		"a number of a million digits":        {strings.NewReader(`[{"amount":` + strings.Repeat("9", mib-20) + "}]"), `events:1: row 1: field "amount"`},
		"a decimal of a million places":       {strings.NewReader(`{"tao":"0.` + strings.Repeat("0", mib-20) + `"}`), `events:1: field "tao"`},
		"a name of a million letters":         {strings.NewReader(`{"` + strings.Repeat("x", mib-20) + `":1}`), `events:1: field "xxx`},
		"a million escapes":                   {strings.NewReader(`{"kind":"` + strings.Repeat(`\u0000`, mib/6-20) + `"}`), `events:1: field "kind"`},
		"a million quotes":                    {strings.NewReader(header + `"` + strings.Repeat(`""`, mib/2-2) + `"`), "events:2: "},
		"nothing but line ends":               {io.LimitReader(endless("\n"), 100*mib), ""},
		"NUL bytes":                           {io.LimitReader(endless("\x00"), 100*mib), "events:1: neither JSON nor CSV"},
		"NUL bytes after a header":            {io.MultiReader(strings.NewReader(header), io.LimitReader(endless("\x00"), 100*mib)), "events:"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			events, err := 0, error(nil)
			for _, e := range ingest.Read(c.input, "events", ingest.Options{}) {
				if err = e; err == nil {
					events++
				}
			}
			runtime.ReadMemStats(&after)
			if c.want == "" {
				if err != nil || events > 0 {
					t.Errorf("got %d events and %v, want nothing", events, err)
				}
			} else if !errors.Is(err, chain.ErrInvalid) || !strings.HasPrefix(fmt.Sprint(err), c.want) || len(err.Error()) > 1000 {
				t.Errorf("got %d events and %.300v, want ErrInvalid with %q", events, err, c.want)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 12*mib {
				t.Errorf("allocated %d bytes for it, want at most 12 MiB", used)
			}
		})
	}
}

// endless reads as the same byte for ever.
type endless string

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e[0]
	}
	return len(p), nil
}

func gzipped(t *testing.T, size int64) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.Copy(w, io.LimitReader(endless("x"), size)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A checksum for every dependency of every module: nothing is taken over the network that was not looked at once.
func TestDependenciesHaveChecksums(t *testing.T) {
	modules, err := filepath.Glob("*/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	tools, err := filepath.Glob("tools/*.mod")
	if err != nil {
		t.Fatal(err)
	}
	modules = append(append(modules, "go.mod", "manager/otelmanager/go.mod"), tools...)
	for _, module := range modules {
		mod, err := os.ReadFile(module)
		if err != nil {
			t.Fatal(err)
		}
		sums, err := os.ReadFile(strings.TrimSuffix(module, ".mod") + ".sum")
		if err != nil {
			t.Errorf("%s: %v", module, err)
			continue
		}
		for line := range strings.Lines(string(mod)) {
			words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
			if len(words) < 2 || !strings.Contains(words[0], ".") || !strings.HasPrefix(words[1], "v") || strings.HasPrefix(words[0], "github.com/stakeledger/") {
				continue
			}
			if !strings.Contains(string(sums), words[0]+" "+words[1]+"/go.mod h1:") {
				t.Errorf("%s: no checksum for %s %s", module, words[0], words[1])
			}
		}
	}
	if len(modules) < 7 {
		t.Errorf("looked at %d modules, want those of the library, bench, torture, otelmanager and the tools", len(modules))
	}
}
