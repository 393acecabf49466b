package main

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// TestNoGoInWords puts every text of the manager's source into an error, as its detail and as what was attempted,
// and looks for names of Go in what an operator would read.
func TestNoGoInWords(t *testing.T) {
	sources, err := filepath.Glob("../../manager/*.go")
	if err != nil || len(sources) < 50 {
		t.Fatalf("found %d files of the manager, %v", len(sources), err)
	}
	a := &app{db: "/srv/WithoutFear/myLedger.db"}
	checked := 0
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), source, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range errorTexts(parsed) {
			checked++
			for _, e := range []*manager.Error{
				{Op: "commit", Query: "MinerByColdkey", Label: "ledger.(*Ledger).Apply", Kind: manager.ErrBusy, Detail: text},
				{Op: text, Kind: manager.ErrUnsupported, Err: errors.New("unable to open database file")},
			} {
				if got := a.explainError(e); goName.MatchString(withoutPaths(got)) || !strings.Contains(got, "myLedger.db") {
					t.Errorf("%s: %q reads %q, want the file and no name of Go (%q)", source, text, got, goName.FindString(withoutPaths(got)))
				}
			}
		}
	}
	if checked < 60 {
		t.Errorf("looked at %d texts, want those of the whole manager", checked)
	}
}

// errorTexts are the strings in the literals of errors in a file, and in the arguments of what makes them.
func errorTexts(parsed *ast.File) (texts []string) {
	collect := func(within ast.Node) {
		ast.Inspect(within, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				text, _ := strconv.Unquote(literal.Value)
				texts = append(texts, text)
			}
			return true
		})
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if name, ok := n.Type.(*ast.Ident); ok && name.Name == "Error" {
				collect(n)
			}
		case *ast.CallExpr:
			var name string
			switch called := n.Fun.(type) {
			case *ast.Ident:
				name = called.Name
			case *ast.SelectorExpr:
				name = called.Sel.Name
			}
			switch name {
			case "detailed", "wrap", "failed", "deny", "ended":
				collect(n)
			}
		}
		return true
	})
	return texts
}

func TestEveryKindHasWords(t *testing.T) {
	parsed, err := parser.ParseFile(token.NewFileSet(), "../../manager/errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for kind := range kindWords {
		known[kind.Error()] = true
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && len(call.Args) == 1 {
			if literal, ok := call.Args[0].(*ast.BasicLit); ok {
				if text, _ := strconv.Unquote(literal.Value); !known[text] {
					t.Errorf("the kind %q has no words for operators", text)
				}
			}
		}
		return true
	})
}

func TestWordsOfWhatOperatorsMeet(t *testing.T) {
	t.Run("missing folder", func(t *testing.T) {
		db := filepath.Join(t.TempDir(), "missing", "ledger.db")
		r := run(t, event(""), "--db", db, "ingest", "-")
		r.fails(t, exitFailure, db, "no such file or folder", "mkdir -p "+filepath.Dir(db))
		if strings.Contains(r.stderr, "disk") {
			t.Errorf("got %q, want no word of the disk", r.stderr)
		}
	})
	t.Run("missing folder of a backup", func(t *testing.T) {
		dest := filepath.Join(t.TempDir(), "missing", "copy.db")
		run(t, "", "--db", simulated(t), "backup", dest).fails(t, exitFailure, "no such file or folder", filepath.Dir(dest))
	})
	t.Run("no file", func(t *testing.T) {
		run(t, "", "--db", ":memory:", "migrate", "up").fails(t, exitFailure, ":memory:", "give the path of a file")
	})
	t.Run("no database", func(t *testing.T) {
		db := writeFile(t, "ledger.db", strings.Repeat("no database at all\n", 500))
		run(t, "", "--db", db, "report").fails(t, exitFailure, db, "damaged, or no SQLite database", "restore")
	})
	t.Run("a link more", func(t *testing.T) {
		db := simulated(t)
		if err := os.Link(db, filepath.Join(filepath.Dir(db), "other.db")); err != nil {
			t.Skip(err)
		}
		run(t, "", "--db", db, "report").fails(t, exitFailure, db, "hard links")
	})
	t.Run("locked", func(t *testing.T) {
		db := simulated(t)
		held := holdLock(t, db)
		r := run(t, event(""), "--db", db, "--timeout", "50ms", "ingest", "-")
		held()
		r.fails(t, exitFailure, db+"-lock", "this process holds", "--timeout")
	})
	t.Run("read-only", func(t *testing.T) {
		db := simulated(t)
		for _, args := range []string{"ingest -", "archive --older-than 1h", "register " + alice, "migrate up", "snapshot take"} {
			run(t, event(""), append(strings.Fields(args), "--db", db, "--read-only")...).fails(t, exitUsage, "--read-only")
		}
		must(t, "", "--db", db, "--read-only", "report")
	})
}

