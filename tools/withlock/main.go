//go:build unix

// Command withlock runs another command while it holds the lock that every
// manager of a database takes before it writes or migrates:
//
//	withlock ledger.db goose -dir schema sqlite3 ledger.db up
//
// flock(1) would do, but macOS has none. The lock is an exclusive flock(2) on
// the file "<real path of the database>-lock"; the kernel releases it when this
// process ends, however it ends. The exit code is the command's own.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/stakeledger/stakeledger/manager"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: withlock DATABASE COMMAND [ARGUMENT...]")
		os.Exit(2)
	}
	code, err := run(os.Args[1], os.Args[2:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "withlock: %v\n", err)
	}
	os.Exit(code)
}

// run executes command under database's lock and returns its exit code.
func run(database string, command []string) (int, error) {
	path, err := manager.LockPath(database)
	if err != nil {
		return 1, err
	}
	lock, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return 1, fmt.Errorf("open the lock file of %s: %w", database, err)
	}
	defer lock.Close()
	if err := wait(lock); err != nil {
		return 1, fmt.Errorf("lock %s: %w", path, err)
	}

	// The terminal interrupts the command too; the lock stays until it has ended.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGTERM)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() > 0 {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 1, fmt.Errorf("run %s: %w", command[0], err)
	}
	return 0, nil
}

// wait blocks until the lock is ours, and says so when that takes a wait. A
// signal handler of the runtime may interrupt the call, hence the loop.
func wait(lock *os.File) error {
	fd := int(lock.Fd())
	err := syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		fmt.Fprintf(os.Stderr, "withlock: waiting for %s\n", lock.Name())
	}
	for err != nil {
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return err
		}
		err = syscall.Flock(fd, syscall.LOCK_EX)
	}
	return nil
}
