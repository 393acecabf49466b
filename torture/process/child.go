// Package process lets a test run parts of itself in other processes, which can
// be killed, and gives all of them one clock.
//
//	func TestMain(m *testing.M) { process.Main(m, map[string]process.Role{"writer": writer}) }
//
//	child := process.Start(t, "writer", order{Path: path})
//
// A child ends with its parent: nothing is left behind by a test that panics or
// runs into its time limit.
package process

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

const variable = "TORTURE_ROLE"

// patience is how long a child may be silent before its test fails.
const patience = 2 * time.Minute

// A Role is what a child does. Its error is the child's failure.
type Role func(parent *Parent) error

// Main runs the tests or, in a child, the role it was started for. It is for
// TestMain.
func Main(m *testing.M, roles map[string]Role) {
	name, order, isChild := strings.Cut(os.Getenv(variable), " ")
	if !isChild {
		os.Exit(m.Run())
	}
	parent := &Parent{order: order, lines: make(chan string)}
	go parent.listen()
	if err := roles[name](parent); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// A Parent is the test, as seen from a child. It is safe for concurrent use.
type Parent struct {
	order string
	lines chan string
	mu    sync.Mutex
}

// Order reads what the child was started with.
func (p *Parent) Order(order any) error {
	if err := json.Unmarshal([]byte(p.order), order); err != nil {
		return fmt.Errorf("read order %s: %w", p.order, err)
	}
	return nil
}

// Say tells the test something. When it returns, the test will hear of it, also
// if the child is killed right after.
func (p *Parent) Say(what any) error {
	line, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("say %v: %w", what, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err = os.Stdout.Write(append(line, '\n')) // one write: never half a line
	return err
}

// Hear waits for the test's next line.
func (p *Parent) Hear() string { return <-p.lines }

// Told delivers the test's lines to a child that is busy.
func (p *Parent) Told() <-chan string { return p.lines }

func (p *Parent) listen() {
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		p.lines <- in.Text()
	}
	os.Exit(2) // the test is gone
}

// A Child is another process of this test binary. Its methods are for one
// goroutine at a time.
type Child struct {
	t      testing.TB
	role   string
	cmd    *exec.Cmd
	in     io.WriteCloser
	lines  chan []byte // closed when the child has ended
	stderr strings.Builder
}

// Start starts a process that plays role. order must survive JSON.
func Start(t testing.TB, role string, order any) *Child {
	t.Helper()
	text, err := json.Marshal(order)
	if err != nil {
		t.Fatalf("start %s: %v", role, err)
	}
	c := &Child{t: t, role: role, cmd: exec.Command(os.Args[0]), lines: make(chan []byte, 1024)}
	c.cmd.Env = append(os.Environ(), variable+"="+role+" "+string(text),
		"GORACE=atexit_sleep_ms=10 "+os.Getenv("GORACE")) // else each exit takes a second under -race
	c.cmd.Stderr = &c.stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", role, err)
	}
	t.Cleanup(func() { _ = c.cmd.Process.Kill(); _ = c.cmd.Wait() })
	go c.listen(out)
	return c
}

func (c *Child) listen(out io.Reader) {
	defer close(c.lines)
	in := bufio.NewReader(out)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return // a line without an end is of a child that was killed while it wrote
		}
		c.lines <- line
	}
}

// Tell sends the child a line. A child that has been killed does not hear it.
func (c *Child) Tell(line string) { _, _ = io.WriteString(c.in, line+"\n") }

// Next reads what the child says next. It reports false when the child has ended.
func (c *Child) Next(what any) bool {
	c.t.Helper()
	select {
	case line, ok := <-c.lines:
		if !ok {
			return false
		}
		if err := json.Unmarshal(line, what); err != nil {
			c.t.Fatalf("%s said %q: %v", c.role, line, err)
		}
		return true
	case <-time.After(patience):
		c.t.Fatalf("%s has said nothing for %s", c.role, patience)
		return false
	}
}

// Expect reads what the child says next, which must be want.
func (c *Child) Expect(want string) {
	c.t.Helper()
	var got string
	if !c.Next(&got) {
		c.End()
		c.t.Fatalf("%s ended before it said %q", c.role, want)
	}
	if got != want {
		c.t.Fatalf("%s said %q, want %q", c.role, got, want)
	}
}

// Kill ends the child at once, as the kernel would. What it said before can
// still be read.
func (c *Child) Kill() { _ = c.cmd.Process.Kill() }

// End reads and drops the rest of what the child says, waits for its end, and
// fails the test as the child failed.
func (c *Child) End() {
	c.t.Helper()
	for range c.lines {
	}
	if err := c.cmd.Wait(); err != nil {
		c.t.Errorf("%s: %v\n%s", c.role, err, c.stderr.String())
	}
}

// WaitKilled waits for the end of a child that was killed.
func (c *Child) WaitKilled() {
	for range c.lines {
	}
	_ = c.cmd.Wait()
}
