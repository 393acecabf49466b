// Testing shows how a program on the manager is tested: with a database of its
// own for each test, closures that are run twice, and a disk that fails. The
// program moves money between two accounts, once for each key.
//
//	go run ./examples/testing bank.db
package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/stakeledger/stakeledger/examples/testing/db"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/migrate"
)

//go:embed schema/*.sql
var schema embed.FS

var migrations = manager.WithMigration(migrate.Up(schema))

type store = manager.DB[*db.Queries, *db.Queries]

// A bank moves money, and announces what it has moved.
type bank struct {
	store    *store
	announce func(key string)
}

// transfer moves amount from payer to payee, once for each key: the same key
// again changes nothing, so a caller who does not know the outcome calls again.
func (b *bank) transfer(ctx context.Context, key, payer, payee string, amount int64) error {
	return b.store.WithTx(ctx, func(ctx context.Context, q *db.Queries) error {
		recorded, err := q.RecordTransfer(ctx, db.RecordTransferParams{Key: key, Payer: payer, Payee: payee, Amount: amount})
		if err != nil || recorded == 0 {
			return err
		}
		for _, change := range []db.ChangeParams{{Name: payer, Amount: -amount}, {Name: payee, Amount: amount}} {
			if err := q.Change(ctx, change); err != nil {
				return err
			}
		}
		return manager.AfterCommit(ctx, func(context.Context, uint64) { b.announce(key) })
	})
}

// settled is transfer for a caller who wants one answer: a commit of which
// nobody knows whether it took place is settled by its key.
func (b *bank) settled(ctx context.Context, key, payer, payee string, amount int64) error {
	err := b.transfer(ctx, key, payer, payee, amount)
	if errors.Is(err, manager.ErrCommitUnknown) {
		return b.transfer(ctx, key, payer, payee, amount)
	}
	return err
}

func run(ctx context.Context, path string) (err error) {
	s, err := manager.Open(ctx, path, db.New, db.New, migrations)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(ctx)) }()
	err = s.WithTx(ctx, func(ctx context.Context, q *db.Queries) error {
		return errors.Join(
			q.OpenAccount(ctx, db.OpenAccountParams{Name: "ada", Balance: 100}),
			q.OpenAccount(ctx, db.OpenAccountParams{Name: "bob", Balance: 0}))
	})
	if err != nil {
		return err
	}
	b := &bank{s, func(key string) { fmt.Println("moved:", key) }}
	return b.settled(ctx, "rent of May", "ada", "bob", 30)
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: testing FILE (a new one)")
	}
	if err := run(context.Background(), os.Args[1]); err != nil {
		log.Fatal(err)
	}
}
