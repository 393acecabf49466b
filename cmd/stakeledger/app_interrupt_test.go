package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestKilledIngest kills the process at random moments, again and again. What is then run to its end must
// leave the same ledger as a run that nobody disturbed.
func TestKilledIngest(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	input := writeFile(t, "events.jsonl", must(t, "", "simulate", "--events", "4000", "--seed", "11"))

	undisturbed := file(t, "undisturbed.db")
	began := time.Now()
	if text, err := process("--db", undisturbed, "ingest", input).CombinedOutput(); err != nil {
		t.Fatalf("undisturbed: %v: %s", err, text)
	}
	took := time.Since(began)
	want := map[string]string{}
	for _, list := range []string{"report", "positions", "trades", "events"} {
		want[list] = must(t, "", "--db", undisturbed, list, "--json")
	}

	killed := 0
	for round := range 4 {
		db := filepath.Join(t.TempDir(), "ledger.db")
		for range 1 + random.IntN(4) {
			cmd := process("--db", db, "ingest", input)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			select {
			case <-time.After(time.Duration(random.Int64N(int64(took)))):
				_ = cmd.Process.Kill()
				if err := <-ended; err != nil {
					killed++
				}
			case err := <-ended:
				if err != nil {
					t.Fatalf("round %d, before it was killed: %v", round, err)
				}
			}
		}
		must(t, "", "--db", db, "ingest", input)
		for list, same := range want {
			if got := must(t, "", "--db", db, list, "--json"); got != same {
				t.Errorf("round %d: %s --json: got other output than undisturbed", round, list)
			}
		}
		got := must(t, "", "--db", db, "ingest", input)
		if !strings.Contains(got, " 0 applied, 4000 duplicates, 0 ignored, 0 rejected") {
			t.Errorf("round %d, once more: got %q, want only duplicates", round, got)
		}
	}
	if killed == 0 {
		t.Error("no process was killed before its end")
	}
}

// TestSignalEndsIngest interrupts a process that waits for more of its standard input.
func TestSignalEndsIngest(t *testing.T) {
	db := file(t, "ledger.db")
	cmd := process("--db", db, "ingest", "-")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// More than the pipe holds: once it is written, the process is reading.
	for i := range 5000 {
		if _, err := fmt.Fprintln(stdin, event(fmt.Sprintf(`"event_index":%d`, i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	exit, ok := cmd.Wait().(*exec.ExitError)
	if !ok || exit.ExitCode() != exitFailure {
		t.Errorf("got %v, want exit code %d", exit, exitFailure)
	}
	result{code: exit.ExitCode(), stderr: strings.TrimPrefix(stderr.String(), "created "+db+"\n")}.fails(t, exitFailure, "standard input", "interrupted", "same input again continues")
	_ = stdin.Close()

	if got := must(t, "", "--db", db, "report", "--json"); !strings.HasPrefix(got, `{"miners":[],"policy":{`) {
		t.Errorf("report after an input without its end: got %s, want nothing applied", got)
	}
}

// endless is a standard input that says nothing and never ends; the first read tells.
type endless struct{ asked func() }

func (e endless) Read([]byte) (int, error) {
	e.asked()
	select {}
}

func TestInterruptWhileStandardInputIsSilent(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	r := runWith(ctx, endless{cancel}, "--db", file(t, "ledger.db"), "ingest", "-")
	r.fails(t, exitFailure, "interrupted", "continues")
}

func TestInterruptOfOthers(t *testing.T) {
	db := simulated(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, args := range [][]string{{"report"}, {"trades", "--json"}, {"register", alice}, {"migrate", "up"}, {"simulate"}, {"doctor"}, {"verify"}, {"compact"}} {
		runWith(ctx, nil, append(args, "--db", db)...).fails(t, exitFailure, "interrupted")
	}
}

// TestUntilDone reads in many sizes through the reader that can be interrupted.
func TestUntilDone(t *testing.T) {
	want := strings.Repeat("0123456789", 50_000)
	r := untilDone(t.Context(), strings.NewReader(want))
	var got strings.Builder
	for size := 1; ; size = size*3%100_003 + 1 {
		buffer := make([]byte, size)
		n, err := r.Read(buffer)
		got.Write(buffer[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if got.String() != want {
		t.Errorf("got %d bytes, want the same %d that went in", got.Len(), len(want))
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("after the end: got %d bytes and %v, want io.EOF again", n, err)
	}
}

// TestBrokenPipe: a reader that has seen enough, as "| head", is no failure.
func TestBrokenPipe(t *testing.T) {
	db := simulated(t)
	for _, args := range [][]string{{"simulate"}, {"report"}, {"report", "--json"}, {"positions", "--json"}, {"miner", "--help"}} {
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		_ = reader.Close()
		cmd := process(append(args, "--db", db)...)
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = writer, &stderr
		if err := cmd.Run(); err != nil || stderr.Len() > 0 {
			t.Errorf("%v: got %v and %q on standard error, want a quiet end", args, err, stderr.String())
		}
		_ = writer.Close()
	}
}

// TestBrokenPipeHidesNothing: that nobody reads the summary does not change what ingesting came to.
func TestBrokenPipeHidesNothing(t *testing.T) {
	db := file(t, "ledger.db")
	must(t, event(""), "--db", db, "ingest", "-")
	for _, flags := range [][]string{nil, {"--json"}} {
		reader, writer := io.Pipe()
		_ = reader.Close()
		var stderr bytes.Buffer
		root := newRoot(strings.NewReader(event(`"tao":"8"`)), writer, &stderr)
		if got := runCommand(context.Background(), root, append([]string{"--db", db, "ingest", "-"}, flags...)); got != exitRejected {
			t.Errorf("%v: got exit code %d, want %d; standard error: %s", flags, got, exitRejected, stderr.String())
		}
	}
}

// full is a writer on a full disk.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, fmt.Errorf("no space left on device") }

func TestOutputThatCannotBeWritten(t *testing.T) {
	db := simulated(t)
	for _, args := range append(lists, []string{"report", "--json"}, []string{"trades", "--json"}, []string{"simulate"}) {
		if slices.Contains(args, alice) { // not in this ledger
			continue
		}
		var stderr bytes.Buffer
		code := runCommand(context.Background(), newRoot(nil, full{}, &stderr), append(args, "--db", db))
		result{code: code, stderr: stderr.String()}.fails(t, exitFailure, "no space left")
	}
}
