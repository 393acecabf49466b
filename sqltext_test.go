package stakeledger_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sqlArgument is which argument of a call is SQL, by the name of what is called: the methods of database/sql and of
// its drivers.
var sqlArgument = map[string]int{
	"Exec": 0, "Query": 0, "QueryRow": 0, "Prepare": 0,
	"ExecContext": 1, "QueryContext": 1, "QueryRowContext": 1, "PrepareContext": 1,
}

// builtSQL are the places where SQL is not a constant, as "file function: expression", each with the reason why no
// value from outside can be in it. A function that is itself one of the methods above hands on what it is given, and
// so does one that has the SQL as a parameter: those are not listed, their callers are looked at in their place.
var builtSQL = map[string]string{
	"manager/txn_stmt.go acquireFor: statement":                               "a part of the caller's own text, cut where one statement ends",
	"manager/txn_stmt.go acquireFor: list[last]":                              "the last part of the same",
	`manager/options_connection.go set: "PRAGMA " + s.name + " = " + s.value`: "the program's own option: a name and a value of those that are listed, or a number",
	"manager/sqldb_conn.go ExecContext: s.query":                              "what a caller of DB.SQL prepared",
	"manager/sqldb_conn.go QueryContext: s.query":                             "the same",
	"manager/backup.go backup: cfg.integrity":                                 "a pragma's name: its options set integrity_check, quick_check or nothing",
	"manager/postgres/conn.go Prepare: ctx":                                   "the caller's own text: Prepare has the context first",
	"manager/postgres/postgres.go Connect: ctx":                               "constants and a number of milliseconds: the same",
	"ledger/verify_checks.go checkTable: query":                               "names and constraints of the program's own migrations",
	`ledger/copy_tables.go count: "SELECT * FROM " + t.name + " LIMIT 0"`:     "a table of the list in the same file",
	`ledger/copy_tables.go count: "SELECT COUNT(*) FROM " + t.name`:           "the same",
	"ledger/copy_tables.go page: text":                                        "tables of that list, with the columns that they have",
	"ledger/copy_tables.go lastKey: text":                                     "the same",
	"ledger/copy_tables.go insert: text":                                      "the same, and parameters",
	"ledger/copy_tables.go finish: text":                                      "the same, and parameters",
	`ledger/schema.go hasTable: find + name + "'"`:                            "one of two constants, and the name of a table of our own",
	"ledger/copy_mark.go begin: insert":                                       "one of two constants that stand above",
	"ledger/copy_mark.go goOnAfterID: text":                                   "tables and columns of a list in the same file",
	"ledger/info.go CheckFile: check":                                         "one of two constants that stand above",
	"cmd/stakeledger/migrate.go listMigrations: objects":                      "the same",
	"manager/migrate/existing.go hasTable: find":                              "one of two constants that stand above",
	"manager/conn.go prepareControls: control.sql":                            "a list of BEGIN, COMMIT and the like, which stands above",
	"manager/conn_pragma.go set: p.name":                                      "of the lists of pragmas in the same file",
	`manager/conn_pragma.go set: p.name + " = " + p.value`:                    "of the same lists; the one value that differs is FULL or NORMAL",

	`manager/postgres/conn.go BeginWrite: "SELECT pg_advisory_xact_lock" + shared + "(" + strconv.Itoa(all) + ")"`: "a suffix of two that stand above, and a number",

	"manager/postgres/conn.go BeginWrite: c.local":  "what setUp sets: constants and a number of milliseconds",
	"manager/postgres/stmt.go Defer: s.text":        "the caller's own text, with parameters",
	"manager/postgres/stmt.go run: s.text":          "the same",
	"manager/postgres/stmt.go QueryContext: s.text": "the manager's own: BEGIN, COMMIT and the like",
}

// source is a parsed file of the project.
type source struct {
	path string
	file *ast.File
}

