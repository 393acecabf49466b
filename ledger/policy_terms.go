package ledger

import (
	"context"
	"fmt"

	"github.com/stakeledger/stakeledger/chain"
)

// OverridePolicy lets one call use another MinBlocks or SelfTrade than the ledger's policy, and lets ProcessClose
// record a transfer although the policy excludes them. The values used are stored with the event, and the ledger's
// Policy is Mixed from then on. Without it such a call returns ErrInvalid.
func OverridePolicy() CloseApplyOption { return overrideOption{} }

type overrideOption struct{}

func (overrideOption) setClose(terms *closeTerms) error {
	terms.override = true
	return nil
}

func (o overrideOption) setApply(c *applyConfig) error { return o.setClose(&c.closeTerms) }

// underPolicy fills in from the policy what the options left open. Error: ErrInvalid if
// they ask for something else.
func (terms closeTerms) underPolicy(p Policy) (closeTerms, error) {
	const reason = "the ledger's policy is %v; SetPolicy changes it, and OverridePolicy lets one call differ"
	switch {
	case terms.asked.minBlocks == nil:
		terms.minBlocks = p.MinBlocks
	case *terms.asked.minBlocks != p.MinBlocks && !terms.override:
		return terms, invalid("min_blocks", *terms.asked.minBlocks, fmt.Sprintf(reason, p.MinBlocks))
	default:
		terms.minBlocks = *terms.asked.minBlocks
	}
	switch {
	case terms.asked.selfTrade == nil:
		terms.selfTrade = p.SelfTrade
	case *terms.asked.selfTrade != p.SelfTrade && !terms.override:
		return terms, invalid("self_trade", *terms.asked.selfTrade, fmt.Sprintf(reason, p.SelfTrade))
	default:
		terms.selfTrade = *terms.asked.selfTrade
	}
	return terms, nil
}

// excludes reports whether an event is a transfer that the policy ignores.
func (p Policy) excludes(e Event) bool {
	return p.Transfers == chain.TransfersExclude && e.IsTransfer != nil && *e.IsTransfer
}

// handlesOtherwise reports whether the policy would handle an event differently from terms.
func (p Policy) handlesOtherwise(e Event, terms closeTerms) bool {
	return e.Kind == chain.Unstake && (terms.minBlocks != p.MinBlocks || terms.selfTrade != p.SelfTrade) ||
		e.IsTransfer != nil && *e.IsTransfer && e.Excluded != p.excludes(e)
}

// checkTransfer refuses a transfer that a direct call would record although the policy excludes transfers.
func (p Policy) checkTransfer(e Event, terms closeTerms) error {
	if p.excludes(e) && !terms.override {
		return invalid("is_transfer", true, "the ledger's policy excludes transfers; Apply records them as ignored")
	}
	return nil
}

// noteMixed records that an event was not handled as the policy says.
func (p Policy) noteMixed(ctx context.Context, tx Tx) error {
	if p.Mixed {
		return nil
	}
	_, err := tx.write.SetPolicyMixed(ctx, true)
	return err
}

// noteTransfer is noteMixed for a recorded event that turns out to be a
// transfer.
func noteTransfer(ctx context.Context, tx Tx, recorded RecordedEvent) error {
	p, err := readPolicy(ctx, tx.Reader)
	if err != nil || p.Transfers == p.transfersOf(recorded) {
		return err
	}
	return p.noteMixed(ctx, tx)
}

// transfersOf is the transfer policy that a recorded transfer was handled under; p's own if its outcome does not
// depend on it.
func (p Policy) transfersOf(e RecordedEvent) chain.TransferPolicy {
	switch {
	case e.Outcome == chain.Applied, *e.Reason == chain.NoOpenPosition:
		return chain.TransfersInclude
	case *e.Reason == chain.Excluded:
		return chain.TransfersExclude
	}
	return p.Transfers
}
