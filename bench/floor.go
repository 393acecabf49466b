package main

import (
	"fmt"
	"strings"

	"github.com/stakeledger/stakeledger/bench/floor"
)

// floorName and floorBatchName stand first in the table.
const (
	floorName      = "C"
	floorBatchName = "C, 64 per commit"
	floorAbout     = "the same statements in C, one connection without a mutex, many transactions per cgo call"
)

// openFloor opens path for C with the pragmas that the manager sets.
func openFloor(path string, sync Sync) (*floor.DB, error) {
	pragmas := fmt.Sprintf("PRAGMA journal_mode=WAL; PRAGMA foreign_keys=1; PRAGMA synchronous=%s; PRAGMA busy_timeout=0; %s",
		sync, strings.Join(tuned, "; "))
	return floor.Open(path, pragmas, floor.Texts(texts))
}

// floorOp turns an operation into what C reads.
func floorOp(op Op) floor.Op {
	return floor.Op{
		Close: op.Close, Coldkey: string(coldkeys[op.Miner]), Hotkey: string(hotkeys[op.Miner]), Extrinsic: op.Extrinsic, Key: string(op.key()),
		Block: op.Block, Time: int64(op.Time), TAO: int64(op.TAO), Alpha: int64(op.Alpha), Netuid: netuid,
	}
}

type floorDB = *floor.DB
