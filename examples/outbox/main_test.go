package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"github.com/stakeledger/stakeledger/examples/outbox/db"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/managertest"
)

func TestOrderIsConfirmed(t *testing.T) {
	store := managertest.Open(t, db.New, db.New, migrations)
	mails := make(chan string, 10)
	s, err := newShop(store, func(to, text string) error { mails <- to + ": " + text; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := s.jobs.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.jobs.Stop(context.Background())
	if _, err := s.order(t.Context(), "ada@example.com", "an engine"); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-mails:
		if want := "ada@example.com: We have your order: an engine"; got != want {
			t.Errorf("mail: got %q, want %q", got, want)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("no mail in 30 s")
	}
}

func TestOrderThatFailsLeavesNoJob(t *testing.T) {
	store := managertest.Open(t, db.New, db.New, migrations)
	s, err := newShop(store, func(string, string) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	failure := errors.New("changed their mind")
	err = store.WithTx(t.Context(), func(ctx context.Context, _ *db.Queries) error {
		if _, err := s.order(ctx, "ada@example.com", "nothing"); err != nil {
			return err
		}
		return failure
	})
	if err != failure {
		t.Errorf("got %v, want the closure's own error", err)
	}
	jobs, err := s.jobs.JobList(t.Context(), river.NewJobListParams())
	if err != nil || len(jobs.Jobs) != 0 {
		t.Errorf("jobs: got %d, %v, want none", len(jobs.Jobs), err)
	}
	orders, err := manager.Read(t.Context(), store, func(ctx context.Context, q *db.Queries) (int64, error) { return q.CountOrders(ctx) })
	if err != nil || orders != 0 {
		t.Errorf("orders: got %d, %v, want none", orders, err)
	}
}