// sourcePackages parses all of the project that runs in production, package by package: not the tests, nor the modules
// that measure and torment it.
func sourcePackages(t *testing.T, set *token.FileSet) map[string][]source {
	t.Helper()
	packages := map[string][]source{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path != "." && strings.HasPrefix(entry.Name(), ".") || slices.Contains([]string{"bench", "torture", "testdata", "bin"}, entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		folder := filepath.Dir(path)
		packages[folder] = append(packages[folder], source{filepath.ToSlash(path), file})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

// knowConstants works out which expressions of a package are constants. What is imported is not looked at, so that
// nothing needs compiling; an expression that depends on it is none.
func knowConstants(set *token.FileSet, folder string, sources []source) *types.Info {
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	var files []*ast.File
	for _, s := range sources {
		files = append(files, s.file)
	}
	c := types.Config{Importer: noImporter{}, Error: func(error) {}, FakeImportC: true}
	_, _ = c.Check(folder, set, files, info)
	return info
}

type noImporter struct{}

func (noImporter) Import(path string) (*types.Package, error) {
	return nil, errors.New("not looked at")
}

// sqlCheck goes through the calls of one package.
type sqlCheck struct {
	set   *token.FileSet
	info  *types.Info
	sinks map[types.Object]map[int]bool // more functions that are given SQL, and in which arguments
	built map[string]token.Position
	seen  int
	grown bool
}

func newSQLCheck(set *token.FileSet, folder string, sources []source) *sqlCheck {
	return &sqlCheck{set: set, info: knowConstants(set, folder, sources), sinks: map[types.Object]map[int]bool{}}
}

// run looks at every call until no further function turns out to hand SQL on.
func (c *sqlCheck) run(sources []source) {
	for c.grown = true; c.grown; {
		c.grown, c.seen, c.built = false, 0, map[string]token.Position{}
		for _, s := range sources {
			for _, d := range s.file.Decls {
				in := function{path: s.path, parameters: map[types.Object]int{}}
				if f, ok := d.(*ast.FuncDecl); ok {
					in.of(c.info, f)
				}
				ast.Inspect(d, func(n ast.Node) bool {
					switch n := n.(type) {
					case *ast.CallExpr:
						c.call(in, n)
					case *ast.CompositeLit:
						c.literal(in, n)
					}
					return true
				})
			}
		}
	}
}

// function is where a call stands.
type function struct {
	path, name string
	object     types.Object
	parameters map[types.Object]int // those that are never assigned to
}

func (in *function) of(info *types.Info, f *ast.FuncDecl) {
	in.name, in.object = f.Name.Name, info.Defs[f.Name]
	n := 0
	for _, field := range f.Type.Params.List {
		for _, name := range field.Names {
			in.parameters[info.Defs[name]] = n
			n++
		}
	}
	changed := func(e ast.Expr) {
		if name, ok := e.(*ast.Ident); ok {
			delete(in.parameters, info.Uses[name])
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, e := range n.Lhs {
				changed(e)
			}
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				changed(n.X)
			}
		}
		return true
	})
}

// call looks at the arguments of a call that are SQL.
func (c *sqlCheck) call(in function, call *ast.CallExpr) {
	for at := range c.sqlOf(call) {
		if at >= len(call.Args) {
			continue
		}
		text := call.Args[at]
		if t := c.info.Types[text]; t.IsNil() || isSlice(t.Type) { // a prepared statement's values
			continue
		}
		c.text(in, text)
	}
}

// literal looks at a struct that is SQL on its way: a message of manager/postgres, whose text goes to the server.
func (c *sqlCheck) literal(in function, literal *ast.CompositeLit) {
	t := c.info.Types[literal].Type
	if t == nil || !strings.HasSuffix(t.String(), ".message") {
		return
	}
	for _, e := range literal.Elts {
		if field, ok := e.(*ast.KeyValueExpr); ok && types.ExprString(field.Key) == "text" {
			c.text(in, field.Value)
		}
	}
}

// text looks at what is SQL.
func (c *sqlCheck) text(in function, text ast.Expr) {
	c.seen++
	for _, part := range parts(text) {
		if !c.isPlain(in, part) {
			c.built[in.path+" "+in.name+": "+types.ExprString(text)] = c.set.Position(text.Pos())
		}
	}
}

// isPlain reports whether a part of a text is written down: a constant, a number, or a parameter whose every value is.
func (c *sqlCheck) isPlain(in function, part ast.Expr) bool {
	if c.info.Types[part].Value != nil {
		return true
	}
	switch part := part.(type) {
	case *ast.CallExpr: // what a number prints as is a number
		name := types.ExprString(part.Fun)
		return name == "itoa" || name == "strconv.Itoa" || name == "strconv.FormatInt"
	case *ast.Ident:
		i, ok := in.parameters[c.info.Uses[part]]
		if !ok {
			return false
		}
		if _, known := sqlArgument[in.name]; known {
			return true
		}
		if ast.IsExported(in.name) { // other packages may call it
			return false
		}
		if c.sinks[in.object] == nil {
			c.sinks[in.object] = map[int]bool{}
		}
		c.grown = c.grown || !c.sinks[in.object][i]
		c.sinks[in.object][i] = true
		return true
	}
	return false
}

// parts are what is joined by plus signs.
func parts(e ast.Expr) []ast.Expr {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return parts(e.X)
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return append(parts(e.X), parts(e.Y)...)
		}
	}
	return []ast.Expr{e}
}

func isSlice(t types.Type) bool {
	if t == nil {
		return false
	}
	_, ok := t.Underlying().(*types.Slice)
	return ok
}

