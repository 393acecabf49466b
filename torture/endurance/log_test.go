package endurance_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/torture/effort"
)

const (
	logWriters = 8
	logReaders = 4
	logLimit   = 64 << 20 // bytes
)

// TestLogStaysShortForHours writes as fast as the disk can while readers keep
// snapshots for 10 ms each and overlap, so that the log is in use at every moment.
// With SQLite's own checkpoints it would grow without bound.
func TestLogStaysShortForHours(t *testing.T) {
	duration := effort.Soak(t)
	r := openRing(t, manager.WithReaders(logReaders))
	ctx, cancel := context.WithTimeout(t.Context(), duration)
	defer cancel()
	var working sync.WaitGroup
	var reads atomic.Int64
	for range logWriters {
		working.Go(func() {
			for ctx.Err() == nil {
				if err := r.put(ctx, rand.Int64N(ringSize), 4); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range logReaders {
		working.Go(func() {
			for ctx.Err() == nil {
				if err := r.scan(ctx, rand.Int64N(ringSize), 10, 10*time.Millisecond); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
				reads.Add(1)
			}
		})
	}
	largest, frames := int64(0), 0
	began, reported := time.Now(), time.Now()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
		largest, frames = max(largest, r.logSize()), max(frames, r.Stats().WALFrames)
		if time.Since(reported) >= time.Minute {
			reported = time.Now()
			t.Logf("%4.0f min: %d commits, %d reads, largest log %.1f MB, %d checkpoints", time.Since(began).Minutes(), r.Stats().Commits, reads.Load(), mega(largest), r.Stats().Checkpoints)
		}
	}
	working.Wait()
	stats := r.Stats()
	t.Logf("%s: %d commits, %d reads, %d checkpoints; largest log %.1f MB, most frames seen %d (%.1f MB)", duration, stats.Commits, reads.Load(), stats.Checkpoints, mega(largest), frames, mega(int64(frames)*4120))
	if largest > logLimit {
		t.Errorf("largest write-ahead log: %.1f MB, want at most %d MB", mega(largest), logLimit>>20)
	}
	r.shut(t)
}

func mega(bytes int64) float64 { return float64(bytes) / (1 << 20) }
