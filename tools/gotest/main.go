// Command gotest runs go test and prints a line for each package, everything that
// a failed test printed, and every skipped test with its reason, so that a test
// that could not run is not mistaken for one that passed. Its arguments are those of go test; -C DIR comes first:
//
//	gotest -C bench -race ./...
//
// It exits with go test's own code.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// event is one line of go test -json; see go doc test2json.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build output, where Package is not set
	Test        string
	Elapsed     float64
	Output      string
	FailedBuild string
}

func main() {
	code, err := run(os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintf(os.Stderr, "gotest: %v\n", err)
	}
	os.Exit(code)
}

// patience is twice go test's own limit for a package: under -race, on a slow and busy machine, the largest one comes near
// that. A -timeout among the arguments overrides it.
const patience = "-timeout=20m"

// run executes go test with args, reports to w, and returns its exit code.
func run(args []string, w io.Writer) (int, error) {
	var dir []string
	if len(args) > 1 && args[0] == "-C" { // go insists on -C before all else
		dir, args = args[:2], args[2:]
	}
	goTool := os.Getenv("GO")
	if goTool == "" {
		goTool = "go"
	}
	cmd := exec.Command(goTool, slices.Concat([]string{"test"}, dir, []string{"-json", patience}, args)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 1, fmt.Errorf("read from go test: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("start go test: %w", err)
	}
	readErr := newReport(w).read(out)
	err = cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return max(exit.ExitCode(), 1), nil
	}
	if err == nil {
		err = readErr
	}
	if err != nil {
		return 1, fmt.Errorf("run go test: %w", err)
	}
	return 0, nil
}

// A report turns events into lines as packages finish.
type report struct {
	w       io.Writer
	output  map[string]*strings.Builder // by package, or package and test
	passed  map[string]int              // top-level tests by package
	skipped map[string][]string         // lines by package
}

func newReport(w io.Writer) *report {
	return &report{w: w, output: map[string]*strings.Builder{}, passed: map[string]int{}, skipped: map[string][]string{}}
}

// read consumes the whole stream, also after lines that are not JSON, which go
// prints when it fails before any test ran.
func (r *report) read(stream io.Reader) error {
	dec := json.NewDecoder(stream)
	for {
		var e event
		if err := dec.Decode(&e); err == io.EOF {
			return nil
		} else if err != nil {
			rest, _ := io.ReadAll(io.MultiReader(dec.Buffered(), stream))
			fmt.Fprintf(r.w, "%s\n", rest)
			return fmt.Errorf("read its events: %w", err)
		}
		r.add(e)
	}
}

func (r *report) add(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.w, e.Output)
	case "output":
		b := r.output[key]
		if b == nil {
			b = &strings.Builder{}
			r.output[key] = b
		}
		b.WriteString(e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.endPackage(e)
		} else {
			r.endTest(e, key)
		}
		delete(r.output, key)
	}
}

func (r *report) endTest(e event, key string) {
	switch e.Action {
	case "pass":
		if !strings.Contains(e.Test, "/") {
			r.passed[e.Package]++
		}
	case "skip":
		r.skipped[e.Package] = append(r.skipped[e.Package], e.Test+": "+reason(r.text(key)))
	case "fail":
		fmt.Fprint(r.w, r.text(key))
	}
}

func (r *report) endPackage(e event) {
	took := time.Duration(e.Elapsed * float64(time.Second)).Round(10 * time.Millisecond)
	switch {
	case e.Action == "fail":
		// What a crash or TestMain printed belongs to the package, not a test.
		if e.FailedBuild == "" {
			fmt.Fprint(r.w, r.text(e.Package+" "))
			for key, b := range r.output {
				if strings.HasPrefix(key, e.Package+" ") && !strings.HasSuffix(key, " ") {
					fmt.Fprint(r.w, b.String()) // tests cut short by the crash
				}
			}
		}
		fmt.Fprintf(r.w, "FAIL  %s  %v\n", e.Package, took)
	case e.Action == "pass" && r.passed[e.Package]+len(r.skipped[e.Package]) > 0:
		cached := ""
		if strings.Contains(r.text(e.Package+" "), "(cached)") {
			cached = ", cached"
		}
		fmt.Fprintf(r.w, "ok    %s  %d tests, %v%s\n", e.Package, r.passed[e.Package], took, cached)
	}
	for _, line := range r.skipped[e.Package] {
		fmt.Fprintf(r.w, "skip  %s\n", line)
	}
}

func (r *report) text(key string) string {
	if b := r.output[key]; b != nil {
		return b.String()
	}
	return ""
}

// reason finds what the test gave to t.Skip in what it printed.
func reason(output string) string {
	var said []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ") || line == "" {
			continue
		}
		if _, text, ok := strings.Cut(line, ".go:"); ok {
			if _, text, ok := strings.Cut(text, ": "); ok {
				line = text
			}
		}
		said = append(said, line)
	}
	if len(said) == 0 {
		return "no reason given"
	}
	return strings.Join(said, " ")
}
