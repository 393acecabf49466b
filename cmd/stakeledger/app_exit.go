package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"syscall"
	"unicode"

	"github.com/stakeledger/stakeledger/ledger"
)

// The exit codes of the process; the help of the root says what they mean.
const (
	exitDone     = 0
	exitFailure  = 1
	exitUsage    = 2
	exitRejected = 3
	exitDoubtful = 4
	exitMarked   = 5
	exitStale    = 6
)

// usageError means that the command was used wrongly.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// impossibleIsUsage makes a usageError of an error that says that a value cannot be.
func impossibleIsUsage(err error) error {
	if errors.Is(err, ledger.ErrInvalid) {
		return &usageError{err}
	}
	return err
}

// rejectedError means that the input was applied, but some of its events were rejected.
type rejectedError struct{ events int64 }

func (e *rejectedError) Error() string {
	return plural(e.events, "event was", "events were") + " rejected; stakeledger rejected lists them"
}

// doubtfulError means that an input does not seem complete, and names the flag that accepts it anyway.
type doubtfulError struct{ text string }

func (e *doubtfulError) Error() string { return e.text }

func doubtf(format string, args ...any) error { return &doubtfulError{fmt.Sprintf(format, args...)} }

func exitCode(err error) int {
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[*doubtfulError](err); ok {
		return exitDoubtful
	}
	if _, ok := errors.AsType[*rejectedError](err); ok {
		return exitRejected
	}
	if _, ok := errors.AsType[*markedError](err); ok {
		return exitMarked
	}
	if _, ok := errors.AsType[*staleError](err); ok {
		return exitStale
	}
	return exitFailure
}

// isBrokenPipe reports whether err means that the output was closed by its reader, as with "| head".
func isBrokenPipe(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe)
}

// unlessQuiet is err, or nil if it is a broken pipe.
func unlessQuiet(err error) error {
	if isBrokenPipe(err) {
		return nil
	}
	return err
}

// isInterrupted reports whether ctx has ended and caused err.
func isInterrupted(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx)))
}

// oneLine makes an error's text a single line.
func oneLine(s string) string { return escapeControls(strings.ReplaceAll(s, "\n", "; ")) }

// escapeControls escapes what a terminal would not show as it is: control characters, invisible
// characters, and those that change the direction of writing.
func escapeControls(s string) string {
	isPlain := func(r rune) bool { return unicode.IsPrint(r) && r != unicode.ReplacementChar }
	if strings.IndexFunc(s, func(r rune) bool { return !isPlain(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if isPlain(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}

// plural is the number with the singular or the plural.
func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(n, 10) + " " + many
}
