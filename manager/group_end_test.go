package manager_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager"
)

// alone and grouped are the two ways a closure can come to run: on its
// caller's goroutine, and together with others on one of the manager's.
var modes = []struct {
	name string
	run  func(t testing.TB, db *DB, ctx context.Context, fn func(context.Context, Tx) error, opts ...manager.TxOption) *call
}{
	{"lone", func(t testing.TB, db *DB, ctx context.Context, fn func(context.Context, Tx) error, opts ...manager.TxOption) *call {
		return start(func() error { return db.WithTx(ctx, fn, opts...) }).wait(t)
	}},
	{"grouped", func(t testing.TB, db *DB, ctx context.Context, fn func(context.Context, Tx) error, opts ...manager.TxOption) *call {
		release := hold(t, db)
		before := enqueue(context.Background(), t, db, adding("neighbour before"))
		c := enqueue(ctx, t, db, fn, opts...)
		after := enqueue(context.Background(), t, db, adding("neighbour after"))
		release()
		if err := errors.Join(before.wait(t).err, after.wait(t).err); err != nil {
			t.Errorf("neighbours in the group: %v", err)
		}
		return c.wait(t)
	}},
}

// withoutNeighbours are the titles that the closure under test wrote.
func withoutNeighbours(t testing.TB, db *DB) []string {
	return slices.DeleteFunc(titles(t, db), func(title string) bool { return strings.HasPrefix(title, "neighbour") })
}

func TestPanicContinuesInItsCaller(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			log := &logbook{}
			db := openNotes(t, manager.WithLogger(log.logger()))
			value := &struct{ reason string }{"out of paper"}
			c := mode.run(t, db, t.Context(), func(ctx context.Context, tx Tx) error {
				_ = tx.add(ctx, "broken")
				return panicking(value)
			})
			if c.panic != any(value) {
				t.Errorf("panic value: got %v, want the very one of the closure", c.panic)
			}
			if got := withoutNeighbours(t, db); len(got) != 0 {
				t.Errorf("titles: got %q, want none", got)
			}
			if mode.name == "lone" {
				return // the panic keeps its stack
			}
			entries := log.about("panic")
			if len(entries) != 1 || !strings.Contains(entries[0].attrs["stack"].String(), "panicking") {
				t.Errorf("log: got %v, want one entry with the stack that the panic had", entries)
			}
		})
	}
}

//go:noinline
func panicking(value any) error { panic(value) }

func TestPanicWithNilContinuesInItsCaller(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			db := openNotes(t)
			c := mode.run(t, db, t.Context(), func(context.Context, Tx) error { return panicking(nil) })
			if _, ok := c.panic.(interface{ RuntimeError() }); !ok {
				t.Errorf("panic(nil): got %v, exited %t, want *runtime.PanicNilError", c.panic, c.exited)
			}
		})
	}
}

func TestGoexitContinuesInItsCaller(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			db := openNotes(t)
			c := mode.run(t, db, t.Context(), func(ctx context.Context, tx Tx) error {
				_ = tx.add(ctx, "broken")
				exit()
				return nil
			})
			if !c.exited {
				t.Errorf("got %v, panic %v, want the caller's goroutine to exit", c.err, c.panic)
			}
			if got := withoutNeighbours(t, db); len(got) != 0 {
				t.Errorf("titles: got %q, want none", got)
			}
			if err := db.WithTx(t.Context(), adding("next")); err != nil {
				t.Errorf("the next transaction: %v", err)
			}
		})
	}
}

// A group that is run again one by one gives each caller its own ending too.
func TestEndingsSurviveALostGroup(t *testing.T) {
	tap := newTap()
	db := openNotes(t, manager.WithDriver(tap.wrap))
	release := hold(t, db)
	panics := enqueue(t.Context(), t, db, func(context.Context, Tx) error { return panicking("out of paper") })
	exits := enqueue(t.Context(), t, db, func(context.Context, Tx) error { exit(); return nil })
	exitsToo := enqueue(t.Context(), t, db, func(context.Context, Tx) error { exit(); return nil })
	succeeds := enqueue(t.Context(), t, db, adding("kept"))
	failGroup(tap, rollBack(sqlite3.Error{Code: sqlite3.ErrFull}))
	release()
	if c := panics.wait(t); c.panic != "out of paper" {
		t.Errorf("who panicked: got %v, panic %v", c.err, c.panic)
	}
	if !exits.wait(t).exited || !exitsToo.wait(t).exited {
		t.Error("who called Goexit returned, want the goroutine to exit")
	}
	if err := succeeds.wait(t).err; err != nil {
		t.Error(err)
	}
	if got, want := titles(t, db), []string{"kept"}; !slices.Equal(got, want) {
		t.Errorf("titles: got %q, want %q", got, want)
	}
}

