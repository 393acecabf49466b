package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/stakeledger/stakeledger/ledger"
)

// growthSizes are an empty ledger, one after months and one after years. They are
// measured at NORMAL, since waiting for the disk would hide the growth.
var growthSizes = []struct {
	name string
	size Size
}{
	{"empty", Size{Miners: maxMiners}},
	{growthBase, Size{Miners: maxMiners, Events: 50_000, Open: 1_000}},
	{"1,000,000 events", Size{Miners: maxMiners, Events: 1_000_000, Open: 20_000}},
}

const growthBase = "50,000 events"

// growth measures every operation on every size, interleaved, and adds a table
// for each operation.
func growth(ctx context.Context, dir string, rounds int, round time.Duration, report *Report) error {
	var list []*grown
	for _, s := range growthSizes {
		g, err := grow(ctx, filepath.Join(dir, fmt.Sprintf("%d.db", s.size.Events)), s.name, s.size)
		if err != nil {
			return err
		}
		defer g.ledger.Close(context.WithoutCancel(ctx))
		list = append(list, g)
	}
	for _, op := range growthOps {
		samples := map[string][]Sample{}
		for range rounds {
			for _, g := range list {
				if err := ctx.Err(); err != nil {
					return err
				}
				s, err := op.measure(ctx, g, round)
				if err != nil {
					return fmt.Errorf("%s on %s: %w", op.name, g.name, err)
				}
				samples[g.name] = append(samples[g.name], s)
			}
		}
		t := Table{Workload: "growth, " + op.name, Unit: "ops", Base: growthBase}
		for _, g := range list {
			t.Results = append(t.Results, summarise(g.name, samples[g.name]))
		}
		report.add(t)
	}
	return nil
}

// A grown ledger is open for all operations. They make it grow a little more.
type grown struct {
	name     string
	template *Template
	ledger   *ledger.Ledger
	ops      map[int]*Ops
	turn     int
}

func grow(ctx context.Context, path, name string, size Size) (*grown, error) {
	began := time.Now()
	t, err := newTemplate(ctx, path, size)
	if err != nil {
		return nil, err
	}
	l, err := openLedger(ctx, path, Normal)
	if err != nil {
		return nil, err
	}
	if size.Events > 0 {
		fmt.Printf("\nA ledger of %s and %d miners, made in %v.\n", name, size.Miners, time.Since(began).Round(time.Second))
	}
	return &grown{name: name, template: t, ledger: l, ops: map[int]*Ops{}}, nil
}

// next is the work of a different miner each time, in an order in which a cache
// helps little, or always that of scanMiner.
func (g *grown) next(scan bool) *Ops {
	miner := scanMiner
	for ; !scan && miner == scanMiner; g.turn++ {
		miner = (g.turn * 7919) % g.template.Size.Miners
	}
	if g.ops[miner] == nil {
		g.ops[miner] = newOps(miner)
	}
	return g.ops[miner]
}

// point is a position of the history, or the first one booked since.
func (g *grown) point(n int) int64 {
	if len(g.template.Points) == 0 {
		return 1
	}
	return g.template.Points[n%len(g.template.Points)]
}

type growthOp struct {
	name    string
	measure func(context.Context, *grown, time.Duration) (Sample, error)
}

var growthOps = []growthOp{
	{"AddPosition", bookEither(false, false)},
	{"ProcessClose", bookEither(true, false)},
	{"AddPosition, biggest miner", bookEither(false, true)},
	{"ProcessClose, biggest miner", bookEither(true, true)},
	{"MinerByColdkey", repeatRead(func(ctx context.Context, g *grown, n int) error {
		_, err := g.ledger.MinerByColdkey(ctx, coldkeys[n*7919%g.template.Size.Miners])
		return err
	})},
	{"Position", repeatRead(func(ctx context.Context, g *grown, n int) error {
		_, err := g.ledger.Position(ctx, g.point(n))
		return err
	})},
	{"OpenPositions, biggest miner", repeatRead(func(ctx context.Context, g *grown, _ int) error {
		_, err := g.ledger.OpenPositions(ctx, g.template.Scan, ledger.Page[ledger.Position]{})
		return err
	})},
}

// bookEither books opens and closes in turn and times only one kind. The other
// keeps the number of open positions the same.
func bookEither(closes, scan bool) func(context.Context, *grown, time.Duration) (Sample, error) {
	return func(ctx context.Context, g *grown, round time.Duration) (Sample, error) {
		s := Sample{Done: []int64{0}}
		for s.Elapsed < round {
			ops := g.next(scan)
			for range 2 {
				op := ops.Next()
				began, before := time.Now(), usageNow()
				if err := call(ctx, g.ledger, op); err != nil {
					return s, err
				}
				if took := time.Since(began); op.Close == closes {
					s.Elapsed += took
					s.Used = s.Used.plus(usageNow().since(before))
					s.Waits = append(s.Waits, int64(took))
					s.Done[0]++
					s.Ended++
				}
			}
		}
		return s, nil
	}
}

func repeatRead(op func(context.Context, *grown, int) error) func(context.Context, *grown, time.Duration) (Sample, error) {
	return func(ctx context.Context, g *grown, round time.Duration) (Sample, error) {
		return measure(1, round, func(_, n int) error { return op(ctx, g, n) }), ctx.Err()
	}
}
