package faults_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stakeledger/stakeledger/manager/faultdriver"
)

// transferAtOnce is a transfer of one statement, which a trigger does.
const transferAtOnce = "-- name: TransferAtOnce :one\nINSERT INTO transfers (transfer) VALUES (?) RETURNING transfer"

// transferInThree is a transfer of three statements in one text.
const transferInThree = `UPDATE progress SET transfers = transfers + 1;
	INSERT INTO entries (transfer, amount) SELECT ?, -transfers FROM progress;
	INSERT INTO entries (transfer, amount) SELECT ?, transfers FROM progress`

// throughSQL are the ways in which code writes that was given a *sql.DB or a *sql.Tx.
var throughSQL = []operation{
	facade("SQL().Exec", true, autocommit, inThree),
	facade("SQL().Query RETURNING", true, autocommit, returning),
	facade("SQL().Prepare", true, []faultdriver.Point{faultdriver.Prepare, faultdriver.Begin, faultdriver.Statement}, func(ctx context.Context, b *book, number int) error {
		stmt, err := b.db.SQL().PrepareContext(ctx, transferAtOnce)
		if err != nil {
			return err
		}
		defer stmt.Close()
		var got int64
		err = stmt.QueryRowContext(ctx, number).Scan(&got)
		return returned(number, []int64{got}, err)
	}),
	facade("SQL() in WithTx", true, nesting, func(ctx context.Context, b *book, number int) error {
		return b.asClosure(ctx, func(ctx context.Context) error {
			if err := b.inSQLTx(ctx, nil, func(tx *sql.Tx) error { return queries{tx}.transfer(ctx, number) }); err != nil {
				return err
			}
			err := b.inSQLTx(ctx, errOwn, func(tx *sql.Tx) error { return queries{tx}.transfer(ctx, b.next()) })
			if !errors.Is(err, errOwn) {
				return err
			}
			got, err := queries{b.db.SQL()}.list(ctx, "-- name: Again :many\nUPDATE entries SET amount = amount WHERE transfer = ? AND amount > 0 RETURNING transfer", number)
			return returned(number, got, err)
		})
	}),
	facade("SQL().BeginTx", false, append([]faultdriver.Point{faultdriver.Step, faultdriver.CloseRows}, autocommit...), func(ctx context.Context, b *book, number int) error {
		return b.inSQLTx(ctx, nil, func(tx *sql.Tx) error { return queries{tx}.transfer(ctx, number) })
	}),
	facade("SQL().BeginTx with savepoints", false, nesting, func(ctx context.Context, b *book, number int) error {
		return b.inSQLTx(ctx, nil, func(tx *sql.Tx) error { return b.withSavepoints(ctx, tx, number) })
	}),
	facade("SQLTx", true, nesting, func(ctx context.Context, b *book, number int) error {
		return b.asClosure(ctx, func(ctx context.Context) error {
			tx, err := b.db.SQLTx(ctx)
			if err != nil {
				return err
			}
			return b.withSavepoints(ctx, tx, number)
		})
	}),
}

func inThree(ctx context.Context, b *book, number int) error {
	_, err := b.db.SQL().ExecContext(ctx, transferInThree, number, number)
	return err
}

func returning(ctx context.Context, b *book, number int) error {
	got, err := queries{b.db.SQL()}.list(ctx, transferAtOnce, number)
	return returned(number, got, err)
}

var (
	autocommit = []faultdriver.Point{faultdriver.Begin, faultdriver.Statement, faultdriver.Commit}
	nesting    = []faultdriver.Point{
		faultdriver.Begin, faultdriver.Savepoint, faultdriver.Statement, faultdriver.Step, faultdriver.CloseRows,
		faultdriver.Release, faultdriver.RollbackTo, faultdriver.Commit,
	}
)

// asClosure runs a closure that uses database/sql.
func (b *book) asClosure(ctx context.Context, use func(ctx context.Context) error) error {
	var inside error
	err := b.db.WithTx(ctx, func(ctx context.Context, _ queries) error {
		inside = use(ctx)
		return inside
	})
	if inside == nil && errors.Is(err, driver.ErrBadConn) {
		return hidden{err} // the manager's own answer, which database/sql does not see
	}
	return err
}

// hidden is an error that is not driver.ErrBadConn.
type hidden struct{ error }

func (h hidden) Is(target error) bool {
	return target != driver.ErrBadConn && errors.Is(h.error, target)
}

// returned checks what the RETURNING of a transfer gave.
func returned(number int, got []int64, err error) error {
	if err == nil && !slices.Equal(got, []int64{int64(number)}) {
		err = fmt.Errorf("returned: got %v, want %d", got, number)
	}
	return err
}

// inSQLTx is how code for database/sql writes a transaction, which it rolls back for a reason of its own, if it has one.
func (b *book) inSQLTx(ctx context.Context, reason error, write func(tx *sql.Tx) error) error {
	tx, err := b.db.SQL().BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := write(tx); err != nil {
		return err
	}
	if reason == nil {
		return tx.Commit()
	}
	if err := tx.Rollback(); err != nil {
		return err
	}
	return reason
}

