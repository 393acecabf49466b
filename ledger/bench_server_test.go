package ledger_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/internal/pgtest"
	"github.com/stakeledger/stakeledger/ledger"
)

// What more writers bring where the server is a millisecond away: each waits for its round trips, and not for the others.
//
//	go test -run '^$' -bench WritersFarAway -benchtime 3000x ./ledger
func BenchmarkWritersFarAway(b *testing.B) {
	for _, writers := range []int{1, 16} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			proxy := pgtest.NewProxy(b, pgtest.Migrated(b, "plain", migratePlain))
			l := openAt(b, proxy.URL, ledger.WithManager(quiet))
			for n := range writers {
				register(b, l, byte(n))
			}
			add := func(writer int, n int64) {
				e := stake(fmt.Sprintf("%d-1", n), int(n), tao, tao)
				e.Coldkey = coldkey(byte(writer))
				if _, _, err := l.AddPosition(context.Background(), e); err != nil {
					b.Error(err)
				}
			}
			var next atomic.Int64
			each := func(most int64) {
				var running sync.WaitGroup
				for w := range writers {
					running.Go(func() {
						for n := next.Add(1); n <= most; n = next.Add(1) {
							add(w, n)
						}
						next.Add(-1)
					})
				}
				running.Wait()
			}
			each(int64(writers)) // opens the connections and prepares the statements
			proxy.Delay(time.Millisecond)
			b.ResetTimer()
			each(int64(writers) + int64(b.N))
			b.StopTimer()
			proxy.Delay(0)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func migratePlain(url string) error {
	l, err := ledger.Open(context.Background(), url, ledger.WithManager(quiet))
	if err != nil {
		return err
	}
	return l.Close(context.Background())
}
