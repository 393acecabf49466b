package manager_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
	"github.com/stakeledger/stakeledger/manager/internal/notes"
)

// openFaulty opens a database of notes whose driver fails as the injector says.
func openFaulty(t *testing.T, opts ...manager.Option) (*DB, *faultdriver.Injector) {
	faults := faultdriver.New()
	db := openNotes(t, append(opts, manager.WithDriver(faults.Wrap))...)
	faults.Arm()
	return db, faults
}

// goesOn checks that the database serves writers and readers as ever, and that
// it holds the wanted notes of the folder.
func goesOn(t *testing.T, db *DB, faults *faultdriver.Injector, want ...string) {
	t.Helper()
	if got := faults.Strays(); len(got) > 0 {
		t.Errorf("statements outside a transaction: got %q, want none", got)
	}
	faults.Arm()
	for range 2 { // twice: the first may have put something right
		if got := titles(t, db); !slices.Equal(got, want) {
			t.Errorf("titles: got %q, want %q", got, want)
		}
	}
	if err := db.WithTx(t.Context(), adding("next")); err != nil {
		t.Errorf("the next transaction: %v", err)
	}
	if got, want := titles(t, db), append(want, "next"); !slices.Equal(got, want) {
		t.Errorf("titles: got %q, want %q", got, want)
	}
}

func TestBeginThatFailsAfterItBegan(t *testing.T) {
	for name, fault := range map[string]faultdriver.Fault{
		"an error":       {Point: faultdriver.Begin, Code: faultdriver.IOErr, Moment: faultdriver.After},
		"busy":           {Point: faultdriver.Begin, Code: faultdriver.Busy, Moment: faultdriver.After},
		"and a ROLLBACK": {Point: faultdriver.Begin, Code: faultdriver.NoMem, Moment: faultdriver.After},
	} {
		t.Run(name, func(t *testing.T) {
			db, faults := openFaulty(t, manager.WithReaders(1))
			never := faultdriver.Fault{Point: faultdriver.Rollback, Times: -1, Code: faultdriver.IOErr}
			if name != "and a ROLLBACK" {
				never.Times, never.Nth = 1, 100
			}
			faults.Arm(fault, never)
			err := db.WithTx(t.Context(), adding("a"))
			want := []string{"a"}
			if !fault.Code.Retryable() {
				want = nil
				if !errors.Is(err, fault.Code.Err()) {
					t.Errorf("write: got %v, want %v", err, fault.Code)
				}
			} else if err != nil {
				t.Errorf("write: got %v, want it to be tried again", err)
			}
			faults.Arm(fault, never)
			err = db.ReadOnly(t.Context(), func(context.Context, Reader) error { return nil })
			if fault.Code.Retryable() != (err == nil) {
				t.Errorf("read: got %v", err)
			}
			goesOn(t, db, faults, want...)
		})
	}
}

// A snapshot that nothing can end would hold the reader, and the log, for ever.
func TestSnapshotThatCannotBeEnded(t *testing.T) {
	db, faults := openFaulty(t, manager.WithReaders(1))
	faults.Arm(faultdriver.Fault{Point: faultdriver.Commit, Times: -1, Code: faultdriver.NoMem}, faultdriver.Fault{Point: faultdriver.Rollback, Times: -1, Code: faultdriver.NoMem})
	count := func(ctx context.Context, q Reader) error {
		_, err := q.CountNotes(ctx)
		return err
	}
	if err := db.ReadOnly(t.Context(), count); err != nil {
		t.Errorf("read: %v", err)
	}
	before := db.Stats().Queries["CountNotes"].Count
	faults.Arm()
	if err := db.ReadOnly(t.Context(), count); err != nil {
		t.Errorf("read again: %v", err)
	}
	if got, want := db.Stats().Queries["CountNotes"].Count, before+1; got != want {
		t.Errorf("counted uses of the query: got %d, want %d", got, want)
	}
	goesOn(t, db, faults)
}

