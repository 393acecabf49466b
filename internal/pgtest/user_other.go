//go:build !unix

package pgtest

import "os/exec"

// Hand has nothing to do.
func Hand(string) error { return nil }

// AsUser has nothing to do.
func AsUser(*exec.Cmd) {}
