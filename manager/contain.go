package manager

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
)

// runContained runs fn, a function of the caller's, where its panic would end the
// process: the goroutine may be the manager's own, and then nobody can recover.
// It has another goroutine for fn, since runtime.Goexit must not end the manager's.
func runContained(fn func() error) error {
	done := make(chan error)
	go sendOutcome(done, fn)
	return <-done
}

// sendOutcome sends what fn returns, or an error that says how else it ended.
func sendOutcome(done chan<- error, fn func() error) {
	err := error(&strayError{value: "it ended its goroutine (runtime.Goexit)"})
	defer func() {
		if value := recover(); value != nil {
			err = &strayError{fmt.Sprintf("panic: %v", value), string(debug.Stack())}
		}
		done <- err
	}()
	err = fn()
}

// A strayError is how a function of the caller's ended that did not return.
type strayError struct{ value, stack string }

func (e *strayError) Error() string { return e.value }

// A containedHandler is the caller's log handler.
type containedHandler struct{ slog.Handler }

// Handle is never in the way of what it reports. A record that the handler does
// not take goes to standard error, and so does the reason.
func (h containedHandler) Handle(ctx context.Context, r slog.Record) error {
	err := runContained(func() error { return h.Handler.Handle(ctx, r) })
	if stray, ok := err.(*strayError); ok {
		fmt.Fprintf(os.Stderr, "manager: log handler: %s\nmanager: %s: %s\n%s", stray.value, r.Level, r.Message, stray.stack)
		return nil
	}
	return err
}

func (h containedHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return containedHandler{h.Handler.WithAttrs(attrs)}
}

func (h containedHandler) WithGroup(name string) slog.Handler {
	return containedHandler{h.Handler.WithGroup(name)}
}

func (cfg *config) logStray(what string, err error) {
	if stray, ok := err.(*strayError); ok {
		cfg.logger.Error(what, slog.Any("error", err), slog.String("stack", stray.stack))
	}
}
