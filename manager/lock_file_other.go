//go:build !unix

package manager

import (
	"errors"
	"os"
)

// Without flock processes meet at SQLite's own lock, with backoff.

func flock(*os.File, bool) error { return errors.ErrUnsupported }
func funlock(*os.File) error     { return nil }
func lockHeld(error) bool        { return false }
