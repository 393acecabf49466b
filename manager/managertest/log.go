package managertest

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// newLogger logs warnings and errors to t until t has ended.
func newLogger(t testing.TB) *slog.Logger {
	w := &logWriter{t: t}
	t.Cleanup(w.end)
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// A logWriter writes to the log of a test. A test that has ended refuses more
// with a panic, and a transaction that outlives its test may still log.
type logWriter struct {
	mu    sync.Mutex
	t     testing.TB
	ended bool
}

func (w *logWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		w.t.Log("manager: " + strings.TrimSuffix(string(line), "\n"))
	}
	return len(line), nil
}

func (w *logWriter) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
}
