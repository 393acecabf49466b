package ledger

import (
	"context"
	"slices"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/manager"
)

// RebuildOption sets how Rebuild replays a miner's events.
type RebuildOption func(*rebuildConfig)

type rebuildConfig struct{ underPolicy bool }

// UnderPolicy makes Rebuild handle the events under the ledger's current policy, and store that with them, so that
// later rebuilds agree. Events that are known to be transfers are excluded or not as the policy says, regardless of
// why they were before. Modes and lists of positions stay. Default: each event is handled on the terms stored with
// it.
func UnderPolicy() RebuildOption { return func(c *rebuildConfig) { c.underPolicy = true } }

// RefreshPolicy recomputes the policy's Mixed and returns the policy; call it once every miner has been rebuilt
// UnderPolicy. It reads every event and blocks other writers meanwhile.
func (l *Ledger) RefreshPolicy(ctx context.Context) (Policy, error) {
	return commit(ctx, l, func(ctx context.Context, tx Tx, _ *Policy) (Policy, error) {
		if err := refreshMixed(ctx, tx); err != nil {
			return Policy{}, err
		}
		return readPolicy(ctx, tx.Reader)
	}, manager.Label("ledger.RefreshPolicy"))
}

// restate returns the events with the terms and exclusions of the policy. An event that is ignored for another
// reason than transfers stays ignored.
func (p Policy) restate(events []RecordedEvent) []RecordedEvent {
	events = slices.Clone(events)
	for i := range events {
		e := &events[i]
		if e.Kind == chain.Unstake {
			e.MinBlocks, e.SelfTrade = &p.MinBlocks, &p.SelfTrade
		}
		if e.IsTransfer == nil || !*e.IsTransfer || p.transfersOf(*e) == p.Transfers {
			continue
		}
		e.Outcome, e.Reason = chain.Applied, nil // the replay decides its outcome
		if p.Transfers == chain.TransfersExclude {
			e.Outcome, e.Reason = chain.Ignored, new(chain.Excluded)
		}
	}
	return events
}
