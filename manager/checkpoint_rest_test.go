package manager

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// After a checkpoint that got through, the next reader in the way costs a short pause again, not the longest.
func TestCheckpointThatGetsThroughEndsThePauses(t *testing.T) {
	co, err := openWritable(t.Context(), filepath.Join(t.TempDir(), "c.db"), newConfig(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer co.shutDown(context.Background())
	k, c := &co.writer.checkpoints, co.writer.conn.Load()
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.suspendGuard()()
	k.pauseLength, k.retryFrames = longestPause, 1<<30
	k.overdue.Store(true)
	k.checkpoint(co, c, 1)
	if k.pauseLength != 0 || k.retryFrames != 0 || k.overdue.Load() {
		t.Errorf("after a checkpoint: rest %v, enough %d, overdue %v, want none", k.pauseLength, k.retryFrames, k.overdue.Load())
	}
}

// By an index that no other process uses any more, a checkpoint would copy what another one has written over.
func TestNoCheckpointWhenTheIndexIsGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.db")
	co, err := openWritable(t.Context(), path, newConfig([]Option{WithCheckpointFrames(1)}))
	if err != nil {
		t.Fatal(err)
	}
	defer co.shutDown(context.Background())
	c := co.writer.conn.Load()
	c.mu.Lock()
	end := c.suspendGuard()
	_, err = c.raw.ExecContext(t.Context(), "CREATE TABLE t (x)", nil)
	end()
	c.mu.Unlock()
	if err == nil {
		err = os.Remove(path + "-shm")
	}
	if err != nil {
		t.Fatal(err)
	}
	co.writer.checkpoints.measure(co.writer)
	if n := co.stats.checkpoints.Load(); n != 0 {
		t.Errorf("checkpoints: got %d, want none", n)
	}
}
