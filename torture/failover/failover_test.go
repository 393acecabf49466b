package failover_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
	_ "github.com/stakeledger/stakeledger/manager/postgres"
	"github.com/stakeledger/stakeledger/torture/effort"
)

const writers = 16

// A writer trades for one miner, an event after the other, each until it is acknowledged.
type writer struct {
	coldkey      chain.Address
	acknowledged int
	errors       []error
}

// event is the n-th of a writer: every third sells a part of what was bought.
func (w *writer) event(n int) ledger.Event {
	e := ledger.Event{
		Kind: chain.Stake, Coldkey: w.coldkey, Hotkey: w.coldkey, Netuid: 1, ExtrinsicID: fmt.Sprintf("%d-1", n+1), Block: int64(n + 1),
		Time: chain.Time(1_750_000_000_000_000).Add(time.Duration(n) * time.Second), TAO: 3 * chain.RaoPerTAO, Alpha: 3 * chain.RaoPerTAO,
	}
	if n%3 == 2 {
		e.Kind, e.Alpha = chain.Unstake, 2*chain.RaoPerTAO
	}
	return e
}

func (w *writer) record(ctx context.Context, l *ledger.Ledger) error {
	e := w.event(w.acknowledged)
	var err error
	if e.Kind == chain.Stake {
		_, _, err = l.AddPosition(ctx, e)
	} else {
		_, err = l.ProcessClose(ctx, e)
	}
	if err != nil {
		w.errors = append(w.errors, err)
		return err
	}
	w.acknowledged++
	return nil
}

// crowd has all writers write until stop is called, which waits for them.
func crowd(l *ledger.Ledger, all []*writer) (stop func()) {
	var running sync.WaitGroup
	ended := make(chan struct{})
	for _, w := range all {
		running.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
					_ = w.record(context.Background(), l)
				}
			}
		})
	}
	return func() {
		close(ended)
		running.Wait()
	}
}

func openLedger(t *testing.T, url string, budget time.Duration) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), url, ledger.WithManager(manager.WithRetryBudget(budget), manager.WithMaxQueueWait(2*budget), manager.WithLogger(slog.New(slog.DiscardHandler))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := l.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return l
}

func TestNothingAcknowledgedIsLostInAFailover(t *testing.T) {
	if !effort.Long() {
		t.Skip("it takes minutes: make torture runs it")
	}
	c := startCluster(t)
	proxies := c.proxies()
	url := c.url(proxies)
	l := openLedger(t, url, time.Minute)
	var all []*writer
	for i := range writers {
		w := &writer{coldkey: chain.AddressFromPublicKey([32]byte{9, byte(i)})}
		if _, err := l.RegisterMiner(t.Context(), ledger.Registration{Coldkey: w.coldkey}); err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	phase := func(name string, run func()) {
		before := acknowledged(all)
		stop := crowd(l, all)
		time.Sleep(time.Second)
		run()
		time.Sleep(time.Second)
		stop()
		for i, w := range all {
			for _, err := range w.errors {
				t.Errorf("%s: writer %d: %v", name, i, err)
			}
			w.errors = nil
		}
		t.Logf("%s: %d events acknowledged, %d lost", name, acknowledged(all)-before, lost(t, l, all))
	}
	phase("ten failovers", func() {
		for range 10 {
			dead := c.primary
			t.Logf("%s killed; another is primary after %s", dead.Name, c.failOver().Round(10*time.Millisecond))
			dead.Follow(c.primary)
			time.Sleep(500 * time.Millisecond)
		}
	})
	phase("rolling restart", func() {
		for _, n := range c.nodes {
			n.Stop()
			n.Start()
			c.primary.Await("SELECT count(*) = 2 FROM pg_stat_replication WHERE state = 'streaming'")
		}
	})
	phase("stalled connections", func() {
		for _, p := range proxies {
			p.Stall(true)
		}
		time.Sleep(3 * time.Second)
		for _, p := range proxies {
			p.Stall(false)
		}
	})
	standbysLost(t, c, url, all)
	t.Logf("standbys lost: %d events acknowledged in all, %d lost", acknowledged(all), lost(t, l, all))
	if r, err := l.Verify(t.Context()); err != nil || len(r.Differences) > 0 {
		t.Errorf("verify: %v, %v", r.Differences, err)
	}
}

// standbysLost has every writer write once without any standby: each waits to its budget, and learns that nobody
// knows. Once they are back, the same event again is settled.
func standbysLost(t *testing.T, c *cluster, url string, all []*writer) {
	t.Helper()
	const budget = 3 * time.Second
	l := openLedger(t, url, budget)
	for _, n := range c.nodes {
		if n != c.primary {
			kill(t, n)
		}
	}
	var writing sync.WaitGroup
	began := time.Now()
	for _, w := range all {
		writing.Go(func() { _ = w.record(context.Background(), l) })
	}
	writing.Wait()
	took := time.Since(began)
	for i, w := range all {
		if len(w.errors) != 1 || !errors.Is(w.errors[0], manager.ErrCommitUnknown) {
			t.Errorf("writer %d without standbys: %v, want ErrCommitUnknown", i, w.errors)
		}
		w.errors = nil
	}
	t.Logf("without standbys %d writers learnt after %s that nobody knows", len(all), took.Round(100*time.Millisecond))
	for _, n := range c.nodes {
		if n != c.primary {
			n.Start()
		}
	}
	for i, w := range all {
		if err := w.record(t.Context(), l); err != nil {
			t.Errorf("writer %d, standbys are back: %v", i, err)
		}
	}
}

func acknowledged(all []*writer) (n int) {
	for _, w := range all {
		n += w.acknowledged
	}
	return n
}

// lost counts the acknowledged events that are not on record, once and as they were.
func lost(t *testing.T, l *ledger.Ledger, all []*writer) (n int) {
	t.Helper()
	for i, w := range all {
		m, err := l.MinerByColdkey(t.Context(), w.coldkey)
		if err != nil {
			t.Fatal(err)
		}
		if recorded := int(m.Positions + m.Trades); recorded < w.acknowledged || recorded > w.acknowledged+1 {
			t.Errorf("writer %d: %d events are on record, %d were acknowledged", i, recorded, w.acknowledged)
			n += max(0, w.acknowledged-recorded)
		}
	}
	return n
}
