package ledger

import (
	"context"
	"fmt"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/dbgen/write"
	"github.com/stakeledger/stakeledger/manager"
)

// Policy is how a ledger handles events and scores miners. It belongs to the ledger: calls need not give it, and a
// call that asks for something else is refused (see OverridePolicy).
type Policy struct {
	MinBlocks    int64                 `json:"min_blocks"`    // between entry and exit for a gain to count; 0: any
	SelfTrade    chain.SelfTradePolicy `json:"self_trades"`   // the gain of a position that is closed by the extrinsic which opened it
	Transfers    chain.TransferPolicy  `json:"transfers"`     // whether events that are known to be transfers count
	LookbackDays int                   `json:"lookback_days"` // of scores, besides the day itself

	// Mixed: recorded events may have been handled under another policy, because this one was set after them or a call
	// overrode it. Rebuild with UnderPolicy handles them again. SetPolicy computes it and ignores what it is given.
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

// SetPolicy sets the ledger's policy and returns it with Mixed. Recorded events stay as they were handled; it reads
// all of them to see whether any was handled under another policy, and blocks other writers meanwhile. Error:
// ErrInvalid.
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

// WithPolicy sets the policy of a ledger that has no events yet, such as one that Open creates. If there are events
// and the ledger's policy is another, Open returns ErrInvalid; use SetPolicy then. Default: the ledger's own policy,
// initially DefaultPolicy.
func WithPolicy(p Policy) Option { return func(c *openConfig) { c.policy = &p } }

// ensurePolicy sets the policy of a ledger without events, and refuses to
// change that of one with events.
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
	return policyOf(row), err
}

func policyOf(row read.Policy) Policy {
	return Policy{MinBlocks: row.MinBlocks, SelfTrade: row.SelfTrade, Transfers: row.Transfers, LookbackDays: int(row.LookbackDays), Mixed: row.Mixed}
}

func setPolicy(ctx context.Context, tx Tx, p Policy) error {
	if _, err := tx.write.SetPolicy(ctx, write.SetPolicyParams{
		MinBlocks: p.MinBlocks, SelfTrade: p.SelfTrade, Transfers: p.Transfers, LookbackDays: int64(p.LookbackDays),
	}); err != nil {
		return err
	}
	return refreshMixed(ctx, tx)
}

// refreshMixed computes whether any event was handled under another policy than the current one.
func refreshMixed(ctx context.Context, tx Tx) error {
	mixed, err := tx.PolicyIsMixed(ctx)
	if err != nil {
		return err
	}
	_, err = tx.write.SetPolicyMixed(ctx, mixed)
	return err
}
