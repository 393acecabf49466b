package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"github.com/stakeledger/stakeledger/manager/migrate"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stakeledger/stakeledger/internal/pgtest"
	"github.com/stakeledger/stakeledger/manager"
	_ "github.com/stakeledger/stakeledger/manager/postgres"
)

type db = manager.DB[manager.DBTX, manager.DBTX]

// quiet drops what the server of the tests, which has fsync=off, is warned of.
var quiet = manager.WithLogger(slog.New(slog.DiscardHandler))

func same(tx manager.DBTX) manager.DBTX { return tx }

func open(t testing.TB, url string, opts ...manager.Option) *db {
	t.Helper()
	d, err := manager.Open(t.Context(), url, same, same, append([]manager.Option{quiet}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return d
}

// accounts is a database with two tables and a few rows.
func accounts(t testing.TB, opts ...manager.Option) *db {
	t.Helper()
	d := open(t, pgtest.Database(t), opts...)
	exec(t, d, "CREATE TABLE account (id bigint PRIMARY KEY, name text CONSTRAINT account_name_unique UNIQUE, balance bigint NOT NULL CONSTRAINT account_not_overdrawn CHECK (balance >= 0))")
	exec(t, d, "CREATE TABLE entry (account_id bigint NOT NULL REFERENCES account (id) DEFERRABLE INITIALLY DEFERRED, amount bigint NOT NULL)")
	exec(t, d, "INSERT INTO account SELECT n, 'a' || n, 100 FROM generate_series(1, 20) n")
	return d
}

func exec(t testing.TB, d *db, query string, args ...any) {
	t.Helper()
	if err := d.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func number(t testing.TB, d *db, query string, args ...any) (n int64) {
	t.Helper()
	if err := d.ReadOnly(t.Context(), func(ctx context.Context, q manager.DBTX) error {
		return q.QueryRowContext(ctx, query, args...).Scan(&n)
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestValuesComeBackAsTheyWere(t *testing.T) {
	d := open(t, pgtest.Database(t))
	exec(t, d, "CREATE TABLE v (i bigint, f integer, s text, b bytea, r double precision, n text)")
	err := d.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
		const insert = "-- name: InsertV :exec\nINSERT INTO v (i, f, s, b, r, n) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
		if _, err := tx.ExecContext(ctx, insert, int64(-1<<63), true, "it's ?1 é", []byte{0, 1, 255}, 0.1, nil); err != nil {
			return err
		}
		var (
			i    int64
			f    bool
			s    string
			b    []byte
			r    float64
			null *string
		)
		if err := tx.QueryRowContext(ctx, "SELECT i, f, s, b, r, n FROM v WHERE s = ? AND i < ?", "it's ?1 é", 0).Scan(&i, &f, &s, &b, &r, &null); err != nil {
			return err
		}
		if i != -1<<63 || !f || s != "it's ?1 é" || !slices.Equal(b, []byte{0, 1, 255}) || r != 0.1 || null != nil {
			t.Errorf("got %d %t %q %v %v %v", i, f, s, b, r, null)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestConstraintErrorsNameWhatTheyAreAbout(t *testing.T) {
	d := accounts(t)
	for _, test := range []struct {
		name, query string
		want        error
		table       string
		columns     []string
	}{
		{"unique", "INSERT INTO account VALUES (99, 'a1', 1)", manager.ErrUnique, "account", []string{"name"}},
		{"primary key", "INSERT INTO account VALUES (1, 'b', 1)", manager.ErrUnique, "account", []string{"id"}},
		{"check", "UPDATE account SET balance = -1 WHERE id = 1", manager.ErrCheck, "account", []string{"account_not_overdrawn"}},
		{"not null", "INSERT INTO account VALUES (99, 'b', NULL)", manager.ErrNotNull, "account", []string{"balance"}},
		{"foreign key, at COMMIT", "INSERT INTO entry VALUES (99, 1)", manager.ErrForeignKey, "entry", []string{"account_id"}},
		{"a value that its type does not take", "INSERT INTO account VALUES (99, 'b', 9223372036854775808)", manager.ErrCheck, "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := d.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
				_, err := tx.ExecContext(ctx, test.query)
				return err
			})
			var e *manager.Error
			if !errors.Is(err, test.want) || !errors.As(err, &e) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			if e.Table != test.table || !slices.Equal(e.Columns, test.columns) {
				t.Errorf("got %q %q, want %q %q", e.Table, e.Columns, test.table, test.columns)
			}
		})
	}
}

func TestFailedStatementEndsItsTransaction(t *testing.T) {
	d := accounts(t)
	swallow := func(ctx context.Context, tx manager.DBTX) error {
		if _, err := tx.ExecContext(ctx, "UPDATE account SET balance = 7 WHERE id = 1"); err != nil {
			return err
		}
		_, _ = tx.ExecContext(ctx, "INSERT INTO account VALUES (1, 'b', 1)")
		return nil
	}
	if err := d.WithTx(t.Context(), swallow); !errors.Is(err, manager.ErrTxAborted) || !errors.Is(err, manager.ErrUnique) {
		t.Errorf("a closure that swallows a failed statement: got %v, want ErrTxAborted because of ErrUnique", err)
	}
	if n := number(t, d, "SELECT balance FROM account WHERE id = 1"); n != 100 {
		t.Errorf("balance is %d, want 100: the transaction was rolled back", n)
	}
	err := d.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
		if err := d.WithTx(ctx, swallow); !errors.Is(err, manager.ErrTxAborted) {
			t.Errorf("nested: got %v, want ErrTxAborted", err)
		}
		_, err := tx.ExecContext(ctx, "UPDATE account SET balance = 8 WHERE id = 1")
		return err
	})
	if err != nil {
		t.Fatalf("after a nested transaction that failed: %v", err)
	}
	if n := number(t, d, "SELECT balance FROM account WHERE id = 1"); n != 8 {
		t.Errorf("balance is %d, want 8", n)
	}
}

func TestNothingInAReadOnlyWrites(t *testing.T) {
	d := accounts(t)
	exec(t, d, "CREATE FUNCTION sneak() RETURNS bigint LANGUAGE sql AS 'UPDATE account SET balance = 0 RETURNING 1::bigint'")
	for _, query := range []string{"UPDATE account SET balance = 0", "SELECT sneak()", "WITH w AS (DELETE FROM entry RETURNING 1) SELECT * FROM w"} {
		write := func(ctx context.Context, q manager.DBTX) error {
			var n int64
			return q.QueryRowContext(ctx, query).Scan(&n)
		}
		if err := d.ReadOnly(t.Context(), write); !errors.Is(err, manager.ErrReadOnly) {
			t.Errorf("%s in ReadOnly: got %v, want ErrReadOnly", query, err)
		}
		err := d.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error { return d.ReadOnly(ctx, write) })
		if !errors.Is(err, manager.ErrReadOnly) {
			t.Errorf("%s in ReadOnly in WithTx: got %v, want ErrReadOnly", query, err)
		}
	}
	err := d.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
		if _, err := tx.ExecContext(ctx, "UPDATE account SET balance = 9 WHERE id = 2"); err != nil {
			return err
		}
		err := d.ReadOnly(ctx, func(ctx context.Context, q manager.DBTX) error {
			var n int64
			err := q.QueryRowContext(ctx, "SELECT balance FROM account WHERE id = 2").Scan(&n)
			if n != 9 {
				t.Errorf("the view sees %d, want what the transaction wrote", n)
			}
			return err
		})
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE account SET balance = 10 WHERE id = 2")
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestWhatStaysOnTheConnectionIsRefused(t *testing.T) {
	d := accounts(t)
	for _, query := range []string{
		"COMMIT", "/* now */ rollback", "SAVEPOINT x", "START TRANSACTION", "SET search_path = x", "LISTEN x", "CREATE TEMP TABLE x (y int)",
		"SELECT set_config('a.b', '1', false)", "SELECT pg_advisory_lock(1)", "SET TRANSACTION READ WRITE", "PREPARE p AS SELECT 1",
	} {
		err := d.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
			_, err := tx.ExecContext(ctx, query)
			return err
		})
		if !errors.Is(err, manager.ErrUnsupported) {
			t.Errorf("%s: got %v, want ErrUnsupported", query, err)
		}
	}
	err := d.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
		_, err := tx.ExecContext(ctx, "SELECT 1; COMMIT")
		return err
	})
	if err == nil {
		t.Error("a text of two statements was run")
	}
}