func TestFlagsFromEnvironment(t *testing.T) {
	db := simulated(t)
	t.Setenv("STAKELEDGER_DB", db)
	t.Setenv("STAKELEDGER_JSON", "true")
	t.Setenv("STAKELEDGER_NETUID", "3")
	if got := rows(t, must(t, "", "positions")); len(got) == 0 || got[0]["netuid"] != 3.0 {
		t.Errorf("positions: got %d rows, want those of subnet 3 as JSON", len(got))
	}
	if got := rows(t, must(t, "", "positions", "--netuid", "4")); len(got) == 0 || got[0]["netuid"] != 4.0 {
		t.Error("positions --netuid 4: want the flag to win")
	}
	if got := must(t, "", "positions", "--csv", "--limit", "2"); strings.Count(got, "\n") != 3 {
		t.Errorf("positions --csv: got %q, want CSV although JSON is the variables' choice", got)
	}
	t.Setenv("STAKELEDGER_LIMIT", "1")
	if got := rows(t, must(t, "", "positions", "--top", "2")); len(got) != 2 {
		t.Errorf("positions --top 2: got %d rows, want --top to win over a variable for --limit", len(got))
	}
	t.Setenv("STAKELEDGER_FROM", "2100-01-01")
	if got := rows(t, run(t, "", "positions", "--during", "2025").stdout); len(got) != 1 {
		t.Errorf("positions --during 2025: got %d rows, want --during to win over a variable for --from", len(got))
	}
	t.Setenv("STAKELEDGER_CSV", "true")
	run(t, "", "positions").fails(t, exitUsage, "--json and --csv exclude each other")
	t.Setenv("STAKELEDGER_CSV", "perhaps")
	run(t, "", "positions").fails(t, exitUsage, "STAKELEDGER_CSV=perhaps", "true or false")
	t.Setenv("STAKELEDGER_CSV", "")
	t.Setenv("STAKELEDGER_NETUID", "many")
	run(t, "", "positions").fails(t, exitUsage, "STAKELEDGER_NETUID=many", "--netuid")
	t.Setenv("STAKELEDGER_ALL", "true")
	must(t, "", "rebuild")
}

func TestHelpOfNothing(t *testing.T) {
	run(t, "", "help", "nosuch").fails(t, exitUsage, "nosuch", "stakeledger --help")
	if got := must(t, "", "help", "migrate", "up"); !strings.Contains(got, "stakeledger migrate up") {
		t.Errorf("help migrate up: got %q", got)
	}
}

func TestCompletion(t *testing.T) {
	db := simulated(t)
	coldkey := rows(t, must(t, "", "--db", db, "miners", "--json"))[0]["coldkey"].(string)
	for _, test := range []struct{ args, want string }{
		{"positions --status ", "partial"},
		{"miners --status b", "blacklisted"},
		{"events --outcome ", "rejected"},
		{"positions --netuid ", "3"},
		{"status 1 ", "inactive"},
		{"why ", coldkey},
		{"rebuild " + coldkey[:9], coldkey},
		{"status ", coldkey},
	} {
		args := append([]string{"__complete", "--db", db}, strings.Split(test.args, " ")...)
		r := runWith(t.Context(), nil, args...)
		if !strings.Contains("\n"+r.stdout, "\n"+test.want+"\n") {
			t.Errorf("%s: got %q, want %q among it", test.args, r.stdout, test.want)
		}
	}
}

func TestVerboseLog(t *testing.T) {
	db := simulated(t)
	input := writeFile(t, "events.jsonl", event("")+"\n")
	r := run(t, "", "--db", db, "-v", "--log-format", "json", "ingest", input)
	for _, part := range []string{`"file":"` + db, `"input":"` + input, `"events":1`, `"took":`} {
		if r.code != exitDone || !strings.Contains(r.stderr, part) {
			t.Errorf("got %d and %q, want %s in the log", r.code, r.stderr, part)
		}
	}
	for line := range strings.Lines(r.stderr) {
		object(t, line)
	}
}
