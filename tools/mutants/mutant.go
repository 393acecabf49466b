package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A mutant is one mistake in one place of the library, such as somebody may
// make one day. A test that would not notice it does not hold what it promises.
type mutant struct {
	name     string // of a few words, none like another
	file     string // from the root of the module, with slashes
	before   string // the text that goes, which stands in the file once
	after    string // what stands there instead
	packages string // those whose tests ought to notice
	tests    string // the pattern of the tests that are asked first
	why      string // what would be broken
	lives    string // why no test can notice; empty: one must
}

// apply returns the mutated text of its file under root.
func (m mutant) apply(root string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(m.file)))
	if err != nil {
		return nil, fmt.Errorf("mutant %q no longer applies: %w", m.name, err)
	}
	if n := strings.Count(string(text), m.before); n != 1 {
		return nil, fmt.Errorf("mutant %q no longer applies: its text stands in %s %d times, want once:\n%s", m.name, m.file, n, m.before)
	}
	return []byte(strings.Replace(string(text), m.before, m.after, 1)), nil
}

// list is all of them, by what they attack.
func list() []mutant {
	var all []mutant
	for _, part := range [][]mutant{
		writing, grouping, guarding, cancelling, reading, opening, files,
		arithmetic, closing, recording, archiving, scoring, auditing, schemaGuards,
	} {
		all = append(all, part...)
	}
	return all
}