// What a nested transaction did must not be committed after its WithTx returned
// an error, also when its caller goes on.
func TestSavepointThatFailsDoomsItsTransaction(t *testing.T) {
	for _, point := range []faultdriver.Point{faultdriver.Savepoint, faultdriver.Release, faultdriver.RollbackTo} {
		for _, moment := range []faultdriver.Moment{faultdriver.Before, faultdriver.After} {
			t.Run(string(point)+" "+string(moment), func(t *testing.T) {
				db, faults := openFaulty(t)
				faults.Arm(faultdriver.Fault{Point: point, Code: faultdriver.IOErr, Moment: moment})
				ran := 0
				err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
					ran++
					if err := tx.add(ctx, "outer"); err != nil {
						return err
					}
					err := db.WithTx(ctx, func(ctx context.Context, tx Tx) error {
						err := tx.add(ctx, "inner")
						if point == faultdriver.RollbackTo {
							return errOwn
						}
						return err
					})
					if err == nil {
						t.Error("nested: got nil, want an error")
					}
					return nil // goes on regardless
				})
				if !errors.Is(err, manager.ErrTxAborted) || !errors.Is(err, faultdriver.IOErr.Err()) {
					t.Errorf("got %v, want ErrTxAborted and the I/O error", err)
				}
				if ran != 1 {
					t.Errorf("the closure ran: got %d times, want once", ran)
				}
				goesOn(t, db, faults)
			})
		}
	}
}

func TestLostConnectionIsReplaced(t *testing.T) {
	for _, test := range []struct {
		name   string
		fault  faultdriver.Fault
		unsure bool
		want   []string
	}{
		{"at BEGIN", faultdriver.Fault{Point: faultdriver.Begin}, false, nil},
		{"when a statement is prepared", faultdriver.Fault{Point: faultdriver.Prepare}, false, nil},
		{"at a statement", faultdriver.Fault{Point: faultdriver.Statement, Nth: 2}, false, nil},
		{"after a statement", faultdriver.Fault{Point: faultdriver.Statement, Nth: 2, Moment: faultdriver.After}, false, nil},
		{"at COMMIT", faultdriver.Fault{Point: faultdriver.Commit}, true, nil},
		{"after COMMIT", faultdriver.Fault{Point: faultdriver.Commit, Moment: faultdriver.After}, true, []string{"a", "b"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			db, faults := openFaulty(t)
			connections := readOnce(t, db, faults.Connections)
			test.fault.Code = faultdriver.ConnectionLost
			faults.Arm(test.fault)
			err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
				return errors.Join(tx.add(ctx, "a"), tx.add(ctx, "b"))
			})
			if got := errors.Is(err, manager.ErrCommitUnknown); err == nil || got != test.unsure {
				t.Errorf("got %v, want an error that is ErrCommitUnknown: %v", err, test.unsure)
			}
			goesOn(t, db, faults, test.want...)
			if got := faults.Connections(); got != connections {
				t.Errorf("connections: got %d, want %d", got, connections)
			}
		})
	}
	t.Run("of a reader", func(t *testing.T) {
		db, faults := openFaulty(t, manager.WithReaders(1))
		faults.Arm(faultdriver.Fault{Point: faultdriver.Statement, Code: faultdriver.ConnectionLost})
		_, err := manager.Read(t.Context(), db, func(ctx context.Context, q Reader) (int64, error) { return q.CountNotes(ctx) })
		if !errors.Is(err, driver.ErrBadConn) {
			t.Errorf("got %v, want driver.ErrBadConn", err)
		}
		goesOn(t, db, faults)
	})
	t.Run("and it cannot be opened at once", func(t *testing.T) {
		db, faults := openFaulty(t)
		faults.Arm(faultdriver.Fault{Point: faultdriver.Begin, Code: faultdriver.ConnectionLost},
			faultdriver.Fault{Point: faultdriver.Open, Code: faultdriver.IOErr}, faultdriver.Fault{Point: faultdriver.Open, Nth: 2, Code: faultdriver.Busy})
		for _, want := range []error{driver.ErrBadConn, manager.ErrIO, nil} { // busy is retried
			if err := db.WithTx(t.Context(), adding("a")); !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		}
		goesOn(t, db, faults, "a")
	})
}

