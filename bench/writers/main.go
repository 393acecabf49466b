// Command writers measures how many stakes a second a ledger records when several goroutines write it, each for a
// miner of its own and each stake in a transaction of its own: in a file, and on PostgreSQL where a URL is given.
//
//	go run ./writers -db postgres://me@localhost/empty -writers 1,4,16 -time 5s
//
// The databases must be empty; what it writes stays in the server's.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
	_ "github.com/stakeledger/stakeledger/manager/postgres"
)

func main() {
	url := flag.String("db", "", "the URL of an empty PostgreSQL database, beside the file")
	counts := flag.String("writers", "1,4,16", "how many goroutines write")
	span := flag.Duration("time", 3*time.Second, "how long each measurement takes")
	dir := flag.String("dir", ".", "where the file goes, on the disk to be measured")
	flag.Parse()
	if err := run(context.Background(), *dir, *url, *counts, *span); err != nil {
		fmt.Fprintf(os.Stderr, "writers: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir, url, counts string, span time.Duration) error {
	folder, err := os.MkdirTemp(dir, "writers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	places := []struct{ name, path string }{{"SQLite", filepath.Join(folder, "ledger.db")}}
	if manager.IsURL(url) {
		places = append(places, struct{ name, path string }{"PostgreSQL", url})
	}
	for _, p := range places {
		l, err := ledger.Open(ctx, p.path)
		if err != nil {
			return err
		}
		for word := range strings.SplitSeq(counts, ",") {
			n, err := strconv.Atoi(word)
			if err != nil || n < 1 {
				return fmt.Errorf("-writers %q: want numbers of 1 or more", counts)
			}
			stakes, err := measure(ctx, l, n, span)
			if err != nil {
				return err
			}
			fmt.Printf("%-10s  %3d writers  %8.0f stakes/s\n", p.name, n, float64(stakes)/span.Seconds())
		}
		if err := l.Close(ctx); err != nil {
			return err
		}
	}
	return nil
}

// measure counts the stakes that n goroutines record within a span.
func measure(ctx context.Context, l *ledger.Ledger, n int, span time.Duration) (stakes int64, err error) {
	for w := range n {
		if _, _, err := l.EnsureMiner(ctx, ledger.Registration{Coldkey: coldkeyOf(n, w)}); err != nil {
			return 0, err
		}
	}
	var done atomic.Int64
	var failed error
	var once sync.Once
	var all sync.WaitGroup
	end := time.Now().Add(span)
	for w := range n {
		all.Go(func() {
			coldkey := coldkeyOf(n, w)
			for i := int64(0); time.Now().Before(end); i++ {
				_, _, err := l.AddPosition(ctx, ledger.Event{
					Coldkey: coldkey, Hotkey: coldkey, Kind: chain.Stake, Netuid: 1, ExtrinsicID: fmt.Sprintf("%d-%d", time.Now().UnixNano(), w),
					EventIndex: i, Block: i + 1, Time: chain.Time(1_700_000_000_000_000 + i), TAO: 1_000, Alpha: 2_000,
				})
				if err != nil {
					once.Do(func() { failed = err })
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	return done.Load(), failed
}

// coldkeyOf is the w-th miner of a measurement with n of them.
func coldkeyOf(n, w int) chain.Address {
	return chain.AddressFromPublicKey([32]byte{1, byte(n), byte(w)})
}
