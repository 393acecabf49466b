package ledger

import (
	"context"
	"iter"

	"github.com/stakeledger/stakeledger/chain"
)

// ApplyOption sets how Apply takes an input in.
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

// LeaveLate leaves miners marked whose events came late, for RebuildMarked to replay. Default: Apply replays them
// before it returns.
func LeaveLate() ApplyOption {
	return applyOptionFunc(func(c *applyConfig) { c.leaveLate = true })
}

// OnProgress has fn called after every batch, in Apply's own goroutine. Default: it is not called.
func OnProgress(fn func(Progress)) ApplyOption {
	return applyOptionFunc(func(c *applyConfig) { c.progress = fn })
}

// Phase is what Apply is doing.
type Phase string

// The phases of Apply.
const (
	Staging   Phase = "staging"   // the input is read, checked and written beside the ledger
	Applying  Phase = "applying"  // the events are applied
	Replaying Phase = "replaying" // miners whose events came late are replayed; Done counts their events
)

// Progress is how far Apply is with its input, in events.
type Progress struct {
	Phase Phase
	Done  int64
	Total int64 // 0 while staging: the end of the input is not known yet
}

// Apply takes a whole input in: it checks and stages every event, in any order and of any number, and then
// applies them in order (time, block, extrinsic, index), miner by miner, in batches of one transaction. The order in
// which the input has them decides nothing: of several contents under one key the first in order is recorded, or at
// the same place the smallest, and the others are rejected. Miners that are not known are registered. Unstakes are handled in lenient mode. Every event ends as applied,
// ignored for a reason, a duplicate of one recorded before, or rejected; see Summary. An event that is older than
// one handled before is applied to what there is, flagged out of order, and marks its miner; before Apply returns, it
// replays the events of each marked miner from its oldest late one on (see RebuildMarked), so that the ledger is what
// all its events in order give.
//
// Where an event is bad, or events yields an error, nothing of the input is applied and that error is
// returned. When storage fails or ctx ends while events are applied, what is staged stays staged: the next
// Apply, of whatever input, goes on with it. The same input again gives the same ledger.
//
// Errors: ErrInvalid for a bad event or option, what events yields, those of the manager, and the context's.
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

// replayLate replays the marked miners. One that a counter cannot hold stays marked, as it may have been before.
func (l *Ledger) replayLate(ctx context.Context, progress func(Progress)) error {
	var done int64
	_, err := l.replayMarked(ctx, func(r RebuildResult) {
		done += r.Replayed
		progress(Progress{Phase: Replaying, Done: done})
	})
	return err
}

// applyStaged applies everything that is staged and complete, miner by miner, and returns how many events
// were of other inputs than this one.
func (l *Ledger) applyStaged(ctx context.Context, intakeID, staged int64, progress func(Progress)) (resumed int64, err error) {
	var own int64
	for coldkey := chain.Address(""); ; {
		done, err := l.applyBatch(ctx, coldkey)
		if err != nil {
			return resumed, err
		}
		for id, tally := range done.tallies {
			if id == intakeID {
				own += tally.total()
			} else {
				resumed += tally.total()
			}
		}
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
