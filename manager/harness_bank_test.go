package manager_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// A bank is a query set of the form that sqlc generates: accounts, and transfers between them. Money is
// neither made nor lost, so sums show whatever a transaction lost, tore or did twice.
type bank struct{ db manager.DBTX }

type bankDB = manager.DB[*bank, *bank]

func newBank(db manager.DBTX) *bank { return &bank{db} }

const bankApplication = 0x42414e4b

// bankMigrate is harmless to run again.
func bankMigrate(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, `
		PRAGMA application_id = 0x42414e4b;
		CREATE TABLE IF NOT EXISTS accounts (
			account_id INTEGER PRIMARY KEY,
			balance    INTEGER NOT NULL CONSTRAINT balance_not_negative CHECK (balance >= 0)
		);
		CREATE TABLE IF NOT EXISTS transfers (
			worker  TEXT    NOT NULL,
			seq     INTEGER NOT NULL,
			payer   INTEGER NOT NULL REFERENCES accounts (account_id),
			payee   INTEGER NOT NULL REFERENCES accounts (account_id),
			amount  INTEGER NOT NULL,
			payload BLOB,
			PRIMARY KEY (worker, seq)
		)`)
	return err
}

func (b *bank) insertAccount(ctx context.Context, account, balance int64) error {
	_, err := b.db.ExecContext(ctx, "-- name: InsertAccount :exec\nINSERT INTO accounts (account_id, balance) VALUES (?, ?)", account, balance)
	return err
}

func (b *bank) balance(ctx context.Context, account int64) (balance int64, err error) {
	err = b.db.QueryRowContext(ctx, "-- name: Balance :one\nSELECT balance FROM accounts WHERE account_id = ?", account).Scan(&balance)
	return balance, err
}

func (b *bank) setBalance(ctx context.Context, account, balance int64) (int64, error) {
	r, err := b.db.ExecContext(ctx, "-- name: SetBalance :execrows\nUPDATE accounts SET balance = ? WHERE account_id = ?", balance, account)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (b *bank) insertTransfer(ctx context.Context, worker string, seq, payer, payee, amount int64, payload []byte) error {
	_, err := b.db.ExecContext(ctx, "-- name: InsertTransfer :exec\nINSERT INTO transfers (worker, seq, payer, payee, amount, payload) VALUES (?, ?, ?, ?, ?, ?)",
		worker, seq, payer, payee, amount, payload)
	return err
}

func (b *bank) total(ctx context.Context) (total int64, err error) {
	err = b.db.QueryRowContext(ctx, "-- name: Total :one\nSELECT CAST(COALESCE(SUM(balance), 0) AS BIGINT) FROM accounts").Scan(&total)
	return total, err
}

func (b *bank) transfers(ctx context.Context) (n int64, err error) {
	err = b.db.QueryRowContext(ctx, "-- name: Transfers :one\nSELECT COUNT(*) FROM transfers").Scan(&n)
	return n, err
}

// unexplained counts the accounts whose balance is not what the transfers make of that of the beginning.
func (b *bank) unexplained(ctx context.Context, began int64) (n int64, err error) {
	err = b.db.QueryRowContext(ctx, `-- name: Unexplained :one
SELECT COUNT(*) FROM accounts a WHERE a.balance <> ?
	+ (SELECT COALESCE(SUM(t.amount), 0) FROM transfers t WHERE t.payee = a.account_id)
	- (SELECT COALESCE(SUM(t.amount), 0) FROM transfers t WHERE t.payer = a.account_id)`, began).Scan(&n)
	return n, err
}

// value runs raw SQL for one value.
func (b *bank) value(ctx context.Context, query string) (value string, err error) {
	err = b.db.QueryRowContext(ctx, query).Scan(&value)
	return value, err
}

// transfer reads two balances, computes and writes both: whatever came between would be lost.
func (b *bank) transfer(ctx context.Context, worker string, seq, payer, payee, amount int64) error {
	from, err := b.balance(ctx, payer)
	if err != nil {
		return err
	}
	to, err := b.balance(ctx, payee)
	if err != nil {
		return err
	}
	amount = min(amount, from)
	if _, err := b.setBalance(ctx, payer, from-amount); err != nil {
		return err
	}
	if _, err := b.setBalance(ctx, payee, to+amount); err != nil {
		return err
	}
	return b.insertTransfer(ctx, worker, seq, payer, payee, amount, nil)
}

// bankOpen opens the file at path; it is closed when the test ends, if not before.
func bankOpen(t testing.TB, path string, opts ...manager.Option) *bankDB {
	t.Helper()
	opts = append([]manager.Option{manager.WithMigration(bankMigrate), manager.WithApplicationID(bankApplication), manager.WithLogger(slog.New(slog.DiscardHandler))}, opts...)
	db, err := manager.Open(t.Context(), path, newBank, newBank, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bankClose(t, db) })
	return db
}

