package postgres_test

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/internal/pgtest"
	"github.com/stakeledger/stakeledger/manager"
)

// warnings counts what is logged about standbys.
type warnings struct {
	slog.Handler
	n *atomic.Int64
}

func (w warnings) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "standby") {
		w.n.Add(1)
	}
	return nil
}
func (w warnings) Enabled(context.Context, slog.Level) bool { return true }

func counted() (manager.Option, *atomic.Int64) {
	n := new(atomic.Int64)
	return manager.WithLogger(slog.New(warnings{slog.DiscardHandler, n})), n
}

// pair is a primary with one standby and a table.
func pair(t *testing.T) (primary, standby *pgtest.Node) {
	t.Helper()
	primary, standby = pgtest.NewNode(t, "first"), pgtest.NewNode(t, "second")
	primary.Lead("ledger")
	standby.Follow(primary)
	ask(t, primary, "CREATE DATABASE another")
	d := open(t, primary.URL("ledger"))
	exec(t, d, "CREATE TABLE entry (amount bigint NOT NULL)")
	return primary, standby
}

func ask(t testing.TB, n *pgtest.Node, query string) {
	t.Helper()
	if _, err := n.Ask(query); err != nil {
		t.Fatal(err)
	}
}

// pause has a standby replay nothing more, from when it returns.
func pause(t testing.TB, standby *pgtest.Node) {
	t.Helper()
	ask(t, standby, "SELECT pg_wal_replay_pause()")
	standby.Await("SELECT pg_get_wal_replay_pause_state() = 'paused'")
}

// A look is what a read saw, and where.
type look struct {
	entries   int64
	onStandby bool
}

func lookAt(t testing.TB, d *db, opts ...manager.TxOption) (l look) {
	t.Helper()
	err := d.ReadOnly(t.Context(), func(ctx context.Context, q manager.DBTX) error {
		return q.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM entry), pg_is_in_recovery()").Scan(&l.entries, &l.onStandby)
	}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// lookOnStandby looks until the standby serves; a busy machine may keep it from that for a while. Each look must see
// as much as want.
func lookOnStandby(t testing.TB, d *db, want int64) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		switch l := lookAt(t, d, manager.MayBeStale()); {
		case l.onStandby && l.entries != want, l.entries < want:
			t.Fatalf("%d entries (on the standby: %t), want %d", l.entries, l.onStandby, want)
		case l.onStandby:
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the standby serves nothing")
		}
	}
}

// lookOnPrimary wants the primary to serve a read that asks for the standby.
func lookOnPrimary(t testing.TB, d *db, want int64) {
	t.Helper()
	began := time.Now()
	if l := lookAt(t, d, manager.MayBeStale()); l.onStandby || l.entries != want {
		t.Errorf("%d entries (on the standby: %t), want %d on the primary", l.entries, l.onStandby, want)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the primary served after %s", took)
	}
}

const oneEntry = "INSERT INTO entry VALUES (1)"

func TestStandbyServesWhoAsks(t *testing.T) {
	primary, standby := pair(t)
	log, warned := counted()
	// No retry takes longer than looking: a read that falls back does so at once.
	d := open(t, primary.URL("ledger"), manager.WithStandby(standby.URL("ledger")), manager.WithRetryBudget(time.Minute), log)
	written := int64(0)
	write := func(d *db) {
		t.Helper()
		exec(t, d, oneEntry)
		written++
	}

	t.Run("what this process has committed", func(t *testing.T) {
		for range 20 {
			write(d)
			if l := lookAt(t, d, manager.MayBeStale()); l.entries != written {
				t.Fatalf("%d entries (on the standby: %t), want %d", l.entries, l.onStandby, written)
			}
		}
		before := d.Stats().StandbyReads
		lookOnStandby(t, d, written)
		if d.Stats().StandbyReads == before {
			t.Error("StandbyReads does not count the standby's reads")
		}
	})
	t.Run("who does not ask", func(t *testing.T) {
		if l := lookAt(t, d); l.onStandby {
			t.Error("a standby served a read that did not ask for it")
		}
		err := d.WithTx(t.Context(), func(ctx context.Context, tx manager.DBTX) error {
			if _, err := tx.ExecContext(ctx, oneEntry); err != nil {
				return err
			}
			return d.ReadOnly(ctx, func(ctx context.Context, q manager.DBTX) error {
				var n int64
				err := q.QueryRowContext(ctx, "SELECT count(*) FROM entry").Scan(&n)
				if n != written+1 {
					t.Errorf("inside a transaction %d entries, want its own too", n)
				}
				return err
			}, manager.MayBeStale())
		})
		if err != nil {
			t.Fatal(err)
		}
		written++
	})
	t.Run("what another process commits may be missing", func(t *testing.T) {
		lookOnStandby(t, d, written)
		pause(t, standby)
		exec(t, open(t, primary.URL("ledger")), oneEntry)
		lookOnStandby(t, d, written)
		ask(t, standby, "SELECT pg_wal_replay_resume()")
		written++
		write(d) // is after that, so from now on both are seen
	})
	t.Run("a snapshot", func(t *testing.T) {
		lookOnStandby(t, d, written)
		err := d.ReadOnly(t.Context(), func(ctx context.Context, q manager.DBTX) error {
			var n, again int64
			if err := q.QueryRowContext(ctx, "SELECT count(*) FROM entry").Scan(&n); err != nil {
				return err
			}
			exec(t, d, oneEntry)
			written++
			lookOnStandby(t, d, written)
			err := q.QueryRowContext(ctx, "SELECT count(*) FROM entry").Scan(&again)
			if n != again {
				t.Errorf("a snapshot showed %d entries, then %d", n, again)
			}
			return err
		}, manager.MayBeStale())
		if err != nil {
			t.Fatal(err)
		}
	})
	t.Run("replay is paused", func(t *testing.T) {
		pause(t, standby)
		write(d)
		before := warned.Load()
		lookOnPrimary(t, d, written)
		lookOnPrimary(t, d, written)
		if n := warned.Load() - before; n > 1 {
			t.Errorf("%d warnings, want no more than one", n)
		}
		ask(t, standby, "SELECT pg_wal_replay_resume()")
		lookOnStandby(t, d, written)
	})
	t.Run("opened for reading", func(t *testing.T) {
		pause(t, standby)
		write(d)
		r, err := manager.OpenReadOnlyAs[manager.DBTX](t.Context(), primary.URL("ledger"), same, quiet, manager.WithStandby(standby.URL("ledger")))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close(context.Background())
		lookOnPrimary(t, r, written) // what was there when it was opened
		ask(t, standby, "SELECT pg_wal_replay_resume()")
		lookOnStandby(t, r, written)
	})
	t.Run("the standby stalls", func(t *testing.T) {
		proxy := pgtest.NewProxy(t, standby.URL("ledger"))
		d := open(t, primary.URL("ledger"), manager.WithStandby(proxy.URL))
		lookOnStandby(t, d, written)
		proxy.Stall(true)
		lookOnPrimary(t, d, written)
		proxy.Stall(false)
		lookOnStandby(t, d, written)
	})
	t.Run("the position of a commit is not known", func(t *testing.T) {
		ask(t, primary, "CREATE ROLE writer LOGIN")
		ask(t, primary, "GRANT CONNECT ON DATABASE ledger TO writer")
		exec(t, d, "GRANT ALL ON entry TO writer")
		w := open(t, asUser(t, primary, "writer"), manager.WithStandby(asUser(t, standby, "writer")), manager.WithWriters(1))
		lookOnStandby(t, w, written)
		pause(t, standby)
		exec(t, d, "REVOKE EXECUTE ON FUNCTION pg_current_wal_insert_lsn() FROM PUBLIC")
		write(w)
		lookOnPrimary(t, w, written)
		ask(t, standby, "SELECT pg_wal_replay_resume()")
		exec(t, d, "GRANT EXECUTE ON FUNCTION pg_current_wal_insert_lsn() TO PUBLIC")
		write(w)
		lookOnStandby(t, w, written)
	})
}

