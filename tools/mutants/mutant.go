package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A mutant is one mistake in one place of the code, such as somebody may make
// one day. A test that would not notice it does not hold what it promises.
type mutant struct {
	name     string
	theme    string // the name of its file, without .txt
	pkg      string // the folder of the code, from the root of the module
	before   string // the text that goes; it stands once in the package
	after    string // the text that takes its place
	packages string // whose tests must notice
	tests    string // the pattern of the tests that run first
	why      string // what the mistake would break
	lives    string // why no test can notice; empty: one must
}

// list reads the mutants of every theme. Its error holds all that is wrong.
func list(themes fs.FS) ([]mutant, error) {
	paths, err := fs.Glob(themes, "*.txt")
	if err != nil {
		return nil, err
	}
	var all []mutant
	var wrong []error
	themeOf := map[string]string{}
	for _, path := range paths {
		text, err := fs.ReadFile(themes, path)
		if err != nil {
			return nil, fmt.Errorf("read the mutants: %w", err)
		}
		_, entries, _ := strings.Cut("\n"+string(text), "\n== ")
		for entry := range strings.SplitSeq(entries, "\n== ") {
			m, err := parse(entry)
			m.theme = strings.TrimSuffix(path, ".txt")
			if other := themeOf[m.name]; err == nil && other != "" {
				err = fmt.Errorf("another mutant, in %s.txt, has this name", other)
			}
			if err != nil {
				wrong = append(wrong, fmt.Errorf("%s: mutant %q: %w", path, m.name, err))
			}
			themeOf[m.name] = m.theme
			all = append(all, m)
		}
	}
	return all, errors.Join(wrong...)
}

// parse reads an entry, which the package's documentation describes.
func parse(entry string) (mutant, error) {
	name, body, _ := strings.Cut(entry, "\n")
	m := mutant{name: name}
	var before, after []string
	empty := 0 // lines; they are text when text stands on both sides
	for line := range strings.SplitSeq(body, "\n") {
		if line == "" {
			empty++
			continue
		}
		switch line[0] {
		case '#':
			continue
		case '-', '+', ' ':
			for ; empty > 0 && len(before) > 0; empty-- {
				before, after = append(before, ""), append(after, "")
			}
			if line[0] != '+' {
				before = append(before, line[1:])
			}
			if line[0] != '-' {
				after = append(after, line[1:])
			}
		default:
			if err := m.set(line); err != nil {
				return m, err
			}
		}
		empty = 0
	}
	m.before, m.after = strings.Join(before, "\n"), strings.Join(after, "\n")
	switch {
	case m.pkg == "" || m.packages == "" || m.why == "":
		return m, errors.New("it needs each of in, by and why")
	case m.before == "" || m.before == m.after:
		return m, errors.New("it changes nothing: give it lines that begin with - and +")
	}
	return m, nil
}

// set reads a line that begins with a key.
func (m *mutant) set(line string) error {
	key, value, _ := strings.Cut(line, ": ")
	switch key {
	case "in":
		m.pkg = value
	case "by":
		last := strings.LastIndexByte(value, ' ')
		if last < 0 {
			return fmt.Errorf("%q: want packages and a pattern of tests", line)
		}
		m.packages, m.tests = value[:last], value[last+1:]
	case "why":
		m.why = value
	case "lives":
		m.lives = value
	default:
		return fmt.Errorf("%q: want one of in, by, why and lives, or a line that begins with -, + or a space", line)
	}
	return nil
}

// apply looks for the text in the package's files under root. It returns the
// path of the one that has it, and that file's mutated text.
func (m mutant) apply(root string) (path, mutated string, err error) {
	var found []string
	for _, pattern := range []string{"*.go", "*.sql", "*.c"} {
		paths, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(m.pkg), pattern))
		if err != nil {
			return "", "", err
		}
		for _, p := range paths {
			if strings.HasSuffix(p, "_test.go") {
				continue
			}
			text, err := os.ReadFile(p)
			if err != nil {
				return "", "", fmt.Errorf("apply mutant %q: %w", m.name, err)
			}
			for range strings.Count(string(text), m.before) {
				found = append(found, filepath.Base(p))
				path, mutated = p, strings.Replace(string(text), m.before, m.after, 1)
			}
		}
	}
	if len(found) != 1 {
		return "", "", fmt.Errorf("%s.txt: mutant %q no longer applies: its text stands %d times in %s %v, want once:\n%s",
			m.theme, m.name, len(found), m.pkg, found, m.before)
	}
	return path, mutated, nil
}
