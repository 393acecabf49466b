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
	"path/filepath"
	"syscall"
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
	path, err := lockPath(database)
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

// lockPath names the lock file of a database that may not exist yet. Symbolic
// links are resolved, so that every name of one database leads to one lock.
func lockPath(database string) (string, error) {
	name := database
	for range 40 { // a link to a database that is still to be made; as many as Linux follows
		target, err := os.Readlink(name)
		if err != nil {
			break
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(name), target)
		}
		name = target
	}
	real, err := filepath.EvalSymlinks(name)
	if errors.Is(err, os.ErrNotExist) {
		var dir string
		dir, err = filepath.EvalSymlinks(filepath.Dir(name))
		real = filepath.Join(dir, filepath.Base(name))
	}
	if err != nil {
		return "", fmt.Errorf("find the real path of %s: %w", database, err)
	}
	return real + "-lock", nil
}