func asUser(t testing.TB, n *pgtest.Node, user string) string {
	t.Helper()
	u, err := url.Parse(n.URL("ledger"))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("user", user)
	u.RawQuery = q.Encode()
	return u.String()
}

func TestPrimaryServesWithoutAStandby(t *testing.T) {
	primary, standby := pair(t)
	exec(t, open(t, primary.URL("ledger")), oneEntry)
	for _, test := range []struct{ name, url string }{
		{"nobody listens", "postgres:///ledger?host=" + t.TempDir()},
		{"the primary itself", primary.URL("ledger")},
		{"a standby of another database", standby.URL("another")},
	} {
		t.Run(test.name, func(t *testing.T) {
			log, warned := counted()
			d := open(t, primary.URL("ledger"), manager.WithStandby(test.url), log)
			for range 3 {
				lookOnPrimary(t, d, 1)
			}
			if n := warned.Load(); n != 1 {
				t.Errorf("%d warnings, want one", n)
			}
		})
	}
	t.Run("it is lost while a closure reads", func(t *testing.T) {
		d := open(t, primary.URL("ledger"), manager.WithStandby(standby.URL("ledger")))
		lookOnStandby(t, d, 1)
		var on []bool
		for len(on) == 0 || !on[0] { // a busy machine may have the primary serve
			on = nil
			err := d.ReadOnly(t.Context(), func(ctx context.Context, q manager.DBTX) error {
				var standbys bool
				if err := q.QueryRowContext(ctx, "SELECT pg_is_in_recovery()").Scan(&standbys); err != nil {
					return err
				}
				if on = append(on, standbys); standbys {
					standby.Stop()
				}
				var n int64
				return q.QueryRowContext(ctx, "SELECT count(*) FROM entry").Scan(&n)
			}, manager.MayBeStale())
			if err != nil {
				t.Fatal(err)
			}
		}
		if len(on) != 2 || on[1] {
			t.Errorf("the closure ran on standbys: %t, want first there, then on the primary", on)
		}
		lookOnPrimary(t, d, 1)
		standby.Start()
		lookOnStandby(t, d, 1)
		ask(t, standby, "SELECT pg_promote(true, 60)")
		exec(t, d, oneEntry)
		lookOnPrimary(t, d, 2)
	})
}

func TestStandbyIsOfAServer(t *testing.T) {
	path := t.TempDir() + "/app.db"
	if _, err := manager.Open(t.Context(), path, same, same, quiet, manager.WithStandby("postgres://h/d")); !errors.Is(err, manager.ErrUnsupported) {
		t.Errorf("a standby of a file: got %v, want ErrUnsupported", err)
	}
	d := open(t, path)
	exec(t, d, "CREATE TABLE entry (amount INTEGER NOT NULL)")
	var n int64
	err := d.ReadOnly(t.Context(), func(ctx context.Context, q manager.DBTX) error {
		return q.QueryRowContext(ctx, "SELECT count(*) FROM entry").Scan(&n)
	}, manager.MayBeStale())
	if err != nil {
		t.Errorf("MayBeStale on SQLite: %v", err)
	}
	for _, url := range []string{path, "postgres://u:s3cr3t@h:port/d"} {
		_, err := manager.Open(t.Context(), "postgres://h/d", same, same, quiet, manager.WithStandby(url))
		if !errors.Is(err, manager.ErrUnsupported) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("the standby %s: got %v, want ErrUnsupported without the password", url, err)
		}
	}
}
