//go:build unix

// Command withlock runs another command while it holds the lock that every
// manager of a database takes before it writes or migrates:
//
//	withlock ledger.db goose -dir schema sqlite3 ledger.db up
//	withlock postgres://me@host/ledger goose -dir schema/postgres up
//
// On a server that is the advisory lock of goose's session locker, and the command
// finds the database in GOOSE_DRIVER and GOOSE_DBSTRING: in its arguments everybody
// would read the password.
//
// For a file flock(1) would do, but macOS has none. The lock is an exclusive flock(2) on
// the file "<real path of the database>-lock"; the kernel releases it when this
// process ends, however it ends. The exit code is the command's own.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/migrate"
	_ "github.com/stakeledger/stakeledger/manager/postgres" // the engine of postgres:// URLs
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
	if manager.IsURL(database) {
		return runOnServer(context.Background(), database, command)
	}
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

	return execute(command, os.Environ())
}

// runOnServer is run for a server's database.
func runOnServer(ctx context.Context, url string, command []string) (code int, err error) {
	plain := func(db manager.DBTX) manager.DBTX { return db }
	held := func(ctx context.Context, db *sql.DB) error {
		return migrate.Locked(ctx, db, func() error {
			code, err = execute(command, append(os.Environ(), "GOOSE_DRIVER=postgres", "GOOSE_DBSTRING="+url))
			return nil
		})
	}
	db, openErr := manager.Open(ctx, url, plain, plain, manager.WithMigration(held))
	if openErr != nil {
		return 1, openErr
	}
	return code, errors.Join(err, db.Close(ctx))
}

// execute runs the command and returns its exit code.
func execute(command, environment []string) (int, error) {
	// The terminal interrupts the command too; the lock stays until it has ended.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGTERM)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = os.Stdin, os.Stdout, os.Stderr, environment
	err := cmd.Run()
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