// withSavepoints makes a transfer, and another one that it rolls back.
func (b *book) withSavepoints(ctx context.Context, tx *sql.Tx, number int) error {
	never := b.next()
	var err error
	do := func(step func() error) {
		if err == nil {
			err = step()
		}
	}
	text := func(query string) {
		do(func() error { _, err := tx.ExecContext(ctx, query); return err })
	}
	text("SAVEPOINT s")
	do(func() error { return queries{tx}.transfer(ctx, number) })
	text("RELEASE s")
	text("SAVEPOINT s")
	do(func() error { return queries{tx}.transfer(ctx, never) })
	text("ROLLBACK TO s")
	text("RELEASE s")
	return err
}

// facade is the operation that writes a transfer in one of these ways. again
// says whether the manager runs it again where it was busy.
func facade(name string, again bool, points []faultdriver.Point, write func(ctx context.Context, b *book, number int) error) operation {
	return operation{name: name, few: 4, points: points, open: func(t *testing.T, s *stage) attempt {
		b := openFacadeBook(t, s)
		try := func() error { return b.writeSQL(write, again) }
		if err := try(); err != nil { // from now on all is prepared, and known to write
			t.Fatal(err)
		}
		return try
	}}
}

func (b *book) writeSQL(write func(ctx context.Context, b *book, number int) error, again bool) error {
	number := b.next()
	var err error
	b.stage.play(func() { err = write(context.Background(), b, number) })
	b.answered(err, number)
	told := 0
	if err == nil {
		told = 1
	}
	return errors.Join(b.stage.toldSQL(err, again), b.stage.surfaced(err, 1), b.afterSQL(told))
}

// firstOfSQL is a query that the manager does not know to write.
var firstOfSQL = operation{
	name:   "first SQL().Query RETURNING",
	points: []faultdriver.Point{faultdriver.Prepare, faultdriver.Begin, faultdriver.Statement},
	few:    2,
	fresh:  true,
	open: func(t *testing.T, s *stage) attempt {
		b := openFacadeBook(t, s)
		return func() error { return b.writeSQL(returning, true) }
	},
}

// rolledBackInSQL is a transaction that its caller rolls back.
var rolledBackInSQL = operation{
	name:   "rolled back SQL().BeginTx",
	points: []faultdriver.Point{faultdriver.Begin, faultdriver.Statement, faultdriver.Rollback},
	few:    4,
	open: func(t *testing.T, s *stage) attempt {
		b := openFacadeBook(t, s)
		return func() error {
			var err error
			s.play(func() {
				err = b.inSQLTx(context.Background(), errOwn, func(tx *sql.Tx) error { return queries{tx}.transfer(context.Background(), b.next()) })
			})
			if err == nil || !errors.Is(err, errOwn) && s.toldSQL(err, false) != nil {
				return fmt.Errorf("got %v, want the caller's error or the fault", err)
			}
			return b.afterSQL(0)
		}
	},
}

// groupOfSQL is group for statements outside transactions.
var groupOfSQL = operation{
	name: "group of SQL().Exec", few: 4, points: []faultdriver.Point{faultdriver.Begin, faultdriver.Savepoint, faultdriver.Statement, faultdriver.Release, faultdriver.Commit}, can: group.can,
	open: func(t *testing.T, s *stage) attempt {
		b := openFacadeBook(t, s)
		return func() error {
			members := []*member{b.plainMember()}
			for range 3 {
				n := b.next()
				members = append(members, &member{numbers: []int{n}, call: func() error { return inThree(context.Background(), b, n) }})
			}
			return errors.Join(b.writeGroup(members), b.afterSQL(0))
		}
	},
}

// rowsOfSQL reads outside a transaction and in a snapshot.
var rowsOfSQL = operation{
	name:   "SQL().Query",
	points: []faultdriver.Point{faultdriver.Begin, faultdriver.Statement, faultdriver.Step, faultdriver.CloseRows, faultdriver.Commit},
	few:    4,
	open: func(t *testing.T, s *stage) attempt {
		b := openFacadeBook(t, s)
		try := func() error {
			var got [2][]int64
			var err error
			s.play(func() { got, err = b.readSQL(context.Background()) })
			for _, list := range got {
				if err == nil && !slices.Equal(list, []int64{int64(b.numbers)}) {
					return fmt.Errorf("latest transfer: got %v, want %d", got, b.numbers)
				}
			}
			if s.fault != nil && s.fault.Point == faultdriver.Commit {
				if err != nil { // everything was read before it
					return fmt.Errorf("the end of a snapshot failed its reader: %w", err)
				}
				return b.afterSQL(0)
			}
			return errors.Join(s.toldSQL(err, false), s.surfaced(err, 1), b.afterSQL(0))
		}
		if err := try(); err != nil {
			t.Fatal(err)
		}
		return try
	},
}

func (b *book) readSQL(ctx context.Context) (got [2][]int64, err error) {
	const newest = "-- name: Newest :many\nSELECT MAX(transfer) FROM entries"
	if got[0], err = (queries{b.db.SQL()}).list(ctx, newest); err != nil {
		return got, err
	}
	tx, err := b.db.SQL().BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return got, err
	}
	defer tx.Rollback()
	if got[1], err = (queries{tx}).list(ctx, newest); err != nil {
		return got, err
	}
	return got, tx.Commit()
}
