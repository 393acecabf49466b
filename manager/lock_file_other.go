//go:build !unix

package manager

import (
	"errors"
	"os"
)

// Without flock, processes compete for SQLite's own lock, with backoff.

func flock(*os.File, bool) error { return errors.ErrUnsupported }
func openBeside(path, _ string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, &Error{Op: "open lock file " + path, Kind: ErrIO, Err: err}
	}
	return f, nil
}

func copyOwner(*os.File, string) {}

func funlock(*os.File) error { return nil }
func lockHeld(error) bool    { return false }
