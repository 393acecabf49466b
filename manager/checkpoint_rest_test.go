package manager

import (
	"context"
	"path/filepath"
	"testing"
)

// After a checkpoint that got through, the next reader in the way costs a short pause again, not the longest.
func TestCheckpointThatGetsThroughEndsThePauses(t *testing.T) {
	co, err := open(t.Context(), filepath.Join(t.TempDir(), "c.db"), newConfig(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer co.close(context.Background())
	k, c := &co.writer.checkpoints, co.writer.conn.Load()
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.unguarded()()
	k.rest, k.enough = longestRest, 1<<30
	k.overdue.Store(true)
	k.run(co, c, 1)
	if k.rest != 0 || k.enough != 0 || k.overdue.Load() {
		t.Errorf("after a checkpoint: rest %v, enough %d, overdue %v, want none", k.rest, k.enough, k.overdue.Load())
	}
}
