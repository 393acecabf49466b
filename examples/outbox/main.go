// Outbox takes orders and mails a confirmation of each: the order and the job
// that mails are written in one transaction, so neither is there without the
// other. The jobs are River's, in the same file.
//
//	go run . orders.db
package main

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/stakeledger/stakeledger/examples/outbox/db"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/migrate"
)

//go:embed schema/*.sql
var schema embed.FS

// migrations brings our own tables up to date, and then River's.
var migrations = manager.WithMigration(func(ctx context.Context, db *sql.DB) error {
	if err := migrate.Up(schema)(ctx, db); err != nil {
		return err
	}
	migrator, err := rivermigrate.New(riversqlite.New(db), nil)
	if err != nil {
		return err
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
})

type store = manager.DB[*db.Queries, *db.Queries]

// Confirmation is the job of mailing one.
type Confirmation struct {
	OrderID int64 `json:"order_id"`
}

// Kind names the job in River's tables.
func (Confirmation) Kind() string { return "confirmation" }

type mailer struct {
	river.WorkerDefaults[Confirmation]
	db   *store
	send func(to, text string) error
}

// Work mails one confirmation. River runs it again later when it fails.
func (m *mailer) Work(ctx context.Context, job *river.Job[Confirmation]) error {
	order, err := manager.Read(ctx, m.db, func(ctx context.Context, q *db.Queries) (db.Order, error) {
		return q.OrderByID(ctx, job.Args.OrderID)
	})
	if err != nil {
		return err
	}
	return m.send(order.Email, "We have your order: "+order.Item)
}

type shop struct {
	db   *store
	jobs *river.Client[*sql.Tx]
}

func newShop(store *store, send func(to, text string) error) (*shop, error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, &mailer{db: store, send: send})
	jobs, err := river.NewClient(riversqlite.New(store.SQL()), &river.Config{
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 4}},
		Workers: workers,
	})
	if err != nil {
		return nil, err
	}
	return &shop{store, jobs}, nil
}

// order writes an order and the job that confirms it, both or neither.
func (s *shop) order(ctx context.Context, email, item string) (id int64, err error) {
	return manager.Write(ctx, s.db, func(ctx context.Context, q *db.Queries) (int64, error) {
		id, err := q.AddOrder(ctx, db.AddOrderParams{Email: email, Item: item})
		if err != nil {
			return 0, err
		}
		tx, err := s.db.SQLTx(ctx) // this transaction, for River
		if err != nil {
			return 0, err
		}
		_, err = s.jobs.InsertTx(ctx, tx, Confirmation{OrderID: id}, nil)
		return id, err
	})
}

func run(ctx context.Context, path string) error {
	store, err := manager.Open(ctx, path, db.New, db.New, migrations)
	if err != nil {
		return err
	}
	defer store.Close(ctx)
	sent := make(chan struct{})
	s, err := newShop(store, func(to, text string) error {
		fmt.Printf("to %s: %s\n", to, text)
		close(sent)
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.jobs.Start(ctx); err != nil {
		return err
	}
	if _, err := s.order(ctx, "ada@example.com", "a difference engine"); err != nil {
		return err
	}
	<-sent
	stop, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return s.jobs.Stop(stop)
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: outbox FILE")
	}
	if err := run(context.Background(), os.Args[1]); err != nil {
		log.Fatal(err)
	}
}