// sqlOf is which arguments of a call are SQL.
func (c *sqlCheck) sqlOf(call *ast.CallExpr) map[int]bool {
	var name *ast.Ident
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		name = f.Sel
		if at, ok := sqlArgument[name.Name]; ok {
			return map[int]bool{at: true}
		}
	case *ast.Ident:
		name = f
	default:
		return nil
	}
	return c.sinks[c.info.Uses[name]]
}

// SQL is text that was written down, with values beside it and never in it.
func TestNoSQLIsBuiltFromInput(t *testing.T) {
	set := token.NewFileSet()
	packages := sourcePackages(t, set)
	built, seen := map[string]token.Position{}, 0
	for _, folder := range slices.Sorted(maps.Keys(packages)) {
		c := newSQLCheck(set, folder, packages[folder])
		c.run(packages[folder])
		maps.Copy(built, c.built)
		seen += c.seen
	}
	for _, place := range slices.Sorted(maps.Keys(built)) {
		if _, allowed := builtSQL[place]; !allowed {
			t.Errorf("%s: SQL that is not a constant:\n\t%q", built[place], place)
		}
	}
	for place := range builtSQL {
		if _, there := built[place]; !there {
			t.Errorf("%s is allowed but no longer there", place)
		}
	}
	if seen < 150 { // the generated queries alone are more
		t.Errorf("looked at %d calls, want all of the project's", seen)
	}
}

// The check finds what it is there to find.
func TestBuiltSQLIsFound(t *testing.T) {
	const head = "package p\n\nconst table = \"miners\"\n\nvar name string\n\ntype T struct{ DB }\n\n"
	for text, want := range map[string]string{
		`func f(db DB) { db.Exec("SELECT " + "1") }`:                                                                  "",
		`func f(db DB) { db.ExecContext(ctx, "SELECT * FROM "+table, name) }`:                                         "",
		`func f(db DB) { const q = "SELECT 1"; db.QueryRowContext(ctx, q) }`:                                          "",
		`func f(db DB, n int) { db.Exec("PRAGMA busy_timeout = " + strconv.Itoa(n)) }`:                                "",
		`func f(s Stmt, args []driver.NamedValue) { s.QueryContext(ctx, args) }`:                                      "none",
		`func f(db DB) { db.Exec("SELECT * FROM " + name) }`:                                                          `p.go f: "SELECT * FROM " + name`,
		`func f(db DB) { db.QueryContext(ctx, fmt.Sprintf("SELECT %s", name)) }`:                                      `p.go f: fmt.Sprintf("SELECT %s", name)`,
		`func f(db DB) { const q = "SELECT 1"; { q := name; db.Prepare(q) } }`:                                        `p.go f: q`,
		`func f(db DB, q string) { db.Exec(q) }; func g(db DB) { f(db, "SELECT 1") }`:                                 "",
		`func f(db DB, q string) { db.Exec(q) }; func g(db DB) { f(db, "SELECT " + name) }`:                           `p.go g: "SELECT " + name`,
		`func f(db DB, q string) { db.Exec("PRAGMA " + q) }; func g(db DB) { f(db, name) }`:                           `p.go g: name`,
		`func (t T) h(q string) { func() { t.Query(q) }() }; func g(t T) { t.h(name) }`:                               `p.go g: name`,
		`func f(db DB, q string) { g(db, q) }; func g(db DB, q string) { db.Exec(q) }; func h(db DB) { f(db, name) }`: `p.go h: name`,
		`func f(db DB, q string) { q += name; db.Exec(q) }`:                                                           `p.go f: q`,
		`func f(db DB, q string) { add(&q); db.Exec(q) }`:                                                             `p.go f: q`,
		`func F(db DB, q string) { db.Exec(q) }`:                                                                      `p.go F: q`,
		`func (t T) ExecContext(ctx C, q string) { t.DB.ExecContext(ctx, q) }`:                                        "",
		`var x = db.Query(name)`: `p.go : name`,
		`type message struct{ text string }; func f() { send(message{text: "SELECT 1"}) }`:                                  "",
		`type message struct{ text string }; func f() { send([]message{{text: name}}) }`:                                    `p.go f: name`,
		`type message struct{ text string }; func f(q string) { send(message{text: q}) }; func g() { f("SELECT " + name) }`: `p.go g: "SELECT " + name`,
	} {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, "p.go", head+text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		sources := []source{{"p.go", file}}
		c := newSQLCheck(set, "p", sources)
		c.run(sources)
		got := strings.Join(slices.Collect(maps.Keys(c.built)), ", ")
		if c.seen == 0 {
			got = "none"
		}
		if got != want {
			t.Errorf("%s:\ngot  %q\nwant %q", text, got, want)
		}
	}
}
