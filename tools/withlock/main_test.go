//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stakeledger/stakeledger/internal/pgtest"

	"github.com/stakeledger/stakeledger/manager"
)

// The command below tries the same lock without waiting: it must not get it
// while we hold it, and its exit code must come back.
func TestRunHoldsTheLock(t *testing.T) {
	if os.Getenv("WITHLOCK_TRY") != "" {
		lock, err := os.OpenFile(os.Getenv("WITHLOCK_TRY"), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Close()
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == syscall.EWOULDBLOCK {
			os.Exit(7)
		}
		os.Exit(8)
	}
	database := filepath.Join(t.TempDir(), "x.db")
	path, err := manager.LockPath(database)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("WITHLOCK_TRY", path)
	got, err := run(database, []string{os.Args[0], "-test.run=^TestRunHoldsTheLock$"})
	if err != nil {
		t.Fatal(err)
	}
	if got != 7 {
		t.Errorf("exit code: got %d, want 7 (the lock is held)", got)
	}
}

// gooseLock is the key that goose's session locker uses by default.
const gooseLock = "4097083626"

// On a server the command must not get the lock that goose's session locker takes; afterwards anybody gets it.
func TestRunHoldsTheLockOfAServer(t *testing.T) {
	url := pgtest.Database(t)
	psql := filepath.Join(pgtest.Programs(), "psql")
	if _, err := os.Stat(psql); err != nil {
		t.Skip("psql is not installed")
	}
	answer := filepath.Join(t.TempDir(), "answer")
	// The URL comes by the environment; what psql prints goes to a file.
	script := `test "$GOOSE_DRIVER" = postgres && "$0" -Atc "SELECT pg_try_advisory_lock(` + gooseLock + `)" "$GOOSE_DBSTRING" > "$1"; exit 7`
	code, err := run(url, []string{"/bin/sh", "-c", script, psql, answer})
	if err != nil || code != 7 {
		t.Fatalf("got exit code %d and %v, want the command's 7", code, err)
	}
	got, err := os.ReadFile(answer)
	if err != nil || strings.TrimSpace(string(got)) != "f" {
		t.Errorf("while the command runs: got %q, %v, want the lock held", got, err)
	}
	after, err := exec.Command(psql, "-Atc", "SELECT pg_try_advisory_lock("+gooseLock+")", url).Output()
	if err != nil || strings.TrimSpace(string(after)) != "t" {
		t.Errorf("afterwards: got %q, %v, want the lock free", after, err)
	}
}
