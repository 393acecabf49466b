package ledger_test

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/internal/pgtest"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
	_ "github.com/stakeledger/stakeledger/manager/postgres"
)

// open opens a fresh ledger in the test's directory.
func open(t testing.TB, opts ...ledger.Option) *ledger.Ledger {
	t.Helper()
	if onPostgres() {
		return openAt(t, pgtest.Migrated(t, "ledger", migratePostgres), append(opts, ledger.WithManager(quiet, keysOnPostgres))...)
	}
	if _, measured := t.(*testing.B); !measured { // the guard's calls would be measured too
		opts = append(opts, keysOnSQLite())
	}
	return openAt(t, filepath.Join(t.TempDir(), "ledger.db"), opts...)
}

// onPostgres has the tests open their ledgers on a throw-away PostgreSQL: make test runs the package twice. It is asked
// inside a test, since go test takes a result out of its cache unless it has seen the variable being read.
func onPostgres() bool { return os.Getenv("LEDGER_ENGINE") == "postgres" }

// quiet drops that the server of the tests runs without fsync.
var quiet = manager.WithLogger(slog.New(slog.DiscardHandler))

func migratePostgres(url string) error {
	l, err := ledger.Open(context.Background(), url, ledger.WithManager(quiet))
	if err != nil {
		return err
	}
	return errors.Join(guardKeys(l), l.Close(context.Background()))
}

// onlySQLite skips what is about SQLite's file, texts or locks where the tests run on PostgreSQL.
func onlySQLite(t testing.TB, why string) {
	t.Helper()
	if onPostgres() {
		t.Skip("SQLite alone: " + why)
	}
}

func openAt(t testing.TB, path string, opts ...ledger.Option) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(context.Background(), path, opts...)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := l.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return l
}

// shared is a file of the material beside the checkout; tests that need it are skipped where it is absent.
func shared(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "shared", name))
	if os.IsNotExist(err) {
		t.Skipf("no shared/%s beside the checkout", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// coldkey and hotkey are the n-th addresses of their sort.
func coldkey(n byte) chain.Address { return chain.AddressFromPublicKey([32]byte{1, n}) }
func hotkey(n byte) chain.Address  { return chain.AddressFromPublicKey([32]byte{2, n}) }

// noon is a moment; minutes after it are the times of the tests.
const noon = chain.Time(1_750_000_000_000_000)

func after(minutes int) chain.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

const tao = chain.RaoPerTAO

// stake and unstake are events of the first miner on subnet 1; tests change what they are about.
func stake(extrinsic string, minutes int, amount, alpha chain.Rao) ledger.Event {
	return ledger.Event{
		Kind: chain.Stake, Coldkey: coldkey(1), Hotkey: hotkey(1), Netuid: 1, ExtrinsicID: extrinsic,
		Block: 1000 + int64(minutes)*5, Time: after(minutes), TAO: amount, Alpha: alpha,
	}
}

func unstake(extrinsic string, minutes int, amount, alpha chain.Rao) ledger.Event {
	e := stake(extrinsic, minutes, amount, alpha)
	e.Kind, e.EventIndex = chain.Unstake, 1
	return e
}

// register registers the miners with these numbers.
func register(t testing.TB, l *ledger.Ledger, numbers ...byte) {
	t.Helper()
	for _, n := range numbers {
		if _, err := l.RegisterMiner(context.Background(), ledger.Registration{Coldkey: coldkey(n)}); err != nil {
			t.Fatalf("register: %v", err)
		}
	}
}

func addPosition(t testing.TB, l *ledger.Ledger, e ledger.Event) ledger.Position {
	t.Helper()
	p, _, err := l.AddPosition(context.Background(), e)
	if err != nil {
		t.Fatalf("add position: %v", err)
	}
	return p
}

func processClose(t testing.TB, l *ledger.Ledger, e ledger.Event, opts ...ledger.CloseOption) ledger.CloseResult {
	t.Helper()
	result, err := l.ProcessClose(context.Background(), e, opts...)
	if err != nil {
		t.Fatalf("process close: %v", err)
	}
	return result
}

func apply(t testing.TB, l *ledger.Ledger, events []ledger.Event, opts ...ledger.ApplyOption) ledger.Summary {
	t.Helper()
	summary, err := l.Apply(context.Background(), sequence(events), opts...)
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	return summary
}

// sequence yields events without an error.
func sequence(events []ledger.Event) iter.Seq2[ledger.Event, error] {
	return func(yield func(ledger.Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func report(t testing.TB, l *ledger.Ledger) ledger.Report {
	t.Helper()
	r, err := l.Report(context.Background())
	if err != nil {
		t.Fatalf("report: %v", err)
	}
	return r
}

func miner(t testing.TB, l *ledger.Ledger, n byte) ledger.Miner {
	t.Helper()
	m, err := l.MinerByColdkey(context.Background(), coldkey(n))
	if err != nil {
		t.Fatalf("miner: %v", err)
	}
	return m
}
