package ledger

import (
	"context"
	"errors"
	"sync"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
)

// maxKeys bounds how many miners one transaction names: each is a lock of the server's.
const maxKeys = 64

// applyKeyed is applyStaged where several connections write: miners are shared out among transactions that name them
// and run side by side.
func (l *Ledger) applyKeyed(ctx context.Context, intakeID, staged int64, progress func(Progress)) (resumed int64, err error) {
	intakes, err := manager.Read(ctx, l.db, func(ctx context.Context, q *read.Queries) ([]read.Intake, error) {
		return q.IntakesByState(ctx, read.IntakesByStateParams{State: "staged", PageSize: maxPage})
	})
	if err != nil {
		return 0, err
	}
	var own int64
	applied := func(b *batch) {
		if len(b.tallies) == 0 {
			return
		}
		b.addTo(intakeID, &own, &resumed)
		progress(Progress{Phase: Applying, Done: own, Total: staged})
	}
	for _, in := range intakes {
		coldkey := func(row read.StagedColdkeysRow) chain.Address { return row.Coldkey }
		miners := pages("miners of an input", maxPage, "", coldkey, func(after chain.Address) ([]read.StagedColdkeysRow, error) {
			return manager.Read(ctx, l.db, func(ctx context.Context, q *read.Queries) ([]read.StagedColdkeysRow, error) {
				return q.StagedColdkeys(ctx, read.StagedColdkeysParams{IntakeID: in.IntakeID, AfterColdkey: after, PageSize: maxPage})
			})
		})
		for page, err := range miners {
			if err == nil {
				err = l.applyParts(ctx, l.parts(page), applied)
			}
			if err != nil {
				return resumed, err
			}
		}
	}
	if own < staged { // another process applied the rest, or it is one whose answer was lost
		progress(Progress{Phase: Applying, Done: staged, Total: staged})
	}
	return resumed, l.idempotent(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.write.FinishIntakes(ctx) // alone: it looks for events of every miner
		return err
	}, manager.Label("ledger.Apply: finish"))
}

// parts shares miners out among transactions of about the size of a batch.
func (l *Ledger) parts(miners []read.StagedColdkeysRow) (parts [][]chain.Address) {
	room := int64(0)
	for _, m := range miners {
		if room -= m.Events; room < 0 || len(parts[len(parts)-1]) == maxKeys {
			parts = append(parts, nil)
			room = l.batchSize - m.Events
		}
		last := len(parts) - 1
		parts[last] = append(parts[last], m.Coldkey)
	}
	return parts
}

// applyParts applies the events of all parts, several at a time, and calls applied after each transaction.
func (l *Ledger) applyParts(ctx context.Context, parts [][]chain.Address, applied func(*batch)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work, done := make(chan []chain.Address, len(parts)), make(chan *batch)
	for _, part := range parts {
		work <- part
	}
	close(work)
	errs := make(chan error, len(parts))
	var running sync.WaitGroup
	for range min(l.db.Writers(), len(parts)) {
		running.Go(func() {
			for part := range work {
				if err := l.applyPart(ctx, part, done); err != nil {
					errs <- err
					cancel() // which makes the others end
					return
				}
			}
		})
	}
	go func() {
		running.Wait()
		close(done)
		close(errs)
	}()
	for b := range done {
		applied(b)
	}
	return first(errs)
}

// first is the error that the others came from: theirs are the context's.
func first(errs <-chan error) (err error) {
	for e := range errs {
		if err == nil || errors.Is(err, context.Canceled) {
			err = e
		}
	}
	return err
}

// applyPart applies the events of some miners in as many transactions as it takes.
func (l *Ledger) applyPart(ctx context.Context, coldkeys []chain.Address, done chan<- *batch) error {
	for len(coldkeys) > 0 {
		b, err := commit(ctx, l, func(ctx context.Context, tx Tx, _ **batch) (*batch, error) {
			b, err := l.beginBatch(ctx, tx, "")
			if err != nil {
				return nil, err
			}
			for left := l.batchSize; left > 0 && b.finished < len(coldkeys); {
				b.coldkey = coldkeys[b.finished]
				n, err := b.applyTo(ctx, tx, left)
				if err != nil {
					return nil, err
				}
				if n < left {
					b.finished++
				}
				left -= n
			}
			return b, b.save(ctx, tx)
		}, manager.Label("ledger.Apply: batch"), ofMiners(coldkeys...))
		if err != nil {
			return err
		}
		coldkeys = coldkeys[b.finished:]
		done <- b
	}
	return nil
}
