package model

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/torture/effort"
)

// TestLedgerEqualsModel runs random histories of a few hundred events, each on a
// ledger of its own; with TORTURE long ones too, 100,000 events in all.
func TestLedgerEqualsModel(t *testing.T) {
	seed := effort.Seed(t)
	budget := effort.Count(2_500, 100_000)
	long := effort.Count(0, 40_000)
	met := Tally{}
	if long > 0 {
		playRandom(t, seed, 0, long, true, met)
	}
	for i, done := 1, long; done < budget; i++ {
		n := 50 + int(seed>>7+uint64(i)*37)%350
		playRandom(t, seed, uint64(i), n, false, met)
		done += n
	}
	met.Check(t, effort.Long())
}

// playRandom runs one history of n events. If the two differ it is shrunk and printed.
func playRandom(t *testing.T, seed, number uint64, n int, sparse bool, met Tally) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, number))
	h := history{setting: setting{Batch: []int{0, 0, 1, 7}[random.IntN(4)], Twice: random.IntN(6) == 0}}
	r, err := startRun(t.TempDir(), h.setting)
	if err != nil {
		t.Fatal(err)
	}
	r.tally = met
	g := NewGenerator(random, r.Model)
	g.Sparse = sparse
	if sparse {
		g.Miners, g.Huge = 8, false
	}
	err = func() error {
		for left, sinceWhole := n, 0; left > 0; {
			o := g.Next(left)
			left -= len(o.Events)
			sinceWhole += len(o.Events)
			h.ops = append(h.ops, o)
			if err := r.step(o); err != nil {
				return err
			}
			if sinceWhole >= 200 && sinceWhole >= n/20 {
				sinceWhole = 0
				if err := r.Whole(); err != nil {
					return err
				}
			}
		}
		return r.finish()
	}()
	if stopped := r.stop(); stopped != nil {
		t.Errorf("stop: %v", stopped)
	}
	if err == nil {
		return
	}
	t.Logf("history %d, %d operations: %v\nshrinking", number, len(h.ops), err)
	small := shrink(t.TempDir(), h, time.Now().Add(time.Minute))
	_, err = play(t.TempDir(), small, true)
	t.Fatalf("ledger and model differ: %v\nA case to keep:\n%v", err, small)
}

// TestKeptCases runs the histories that were found before.
func TestKeptCases(t *testing.T) {
	for _, c := range kept {
		t.Run(c.name, func(t *testing.T) {
			h, err := parseHistory(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := play(t.TempDir(), h, true); err != nil {
				t.Error(err)
			}
		})
	}
}
