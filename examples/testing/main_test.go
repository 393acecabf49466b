package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stakeledger/stakeledger/examples/testing/db"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
	"github.com/stakeledger/stakeledger/manager/managertest"
)

// openBank opens a database of the test's own, in which ada has 100 and bob
// nothing. Its closures run twice, so one that counts in a captured variable is found.
func openBank(t *testing.T, opts ...manager.Option) (b *bank, announced *[]string) {
	t.Helper()
	s := managertest.Open(t, db.New, db.New, append(opts, migrations)...)
	managertest.Seed(t, s, func(ctx context.Context, q *db.Queries) error {
		return errors.Join(
			q.OpenAccount(ctx, db.OpenAccountParams{Name: "ada", Balance: 100}),
			q.OpenAccount(ctx, db.OpenAccountParams{Name: "bob", Balance: 0}))
	})
	announced = new([]string)
	return &bank{s, func(key string) { *announced = append(*announced, key) }}, announced
}

func balances(t *testing.T, b *bank) string {
	t.Helper()
	text, err := manager.Read(t.Context(), b.store, func(ctx context.Context, q *db.Queries) (string, error) {
		ada, err := q.Balance(ctx, "ada")
		if err != nil {
			return "", err
		}
		bob, err := q.Balance(ctx, "bob")
		return fmt.Sprintf("ada %d, bob %d", ada, bob), err
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTransfer(t *testing.T) {
	for _, c := range []struct {
		name, payee string
		amount      int64
		want        error
		balances    string
	}{
		{"moves the amount", "bob", 30, nil, "ada 70, bob 30"},
		{"all of it", "bob", 100, nil, "ada 0, bob 100"},
		{"more than there is", "bob", 101, manager.ErrCheck, "ada 100, bob 0"},
		{"to nobody", "eve", 30, manager.ErrForeignKey, "ada 100, bob 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, announced := openBank(t)
			if err := b.transfer(t.Context(), "k", "ada", c.payee, c.amount); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if got := balances(t, b); got != c.balances {
				t.Errorf("balances: got %s, want %s", got, c.balances)
			}
			if got := len(*announced) == 1; got != (c.want == nil) {
				t.Errorf("announced %q", *announced)
			}
		})
	}
}

func TestTheSameKeyMovesNothingMore(t *testing.T) {
	t.Parallel()
	b, announced := openBank(t)
	for range 2 {
		if err := b.transfer(t.Context(), "k", "ada", "bob", 30); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := balances(t, b), "ada 70, bob 30"; got != want || !slices.Equal(*announced, []string{"k"}) {
		t.Errorf("got %s and announced %q, want %s", got, *announced, want)
	}
}

// Every call of the driver that a transfer makes fails in turn, in every way,
// before it and after it. What the caller is told must be true.
func TestEveryCallFails(t *testing.T) {
	t.Parallel()
	calls := faultdriver.New()
	b, _ := openBank(t, manager.WithDriver(calls.Wrap))
	calls.Arm()
	if err := b.settled(t.Context(), "k", "ada", "bob", 30); err != nil {
		t.Fatal(err)
	}
	for _, point := range []faultdriver.Point{faultdriver.Begin, faultdriver.Statement, faultdriver.Commit} {
		for nth := range calls.Count(point) {
			for _, code := range faultdriver.Codes() {
				for _, moment := range []faultdriver.Moment{faultdriver.Before, faultdriver.After} {
					fault := faultdriver.Fault{Point: point, Nth: nth + 1, Code: code, Moment: moment}
					if point == faultdriver.Commit && code == faultdriver.Full && moment == faultdriver.After {
						continue // a full disk is met before the record is complete
					}
					t.Run(fault.String(), func(t *testing.T) {
						t.Parallel()
						faults := faultdriver.New()
						b, announced := openBank(t, manager.WithDriver(faults.Wrap))
						faults.Arm(fault)
						err := b.settled(t.Context(), "k", "ada", "bob", 30)
						if len(faults.Fired()) == 0 {
							t.Fatal("nothing failed")
						}
						faults.Arm()
						want := "ada 70, bob 30"
						if err != nil {
							want = "ada 100, bob 0"
						}
						if got := balances(t, b); got != want {
							t.Errorf("told %v: got %s, want %s", err, got, want)
						}
						if len(*announced) > 1 || err != nil && len(*announced) > 0 {
							t.Errorf("told %v, announced %q", err, *announced)
						}
					})
				}
			}
		}
	}
}

func TestRun(t *testing.T) {
	if err := run(t.Context(), t.TempDir()+"/bank.db"); err != nil {
		t.Fatal(err)
	}
}
