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

// UnderPolicy has Rebuild handle the events under the ledger's policy of now, and store it on them, so that later
// rebuilds agree. Events that are known to be transfers are excluded or not as the policy says, whoever excluded them
// before. Modes and lists of positions stay. Default: each event is handled on the terms that are stored on it.
func UnderPolicy() RebuildOption { return func(c *rebuildConfig) { c.underPolicy = true } }

// RefreshPolicy recomputes whether events were handled under another policy than the ledger's, as it is to be
// done once every miner has been rebuilt UnderPolicy, and returns the policy. It reads every event, and no other
// writer writes meanwhile.
func (l *Ledger) RefreshPolicy(ctx context.Context) (Policy, error) {
	return commit(ctx, l, func(ctx context.Context, tx Tx, _ *Policy) (Policy, error) {
		if err := refreshMixed(ctx, tx); err != nil {
			return Policy{}, err
		}
		return readPolicy(ctx, tx.Reader)
	}, manager.Label("ledger.RefreshPolicy"))
}

// restate are events as they are under the policy. One that is ignored for another reason than transfers stays so.
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
		e.Outcome, e.Reason = chain.Applied, nil // what becomes of it, the replay will say
		if p.Transfers == chain.TransfersExclude {
			e.Outcome, e.Reason = chain.Ignored, new(chain.Excluded)
		}
	}
	return events
}