// When the connection is lost at COMMIT the group may be on disk: to run it
// again might do everything twice.
func TestGroupWhoseConnectionIsLostAtCommit(t *testing.T) {
	for _, moment := range []faultdriver.Moment{faultdriver.Before, faultdriver.After} {
		t.Run(string(moment), func(t *testing.T) {
			db, faults := openFaulty(t)
			release := hold(t, db)
			var ran [3]atomic.Int32
			first := enqueue(t.Context(), t, db, counting(&ran[0], adding("first")))
			clashing := enqueue(t.Context(), t, db, counting(&ran[1], adding("first")))
			last := enqueue(t.Context(), t, db, counting(&ran[2], adding("last")))
			faults.Arm(faultdriver.Fault{Point: faultdriver.Commit, Nth: 2, Code: faultdriver.ConnectionLost, Moment: moment})
			release()
			for _, c := range []*call{first, last} {
				if err := c.wait(t).err; !errors.Is(err, manager.ErrCommitUnknown) {
					t.Errorf("who succeeded: got %v, want ErrCommitUnknown", err)
				}
			}
			err := clashing.wait(t).err
			if moment == faultdriver.After {
				if !errors.Is(err, manager.ErrUnique) {
					t.Errorf("who repeated a note: got %v, want ErrUnique", err)
				}
				goesOn(t, db, faults, "first", "last")
			} else {
				if err != nil {
					t.Errorf("who repeated a note that never was: %v", err)
				}
				goesOn(t, db, faults, "first")
			}
			if a, b, c := ran[0].Load(), ran[1].Load(), ran[2].Load(); a != 1 || b != 2 || c != 1 {
				t.Errorf("closures ran: got %d, %d and %d times, want 1, 2 and 1", a, b, c)
			}
		})
	}
}

// A group's COMMIT that met an I/O error may have left its record in the log. Who
// runs again and fails has not overwritten it, and must not be told that nothing happened.
func TestRerunThatFailsAfterAnIOErrorAtCommitIsUnknown(t *testing.T) {
	db, faults := openFaulty(t)
	release := hold(t, db)
	onPurpose := errors.New("on purpose")
	var runs, undone atomic.Int32
	first := enqueue(t.Context(), t, db, adding("first"))
	fails := enqueue(t.Context(), t, db, func(ctx context.Context, tx Tx) error {
		if err := manager.AfterRollback(ctx, func(context.Context, error) { undone.Add(1) }); err != nil {
			return err
		}
		if runs.Add(1) > 1 {
			return onPurpose
		}
		return tx.add(ctx, "second")
	})
	failed := enqueue(t.Context(), t, db, func(context.Context, Tx) error { return onPurpose })
	faults.Arm(faultdriver.Fault{Point: faultdriver.Commit, Nth: 2, Code: faultdriver.IOErrFsync})
	release()
	if err := first.wait(t).err; err != nil {
		t.Errorf("who ran again and succeeded: got %v", err)
	}
	if err := fails.wait(t).err; !errors.Is(err, manager.ErrCommitUnknown) || !errors.Is(err, onPurpose) {
		t.Errorf("who ran again and failed: got %v, want ErrCommitUnknown, and its own error in it", err)
	}
	if err := failed.wait(t).err; err != onPurpose {
		t.Errorf("who had failed before: got %v, want its own error", err)
	}
	if undone.Load() != 0 {
		t.Error("AfterRollback ran, and the commit may be there")
	}
	goesOn(t, db, faults, "first")
}

