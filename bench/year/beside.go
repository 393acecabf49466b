package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// Beside is how writers fared while closed positions were archived.
type Beside struct {
	Settings  Settings              `json:"settings"`
	Archived  ledger.ArchiveSummary `json:"archived"`
	Took      time.Duration         `json:"took_ns"`
	Before    Operation             `json:"before"` // the writers alone
	Meanwhile Operation             `json:"meanwhile"`
	After     Operation             `json:"after"` // the writers alone again
	Verified  Verified              `json:"verified"`
}

// archiveBeside makes a million closed positions, at scale 1, and archives them
// while writers go on. Their transactions are timed before, meanwhile and after.
func archiveBeside(ctx context.Context, s Settings, path string, show *progress) (_ *Beside, err error) {
	l, err := ledger.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close(context.WithoutCancel(ctx))) }()
	if err := closedPositions(ctx, l, max(1, int(1_000_000*s.Scale)), show); err != nil {
		return nil, err
	}
	r := &Beside{Settings: s}
	alone := func() (Operation, error) {
		timed, cancel := context.WithTimeout(ctx, s.Alone)
		defer cancel()
		return write(timed, l, s.Writers)
	}
	if r.Before, err = alone(); err != nil {
		return nil, err
	}
	meanwhile, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	var writing error
	wg.Go(func() { r.Meanwhile, writing = write(meanwhile, l, s.Writers) })
	began := time.Now()
	r.Archived, err = l.ArchiveClosedPositions(ctx, closedBy+1, ledger.OnArchived(func(now ledger.ArchiveSummary) {
		show.show("archive", now.Positions, int64(1_000_000*s.Scale))
	}))
	r.Took = time.Since(began)
	cancel()
	wg.Wait()
	if err = errors.Join(err, writing); err != nil {
		return nil, err
	}
	if r.After, err = alone(); err != nil {
		return nil, err
	}
	r.Verified, err = verify(ctx, l, show)
	return r, err
}

// closedBy is when the last of the positions to archive was closed.
const closedBy = start + 1_000_000_000_000

// closedPositions makes positions of 200 miners; each trade closes ten of them.
func closedPositions(ctx context.Context, l *ledger.Ledger, n int, show *progress) error {
	c := newSimulated(Settings{Miners: 200, Subnets: 1, Seed: 7})
	var events []ledger.Event
	for i := range n {
		row := c.rows[(i/10)%len(c.rows)]
		e := ledger.Event{
			Kind: chain.Stake, Coldkey: row.Coldkey, Hotkey: row.Hotkey, Netuid: 1, ExtrinsicID: fmt.Sprintf("%d-1", i),
			Block: int64(1 + i/10), Time: start + chain.Time(i/10)*1000, TAO: chain.Rao(1000 + i), Alpha: 10,
		}
		events = append(events, e)
		if i%10 == 9 || i == n-1 {
			e.Kind, e.ExtrinsicID, e.EventIndex, e.Time, e.Alpha = chain.Unstake, fmt.Sprintf("%d-2", i), 1, e.Time+1, 10*chain.Rao(i%10+1)
			events = append(events, e)
		}
	}
	_, err := l.Apply(ctx, sequence(events), ledger.MinBlocks(0), ledger.OverridePolicy(), ledger.OnProgress(func(p ledger.Progress) {
		show.show("prepare: "+string(p.Phase), p.Done, max(p.Total, p.Done))
	}))
	return err
}

// write opens and closes positions from several writers, each for miners of its
// own, until ctx ends. It returns how long their transactions took.
func write(ctx context.Context, l *ledger.Ledger, writers int) (Operation, error) {
	var wg sync.WaitGroup
	times, failures := make([][]time.Duration, writers), make([]error, writers)
	for i := range writers {
		wg.Go(func() { times[i], failures[i] = writeOne(ctx, l, i) })
	}
	wg.Wait()
	var all []time.Duration
	for _, t := range times {
		all = append(all, t...)
	}
	return summarise(fmt.Sprintf("%d writers", writers), all), errors.Join(failures...)
}

var loaded = time.Now()

func writeOne(ctx context.Context, l *ledger.Ledger, number int) (times []time.Duration, err error) {
	working := context.WithoutCancel(ctx) // an operation that has begun is not cut short
	var key [32]byte
	key[0], key[1] = 9, byte(number)
	m := ledger.Registration{Coldkey: chain.AddressFromPublicKey(key)}
	if _, _, err := l.EnsureMiner(working, m); err != nil {
		return nil, err
	}
	began := int64(time.Since(loaded)) // so that each round of writers has new extrinsics
	for n := int64(0); ctx.Err() == nil; n++ {
		e := ledger.Event{
			Coldkey: m.Coldkey, Hotkey: m.Coldkey, Netuid: 2, ExtrinsicID: fmt.Sprintf("%d-%d", began, n),
			Block: 1 + n, Time: closedBy + chain.Time(began/1000+n) + 10, TAO: 1000, Alpha: 100,
		}
		at := time.Now()
		if n%2 == 0 {
			_, _, err = l.AddPosition(working, e)
		} else {
			_, err = l.ProcessClose(working, e, ledger.MinBlocks(0), ledger.OverridePolicy())
		}
		if err != nil {
			return times, err
		}
		times = append(times, time.Since(at))
	}
	return times, nil
}

func (r *Beside) print(w io.Writer) {
	fmt.Fprintf(w, "%d positions, %d trades and %d closes archived in %s beside %d writers. %s.\n\n",
		r.Archived.Positions, r.Archived.Trades, r.Archived.Closes, r.Took.Round(100*time.Millisecond), r.Settings.Writers, r.Verified)
	table(w, func(w io.Writer) {
		fmt.Fprintln(w, "their transactions\tcount\tmedian\tp99\tmax\t")
		for _, o := range []struct {
			name string
			Operation
		}{{"alone", r.Before}, {"beside archiving", r.Meanwhile}, {"alone again", r.After}} {
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t\n", o.name, o.Count, short(o.Median), short(o.P99), short(o.Max))
		}
	})
	base := max(r.Before.P99, r.After.P99)
	fmt.Fprintf(w, "p99 beside archiving is %.2f times the larger, %.2f times the smaller of the two alone.\n",
		float64(r.Meanwhile.P99)/float64(max(1, base)), float64(r.Meanwhile.P99)/float64(max(1, min(r.Before.P99, r.After.P99))))
}
