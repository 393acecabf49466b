package ledger

import (
	"context"
	"iter"

	"github.com/stakeledger/stakeledger/chain"
)

// ApplyOption sets how Apply processes an input.
type ApplyOption interface{ setApply(*applyConfig) error }

type applyConfig struct {
	closeTerms
	miner      minerConfig
	noRegister bool
	leaveLate  bool
	progress   func(Progress)
}

type applyOptionFunc func(*applyConfig)

func (o applyOptionFunc) setApply(c *applyConfig) error {
	o(c)
	return nil
}

// NoRegister rejects the events of miners that are not registered, as unknown_miner, instead of registering
// them. Default: Apply registers them.
func NoRegister() ApplyOption {
	return applyOptionFunc(func(c *applyConfig) { c.noRegister = true })
}

// LeaveLate leaves miners whose events came late marked, for RebuildMarked to replay. Default: Apply replays them
// before it returns.
func LeaveLate() ApplyOption {
	return applyOptionFunc(func(c *applyConfig) { c.leaveLate = true })
}

// OnProgress calls fn after every batch, in Apply's own goroutine. Default: none.
func OnProgress(fn func(Progress)) ApplyOption {
	return applyOptionFunc(func(c *applyConfig) { c.progress = fn })
}

// Phase is what Apply is doing.
type Phase string

// The phases of Apply.
const (
	Staging   Phase = "staging"   // the input is read, checked and written to the staging tables
	Applying  Phase = "applying"  // the events are applied
	Replaying Phase = "replaying" // miners whose events came late are replayed; Done counts their events
)

// Progress is how far Apply is with its input, in events.
type Progress struct {
	Phase Phase
	Done  int64
	Total int64 // 0 while staging: the end of the input is not known yet
}

// Apply processes a whole input: it checks and stages its events, any number in any order, and then applies them in
// order (time, block, extrinsic, index), miner by miner, in batches of one transaction. The input's own order decides
// nothing: of several events with one key but other contents the first in order is recorded (of equal ones the
// smallest), and the others are rejected. Unknown miners are registered. Unstakes are handled in lenient mode. Every
// event ends as applied, ignored for a reason, a duplicate of one recorded before, or rejected; see Summary. An event
// that is older than one handled before is applied to the positions as they are, flagged out of order, and marks its
// miner. Before Apply returns, it replays the events of each marked miner from its oldest late one on (see
// RebuildMarked), so the ledger is as if all events had come in order.
//
// If an event is invalid, or events yields an error, nothing of the input is applied and that error is returned. When
// storage fails or ctx ends while events are applied, what is staged stays staged: the next Apply, of any input,
// continues with it. Applying the same input again gives the same ledger.
//
// Errors: ErrInvalid for an event or option, those that events yields, those of the manager, and the context's.
func (l *Ledger) Apply(ctx context.Context, events iter.Seq2[Event, error], opts ...ApplyOption) (Summary, error) {
	c := applyConfig{
		closeTerms: closeTerms{mode: chain.Lenient},
		progress:   func(Progress) {},
	}
	for _, o := range opts {
		if err := o.setApply(&c); err != nil {
			return Summary{}, &Error{Op: "apply", Err: err}
		}
	}
	if err := l.collectAbandoned(ctx); err != nil {
		return Summary{}, err
	}
	intakeID, staged, err := l.stageInput(ctx, events, c)
	if err != nil {
		return Summary{}, err
	}
	apply := l.applyStaged
	if l.db.Writers() > 1 && !l.db.Inside(ctx) {
		apply = l.applyKeyed
	}
	resumed, err := apply(ctx, intakeID, staged, c.progress)
	if err != nil {
		return Summary{}, err
	}
	if !c.leaveLate {
		if err := l.replayLate(ctx, c.progress); err != nil {
			return Summary{}, err
		}
	}
	return l.readSummary(ctx, intakeID, resumed)
}

// replayLate replays the marked miners. A miner whose counters would overflow stays marked and is no error: it
// may have been so before this Apply.
func (l *Ledger) replayLate(ctx context.Context, progress func(Progress)) error {
	var done int64
	_, err := l.replayMarked(ctx, func(r RebuildResult) {
		done += r.Replayed
		progress(Progress{Phase: Replaying, Done: done})
	})
	return err
}

// applyStaged applies all complete inputs that are staged, miner by miner, and returns how many of the
// events belonged to other inputs than this one.
func (l *Ledger) applyStaged(ctx context.Context, intakeID, staged int64, progress func(Progress)) (resumed int64, err error) {
	var own int64
	for coldkey := chain.Address(""); ; {
		done, err := l.applyBatch(ctx, coldkey)
		if err != nil {
			return resumed, err
		}
		done.addTo(intakeID, &own, &resumed)
		if len(done.tallies) > 0 {
			progress(Progress{Phase: Applying, Done: own, Total: staged})
		}
		if done.coldkey == "" {
			break
		}
		coldkey = done.coldkey
	}
	if own < staged { // another process applied the rest
		progress(Progress{Phase: Applying, Done: staged, Total: staged})
	}
	return resumed, nil
}
