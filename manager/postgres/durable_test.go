package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/internal/pgtest"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/internal/engine"
)

// A trigger may warn at COMMIT, with the code by which the server says that its standbys have not confirmed it.
func TestWarningOfATriggerAtCommitIsNoUnknownCommit(t *testing.T) {
	d := accounts(t)
	exec(t, d, `CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'careful'; RETURN NULL; END $$`)
	exec(t, d, `CREATE CONSTRAINT TRIGGER warns AFTER INSERT ON entry DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION warn()`)
	exec(t, d, "INSERT INTO entry VALUES (1, 1)")
	if n := number(t, d, "SELECT count(*) FROM entry"); n != 1 {
		t.Errorf("%d entries, want one", n)
	}
}

// What the manager would have found out before: the server answers COMMIT with ROLLBACK, and no error.
func TestCommitThatAnswersRollbackIsAborted(t *testing.T) {
	e, _ := engine.For("postgres://")
	database, err := e.Parse(pgtest.Database(t), engine.Settings{Logger: slog.New(slog.DiscardHandler), RetryBudget: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	c, err := database.Connect(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.BeginWrite(nil, false); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ExecContext(t.Context(), "SELECT 1 / 0", nil); err == nil {
		t.Fatal("1 / 0 is no error")
	}
	var got *engine.Error
	if _, err := c.Commit(time.Second); !errors.As(err, &got) || got.Kind != engine.Aborted {
		t.Errorf("got %v, want an aborted transaction", err)
	}
}

func TestNothingStaysOnAConnectionOfAPooler(t *testing.T) {
	d := open(t, pgtest.Database(t)+"&default_query_exec_mode=exec&synchronous_commit=off", manager.WithRetryBudget(1234*time.Millisecond))
	exec(t, d, "CREATE TABLE entry (amount bigint NOT NULL)")
	const state = "-- name: State :one\nSELECT (SELECT count(*) FROM pg_prepared_statements), current_setting('synchronous_commit'), current_setting('lock_timeout')"
	look := func(q manager.DBTX) (kept int64, level, timeout string) {
		for range 2 {
			if err := q.QueryRowContext(t.Context(), state).Scan(&kept, &level, &timeout); err != nil {
				t.Fatal(err)
			}
		}
		return kept, level, timeout
	}
	err := d.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
		if kept, level, timeout := look(tx); kept != 0 || level != "on" || timeout != "1234ms" {
			t.Errorf("writing: %d kept, synchronous_commit %s, lock_timeout %s; want none, on, 1234ms", kept, level, timeout)
		}
		return nil
	}, manager.Keyed("k"))
	if err == nil {
		err = d.ReadOnly(t.Context(), func(ctx context.Context, q manager.DBTX) error {
			if kept, level, timeout := look(q); kept != 0 || level != "off" || timeout != "0" {
				t.Errorf("reading: %d kept, synchronous_commit %s, lock_timeout %s; want none, and what the URL and the server say", kept, level, timeout)
			}
			return nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestPasswordIsInNoLog(t *testing.T) {
	const secret = "s3cr3t-word"
	var log bytes.Buffer
	logger := manager.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	d := open(t, pgtest.Database(t)+"&password="+secret, logger, manager.WithRetryBudget(200*time.Millisecond))
	if strings.Contains(d.Path(), secret) {
		t.Errorf("Path is %s", d.Path())
	}
	_ = d.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
		_, err := tx.ExecContext(ctx, "SELECT pg_terminate_backend(pg_backend_pid())")
		return err
	})
	if _, err := manager.Open(t.Context(), "postgres://u:"+secret+"@127.0.0.1:1/x", same, same, logger, manager.WithRetryBudget(20*time.Millisecond)); err == nil {
		t.Error("a port that nobody listens at was opened")
	}
	if text := log.String(); text == "" || strings.Contains(text, secret) {
		t.Errorf("logged:\n%s", text)
	}
}

// What waiting or another connection cures runs the closure again; nothing else does.
func TestWhatIsRetried(t *testing.T) {
	d := accounts(t)
	for code, runs := range map[string]int{
		"40001": 2, "40P01": 2, "55P03": 2, "57P01": 2, "57P02": 2, "57P03": 2, "53300": 2, "08000": 2, "08006": 2, "25006": 2,
		"23514": 1, "22012": 1, "42501": 1, "53100": 1, "57014": 1, "P0001": 1, "XX001": 1,
	} {
		ran := 0
		err := d.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
			if ran++; ran > 1 {
				return nil
			}
			_, err := tx.ExecContext(ctx, "DO $$ BEGIN RAISE EXCEPTION 'for a test' USING ERRCODE = '"+code+"'; END $$")
			return err
		})
		if ran != runs || (err == nil) != (runs > 1) {
			t.Errorf("%s: %d runs and %v, want %d", code, ran, err, runs)
		}
	}
}

// The server gives up waiting for its standbys when the statement is cancelled: it has committed, and only warns.
func TestCommitThatNoStandbyConfirmedIsUnknown(t *testing.T) {
	primary := pgtest.NewNode(t, "first")
	primary.Lead("ledger")
	d := open(t, primary.URL("ledger"), manager.WithRetryBudget(time.Minute))
	exec(t, d, "CREATE TABLE entry (amount bigint NOT NULL)")
	for _, query := range []string{"ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()"} {
		ask(t, primary, query)
	}
	primary.Await("SELECT current_setting('synchronous_standby_names') = 'nobody'")
	ended := make(chan error, 1)
	go func() {
		ended <- d.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO entry VALUES (1)")
			return err
		})
	}()
	primary.Await("SELECT count(pg_cancel_backend(pid)) > 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
	if err := <-ended; !errors.Is(err, manager.ErrCommitUnknown) || !strings.Contains(err.Error(), "synchronous standbys") {
		t.Errorf("got %v, want ErrCommitUnknown", err)
	}
	if n := number(t, d, "SELECT count(*) FROM entry"); n != 1 {
		t.Errorf("%d entries, want the one that the primary has", n)
	}
}
