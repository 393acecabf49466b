package manager

import (
	"context"
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
