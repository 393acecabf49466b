package main

import (
	"context"
	"log/slog"

	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
)

// The project's own manager over the generated code: as users get it, and with
// group commit off, which shows what that gains or costs.
var (
	ours = Contender{
		Name:  "stakeledger",
		About: "manager.Open with its defaults over sqlc's code",
		Open: func(path string, sync Sync) (Store, error) {
			return openManager(path, sync)
		},
	}
	oursAlone = Contender{
		Name:  "stakeledger, no groups",
		About: "the same with group commit off: one commit each",
		Open: func(path string, sync Sync) (Store, error) {
			return openManager(path, sync, manager.WithGroupCommit(1, 0))
		},
	}
)

type managerStore struct {
	db *manager.DB[*read.Queries, Generated]
}

func openManager(path string, sync Sync, opts ...manager.Option) (Store, error) {
	if sync == Normal {
		opts = append(opts, manager.WithSynchronousNormal())
	}
	opts = append(opts, manager.WithLogger(slog.New(slog.DiscardHandler)))
	newRead := func(db manager.DBTX) *read.Queries { return read.New(db) }
	newTx := func(db manager.DBTX) Generated { return newGenerated(db) }
	db, err := manager.Open(context.Background(), path, newRead, newTx, opts...)
	if err != nil {
		return nil, err
	}
	return managerStore{db}, nil
}

func (s managerStore) Write(ctx context.Context, fn func(context.Context, Queries) error) error {
	return s.db.WithTx(ctx, func(ctx context.Context, tx Generated) error { return fn(ctx, tx) }, label)
}

func (s managerStore) Snapshot(ctx context.Context, fn func(context.Context, Queries) error) error {
	return s.db.ReadOnly(ctx, func(ctx context.Context, q *read.Queries) error { return fn(ctx, Generated{reader: q}) }, label)
}

func (s managerStore) Lone(ctx context.Context, fn func(context.Context, Queries) error) error {
	return s.Snapshot(ctx, fn)
}

func (s managerStore) Close() error { return s.db.Close(context.Background()) }

// The default label is the caller's name, and every caller here is this file.
var label = manager.Label("bench")
