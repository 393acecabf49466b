package manager_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager"
)

// undone registers an AfterRollback function that notes its name and its error.
// It runs in the caller's goroutine alone: the race detector watches.
type undone struct {
	t     *testing.T
	names []string
	errs  []error
}

func (u *undone) register(ctx context.Context, name string) error {
	return manager.AfterRollback(ctx, func(ctx context.Context, err error) {
		u.names, u.errs = append(u.names, name), append(u.errs, err)
		if got := ctx.Value(callerKey{}); got != "the caller's" {
			u.t.Errorf("context of %s: got value %v, want the caller's", name, got)
		}
	})
}

type callerKey struct{}

func callers(t *testing.T) context.Context {
	return context.WithValue(t.Context(), callerKey{}, "the caller's")
}

func (u *undone) want(names ...string) {
	u.t.Helper()
	if !slices.Equal(u.names, names) {
		u.t.Errorf("ran: got %q, want %q", u.names, names)
	}
}

func TestAfterRollbackRunsOnceWhenNothingWasKept(t *testing.T) {
	for _, mode := range modes {
		for _, twice := range []bool{false, true} {
			name := mode.name
			var opts []manager.Option
			if twice {
				name, opts = name+" twice", append(opts, manager.WithRunTwice())
			}
			t.Run(name, func(t *testing.T) {
				u := &undone{t: t}
				run := func(end error) error {
					return mode.run(t, openNotes(t, opts...), callers(t), func(ctx context.Context, tx Tx) error {
						return errors.Join(u.register(ctx, "first"), u.register(ctx, "second"), tx.add(ctx, "a"), end)
					}).err
				}
				if err := run(nil); err != nil {
					t.Fatal(err)
				}
				u.want()
				err := run(errOwn)
				u.want("first", "second")
				for _, got := range u.errs {
					if got != err {
						t.Errorf("error: got %v, want what WithTx returned: %v", got, err)
					}
				}
			})
		}
	}
}

func TestAfterRollbackMayUseTheWriter(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			db := openNotes(t)
			err := mode.run(t, db, t.Context(), func(ctx context.Context, tx Tx) error {
				return errors.Join(errOwn, manager.AfterRollback(ctx, func(ctx context.Context, _ error) {
					if err := db.WithTx(ctx, adding("undone")); err != nil {
						t.Error(err)
					}
				}))
			}).err
			if !errors.Is(err, errOwn) {
				t.Error(err)
			}
			if got, want := withoutNeighbours(t, db), []string{"undone"}; !slices.Equal(got, want) {
				t.Errorf("titles: got %q, want %q", got, want)
			}
		})
	}
}

func TestAfterRollbackOfSavepoints(t *testing.T) {
	for _, test := range []struct {
		name       string
		inner, mid error // of the innermost and of the one around it
		end        error // of the outermost
		swallow    bool
		want       []string
	}{
		{"all kept", nil, nil, nil, true, nil},
		{"the innermost rolled back, the rest kept", errOwn, nil, nil, true, []string{"inner"}},
		{"two rolled back, the outermost kept", nil, errOwn, nil, true, []string{"inner", "mid"}},
		{"all rolled back by the innermost", errOwn, nil, nil, false, []string{"inner", "mid", "outer"}},
		{"the outermost rolls back", nil, nil, errOwn, true, []string{"inner", "mid", "outer"}},
	} {
		for _, mode := range modes {
			t.Run(test.name+"/"+mode.name, func(t *testing.T) {
				db, u := openNotes(t), &undone{t: t}
				committed := 0
				maybe := func(err error) error {
					if test.swallow {
						return nil
					}
					return err
				}
				err := mode.run(t, db, callers(t), func(ctx context.Context, tx Tx) error {
					mid := db.WithTx(ctx, func(ctx context.Context, tx Tx) error {
						inner := db.WithTx(ctx, func(ctx context.Context, tx Tx) error {
							return errors.Join(u.register(ctx, "inner"), test.inner)
						})
						return errors.Join(u.register(ctx, "mid"), maybe(inner), test.mid)
					})
					return errors.Join(u.register(ctx, "outer"), manager.AfterCommit(ctx, func(context.Context, uint64) { committed++ }), maybe(mid), test.end)
				}).err
				u.want(test.want...)
				for _, err := range u.errs {
					if !errors.Is(err, errOwn) {
						t.Errorf("error: got %v, want the closure's own", err)
					}
				}
				if kept := err == nil; kept != (committed == 1) {
					t.Errorf("AfterCommit ran %d times with %v", committed, err)
				}
			})
		}
	}
}

func TestAfterRollbackOfARunThatIsRepeatedDoesNotRun(t *testing.T) {
	tap, u := newTap(), &undone{t: t}
	db := openNotes(t, manager.WithDriver(tap.wrap))
	tap.once("AddNote", func(manager.DriverConn) error { return sqlite3.Error{Code: sqlite3.ErrBusy} })
	runs := 0
	err := db.WithTx(callers(t), func(ctx context.Context, tx Tx) error {
		runs++
		nested := db.WithTx(ctx, func(ctx context.Context, tx Tx) error {
			return errors.Join(u.register(ctx, "nested"), tx.add(ctx, "a"))
		})
		return errors.Join(u.register(ctx, "outer"), nested)
	})
	if err != nil || runs != 2 {
		t.Fatalf("got %d runs, %v, want 2", runs, err)
	}
	u.want()
}

