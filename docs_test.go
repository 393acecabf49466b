package stakeledger_test

import (
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	// namedFile is `a/path`, or `a_file.go`; * stands for any text.
	namedFile = regexp.MustCompile("`([\\w.*-]*/[\\w./*-]*|[\\w*]+\\.(?:go|md|yaml|txt|sql))`")
	linked    = regexp.MustCompile(`\]\(([^\s():#]+)\)`)
	// namedMember is `type.method` or `type.field` of the manager.
	namedMember = regexp.MustCompile("`([a-z]\\w*)\\.([a-z]\\w*)`")
)

// pages are read by people who look for what they name.
var pages = []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/ADOPTING.md", "docs/GUARANTEES.md", "docs/OPERATING.md", "manager/DESIGN.md"}

func TestPagesNameFilesThatExist(t *testing.T) {
	ofGo := []string{"database/sql", "math/big"}
	invented := []string{"00001_x.sql", "schema.sql", "schema/00001_schema.sql"} // what a page tells its reader to make
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range append(namedFile.FindAllStringSubmatch(string(text), -1), linked.FindAllStringSubmatch(string(text), -1)...) {
			name := strings.TrimSuffix(m[1], "/")
			if first, _, _ := strings.Cut(name, "/"); slices.Contains(ofGo, name) || slices.Contains(invented, name) || first != name && strings.Index(first, ".") > 0 {
				continue // a package of the standard library or of another module
			}
			found := false
			for _, folder := range []string{".", filepath.Dir(page), "manager", "ledger", "cmd/stakeledger"} {
				matches, err := filepath.Glob(filepath.Join(folder, name))
				found = found || err == nil && len(matches) > 0
			}
			if !found {
				t.Errorf("%s names %s, which does not exist", page, m[1])
			}
		}
	}
}

func TestDesignNamesWhatTheManagerHas(t *testing.T) {
	text, err := os.ReadFile("manager/DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	members := map[string]bool{}
	for _, s := range sourcePackages(t, token.NewFileSet())["manager"] {
		for _, d := range s.file.Decls {
			addMembers(members, d)
		}
	}
	found := namedMember.FindAllStringSubmatch(string(text), -1)
	for _, m := range found {
		if m[2] != "go" && !members[m[1]+"."+m[2]] {
			t.Errorf("manager/DESIGN.md names %s.%s, which the manager does not have", m[1], m[2])
		}
	}
	if len(found) < 10 {
		t.Errorf("found %d names of the manager in manager/DESIGN.md, want more: is the pattern still right?", len(found))
	}
}

// addMembers adds the methods and fields that d declares, as type.name.
func addMembers(members map[string]bool, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return
		}
		receiver := d.Recv.List[0].Type
		if star, ok := receiver.(*ast.StarExpr); ok {
			receiver = star.X
		}
		if name, ok := receiver.(*ast.Ident); ok {
			members[name.Name+"."+d.Name.Name] = true
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			typ, ok := spec.(*ast.TypeSpec)
			if !ok {
				continue
			}
			fields, ok := typ.Type.(*ast.StructType)
			if !ok {
				continue
			}
			for _, field := range fields.Fields.List {
				for _, name := range field.Names {
					members[typ.Name.Name+"."+name.Name] = true
				}
			}
		}
	}
}

// A block of Go, SQL or sqlc's configuration on a page is a part of a file that is
// compiled and tested, or a whole program, which .ci/run compiles.
func TestBlocksOfPagesAreCode(t *testing.T) {
	var sources []string
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && slices.Contains([]string{".go", ".sql", ".yaml"}, filepath.Ext(path)) {
			var text []byte
			text, err = os.ReadFile(path)
			sources = append(sources, trimmedLines(string(text)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```go\n(.*?)```")
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range block.FindAllStringSubmatch(string(text), -1) {
			code := trimmedLines(m[1])
			if strings.HasPrefix(code, "package main\n") || slices.ContainsFunc(sources, func(s string) bool { return strings.Contains(s, code) }) {
				continue
			}
			t.Errorf("%s: this block stands in no file that is compiled:\n%s", page, m[1])
		}
	}
}

// trimmedLines is text without the space around its lines.
func trimmedLines(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimSpace(line) + "\n")
	}
	return b.String()
}
