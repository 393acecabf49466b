package main

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The driver clears the bindings of a statement before every run. If SQLite
// thinks that a value could change the plan, that makes it prepare the statement
// again, at ten times the cost of the run. A join whose WHERE compares a column
// with a bare parameter is enough; CAST(@x AS …) around the parameter prevents it.
func TestNoQueryIsPreparedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "template.db")
	if _, err := newTemplate(context.Background(), path, Size{Miners: someMiners, Events: 1000, Open: 10}); err != nil {
		t.Fatal(err)
	}
	db, err := openFloor(path, Full)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	queries := queryTexts(t)
	if len(queries) < 20 {
		t.Fatalf("found %d queries in dbgen: is it where it was?", len(queries))
	}
	const runs = 3
	for name, text := range queries {
		got, err := db.Repreparations(text, runs)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got != 0 {
			t.Errorf("%s: SQLite prepared it again %d times in %d runs, want 0", name, got, runs)
		}
	}
}

// queryTexts are all of sqlc's queries by name, read from its code.
func queryTexts(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../dbgen/*/*.sql.go")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(literal.Value)
			if err == nil && strings.HasPrefix(text, "-- name: ") {
				texts[strings.Fields(text)[2]] = text
			}
			return true
		})
	}
	return texts
}
