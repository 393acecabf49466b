package faults_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/stakeledger/stakeledger/manager/faultdriver"
)

// group is four transactions that share a commit, behind one that holds the writer.
var group = operation{
	name: "group", few: 6,
	points: []faultdriver.Point{
		faultdriver.Begin, faultdriver.Savepoint, faultdriver.Statement, faultdriver.Step, faultdriver.CloseRows,
		faultdriver.Release, faultdriver.RollbackTo, faultdriver.Commit,
	},
	open: func(t *testing.T, s *stage) attempt {
		b := openUsedBook(t, s)
		return func() error { return b.writeGroup(b.members()) }
	},
	// The holder's COMMIT is the first, the group's the second. If that fails the
	// group runs again, since SQLite never makes visible what such a COMMIT wrote.
	// With a lost connection the outcome is unknown.
	can: func(f faultdriver.Fault) bool {
		return f.Point != faultdriver.Commit || f.Moment != faultdriver.After || f.Nth == 1 || f.Code == faultdriver.ConnectionLost
	},
}

// A member is one caller of WithTx, or of database/sql.
type member struct {
	numbers []int
	write   func(ctx context.Context, tx queries) error
	call    func() error // instead of WithTx
	fails   bool         // by itself
	err     error
}

// writeGroup has the first member, a closure, hold the writer until all others wait.
func (b *book) writeGroup(members []*member) error {
	release, holding := make(chan struct{}), make(chan struct{})
	var once sync.Once
	holder := members[0].write
	members[0].write = func(ctx context.Context, tx queries) error {
		once.Do(func() { close(holding) })
		<-release
		return holder(ctx, tx)
	}
	var all sync.WaitGroup
	for i, m := range members {
		if m.call == nil {
			m.call = func() error { return b.db.WithTx(context.Background(), m.write) }
		}
		all.Go(func() { m.err = m.call() })
		if i == 0 {
			<-holding
		}
		for b.db.Stats().Queue < i {
			runtime.Gosched()
		}
	}
	b.stage.play(func() {
		close(release)
		all.Wait()
	})
	told := 0
	var errs []error
	for i, m := range members {
		b.answered(m.err, m.numbers...)
		if m.err == nil {
			told++
		}
		if m.fails == (m.err == nil) && m.fails {
			errs = append(errs, fmt.Errorf("member %d, which failed, was told nil", i))
		}
		if !errors.Is(m.err, errOwn) {
			told := b.stage.truthful
			if m.write == nil {
				told = func(err error) error { return b.stage.toldSQL(err, true) }
			}
			if err := told(m.err); err != nil {
				errs = append(errs, fmt.Errorf("member %d: %w", i, err))
			}
		}
	}
	return errors.Join(append(errs, b.after(told))...)
}

// members are a plain transaction to hold the writer, and behind it a plain one,
// one that fails, one with a savepoint, and a plain one.
func (b *book) members() []*member {
	failing := &member{fails: true}
	lost := b.next()
	failing.write = func(ctx context.Context, tx queries) error { return errors.Join(tx.transfer(ctx, lost), errOwn) }
	outer, inner := b.next(), b.next()
	nested := &member{numbers: []int{outer, inner}, write: func(ctx context.Context, tx queries) error {
		if err := tx.transfer(ctx, outer); err != nil {
			return err
		}
		return b.db.WithTx(ctx, func(ctx context.Context, tx queries) error { return tx.transfer(ctx, inner) })
	}}
	return []*member{b.plainMember(), b.plainMember(), failing, nested, b.plainMember()}
}

func (b *book) plainMember() *member {
	n := b.next()
	return &member{numbers: []int{n}, write: func(ctx context.Context, tx queries) error { return tx.transfer(ctx, n) }}
}
