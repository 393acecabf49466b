package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// TestStaleDataIsToldAtATerminal: whoever looks at old figures is told, and whoever pipes them is not; the exit code
// says nothing of it.
func TestStaleDataIsToldAtATerminal(t *testing.T) {
	stale, fresh := file(t, "stale.db"), file(t, "fresh.db")
	for db, age := range map[string]time.Duration{stale: 50 * time.Hour, fresh: time.Hour} {
		must(t, event(`"time":"`+time.Now().Add(-age).UTC().Format(time.RFC3339)+`"`), "--db", db, "ingest", "-")
		must(t, `[{"uid":3,"hotkey":"`+bob+`","coldkey":"`+alice+`"}]`, "--db", db, "sync", "-")
	}
	for _, args := range [][]string{{"report"}, {"report", "--json"}, {"miners"}, {"miners", "--json"}, {"scores"}, {"weights"}, {"report", "--max-age", "60h"}} {
		if got := atATerminal(t, append(args, "--db", stale)...); !strings.HasPrefix(got, "the newest event is of ") || !strings.HasSuffix(got, ", 2 days 2 h ago\r\n") {
			t.Errorf("%v: got %q on standard error, want the age of the newest event", args, got)
		}
		if got := atATerminal(t, append(args, "--db", fresh)...); got != "" {
			t.Errorf("%v of fresh data: got %q on standard error, want nothing", args, got)
		}
		must(t, "", append(args, "--db", stale)...)
	}
}

// atATerminal runs a command, which has to succeed, as a process whose standard error is a terminal, and returns what
// it printed there.
func atATerminal(t *testing.T, args ...string) string {
	t.Helper()
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminal can be made: %v", err)
	}
	defer terminal.Close()
	var number, locked int32
	for request, value := range map[uintptr]*int32{syscall.TIOCSPTLCK: &locked, syscall.TIOCGPTN: &number} {
		if _, _, failed := syscall.Syscall(syscall.SYS_IOCTL, terminal.Fd(), request, uintptr(unsafe.Pointer(value))); failed != 0 {
			t.Skipf("no terminal can be made: %v", failed)
		}
	}
	end, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminal can be made: %v", err)
	}
	cmd := process(args...)
	cmd.Stderr = end
	printed := make(chan string)
	go func() {
		var text bytes.Buffer
		_, _ = io.Copy(&text, terminal) // ends with an error once nobody has the other end
		printed <- text.String()
	}()
	err = cmd.Run()
	_ = end.Close()
	got := <-printed
	if err != nil {
		t.Errorf("%v: %v: %s", args, err, got)
	}
	return got
}