func bankClose(t testing.TB, db *bankDB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := db.Close(ctx); err != nil {
		t.Error(err)
	}
}

func bankPath(t testing.TB) string { return filepath.Join(t.TempDir(), "bank.db") }

const (
	bankAccounts = 16
	bankBalance  = 1_000 // of each account in the beginning
	bankMoney    = bankAccounts * bankBalance
)

// bankFill makes the accounts.
func bankFill(t testing.TB, db *bankDB) {
	t.Helper()
	err := db.WithTx(t.Context(), func(ctx context.Context, tx *bank) error {
		for account := range int64(bankAccounts) {
			if err := tx.insertAccount(ctx, account, bankBalance); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// bankAudit checks that all money and every one of the wanted transfers is there.
func bankAudit(t testing.TB, db *bankDB, wantTransfers int64) {
	t.Helper()
	err := db.ReadOnly(t.Context(), func(ctx context.Context, q *bank) error {
		total, err1 := q.total(ctx)
		unexplained, err2 := q.unexplained(ctx, bankBalance)
		transfers, err3 := q.transfers(ctx)
		verdict, err4 := q.value(ctx, "PRAGMA integrity_check")
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			return err
		}
		if total != bankMoney {
			t.Errorf("sum of all balances: got %d, want %d", total, bankMoney)
		}
		if unexplained != 0 {
			t.Errorf("accounts whose transfers do not add up: got %d, want 0", unexplained)
		}
		if transfers != wantTransfers {
			t.Errorf("transfers: got %d, want %d", transfers, wantTransfers)
		}
		if verdict != "ok" {
			t.Errorf("PRAGMA integrity_check: got %q, want ok", verdict)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// bankCount reads the number of transfers.
func bankCount(t testing.TB, db *bankDB) int64 {
	t.Helper()
	n, err := manager.Read(context.Background(), db, func(ctx context.Context, q *bank) (int64, error) { return q.transfers(ctx) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// bankAdd commits a transfer of nothing: a row that can be asked for.
func bankAdd(ctx context.Context, db *bankDB, worker string, seq int64, opts ...manager.TxOption) error {
	return db.WithTx(ctx, func(ctx context.Context, tx *bank) error {
		return tx.insertTransfer(ctx, worker, seq, 0, 0, 0, nil)
	}, opts...)
}

// A bankHold is a transaction that stays open until it is let go.
type bankHold struct {
	letGo func()
	call  *call
}

// bankHoldWriter returns once a write transaction of that label runs.
func bankHoldWriter(t testing.TB, db *bankDB, label string) *bankHold {
	t.Helper()
	return bankHolding(t, func(closure func(context.Context, *bank) error) error {
		return db.WithTx(context.Background(), closure, manager.Label(label))
	})
}

// bankHoldReader returns once a read transaction of that label runs and has taken its snapshot.
func bankHoldReader(t testing.TB, db *bankDB, label string) *bankHold {
	t.Helper()
	return bankHolding(t, func(closure func(context.Context, *bank) error) error {
		return db.ReadOnly(context.Background(), closure, manager.Pinned(), manager.Label(label))
	})
}

func bankHolding(t testing.TB, run func(func(context.Context, *bank) error) error) *bankHold {
	t.Helper()
	running, over := make(chan struct{}), make(chan struct{})
	h := &bankHold{letGo: sync.OnceFunc(func() { close(over) })}
	t.Cleanup(h.letGo)
	h.call = start(func() error {
		return run(func(context.Context, *bank) error {
			close(running)
			<-over
			return nil
		})
	})
	select {
	case <-running:
	case <-h.call.done:
		t.Fatalf("the transaction to hold ended before it ran: %v", h.call.err)
	}
	return h
}

// end lets the transaction go and waits for its end.
func (h *bankHold) end(t testing.TB) {
	t.Helper()
	h.letGo()
	if err := h.call.wait(t).err; err != nil {
		t.Errorf("held transaction: %v", err)
	}
}
