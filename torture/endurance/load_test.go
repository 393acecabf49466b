package endurance_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/torture/effort"
)

const (
	loadCallers = 16
	loadLimit   = 64 << 20 // bytes of write-ahead log
)

var errOwn = errors.New("changed my mind")

// TestHalfLoadStaysFlat measures how many writes and reads a second the machine
// does, and then runs half as many, evenly spaced, for as long as SOAK says. A few
// contexts end, a few closures fail, and there is a backup in each interval.
func TestHalfLoadStaysFlat(t *testing.T) {
	duration := effort.Soak(t)
	r, seed := openRing(t), effort.Seed(t)
	backups := t.TempDir()
	full := drive(t, r, seed, 0, min(10*time.Second, duration/10), &recorder{}, &recorder{})
	rate := full / 2
	interval := min(time.Minute, duration/20)
	var writes, reads recorder
	var samples []sample
	began := time.Now()
	for n := uint64(1); time.Since(began) < duration; n++ {
		backup := make(chan error, 1)
		go func() { backup <- r.Backup(t.Context(), filepath.Join(backups, "copy.db")) }()
		drive(t, r, seed+n, rate, interval, &writes, &reads)
		if err := errors.Join(<-backup, os.Remove(filepath.Join(backups, "copy.db"))); err != nil {
			t.Error(err)
		}
		s := takeSample(time.Since(began), r, &writes, &reads)
		samples = append(samples, s)
	}
	t.Logf("full load: %.0f calls a second; half load:%s", full, list(samples))
	for _, s := range samples {
		if s.log > loadLimit {
			t.Errorf("write-ahead log after %s: %.1f MB, want at most %d MB", s.at, mega(s.log), loadLimit>>20)
		}
	}
	if len(samples) >= 10 {
		mustBeFlat(t, samples[1:]) // the first one warms up
	}
	r.shut(t)
}

// drive runs rate transactions a second from several callers, half of them writes,
// or as many as possible if rate is 0. It returns the rate that was reached.
func drive(t *testing.T, r *ring, seed uint64, rate float64, duration time.Duration, writes, reads *recorder) float64 {
	t.Helper()
	var working sync.WaitGroup
	var done atomic.Int64
	began := time.Now()
	for id := range loadCallers {
		working.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(id)))
			for i := 0; time.Since(began) < duration; i++ {
				due := time.Now()
				if rate > 0 { // at a fixed rate: a slow call does not delay the next one
					due = began.Add(time.Duration((float64(i) + float64(id)/loadCallers) / (rate / loadCallers) * 1e9))
					time.Sleep(time.Until(due))
				}
				if err := one(r, random, i, due, writes, reads); err != nil {
					t.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	working.Wait()
	return float64(done.Load()) / time.Since(began).Seconds()
}

// one is one caller's transaction.
func one(r *ring, random *rand.Rand, i int, due time.Time, writes, reads *recorder) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if i%2 == 0 {
		err := r.scan(ctx, random.Int64N(ringSize), 100, 0)
		reads.add(time.Since(due))
		return err
	}
	switch random.IntN(100) {
	case 0:
		go cancel()
		if err := r.put(ctx, random.Int64N(ringSize), 2); err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	case 1:
		err := r.WithTx(ctx, func(ctx context.Context, q queries) error { return errOwn })
		if !errors.Is(err, errOwn) {
			return errors.Join(errors.New("a closure that fails: want its own error"), err)
		}
		return nil
	}
	err := r.put(ctx, random.Int64N(ringSize), 2)
	writes.add(time.Since(due))
	return err
}
