package ledger

import (
	"context"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/dbgen/write"
	"github.com/stakeledger/stakeledger/manager"
)

// RejectReason is why Apply could not take an event.
type RejectReason string

// The values of RejectReason.
const (
	DuplicateConflict RejectReason = "duplicate_conflict" // recorded before with other contents
	UnknownMiner      RejectReason = "unknown_miner"      // its miner is not registered, and NoRegister was given; goes once Apply records it
	Overflow          RejectReason = "overflow"           // a counter of its miner cannot hold the sum
)

// Summary counts the outcomes of the events of one input: Applied, Duplicates, Ignored and Rejected add
// up to Events.
type Summary struct {
	IntakeID         int64                        `json:"intake_id"`
	Events           int64                        `json:"events"`
	Applied          int64                        `json:"applied"`
	Duplicates       int64                        `json:"duplicates"`        // recorded before, with the same contents
	OutOfOrder       int64                        `json:"out_of_order"`      // of those applied: older than one applied before
	RegisteredMiners int64                        `json:"registered_miners"` // created by this input
	Ignored          map[chain.IgnoreReason]int64 `json:"ignored"`           // only reasons that occurred
	Rejected         map[RejectReason]int64       `json:"rejected"`          // only reasons that occurred
	Resumed          int64                        `json:"resumed"`           // events of earlier, interrupted inputs that were applied too
}

// readSummary reads the counts from the database, since other processes may have
// applied parts of the input.
func (l *Ledger) readSummary(ctx context.Context, intakeID, resumed int64) (Summary, error) {
	return manager.Read(ctx, l.db, func(ctx context.Context, q *read.Queries) (Summary, error) {
		in, err := q.IntakeByID(ctx, intakeID)
		if err != nil {
			return Summary{}, nameMissing(err, "read", "input %d", intakeID)
		}
		s := Summary{
			IntakeID: in.IntakeID, Events: in.Staged, Applied: in.Applied, Duplicates: in.Duplicates,
			OutOfOrder: in.OutOfOrder, RegisteredMiners: in.RegisteredMiners,
			Ignored: map[chain.IgnoreReason]int64{}, Rejected: map[RejectReason]int64{}, Resumed: resumed,
		}
		ignored, err := q.IntakeIgnored(ctx, intakeID)
		if err != nil {
			return Summary{}, err
		}
		for _, i := range ignored {
			s.Ignored[i.Reason] = i.Events
		}
		rejected, err := q.IntakeRejected(ctx, intakeID)
		for _, r := range rejected {
			s.Rejected[RejectReason(r.Reason)] = r.Events
		}
		return s, err
	})
}

// tally counts the outcomes in a batch of the events of one input.
type tally struct {
	applied, duplicates, outOfOrder, registeredMiners int64
	ignored                                           map[chain.IgnoreReason]int64
	rejected                                          map[RejectReason]int64
}

func newTally() *tally {
	return &tally{ignored: map[chain.IgnoreReason]int64{}, rejected: map[RejectReason]int64{}}
}

func (t *tally) countApplied(outOfOrder bool) {
	t.applied++
	if outOfOrder {
		t.outOfOrder++
	}
}

func (t *tally) total() int64 {
	n := t.applied + t.duplicates
	for _, i := range t.ignored {
		n += i
	}
	for _, r := range t.rejected {
		n += r
	}
	return n
}

// save adds the tally to the counts of its input.
func (t *tally) save(ctx context.Context, tx Tx, intakeID int64) error {
	err := tx.write.AddToIntake(ctx, write.AddToIntakeParams{
		IntakeID: intakeID, Applied: t.applied, Duplicates: t.duplicates, OutOfOrder: t.outOfOrder, RegisteredMiners: t.registeredMiners,
	})
	if err != nil {
		return err
	}
	for reason, n := range t.ignored {
		if err := tx.write.AddToIntakeIgnored(ctx, write.AddToIntakeIgnoredParams{IntakeID: intakeID, Reason: reason, Events: n}); err != nil {
			return err
		}
	}
	for reason, n := range t.rejected {
		if err := tx.write.AddToIntakeRejected(ctx, write.AddToIntakeRejectedParams{IntakeID: intakeID, Reason: string(reason), Events: n}); err != nil {
			return err
		}
	}
	return nil
}
