package main

import (
	"context"
	"fmt"
)

// A Contender is one way to run SQL on a SQLite file from Go.
type Contender struct {
	Name string
	// About says how it is set up, for the table's legend.
	About string
	Open  func(path string, sync Sync) (Store, error)
}

// Sync is SQLite's synchronous level. At Full a committed transaction survives
// a power failure; at Normal the last ones may be lost, none is torn.
type Sync string

const (
	Full   Sync = "FULL"
	Normal Sync = "NORMAL"
)

// tuned are the pragmas that the manager sets in addition to the usual ones, with
// a checkpoint as late as its own. C and the hand-written contender get them too,
// so that only the code differs. The others are set up as people do it.
var tuned = []string{
	"PRAGMA cache_size=-16384", "PRAGMA temp_store=MEMORY", "PRAGMA cell_size_check=1",
	"PRAGMA trusted_schema=0", "PRAGMA wal_autocheckpoint=2000",
}

// A Store is an open database file. All methods may be called concurrently,
// except Close, which comes last.
type Store interface {
	// Write runs fn in one transaction and returns after COMMIT.
	Write(ctx context.Context, fn func(context.Context, Queries) error) error
	// Snapshot runs fn's reads on one state of the database.
	Snapshot(ctx context.Context, fn func(context.Context, Queries) error) error
	// Lone runs an fn that makes one read, without a transaction if the contender
	// can.
	Lone(ctx context.Context, fn func(context.Context, Queries) error) error
	Close() error
}

// contenders are in the order of the table. C is not among them, since it runs
// whole workloads by itself: see floor.go.
var contenders = []Contender{
	ours,
	byHand,
	naive,
	immediate,
	mutex,
	zombiezen,
}

func find(name string) (Contender, error) {
	for _, c := range append(contenders, oursAlone) {
		if c.Name == name {
			return c, nil
		}
	}
	return Contender{}, fmt.Errorf("no contender is called %q", name)
}
