package manager_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

func TestWaitersShareOneCommit(t *testing.T) {
	for _, test := range []struct {
		name    string
		opts    []manager.Option
		alone   int    // which of ten waiters is Alone, or -1
		commits int    // beside the holder's
		groups  uint64 // of several
	}{
		{"all of them", nil, -1, 1, 1},
		{"no more than the size allows", []manager.Option{manager.WithGroupCommit(4, patience)}, -1, 3, 3},
		{"not when it is off", []manager.Option{manager.WithGroupCommit(1, 0)}, -1, 10, 0},
		{"not with one who is Alone first", nil, 0, 2, 1},
		{"not with one who is Alone in the middle", nil, 5, 3, 2},
		{"not with one who is Alone last", nil, 9, 2, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			tap := newTap()
			db := openNotes(t, append(test.opts, manager.WithDriver(tap.wrap))...)
			release := hold(t, db)
			want := numbered(10)
			var calls []*call
			for i, title := range want {
				var opts []manager.TxOption
				if i == test.alone {
					opts = append(opts, manager.Alone())
				}
				calls = append(calls, enqueue(t.Context(), t, db, adding(title), opts...))
			}
			before, said := db.Stats(), tap.count("COMMIT")
			release()
			for _, c := range calls {
				if err := c.wait(t).err; err != nil {
					t.Fatal(err)
				}
			}
			if got := tap.count("COMMIT") - said; got != 1+test.commits {
				t.Errorf("COMMIT was said: got %d times, want %d and one for the holder", got, test.commits)
			}
			if got := titles(t, db); !slices.Equal(got, want) {
				t.Errorf("order: got %q, want %q", got, want)
			}
			after := db.Stats()
			if got := after.Groups - before.Groups; got != test.groups {
				t.Errorf("Stats().Groups: got %d more, want %d", got, test.groups)
			}
			if got := after.Commits - before.Commits; got != 11 {
				t.Errorf("Stats().Commits: got %d more, want 11", got)
			}
		})
	}
}

func TestGroupIsBoundedInTime(t *testing.T) {
	const limit = 10 * time.Millisecond
	tap := newTap()
	db := openNotes(t, manager.WithGroupCommit(64, limit), manager.WithDriver(tap.wrap))
	release := hold(t, db)
	slow := enqueue(t.Context(), t, db, func(ctx context.Context, tx Tx) error {
		time.Sleep(limit) // the bound is one of time: only time exceeds it
		return tx.add(ctx, "slow")
	})
	next := enqueue(t.Context(), t, db, adding("next"))
	said := tap.count("COMMIT")
	release()
	if err := errors.Join(slow.wait(t).err, next.wait(t).err); err != nil {
		t.Fatal(err)
	}
	if got := tap.count("COMMIT") - said; got != 3 {
		t.Errorf("COMMIT was said: got %d times, want 3: holder, slow and next each", got)
	}
}

func TestGroupDoesNotWaitForCompany(t *testing.T) {
	tap := newTap()
	db := openNotes(t, manager.WithDriver(tap.wrap))
	release := hold(t, db)
	var late *call
	first := enqueue(t.Context(), t, db, func(ctx context.Context, tx Tx) error {
		late = start(func() error { return db.WithTx(context.Background(), adding("late")) })
		until(t, "the newcomer to queue", func() bool { return db.Stats().Queue == 2 })
		return tx.add(ctx, "first")
	})
	second := enqueue(t.Context(), t, db, adding("second"))
	said := tap.count("COMMIT")
	release()
	if err := errors.Join(first.wait(t).err, second.wait(t).err, late.wait(t).err); err != nil {
		t.Fatal(err)
	}
	if got := tap.count("COMMIT") - said; got != 3 {
		t.Errorf("COMMIT was said: got %d times, want 3: the holder, those who waited, the newcomer", got)
	}
}

func TestClosureThatFailsRollsBackAlone(t *testing.T) {
	db := openNotes(t)
	release := hold(t, db)
	before := enqueue(t.Context(), t, db, adding("before"))
	failing := enqueue(t.Context(), t, db, func(ctx context.Context, tx Tx) error {
		if err := errors.Join(tx.add(ctx, "failing"), tx.AddTag(ctx, 1, "red")); err != nil {
			return err
		}
		return errOwn
	})
	clashing := enqueue(t.Context(), t, db, adding("before"))
	after := enqueue(t.Context(), t, db, adding("after"))
	groups := db.Stats().Groups
	release()
	if err := errors.Join(before.wait(t).err, after.wait(t).err); err != nil {
		t.Error(err)
	}
	if err := failing.wait(t).err; err != errOwn {
		t.Errorf("who failed: got %v, want its own error", err)
	}
	if err := clashing.wait(t).err; !errors.Is(err, manager.ErrUnique) {
		t.Errorf("who repeated a note: got %v, want ErrUnique", err)
	}
	if got := db.Stats().Groups - groups; got != 1 {
		t.Fatalf("groups: got %d, want all in one", got)
	}
	if got, want := titles(t, db), []string{"before", "after"}; !slices.Equal(got, want) {
		t.Errorf("titles: got %q, want %q", got, want)
	}
	tags, err := manager.Read(t.Context(), db, func(ctx context.Context, q Reader) (int64, error) { return q.CountTags(ctx) })
	if tags != 0 || err != nil {
		t.Errorf("tags: got %d, %v, want none", tags, err)
	}
}

func TestNobodyIsAnsweredBeforeTheCommit(t *testing.T) {
	tap := newTap()
	db := openNotes(t, manager.WithDriver(tap.wrap))
	release := hold(t, db)
	calls := map[string]*call{
		"success": enqueue(t.Context(), t, db, adding("a")),
		"failure": enqueue(t.Context(), t, db, func(context.Context, Tx) error { return errOwn }),
		"panic":   enqueue(t.Context(), t, db, func(context.Context, Tx) error { panic("out of paper") }),
		"exit":    enqueue(t.Context(), t, db, func(context.Context, Tx) error { exit(); return nil }),
		"last":    enqueue(t.Context(), t, db, adding("b")),
	}
	committing, gate := make(chan struct{}), make(chan struct{})
	tap.once("COMMIT", func(manager.DriverConn) error { // the holder's
		tap.once("COMMIT", func(manager.DriverConn) error { // the group's
			close(committing)
			<-gate
			return nil
		})
		return nil
	})
	release()
	await(t, "the group's COMMIT", committing)
	time.Sleep(20 * time.Millisecond) // an answer given too early needs a moment to arrive
	for name, c := range calls {
		if c.returned() {
			t.Errorf("%s was answered before the COMMIT", name)
		}
	}
	if got := titles(t, db); len(got) != 0 {
		t.Errorf("titles before the COMMIT: got %q, want none", got)
	}
	close(gate)
	for name, c := range calls {
		c.wait(t)
		switch {
		case (name == "success" || name == "last") && c.err != nil,
			name == "failure" && c.err != errOwn,
			name == "panic" && c.panic != "out of paper",
			name == "exit" && !c.exited:
			t.Errorf("%s: got %v, panic %v, exited %t", name, c.err, c.panic, c.exited)
		}
	}
	if got, want := titles(t, db), []string{"a", "b"}; !slices.Equal(got, want) {
		t.Errorf("titles: got %q, want %q", got, want)
	}
}