func TestCommitThatFailsWithItsTransactionGoneIsUnknown(t *testing.T) {
	for _, test := range []struct {
		code   faultdriver.Code
		moment faultdriver.Moment
		want   []string
	}{
		{faultdriver.NoMem, faultdriver.RolledBack, nil},
		{faultdriver.NoMem, faultdriver.After, []string{"a"}},
		{faultdriver.Busy, faultdriver.After, []string{"a"}}, // not said again
		{faultdriver.IOErrFsync, faultdriver.After, []string{"a"}},
	} {
		t.Run(faultdriver.Fault{Point: faultdriver.Commit, Code: test.code, Moment: test.moment}.String(), func(t *testing.T) {
			db, faults := openFaulty(t)
			faults.Arm(faultdriver.Fault{Point: faultdriver.Commit, Code: test.code, Moment: test.moment})
			if err := db.WithTx(t.Context(), adding("a")); !errors.Is(err, manager.ErrCommitUnknown) {
				t.Errorf("got %v, want ErrCommitUnknown", err)
			}
			goesOn(t, db, faults, test.want...)
		})
	}
}

// Opening meets the same faults, in the migration too, and leaves nothing open.
func TestOpenThatFailsLeavesNoConnection(t *testing.T) {
	counted := faultdriver.New()
	first := openAt(t, filepath.Join(t.TempDir(), "notes.db"), manager.WithDriver(counted.Wrap))
	opened := counted.Count(faultdriver.Open)
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, code := range []faultdriver.Code{faultdriver.Busy, faultdriver.IOErr} {
		for nth := range opened {
			fault := faultdriver.Fault{Point: faultdriver.Open, Nth: nth + 1, Code: code}
			t.Run(fault.String(), func(t *testing.T) {
				faults := faultdriver.New(fault)
				db, err := manager.Open(t.Context(), filepath.Join(t.TempDir(), "notes.db"), newReader, newTx,
					manager.WithMigration(create(notes.Schema)), manager.WithDriver(faults.Wrap))
				if len(faults.Fired()) != 1 {
					t.Fatalf("fired: got %v, want one", faults.Fired())
				}
				if code.Retryable() != (err == nil) {
					t.Errorf("got %v", err)
				}
				if err == nil {
					err = db.Close(t.Context())
					if err != nil {
						t.Error(err)
					}
				}
				if got := faults.Connections(); got != 0 {
					t.Errorf("connections left open: got %d, want none", got)
				}
			})
		}
	}
}

// SQLite compiles statements again after these, a ROLLBACK too.
func TestTransactionThatIsGoneAfterTheSchemaChanged(t *testing.T) {
	for _, before := range []string{
		"CREATE TABLE more (x)", "ALTER TABLE notes ADD COLUMN more", "DROP TABLE IF EXISTS never; CREATE TABLE never (x); DROP TABLE never",
		"PRAGMA defer_foreign_keys = ON", "PRAGMA user_version = 7", "SAVEPOINT",
	} {
		for _, fault := range []faultdriver.Fault{
			{Point: faultdriver.Statement, Query: "AddNote", Code: faultdriver.Full, Moment: faultdriver.RolledBack},
			{Point: faultdriver.Statement, Query: "AddNote", Code: faultdriver.ConnectionLost},
			{Point: faultdriver.Commit, Code: faultdriver.NoMem, Moment: faultdriver.RolledBack},
			{Point: faultdriver.Commit, Code: faultdriver.ConnectionLost},
		} {
			t.Run(before+", "+fault.String(), func(t *testing.T) {
				db, faults := openFaulty(t)
				faults.Arm(fault)
				err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
					if before == "SAVEPOINT" {
						return db.WithTx(ctx, adding("never"))
					}
					lent, err := db.SQLTx(ctx)
					if err != nil {
						return err
					}
					_, err = lent.ExecContext(ctx, before)
					return errors.Join(err, tx.add(ctx, "never"))
				})
				if !errors.Is(err, fault.Code.Err()) && !errors.Is(err, manager.ErrTxAborted) && !errors.Is(err, manager.ErrCommitUnknown) {
					t.Errorf("got %v, want the fault", err)
				}
				if len(faults.Fired()) != 1 {
					t.Errorf("fired: got %v, want the fault", faults.Fired())
				}
				goesOn(t, db, faults)
			})
		}
	}
}