// t.FailNow inside a closure must end the test, as it does anywhere else in a
// test's goroutine. The failing test runs in a process of its own.
func TestFailNowInsideAClosureEndsTheTest(t *testing.T) {
	if os.Getenv("FAIL_INSIDE_A_CLOSURE") != "" {
		for _, mode := range modes {
			t.Run(mode.name, failInside(mode.name == "grouped"))
		}
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Skipf("the test binary is unknown: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "FAIL_INSIDE_A_CLOSURE=yes")
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		t.Fatalf("the failing test hung:\n%s", out)
	}
	if _, ok := errors.AsType[*exec.ExitError](err); !ok {
		t.Errorf("exit: got %v, want a failure", err)
	}
	for _, want := range []string{"--- FAIL: " + t.Name() + "/lone", "--- FAIL: " + t.Name() + "/grouped"} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("output lacks %q", want)
		}
	}
	if bytes.Contains(out, []byte("still running")) || bytes.Contains(out, []byte("panic")) {
		t.Error("the test went on after FailNow, or panicked")
	}
	if t.Failed() {
		t.Logf("output:\n%s", out)
	}
}

func failInside(grouped bool) func(*testing.T) {
	return func(t *testing.T) {
		db := openNotes(t)
		if grouped {
			release := hold(t, db)
			enqueue(t.Context(), t, db, adding("neighbour"))
			go func() {
				until(t, "both to queue", func() bool { return db.Stats().Queue == 2 })
				release()
			}()
		}
		_ = db.WithTx(t.Context(), func(context.Context, Tx) error {
			t.FailNow()
			return nil
		})
		t.Log("still running")
	}
}

func TestProfilerLabelsComeFromTheContext(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			db := openNotes(t)
			var labelled, bare string
			pprof.Do(t.Context(), pprof.Labels("job", "nightly import"), func(ctx context.Context) {
				mode.run(t, db, ctx, func(ctx context.Context, tx Tx) error {
					labelled = profilerLabels()
					return nil
				})
			})
			mode.run(t, openNotes(t), t.Context(), func(ctx context.Context, tx Tx) error {
				bare = profilerLabels()
				return nil
			})
			if !strings.Contains(labelled, `"job":"nightly import"`) {
				t.Errorf("labels inside the closure: got %q, want the context's", labelled)
			}
			if strings.Contains(bare, "job") {
				t.Errorf("labels inside a closure whose context has none: got %q", bare)
			}
		})
	}
}

func TestProfilerLabelsDoNotLeakFromOneClosureToTheNext(t *testing.T) {
	db := openNotes(t)
	release := hold(t, db)
	var seen [3]string
	var calls []*call
	for i, name := range []string{"first", "", "third"} {
		ctx := t.Context()
		if name != "" {
			ctx = pprof.WithLabels(ctx, pprof.Labels("job", name))
		}
		calls = append(calls, enqueue(ctx, t, db, func(context.Context, Tx) error {
			seen[i] = profilerLabels()
			return nil
		}))
	}
	release()
	for _, c := range calls {
		if err := c.wait(t).err; err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []string{`"job":"first"`, "", `"job":"third"`} {
		if got := seen[i]; !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("closure %d: got labels %q, want %q", i, got, want)
		}
	}
}

// profilerLabels are the labels of the goroutine that calls it. Only the
// goroutine profile tells: it holds this very function once.
func profilerLabels() string {
	var b bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&b, 1)
	for record := range strings.SplitSeq(b.String(), "\n\n") {
		if !strings.Contains(record, "profilerLabels") {
			continue
		}
		for line := range strings.Lines(record) {
			if labels, ok := strings.CutPrefix(line, "# labels: "); ok {
				return strings.TrimSpace(labels)
			}
		}
	}
	return ""
}
