package ledger_test

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/internal/pgtest"
	"github.com/stakeledger/stakeledger/ledger"
)

// What more writers, a miner each, bring where the server is so far away: alone, with and without the disk's part, and
// with a synchronous standby as far from the primary. Each waits for its round trips, and not for the others.
//
//	make bench-postgres
func BenchmarkServer(b *testing.B) {
	var events atomic.Int64 // so that none comes twice
	for _, kind := range []string{"alone", "standby", "nofsync"} {
		b.Run(kind, func(b *testing.B) {
			fsync := map[bool]string{true: "fsync=off", false: "fsync=on"}[kind == "nofsync"]
			primary := pgtest.NewNode(b, "first", fsync)
			primary.Lead("ledger")
			proxies := []*pgtest.Proxy{pgtest.NewProxy(b, primary.URL("ledger"))}
			if kind == "standby" {
				proxies = append(proxies, followFar(b, primary, fsync))
			}
			l := openAt(b, proxies[0].URL, ledger.WithManager(quiet))
			for _, delay := range []time.Duration{0, time.Millisecond, 5 * time.Millisecond} {
				for _, writers := range []int{1, 4, 16} {
					b.Run(fmt.Sprintf("delay=%s/writers=%d", delay, writers), func(b *testing.B) {
						for n := range writers {
							if _, _, err := l.EnsureMiner(b.Context(), ledger.Registration{Coldkey: coldkey(byte(n))}); err != nil {
								b.Fatal(err)
							}
						}
						stakeAtOnce(b, l, &events, writers, 10*writers) // opens the connections and prepares the statements
						for _, p := range proxies {
							p.Delay(delay)
						}
						b.ResetTimer()
						stakeAtOnce(b, l, &events, writers, b.N)
						b.StopTimer()
						for _, p := range proxies {
							p.Delay(0)
						}
						b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
					})
				}
			}
		})
	}
}

// stakeAtOnce records so many stakes by so many writers.
func stakeAtOnce(b *testing.B, l *ledger.Ledger, events *atomic.Int64, writers, stakes int) {
	var left atomic.Int64
	left.Store(int64(stakes))
	var running sync.WaitGroup
	for w := range writers {
		running.Go(func() {
			for left.Add(-1) >= 0 {
				n := events.Add(1)
				e := stake(fmt.Sprintf("%d-1", n), int(n), chain.RaoPerTAO, chain.RaoPerTAO)
				e.Coldkey = coldkey(byte(w))
				if _, _, err := l.AddPosition(context.Background(), e); err != nil {
					b.Error(err)
				}
			}
		})
	}
	running.Wait()
}

// followFar adds a synchronous standby, behind a proxy.
func followFar(b *testing.B, primary *pgtest.Node, settings ...string) *pgtest.Proxy {
	b.Helper()
	standby := pgtest.NewNode(b, "second", settings...)
	standby.Follow(primary)
	proxy := pgtest.NewProxy(b, primary.URL("ledger"))
	u, err := url.Parse(proxy.URL)
	if err != nil {
		b.Fatal(err)
	}
	for _, change := range []struct {
		node *pgtest.Node
		text string
	}{
		{standby, "ALTER SYSTEM SET primary_conninfo = 'host=" + u.Query().Get("host") + " user=postgres application_name=second'"},
		{standby, "SELECT pg_reload_conf()"},
		{primary, "ALTER SYSTEM SET synchronous_standby_names = 'second'"},
		{primary, "SELECT pg_reload_conf()"},
	} {
		if _, err := change.node.Ask(change.text); err != nil {
			b.Fatal(err)
		}
	}
	primary.Await("SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'")
	return proxy
}