func TestAfterRollbackOfAGroupThatIsLostRunsForThoseThatFail(t *testing.T) {
	tap, u := newTap(), &undone{t: t}
	db := openNotes(t, manager.WithDriver(tap.wrap))
	runs := 0
	closure := func(name string, end error) func(context.Context, Tx) error {
		return func(ctx context.Context, tx Tx) error {
			runs++
			return errors.Join(u.register(ctx, name), tx.add(ctx, name), end)
		}
	}
	release := hold(t, db)
	fails := enqueue(callers(t), t, db, closure("fails", errOwn))
	succeeds := enqueue(callers(t), t, db, closure("succeeds", nil))
	failGroup(tap, func(manager.DriverConn) error { return sqlite3.Error{Code: sqlite3.ErrFull} })
	release()
	if err := fails.wait(t).err; !errors.Is(err, errOwn) {
		t.Errorf("got %v, want the closure's own error", err)
	}
	if err := succeeds.wait(t).err; err != nil || runs != 4 {
		t.Errorf("got %d runs, %v, want 4 and success", runs, err)
	}
	u.want("fails")
}

// The last run is the one that counts, also where the next could not begin.
func TestAfterRollbackRunsWhenTheBudgetIsGone(t *testing.T) {
	tap, u := newTap(), &undone{t: t}
	db := openNotes(t, manager.WithDriver(tap.wrap), manager.WithRetryBudget(0))
	tap.on("AddNote", func(manager.DriverConn) error { return sqlite3.Error{Code: sqlite3.ErrBusy} })
	err := db.WithTx(callers(t), func(ctx context.Context, tx Tx) error {
		return errors.Join(u.register(ctx, "once"), tx.add(ctx, "a"))
	})
	if !errors.Is(err, manager.ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	u.want("once")
}

func TestAfterRollbackOfACommitThatFails(t *testing.T) {
	for _, test := range []struct {
		name  string
		code  sqlite3.ErrNo
		wants error
		want  []string
	}{
		{"full", sqlite3.ErrFull, manager.ErrFull, []string{"nested, rolled back", "outer"}},
		{"unknown", sqlite3.ErrIoErr, manager.ErrCommitUnknown, []string{"nested, rolled back"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			tap, u := newTap(), &undone{t: t}
			db := openNotes(t, manager.WithDriver(tap.wrap))
			tap.on("COMMIT", func(manager.DriverConn) error { return sqlite3.Error{Code: test.code} })
			err := db.WithTx(callers(t), func(ctx context.Context, tx Tx) error {
				_ = db.WithTx(ctx, func(ctx context.Context, tx Tx) error {
					return errors.Join(errOwn, u.register(ctx, "nested, rolled back"))
				})
				return errors.Join(u.register(ctx, "outer"), tx.add(ctx, "a"))
			})
			if !errors.Is(err, test.wants) {
				t.Errorf("got %v, want %v", err, test.wants)
			}
			u.want(test.want...)
		})
	}
}

// That another database's commit is unknown says nothing about this one.
func TestAfterRollbackRunsAfterTheClosuresOwnUnknown(t *testing.T) {
	db, u := openNotes(t), &undone{t: t}
	own := &manager.Error{Op: "commit", Kind: manager.ErrCommitUnknown}
	err := db.WithTx(callers(t), func(ctx context.Context, tx Tx) error { return errors.Join(u.register(ctx, "once"), own) })
	if !errors.Is(err, manager.ErrCommitUnknown) {
		t.Errorf("got %v, want the closure's own", err)
	}
	u.want("once")
}

func TestAfterRollbackRunsWhenTheClosureDoesNotReturn(t *testing.T) {
	for _, mode := range modes {
		for name, end := range map[string]func(){"panic": func() { panic("on purpose") }, "Goexit": runtime.Goexit} {
			t.Run(mode.name+"/"+name, func(t *testing.T) {
				db, u := openNotes(t), &undone{t: t}
				_ = mode.run(t, db, callers(t), func(ctx context.Context, tx Tx) error {
					if err := u.register(ctx, "once"); err != nil {
						return err
					}
					end()
					return nil
				})
				u.want("once")
				if len(u.errs) != 1 || u.errs[0] == nil {
					t.Errorf("errors: got %v, want one", u.errs)
				}
			})
		}
	}
}

func TestAfterRollbackPanicLeavesTheOthersRun(t *testing.T) {
	db, u := openNotes(t), &undone{t: t}
	c := start(func() error {
		return db.WithTx(callers(t), func(ctx context.Context, tx Tx) error {
			return errors.Join(errOwn, manager.AfterRollback(ctx, func(context.Context, error) { panic("on purpose") }), u.register(ctx, "later"))
		})
	}).wait(t)
	if c.panic != "on purpose" {
		t.Errorf("panic: got %v, want that of the function", c.panic)
	}
	u.want("later")
}

func TestAfterRollbackOutsideAWriteIsRefused(t *testing.T) {
	db := openNotes(t)
	nothing := func(context.Context, error) { t.Error("it ran") }
	wantKind(t, "outside", manager.AfterRollback(t.Context(), nothing), manager.ErrTxDone)
	var kept context.Context
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		kept = ctx
		return db.ReadOnly(ctx, func(ctx context.Context, q Reader) error {
			wantKind(t, "inside ReadOnly", manager.AfterRollback(ctx, nothing), manager.ErrTxDone)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	wantKind(t, "afterwards", manager.AfterRollback(kept, nothing), manager.ErrTxDone)
}
