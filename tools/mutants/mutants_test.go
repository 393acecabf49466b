package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestApplyReplacesTheOnlyOccurrence(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "a.go"), []byte("one two two three"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		file, before, want, fails string
	}{
		{"a.go", "one", "ONE two two three", ""},
		{"a.go", "two", "", "2 times"},
		{"a.go", "four", "", "0 times"},
		{"gone.go", "one", "", "no longer applies"},
	} {
		m := mutant{name: "a mutant", file: test.file, before: test.before, after: strings.ToUpper(test.before)}
		got, err := m.apply(root)
		if string(got) != test.want {
			t.Errorf("%s in %s: got %q, want %q", test.before, test.file, got, test.want)
		}
		if test.fails == "" && err != nil || test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails) || !strings.Contains(err.Error(), "a mutant")) {
			t.Errorf("%s in %s: got error %v, want one that names the mutant and %q", test.before, test.file, err, test.fails)
		}
	}
}

func TestListIsWhole(t *testing.T) {
	names := map[string]bool{}
	for _, m := range list() {
		if names[m.name] {
			t.Errorf("two mutants are called %q", m.name)
		}
		names[m.name] = true
		if m.before == m.after {
			t.Errorf("%q changes nothing", m.name)
		}
		if m.packages == "" || m.tests == "" || m.why == "" {
			t.Errorf("%q names no packages, no tests or no reason", m.name)
		}
		if _, err := m.apply("../.."); err != nil { // when its code is written anew, so must it be
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
