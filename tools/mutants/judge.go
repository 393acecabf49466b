package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// overlay writes each mutant's file and the map that makes the go command read
// it in the original's place, and returns the paths of the maps. Its error holds
// all mutants that do not apply.
func overlay(dir string, mutants []mutant) ([]string, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	paths := make([]string, len(mutants))
	var stale []error
	for i, m := range mutants {
		original, text, err := m.apply(root)
		if err != nil {
			stale = append(stale, err)
			continue
		}
		mutated := filepath.Join(dir, strconv.Itoa(i)+filepath.Ext(original))
		replace, _ := json.Marshal(map[string]map[string]string{"Replace": {original: mutated}})
		paths[i] = filepath.Join(dir, strconv.Itoa(i)+".json")
		if err := errors.Join(os.WriteFile(mutated, []byte(text), 0o600), os.WriteFile(paths[i], replace, 0o600)); err != nil {
			return nil, fmt.Errorf("write the mutated %s: %w", original, err)
		}
	}
	return paths, errors.Join(stale...)
}

// checkSound runs the tests without any mutant. Where they pass unchanged, go's
// cache answers for them.
func checkSound(mutants []mutant) error {
	var packages []string
	for _, m := range mutants {
		packages = append(packages, strings.Fields(m.packages)...)
	}
	slices.Sort(packages)
	if out, err := goTest("", 10*time.Minute, "", slices.Compact(packages)); err != nil {
		return fmt.Errorf("the tests fail without any mutant, so they say nothing: %w\n%s", err, out)
	}
	return nil
}

// goTest runs the tests of packages that a pattern matches, with an overlay.
func goTest(overlay string, timeout time.Duration, pattern string, packages []string) (string, error) {
	args := []string{"test", "-vet=off", "-failfast", "-timeout=" + timeout.String()}
	if overlay != "" {
		args = append(args, "-overlay="+overlay)
	}
	if pattern != "" {
		args = append(args, "-run=^("+pattern+")$")
	}
	goTool := os.Getenv("GO")
	if goTool == "" {
		goTool = "go"
	}
	out, err := exec.Command(goTool, append(args, packages...)...).CombinedOutput()
	return string(out), err
}

// A verdict is what the tests said of a mutant.
type verdict struct {
	mutant  mutant
	took    time.Duration
	noticed bool
	by      string // the test that noticed
	asked   bool   // it is one of those that were asked first
	broken  bool   // it does not compile
	output  string
}

// judge runs the tests against a mutant.
func judge(m mutant, overlay string, timeout time.Duration) verdict {
	v := verdict{mutant: m}
	began := time.Now()
	for _, ask := range []struct {
		pattern string
		timeout time.Duration
	}{{m.tests, timeout}, {"", 10 * time.Minute}} {
		out, err := goTest(overlay, ask.timeout, ask.pattern, strings.Fields(m.packages))
		v.output = out
		if err == nil {
			continue
		}
		v.broken = !testFailed.MatchString(out)
		v.noticed, v.asked = !v.broken, ask.pattern != ""
		v.by = killer(out)
		break
	}
	v.took = time.Since(began)
	return v
}

var (
	testFailed = regexp.MustCompile(`(?m)^FAIL\t\S+\t[\d.]+s$`) // not: [build failed]
	failed     = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)
	running    = regexp.MustCompile(`running tests:\s+(\S+)`)
	inStack    = regexp.MustCompile(`\.((?:Test|Example)\w+)(?:\.func[\d.]+)?\(`)
)

// killer is the test that failed, that ran when time was up, or that is in the
// stack of a crash.
func killer(out string) string {
	if f := failed.FindStringSubmatch(out); f != nil {
		return f[1]
	}
	if f := running.FindStringSubmatch(out); f != nil {
		return f[1] + " (time is over)"
	}
	if f := inStack.FindStringSubmatch(out); f != nil {
		return f[1] + " (crash)"
	}
	return "a crash"
}

// alarm reports whether the verdict calls for a change: of the code, of the tests or
// of the mutant.
func (v verdict) alarm() bool {
	return v.broken || v.noticed == (v.mutant.lives != "")
}

// String is one line, followed by the output if the mutant does not compile.
func (v verdict) String() string {
	line := func(word, rest string) string {
		return fmt.Sprintf("%-9s%6.1f s  %-12s %-48s %s", word, v.took.Seconds(), strings.Fields(v.mutant.packages)[0], v.mutant.name, rest)
	}
	switch {
	case v.broken:
		return line("BROKEN", v.mutant.theme+".txt") + "\n" + v.output
	case v.noticed && v.mutant.lives != "":
		return line("NOTICED", v.by+": the entry says that nobody can")
	case v.noticed && !v.asked:
		return line("killed", v.by+", not by "+v.mutant.tests)
	case v.noticed:
		return line("killed", v.by)
	case v.mutant.lives != "":
		return line("lives", v.mutant.lives)
	}
	return line("SURVIVED", v.mutant.why)
}
