//go:build unix

package crash_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A task is what a child process is to do.
type task struct {
	Role   string
	Folder string
	First  int64 // of the numbers that it writes
	Small  bool  // checkpoints after a few frames
}

// A reporter is the child's end of the pipe. Each line is one write, so lines
// of several goroutines do not mix.
type reporter struct{ to *os.File }

func (r reporter) say(format string, args ...any) { fmt.Fprintf(r.to, format+"\n", args...) }

// begin says that the operation begins, which starts the time until the kill.
func (r reporter) begin() { r.say("begin") }

const taskVariable = "CRASH_TASK"

func TestMain(m *testing.M) {
	if text := os.Getenv(taskVariable); text != "" {
		play(text)
	}
	os.Exit(m.Run())
}

// play is the child: it does its task, reports how that ended, and waits to be killed.
func play(text string) {
	r := reporter{os.NewFile(3, "reports")}
	orphaned := make(chan struct{})
	go func() { // the parent never writes: this ends when the parent does
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(orphaned)
	}()
	var t task
	err := json.Unmarshal([]byte(text), &t)
	if err == nil {
		go func() {
			if err := roles[t.Role](context.Background(), t, r); err != nil {
				r.say("failed: %q", err)
			}
			r.say("end")
		}()
	}
	<-orphaned
	os.Exit(1)
}

// A victim is a child process that is to be killed.
type victim struct {
	cmd   *exec.Cmd
	began chan struct{} // closed when the operation begins
	ended chan struct{} // closed when it has ended, or the process has
	lines []string      // its reports between the two; complete once dead
	over  bool          // whether the operation ended
	dead  chan struct{}
}

func start(t *testing.T, task task) *victim {
	t.Helper()
	text, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	reports, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	v := &victim{cmd: exec.Command(os.Args[0]), began: make(chan struct{}), ended: make(chan struct{}), dead: make(chan struct{})}
	v.cmd.Env = append(os.Environ(), taskVariable+"="+string(text))
	v.cmd.ExtraFiles = []*os.File{to}
	v.cmd.Stderr = os.Stderr
	if _, err := v.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = to.Close()
	go v.listen(reports)
	t.Cleanup(func() { v.kill(t) })
	return v
}

func (v *victim) listen(reports *os.File) {
	defer close(v.dead)
	defer reports.Close()
	began := false
	for s := bufio.NewScanner(reports); s.Scan(); {
		switch line := s.Text(); {
		case line == "begin":
			began = true
			close(v.began)
		case line == "end":
			v.over = true
			close(v.ended)
		default:
			v.lines = append(v.lines, line)
		}
	}
	if !began {
		close(v.began)
	}
	if !v.over {
		close(v.ended)
	}
}

// kill ends the process at once, wherever it is, and waits for its last report.
func (v *victim) kill(t *testing.T) {
	_ = v.cmd.Process.Kill()
	<-v.dead
	_ = v.cmd.Wait()
	for _, line := range v.lines {
		if strings.HasPrefix(line, "failed: ") {
			t.Errorf("the child's own work %s", line)
		}
	}
}

// killAfter kills the process so long after its operation began, and returns
// what it had reported.
func (v *victim) killAfter(t *testing.T, delay time.Duration) []string {
	t.Helper()
	await(t, v.began, "the child's beginning")
	<-time.After(delay) // the random moment itself
	v.kill(t)
	return v.lines
}

// length runs a task to its end and returns how long that took.
func length(t *testing.T, task task) time.Duration {
	t.Helper()
	v := start(t, task)
	await(t, v.began, "the child's beginning")
	began := time.Now()
	await(t, v.ended, "the child's end")
	took := time.Since(began)
	v.kill(t)
	if !v.over {
		t.Fatalf("the child did not get to the end of %+v", task)
	}
	return took
}

func await(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(time.Minute):
		t.Fatalf("waited a minute for %s", what)
	}
}
