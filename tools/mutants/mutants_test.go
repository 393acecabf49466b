package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestParse(t *testing.T) {
	const keys = "in: manager\nby: ./a ./b TestA|TestB\nwhy: it must\n"
	for _, test := range []struct {
		name, entry, fails string
		want               mutant
	}{
		{"a changed line", keys + "-\told\n+\tnew\n", "", mutant{before: "\told", after: "\tnew"}},
		{"lines around it", keys + " one\n-two\n three\n", "", mutant{before: "one\ntwo\nthree", after: "one\nthree"}},
		{"an empty line in the text", keys + "-one\n-\n-two\n+\n", "", mutant{before: "one\n\ntwo"}},
		{"an empty line around it", keys + "\n one\n\n-two\n\n# no\n", "", mutant{before: "one\n\ntwo", after: "one\n"}},
		{"comments and empty lines", "# no\n" + keys + "\n-one\n# no\n\n", "", mutant{before: "one"}},
		{"a mutant that lives", keys + "lives: on\n-one\n", "", mutant{before: "one", lives: "on"}},
		{"no package", strings.Replace(keys, "in", "# in", 1) + "-one\n", "needs each", mutant{}},
		{"no tests", strings.Replace(keys, "./a ./b ", "", 1) + "-one\n", "packages and a pattern", mutant{}},
		{"no change", keys + " one\n", "changes nothing", mutant{}},
		{"an unknown key", keys + "because: so\n-one\n", "because", mutant{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parse("its name\n" + test.entry)
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Fatalf("got error %v, want one with %q", err, test.fails)
				}
				return
			}
			want := test.want
			want.name, want.pkg, want.packages, want.tests, want.why = "its name", "manager", "./a ./b", "TestA|TestB", "it must"
			if err != nil || got != want {
				t.Fatalf("got %+v, %v, want %+v", got, err, want)
			}
		})
	}
}

func TestListReportsEverythingThatIsWrong(t *testing.T) {
	const whole = "in: a\nby: ./a TestA\nwhy: so\n-one\n"
	_, err := list(fstest.MapFS{
		"a.txt": {Data: []byte("== first\n" + whole + "\n== second\nin: a\n")},
		"b.txt": {Data: []byte("# comment\n\n== first\n" + whole + "\n== third\n?\n")},
	})
	for _, want := range []string{`a.txt: mutant "second"`, `b.txt: mutant "first": another mutant, in a.txt`, `b.txt: mutant "third"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one with %q", err, want)
		}
	}
}

func TestApplyWantsTheTextOnceInThePackage(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"a.go": "one two two three\n", "b.go": "four three\n", "c.sql": "five\n", "a_test.go": "one\n", "notes.md": "one\n",
	} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ before, file, want, fails string }{
		{"one", "a.go", "ONE two two three\n", ""},
		{"five", "c.sql", "FIVE\n", ""},
		{"two", "", "", "2 times in . [a.go a.go]"},
		{"three", "", "", "2 times in . [a.go b.go]"},
		{"six", "", "", "0 times"},
	} {
		m := mutant{name: "a mutant", pkg: ".", before: test.before, after: strings.ToUpper(test.before)}
		path, got, err := m.apply(root)
		if test.fails != "" {
			if err == nil || !strings.Contains(err.Error(), test.fails) || !strings.Contains(err.Error(), "a mutant") {
				t.Errorf("%s: got error %v, want one that names the mutant and %q", test.before, err, test.fails)
			}
		} else if err != nil || got != test.want || path != filepath.Join(root, test.file) {
			t.Errorf("%s: got %s, %q, %v, want %s, %q", test.before, path, got, err, test.file, test.want)
		}
	}
}

func TestEveryMutantApplies(t *testing.T) {
	all, err := list(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 200 {
		t.Errorf("got %d mutants, want the more than 200 that were found", len(all))
	}
	for _, m := range all {
		if _, _, err := m.apply("../.."); err != nil {
			t.Error(err)
		}
	}
}

func TestKiller(t *testing.T) {
	for _, test := range []struct{ name, out, want string }{
		{"a failed test", "    a_test.go:1: no\n--- FAIL: TestA (0.01s)\n    --- FAIL: TestA/sub (0.00s)\nFAIL\n", "TestA"},
		{"no end", "panic: test timed out after 1m30s\n\trunning tests:\n\t\tTestB/sub (1m29s)\n", "TestB/sub (time is over)"},
		{"a panic in a goroutine", "panic: boom\n\ngoroutine 7 [running]:\nexample.org/m_test.TestC.func1()\n\t/m/c_test.go:9\n", "TestC (crash)"},
		{"nothing known", "signal: killed\n", "a crash"},
	} {
		if got := killer(test.out); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestAlarm(t *testing.T) {
	explained := mutant{lives: "nobody can see it", packages: "./manager"}
	for _, test := range []struct {
		name string
		v    verdict
		want bool
	}{
		{"killed", verdict{noticed: true}, false},
		{"survived", verdict{}, true},
		{"lives as explained", verdict{mutant: explained}, false},
		{"killed against the explanation", verdict{mutant: explained, noticed: true}, true},
		{"does not compile", verdict{broken: true}, true},
	} {
		if got := test.v.alarm(); got != test.want {
			t.Errorf("%s: got %t, want %t", test.name, got, test.want)
		}
	}
}
