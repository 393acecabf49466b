package simulation_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/torture/model"
)

// A worker of a crowd works on miners of its own, so that its answers do not depend
// on the others.
type worker struct {
	ops     []model.Op
	timeout []time.Duration // 0: none
	answers []model.Answer  // it stops at the first error after which the outcome is unknown
	ended   []bool          // whether the operation's context had ended
}

// drawCrowd draws operations and deals them out by miner.
func (w *world) drawCrowd() []*worker {
	crowd := make([]*worker, 2+w.IntN(4))
	for i := range crowd {
		crowd[i] = &worker{}
	}
	for range len(crowd) * (3 + w.IntN(15)) {
		o := w.generator.Next(10)
		miner := o.Miner
		if len(o.Events) > 0 {
			miner = o.Events[0].Miner
		}
		if miner == 0 || o.Do == "sync" || !w.Known(o) { // of all miners
			continue
		}
		of := crowd[miner%len(crowd)]
		if o.Do == "apply" {
			o.LeaveLate = true // a replay is of all miners, those of others too
			o.Events = slices.DeleteFunc(o.Events, func(e model.Event) bool { return crowd[e.Miner%len(crowd)] != of })
		}
		of.ops = append(of.ops, o)
		timeout := time.Duration(0)
		if w.chance(8) {
			timeout = time.Duration(1+w.IntN(3000)) * time.Microsecond
		}
		of.timeout = append(of.timeout, timeout)
	}
	return crowd
}

// crowd runs several workers at once, while another one adds up and checkpoints.
func (w *world) crowd() error {
	crowd := w.drawCrowd()
	w.clock.steady.Store(true) // an input without progress for minutes counts as abandoned
	defer w.clock.steady.Store(false)
	mode := []string{"PASSIVE", "FULL", "RESTART", "TRUNCATE"}[w.IntN(4)]
	w.tally["crowds"]++
	for i, of := range crowd {
		w.tally["operations"] += len(of.ops)
		w.note("worker %d: %s", i, lines(of.ops...))
	}
	faults := w.drawFaults(50, 300)
	w.note("among %v", faults)
	var beside error
	var h happening
	var strays []string
	h.fired, strays = w.armed(faults, func() {
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			beside = w.beside(stop, mode)
		}()
		var all sync.WaitGroup
		for _, of := range crowd {
			all.Go(func() { w.work(of) })
		}
		all.Wait()
		close(stop)
		<-stopped
	})
	switch {
	case beside != nil:
		return fmt.Errorf("beside a crowd: %w", beside)
	case len(strays) > 0:
		return fmt.Errorf("statements outside a transaction: %q", strays)
	}
	w.note("fired: %v", h.fired)
	return w.followCrowd(crowd, h)
}

func (w *world) beside(stop chan struct{}, mode string) error {
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		if err := w.watcher.conserved(); err != nil {
			return err
		}
		_ = w.watcher.checkpoint(mode) // SQLITE_BUSY, when it is
		err := w.Ledger.ReadOnly(context.Background(), func(ctx context.Context, q *read.Queries) error {
			_, err := q.Miners(ctx, 0, 100)
			return err
		})
		_ = err // a reader may meet a fault too
	}
}

func (w *world) work(of *worker) {
	for i, o := range of.ops {
		ctx, cancel := context.Background(), context.CancelFunc(func() {})
		if of.timeout[i] > 0 {
			ctx, cancel = context.WithTimeout(ctx, of.timeout[i])
		}
		a := w.Do(ctx, o)
		of.answers, of.ended = append(of.answers, a), append(of.ended, ctx.Err() != nil)
		cancel()
		if !byRule(a.Err) {
			return
		}
	}
}

// followCrowd runs on the model what was acknowledged, one worker after the other:
// no two of them worked on one miner.
func (w *world) followCrowd(crowd []*worker, h happening) error {
	touched := model.Outcome{Miners: map[int]bool{}, Whole: true}
	for _, of := range crowd {
		for i, a := range of.answers {
			if !byRule(a.Err) {
				continue
			}
			want := w.Model.Do(of.ops[i])
			if err := model.Differ("error", model.KindOf(a.Err), want.Err); err != nil {
				return fmt.Errorf("%s: %w (%v)", lines(of.ops[i]), err, a.Err)
			}
			for n := range want.Miners {
				touched.Miners[n] = true
			}
		}
	}
	for _, of := range crowd {
		last := len(of.answers) - 1
		if last < 0 || byRule(of.answers[last].Err) {
			continue
		}
		o, a := of.ops[last], of.answers[last]
		w.note("%s answered %v", lines(o), a.Err)
		w.tally["failed"]++
		if err := (happening{fired: h.fired, cut: of.ended[last]}).mayFail(a.Err); err != nil {
			return err
		}
		if inParts(o) {
			if err := w.goOn(o, a); err != nil {
				return err
			}
			continue
		}
		if err := w.find(a.Err, h, func() model.Outcome { return w.Model.Do(o) }); err != nil {
			return fmt.Errorf("%s: %w", lines(o), err)
		}
	}
	return w.compare(touched)
}
