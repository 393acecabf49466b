package main

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"

	"github.com/stakeledger/stakeledger/bench/floor"
)

// The ledger through its public methods, with all that they validate.
var (
	ledgerCalls = Contender{
		Name:  "stakeledger, ledger",
		About: "ledger.AddPosition and ledger.ProcessClose; C runs the same statements",
	}
	ledgerApply = Contender{
		Name:  "stakeledger, ledger.Apply",
		About: "the whole ingestion: validated, staged, ordered, applied; in a process of its own",
	}
)

const opensPerClose = 3

// ledgerWork calls AddPosition three times for each ProcessClose, which closes
// the three.
func ledgerWork(goroutines int) Workload {
	w := Workload{
		Name:       fmt.Sprintf("ledger, %d:1, %s, FULL", opensPerClose, count(goroutines, "goroutine")),
		Unit:       "tx",
		Contenders: []Contender{ledgerCalls},
		Run: func(ctx context.Context, b *Bench, _ Contender, path string) (Sample, error) {
			s, err := runLedger(ctx, path, goroutines, b.Round)
			if err == nil {
				err = checkEvents(path, b.Template.Events+warmUps+int(s.Ended))
			}
			return s, err
		},
	}
	if goroutines == 1 {
		w.Floors = []string{floorName}
		w.Floor = func(b *Bench, _, path string) (Sample, error) {
			db, err := openFloor(path, Full)
			if err != nil {
				return Sample{}, err
			}
			defer db.Close()
			ops := newOps(0)
			ops.opens = opensPerClose
			return repeatFloor(b.Round, func() ([]int64, error) {
				batch := make([]floor.Op, 64)
				for i := range batch {
					batch[i] = floorOp(ops.Next())
				}
				return db.Book(batch, 1)
			})
		}
	}
	return w
}

func openLedger(ctx context.Context, path string, level Sync) (*ledger.Ledger, error) {
	opts := []manager.Option{manager.WithLogger(slog.New(slog.DiscardHandler))}
	if level == Normal {
		opts = append(opts, manager.WithSynchronousNormal())
	}
	return ledger.Open(ctx, path, ledger.WithManager(opts...))
}

func runLedger(ctx context.Context, path string, goroutines int, round time.Duration) (Sample, error) {
	l, err := openLedger(ctx, path, Full)
	if err != nil {
		return Sample{}, err
	}
	ops := make([]*Ops, goroutines)
	for i := range ops {
		ops[i] = newOps(i)
		ops[i].opens = opensPerClose
	}
	for range warmUps {
		if err := call(ctx, l, ops[0].Next()); err != nil {
			return Sample{}, fmt.Errorf("warm up the ledger: %w", err)
		}
	}
	s := measure(goroutines, round, func(worker, _ int) error { return call(ctx, l, ops[worker].Next()) })
	return s, l.Close(ctx)
}

// call books one operation through the ledger's methods.
func call(ctx context.Context, l *ledger.Ledger, op Op) error {
	if op.Close {
		_, err := l.ProcessClose(ctx, event(op))
		return err
	}
	_, _, err := l.AddPosition(ctx, event(op))
	return err
}

func event(op Op) ledger.Event {
	e := ledger.Event{
		Kind: chain.Stake, Coldkey: coldkeys[op.Miner], Hotkey: hotkeys[op.Miner], Netuid: netuid,
		ExtrinsicID: op.Extrinsic, Block: op.Block, Time: op.Time, TAO: op.TAO, Alpha: op.Alpha,
	}
	if op.Close {
		e.Kind = chain.Unstake
	}
	return e
}

// applyBulk applies events in a process of its own, to measure its memory alone.
func applyBulk(ctx context.Context, events int, path string) (Sample, error) {
	child, err := startChild(ctx, order{Contender: ledgerApply.Name, Path: path, Events: events})
	if err != nil {
		return Sample{}, err
	}
	defer child.stop()
	return child.finish()
}

// serveApply is the child's side.
func serveApply(ctx context.Context, o order) (Sample, error) {
	l, err := openLedger(ctx, o.Path, Full)
	if err != nil {
		return Sample{}, err
	}
	began, before := time.Now(), usageNow()
	summary, err := l.Apply(ctx, bulkEvents(o.Events))
	if err != nil {
		return Sample{}, err
	}
	s := Sample{Elapsed: time.Since(began), Used: usageNow().since(before), Done: []int64{summary.Applied}, Ended: summary.Applied, Figures: map[string]float64{}}
	if peak := peakMemory(); peak > 0 {
		s.Figures["peak memory, MB"] = float64(peak) / 1e6
	}
	return s, l.Close(ctx)
}

// bulkEvents are the events of the bulk workload, as an input would yield them.
func bulkEvents(events int) iter.Seq2[ledger.Event, error] {
	return func(yield func(ledger.Event, error) bool) {
		ops := newBulkOps()
		for n := range events {
			if !yield(event(ops.next(n)), nil) {
				return
			}
		}
	}
}

// peakMemory is the most memory that this process ever held, in bytes, or 0 if
// the system does not say.
func peakMemory() int64 {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			return kb * 1024
		}
	}
	return 0
}
