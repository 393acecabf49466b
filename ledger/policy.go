package ledger

import (
	"context"
	"fmt"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/dbgen/write"
	"github.com/stakeledger/stakeledger/manager"
)

// Policy is under what a ledger handles events and scores miners. It belongs to the ledger: no call has to name it,
// and one that asks for another is refused (see OverridePolicy).
type Policy struct {
	MinBlocks    int64                 `json:"min_blocks"`    // between entry and exit for a gain to count; 0: any
	SelfTrade    chain.SelfTradePolicy `json:"self_trades"`   // what a position gains that its own extrinsic closes
	Transfers    chain.TransferPolicy  `json:"transfers"`     // whether events that are known to be transfers count
	LookbackDays int                   `json:"lookback_days"` // of scores, beside the day itself

	// Mixed: recorded events may have been handled under another policy, since this one was set after them or a call
	// overrode it. Rebuild with UnderPolicy re-evaluates them. SetPolicy works it out; what it is given is not looked at.
	Mixed bool `json:"mixed"`
}

// DefaultPolicy is the policy of a new ledger: 360 blocks, self-trades gain nothing, transfers count, 21 days.
func DefaultPolicy() Policy {
	return Policy{MinBlocks: defaultMinBlocks, SelfTrade: chain.SelfTradeZero, Transfers: chain.TransfersInclude, LookbackDays: DefaultLookback}
}

func (p Policy) validate() error {
	switch {
	case p.MinBlocks < 0:
		return invalid("min_blocks", p.MinBlocks, "is negative; 0 switches the rule off")
	case !p.SelfTrade.Valid():
		return invalid("self_trades", p.SelfTrade, "want zero or clamp")
	case !p.Transfers.Valid():
		return invalid("transfers", p.Transfers, "want include or exclude")
	case p.LookbackDays < 0 || p.LookbackDays > maxLookback:
		return invalid("lookback_days", p.LookbackDays, fmt.Sprintf("want 0 to %d days", maxLookback))
	}
	return nil
}

// Policy returns the ledger's policy.
func (l *Ledger) Policy(ctx context.Context) (Policy, error) {
	return manager.Read(ctx, l.db, readPolicy)
}

// SetPolicy sets the ledger's policy and returns it, Mixed worked out. What is recorded stays as it was handled; it
// reads every event to see whether any was handled otherwise, and no other writer writes meanwhile. Error: ErrInvalid.
func (l *Ledger) SetPolicy(ctx context.Context, p Policy) (Policy, error) {
	if err := p.validate(); err != nil {
		return Policy{}, &Error{Op: "set policy", Err: err}
	}
	return commit(ctx, l, func(ctx context.Context, tx Tx, _ *Policy) (Policy, error) {
		if err := setPolicy(ctx, tx, p); err != nil {
			return Policy{}, err
		}
		return readPolicy(ctx, tx.Reader)
	}, manager.Label("ledger.SetPolicy"))
}

// WithPolicy sets the policy of a ledger that has no events yet, such as one that Open makes. Open returns ErrInvalid
// where there are events and the ledger's policy is another: SetPolicy changes it. Default: the ledger's own, which
// begins as DefaultPolicy.
func WithPolicy(p Policy) Option { return func(c *openConfig) { c.policy = &p } }

// ensurePolicy sees that the ledger has a policy.
func (l *Ledger) ensurePolicy(ctx context.Context, want Policy) error {
	if err := want.validate(); err != nil {
		return &Error{Op: "open", Subject: l.path, Err: err}
	}
	have, err := l.Policy(ctx)
	if err != nil || have.sameRules(want) {
		return err
	}
	return l.idempotent(ctx, func(ctx context.Context, tx Tx) error {
		last, err := tx.LastEventID(ctx)
		if err != nil {
			return err
		}
		if have, err = readPolicy(ctx, tx.Reader); err != nil || have.sameRules(want) {
			return err
		}
		if last > 0 {
			return &Error{Op: "open", Subject: l.path, Err: invalid("policy", want, fmt.Sprintf("the ledger has events, and its policy is %s; SetPolicy changes it", have))}
		}
		return setPolicy(ctx, tx, want)
	}, manager.Label("ledger.Open: policy"))
}

// String names the values, "min_blocks 360, self_trades zero, transfers include, lookback_days 21".
func (p Policy) String() string {
	return fmt.Sprintf("min_blocks %d, self_trades %s, transfers %s, lookback_days %d", p.MinBlocks, p.SelfTrade, p.Transfers, p.LookbackDays)
}

func (p Policy) sameRules(o Policy) bool {
	p.Mixed = o.Mixed
	return p == o
}

func readPolicy(ctx context.Context, q *read.Queries) (Policy, error) {
	row, err := q.Policy(ctx)
	return Policy{MinBlocks: row.MinBlocks, SelfTrade: row.SelfTrade, Transfers: row.Transfers, LookbackDays: int(row.LookbackDays), Mixed: row.Mixed}, err
}

func setPolicy(ctx context.Context, tx Tx, p Policy) error {
	if _, err := tx.write.SetPolicy(ctx, write.SetPolicyParams{
		MinBlocks: p.MinBlocks, SelfTrade: p.SelfTrade, Transfers: p.Transfers, LookbackDays: int64(p.LookbackDays),
	}); err != nil {
		return err
	}
	return refreshMixed(ctx, tx)
}

// refreshMixed works out whether events were handled under another policy than the one that stands.
func refreshMixed(ctx context.Context, tx Tx) error {
	mixed, err := tx.PolicyIsMixed(ctx)
	if err != nil {
		return err
	}
	_, err = tx.write.SetPolicyMixed(ctx, mixed)
	return err
}