func TestQueriesOfOneTransactionInterleave(t *testing.T) {
	d := accounts(t)
	err := d.ReadOnly(t.Context(), func(ctx context.Context, q manager.DBTX) error {
		rows, err := q.QueryContext(ctx, "SELECT id FROM account ORDER BY id")
		if err != nil {
			return err
		}
		defer rows.Close()
		count := 0
		for rows.Next() {
			var id, balance int64
			if err := rows.Scan(&id); err != nil {
				return err
			}
			if err := q.QueryRowContext(ctx, "-- name: Balance :one\nSELECT balance FROM account WHERE id = ?1", id).Scan(&balance); err != nil {
				return err
			}
			count++
		}
		if count != 20 {
			t.Errorf("read %d rows, want 20", count)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestReadOnlyIsOneSnapshot(t *testing.T) {
	d := accounts(t)
	err := d.ReadOnly(t.Context(), func(ctx context.Context, q manager.DBTX) error {
		var before, after int64
		if err := q.QueryRowContext(ctx, "SELECT sum(balance)::bigint FROM account").Scan(&before); err != nil {
			return err
		}
		exec(t, d, "UPDATE account SET balance = balance + 1")
		if err := q.QueryRowContext(ctx, "SELECT sum(balance)::bigint FROM account").Scan(&after); err != nil {
			return err
		}
		if before != after {
			t.Errorf("the snapshot saw %d and then %d", before, after)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestInterruptedReadReturnsItsContextsError(t *testing.T) {
	d := accounts(t)
	ctx, cancel := context.WithCancel(t.Context())
	began := time.Now()
	err := d.ReadOnly(ctx, func(ctx context.Context, q manager.DBTX) error {
		time.AfterFunc(50*time.Millisecond, cancel)
		_, err := q.ExecContext(ctx, "SELECT pg_sleep(60)")
		return err
	})
	if !errors.Is(err, context.Canceled) || time.Since(began) > 30*time.Second {
		t.Errorf("after %s: got %v, want context.Canceled at once", time.Since(began), err)
	}
	if n := number(t, d, "SELECT count(*) FROM account"); n != 20 {
		t.Errorf("the next read counts %d, want 20", n)
	}
}

// Without their locks these lose updates: each reads before it writes.
func TestTransactionsAreSerial(t *testing.T) {
	const writers, rounds = 8, 20
	for _, test := range []struct {
		name string
		opts func(account int) []manager.TxOption
	}{
		{"without keys", func(int) []manager.TxOption { return nil }},
		{"with a key each", func(account int) []manager.TxOption {
			return []manager.TxOption{manager.Keyed(fmt.Sprint("account/", account))}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			url := pgtest.Database(t)
			processes := []*db{open(t, url), open(t, url)} // managers know nothing of each other
			exec(t, processes[0], "CREATE TABLE account (id bigint PRIMARY KEY, balance bigint NOT NULL)")
			exec(t, processes[0], "INSERT INTO account VALUES (0, 0), (1, 0), (2, 0)")
			var wg sync.WaitGroup
			for i := range writers {
				wg.Go(func() {
					d, account := processes[i%2], i/2%3
					for range rounds {
						err := d.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
							var balance int64
							if err := tx.QueryRowContext(ctx, "SELECT balance FROM account WHERE id = ?", account).Scan(&balance); err != nil {
								return err
							}
							_, err := tx.ExecContext(ctx, "UPDATE account SET balance = ? WHERE id = ?", balance+1, account)
							return err
						}, test.opts(account)...)
						if err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			if n := number(t, processes[0], "SELECT sum(balance)::bigint FROM account"); n != writers*rounds {
				t.Errorf("%d updates are left of %d", n, writers*rounds)
			}
		})
	}
}

func TestKeyedTransactionsRunSideBySide(t *testing.T) {
	d := accounts(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	both := make(chan struct{}, 2)
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			err := d.WithTx(ctx, func(ctx context.Context, tx manager.DBTX) error {
				if _, err := tx.ExecContext(ctx, "SELECT 1"); err != nil { // behind the locks
					return err
				}
				both <- struct{}{}
				for len(both) < 2 { // each waits until the other one runs too
					if err := ctx.Err(); err != nil {
						return err
					}
					time.Sleep(time.Millisecond)
				}
				return nil
			}, manager.Keyed(fmt.Sprint("account/", i)))
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestTransactionWithoutKeysRunsAlone(t *testing.T) {
	d := accounts(t)
	started, release := make(chan struct{}), make(chan struct{})
	var order []string
	var mu sync.Mutex
	note := func(s string) { mu.Lock(); defer mu.Unlock(); order = append(order, s) }
	run := func(name string, hold bool, opts ...manager.TxOption) func() {
		return func() {
			err := d.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
				if hold {
					close(started)
					<-release
				}
				note(name)
				return nil
			}, opts...)
			if err != nil {
				t.Error(err)
			}
		}
	}
	var wg sync.WaitGroup
	wg.Go(run("first", true, manager.Keyed("a")))
	<-started
	wg.Go(run("whole", false))
	for d.Stats().Queue != 1 {
		time.Sleep(time.Millisecond)
	}
	wg.Go(run("behind", false, manager.Keyed("b"))) // a free key does not go past one that waits for all
	for d.Stats().Queue != 2 {
		time.Sleep(time.Millisecond)
	}
	close(release)
	wg.Wait()
	if got := strings.Join(order, " "); got != "first whole behind" {
		t.Errorf("they ran in the order %q", got)
	}
}

func TestLostConnectionIsReplacedAndItsClosureRunsAgain(t *testing.T) {
	d := accounts(t)
	runs := 0
	err := d.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
		runs++
		if _, err := tx.ExecContext(ctx, "UPDATE account SET balance = balance + 1 WHERE id = 1"); err != nil {
			return err
		}
		if runs == 1 {
			_, err := tx.ExecContext(ctx, "SELECT pg_terminate_backend(pg_backend_pid())")
			return err
		}
		return nil
	})
	if err != nil || runs != 2 {
		t.Fatalf("%d runs: %v; want two and nil", runs, err)
	}
	if n := number(t, d, "SELECT balance FROM account WHERE id = 1"); n != 101 {
		t.Errorf("balance is %d, want 101: one run is committed", n)
	}
	read := 0
	err = d.ReadOnly(t.Context(), func(ctx context.Context, q manager.DBTX) error {
		if read++; read == 1 {
			_, err := q.ExecContext(ctx, "SELECT pg_terminate_backend(pg_backend_pid())")
			return err
		}
		return nil
	})
	if err != nil || read != 2 {
		t.Errorf("a reader: %d runs: %v; want two and nil", read, err)
	}
}

func TestConnectionLostAtCommitIsUnknown(t *testing.T) {
	d := accounts(t)
	exec(t, d, `CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$`)
	exec(t, d, `CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON entry DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()`)
	runs := 0
	err := d.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
		runs++
		_, err := tx.ExecContext(ctx, "INSERT INTO entry VALUES (1, 1)")
		return err
	})
	if !errors.Is(err, manager.ErrCommitUnknown) || runs != 1 {
		t.Errorf("%d runs: got %v, want ErrCommitUnknown after one", runs, err)
	}
	if n := number(t, d, "SELECT count(*) FROM entry"); n != 0 {
		t.Errorf("%d entries, want none", n)
	}
}

func TestDurabilityIsRaisedAndReadBack(t *testing.T) {
	url := pgtest.Database(t) + "&synchronous_commit=off"
	level := func(d *db) (s string) {
		if err := d.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
			return tx.QueryRowContext(ctx, "SHOW synchronous_commit").Scan(&s)
		}); err != nil {
			t.Fatal(err)
		}
		return s
	}
	if got := level(open(t, url)); got != "on" {
		t.Errorf("synchronous_commit is %s, want on", got)
	}
	if got := level(open(t, url, manager.WithSynchronousNormal())); got != "off" {
		t.Errorf("with WithSynchronousNormal synchronous_commit is %s, want what the URL says", got)
	}
}

func TestPasswordIsInNoError(t *testing.T) {
	const secret = "s3cr3t-word"
	for _, url := range []string{
		"postgres://u:" + secret + "@127.0.0.1:1/x",
		"postgres://u:" + secret + "@127.0.0.1:none/x",
		"postgres://u@127.0.0.1:1/x?password=" + secret + "&sslmode=" + secret,
		"postgres://u:" + secret + "%zz@127.0.0.1/x",
	} {
		_, err := manager.Open(t.Context(), url, same, same, manager.WithRetryBudget(20*time.Millisecond))
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, err), secret) {
			t.Errorf("%s: got %v", url, err)
		}
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	url := pgtest.Database(t)
	for _, test := range []struct {
		name, url, want string
		opts            []manager.Option
	}{
		{"no such database", strings.Replace(url, "postgres:///", "postgres:///no_", 1), "createdb", nil},
		{"no such user", strings.Replace(url, "user=postgres", "user=nobody_here", 1), "check the user", nil},
		{"nobody listens", "postgres://u@127.0.0.1:1/x", "could not be reached", nil},
		{"a pragma", url, "WithPragma", []manager.Option{manager.WithPragma("cache_size", "1")}},
	} {
		_, err := manager.Open(t.Context(), test.url, same, same, append(test.opts, quiet, manager.WithRetryBudget(50*time.Millisecond))...)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

func TestWhatIsSQLitesAloneNamesWhatToUse(t *testing.T) {
	d := accounts(t)
	if err := d.Backup(t.Context(), t.TempDir()+"/b"); !errors.Is(err, manager.ErrUnsupported) || !strings.Contains(err.Error(), "pg_dump") {
		t.Errorf("Backup: %v", err)
	}
	if err := d.Maintain(t.Context(), nil); !errors.Is(err, manager.ErrUnsupported) || !strings.Contains(err.Error(), "psql") {
		t.Errorf("Maintain: %v", err)
	}
}

func TestRunTwiceAndHooks(t *testing.T) {
	d := accounts(t, manager.WithRunTwice())
	var runs int
	var commits []uint64
	for range 2 {
		err := d.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
			runs++
			if _, err := tx.ExecContext(ctx, "UPDATE account SET balance = balance + 1 WHERE id = 3"); err != nil {
				return err
			}
			return manager.AfterCommit(ctx, func(_ context.Context, n uint64) { commits = append(commits, n) })
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := number(t, d, "SELECT balance FROM account WHERE id = 3"); n != 102 || runs != 4 || len(commits) != 2 || commits[0] >= commits[1] {
		t.Errorf("balance %d after %d runs, commits %v", n, runs, commits)
	}
}

func TestSQLDoorWorks(t *testing.T) {
	d := accounts(t)
	tx, err := d.SQL().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), "UPDATE account SET balance = 55 WHERE id = $1", 4); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	var n int64
	if err := d.SQL().QueryRowContext(t.Context(), "SELECT balance FROM account WHERE id = 4").Scan(&n); err != nil || n != 55 {
		t.Errorf("got %d, %v", n, err)
	}
}

func TestOpenReadOnlyReads(t *testing.T) {
	url := pgtest.Database(t)
	exec(t, open(t, url), "CREATE TABLE x (y bigint)")
	d, err := manager.OpenReadOnly(t.Context(), url, same, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close(context.Background())
	if n := number(t, d, "SELECT count(*) FROM x"); n != 0 {
		t.Errorf("counted %d", n)
	}
	if err := d.WithTx(t.Context(), func(context.Context, manager.DBTX) error { return nil }); !errors.Is(err, manager.ErrReadOnly) {
		t.Errorf("WithTx: got %v, want ErrReadOnly", err)
	}
}

func TestServerWithoutFsyncIsReportedOnce(t *testing.T) {
	var log bytes.Buffer
	d := open(t, pgtest.Database(t), manager.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	exec(t, d, "CREATE TABLE x (y bigint)")
	number(t, d, "SELECT 1")
	if n := strings.Count(log.String(), "fsync=off"); n != 1 {
		t.Errorf("reported %d times:\n%s", n, &log)
	}
}

func TestProcessesMigrateAFreshDatabaseTogether(t *testing.T) {
	url := pgtest.Database(t)
	files := fstest.MapFS{
		"00001_a.sql": {Data: []byte("-- +goose Up\nCREATE TABLE a (x bigint);\n-- +goose Down\nDROP TABLE a;\n")},
		"00002_b.sql": {Data: []byte("-- +goose Up\nCREATE TABLE b (x bigint);\nINSERT INTO b VALUES (1);\n-- +goose Down\nDROP TABLE b;\n")},
	}
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() { open(t, url, manager.WithMigration(migrate.Up(files))) })
	}
	wg.Wait()
	d := open(t, url)
	if n := number(t, d, "SELECT count(*) FROM b"); n != 1 {
		t.Errorf("the migration left %d rows, want 1", n)
	}
	older := fstest.MapFS{"00001_a.sql": files["00001_a.sql"]}
	if _, err := manager.Open(t.Context(), url, same, same, quiet, manager.WithMigration(migrate.Up(older))); !errors.Is(err, manager.ErrTooNew) {
		t.Errorf("an older program: got %v, want ErrTooNew", err)
	}
	open(t, url, manager.WithMigration(migrate.To(files, 1)))
	if n := number(t, d, "SELECT count(*) FROM pg_tables WHERE tablename = 'b'"); n != 0 {
		t.Error("going down left the table")
	}
}
