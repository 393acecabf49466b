// Ledgerapp keeps tables of its own in the ledger's file: its migrations have their own folder and their own version
// table, its queries an sqlc package of their own, and one transaction holds what both write.
//
//	go run ./examples/ledgerapp ledger.db 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY "pays on Fridays"
package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/examples/ledgerapp/mine"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager/migrate"
)

//go:embed schema/*.sql
var schema embed.FS

// The ledger records its migrations in goose_db_version; these have a table of their own, whose name no later version
// of the ledger will take, like those of the tables.
var migrations = migrate.Up(schema, migrate.Table("mine_versions"))

func open(ctx context.Context, path string) (*ledger.Ledger, error) {
	return ledger.Open(ctx, path, ledger.WithMigration(migrations))
}

// register adds a miner with a note, or neither.
func register(ctx context.Context, l *ledger.Ledger, r ledger.Registration, note string) error {
	return l.WithTx(ctx, func(ctx context.Context, tx ledger.Tx) error {
		if _, err := l.RegisterMiner(ctx, r); err != nil { // joins the transaction by its context
			return err
		}
		_, err := mine.New(tx.DB).AddNote(ctx, mine.AddNoteParams{Coldkey: string(r.Coldkey), Body: note})
		return err
	})
}

// notes lists the notes about a miner, and whether the ledger knows it, as of one moment. The ledger's reads are given
// q; what is not the ledger's reads through the *sql.DB over the same snapshot.
func notes(ctx context.Context, l *ledger.Ledger, coldkey chain.Address) (list []string, err error) {
	err = l.ReadOnly(ctx, func(ctx context.Context, q *ledger.Reader) error {
		if _, err := q.MinerByColdkey(ctx, coldkey); err != nil {
			return fmt.Errorf("miner %s: %w", coldkey, err)
		}
		list, err = mine.New(l.DB().SQL()).Notes(ctx, string(coldkey))
		return err
	})
	return list, err
}

func run(ctx context.Context, w io.Writer, path, coldkey, note string) (err error) {
	address, err := chain.ParseAddress(coldkey)
	if err != nil {
		return err
	}
	l, err := open(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close(ctx)) }()
	if err := register(ctx, l, ledger.Registration{Coldkey: address}, note); err != nil {
		return err
	}
	list, err := notes(ctx, l, address)
	for _, note := range list {
		fmt.Fprintln(w, note)
	}
	return err
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: ledgerapp FILE COLDKEY NOTE")
	}
	if err := run(context.Background(), os.Stdout, os.Args[1], os.Args[2], os.Args[3]); err != nil {
		log.Fatal(err)
	}
}
