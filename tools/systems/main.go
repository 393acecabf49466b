// Command systems looks whether this module compiles for systems it is not
// tested on. Neither a C compiler nor a header of theirs is needed: the code is
// type-checked, and what it asks of C is taken as given.
//
//	systems darwin/arm64 windows/amd64
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	for _, target := range os.Args[1:] {
		system, processor, ok := strings.Cut(target, "/")
		if !ok {
			fmt.Fprintf(os.Stderr, "systems: %q is no SYSTEM/PROCESSOR, like darwin/arm64\n", target)
			os.Exit(2)
		}
		if err := check(system, processor); err != nil {
			fmt.Fprintf(os.Stderr, "systems: %s:\n%v\n", target, err)
			os.Exit(1)
		}
	}
}

// listed is a package as go list describes it.
type listed struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	CgoFiles   []string
	ImportMap  map[string]string
	Module     *struct{ Main bool }
}

// check type-checks the module in the working directory, and every package that it needs.
func check(system, processor string) error {
	list := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,GoFiles,CgoFiles,ImportMap,Module", "./...")
	list.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+processor, "CGO_ENABLED=1")
	list.Stderr = os.Stderr
	output, err := list.Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	checked := map[string]*types.Package{"unsafe": types.Unsafe}
	var found []error
	for packages := json.NewDecoder(strings.NewReader(string(output))); ; { // in the order of their imports
		var p listed
		switch err := packages.Decode(&p); {
		case errors.Is(err, io.EOF):
			return errors.Join(found...)
		case err != nil:
			return fmt.Errorf("go list: %w", err)
		}
		if p.ImportPath != "unsafe" {
			found = append(found, p.check(processor, checked)...)
		}
	}
}

// check adds p to what has been checked. Only the mistakes of our own code count.
func (p listed) check(processor string, checked map[string]*types.Package) (found []error) {
	files := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range append(p.GoFiles, p.CgoFiles...) {
		file, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return []error{err}
		}
		parsed = append(parsed, file)
	}
	ours := p.Module != nil && p.Module.Main
	config := types.Config{
		FakeImportC:      true,
		IgnoreFuncBodies: !ours,
		Sizes:            types.SizesFor(build.Default.Compiler, processor),
		Importer:         importer{p.ImportMap, checked},
		Error: func(err error) {
			if ours {
				found = append(found, err)
			}
		},
	}
	checked[p.ImportPath], _ = config.Check(p.ImportPath, files, parsed, nil)
	return found
}

// An importer finds what has been checked before.
type importer struct {
	mapped  map[string]string
	checked map[string]*types.Package
}

func (i importer) Import(path string) (*types.Package, error) {
	if mapped, ok := i.mapped[path]; ok {
		path = mapped
	}
	if p := i.checked[path]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("%s was not listed", path)
}
