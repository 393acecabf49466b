package main

import (
	"context"
	"time"
)

// A Workload is one part of the table: something that every contender does.
type Workload struct {
	Name string
	Unit string // what is counted, "tx" for example
	// Contenders that take part, other than C.
	Contenders []Contender
	// Run measures one contender for one round on a fresh copy of the template.
	Run func(ctx context.Context, b *Bench, c Contender, path string) (Sample, error)
	// Floor measures C, under the names in Floors. It is nil if C takes no part.
	Floors []string
	Floor  func(b *Bench, name, path string) (Sample, error)
}

// A Bench is what the workloads share.
type Bench struct {
	Template *Template
	Dir      string
	Round    time.Duration // how long one round lasts
}

// plan lists the workloads, if not full those that fit into two minutes.
func plan(full bool, bulkEvents int) []Workload {
	if !full {
		return []Workload{
			writeWork(1, Full), writeWork(16, Full), writeWork(64, Full), writeWork(1, Normal),
			pointWork(false), pointWork(true), snapshotWork(), scanWork(),
			ledgerWork(1), ledgerWork(64),
			processWork(ours, oursAlone, byHand, immediate, zombiezen), bulkWork(bulkEvents),
		}
	}
	var list []Workload
	for _, sync := range []Sync{Full, Normal} {
		for _, n := range []int{1, 4, 16, 64, 256} {
			list = append(list, writeWork(n, sync))
		}
	}
	return append(list, pointWork(false), pointWork(true), snapshotWork(), scanWork(), ledgerWork(1), ledgerWork(64),
		processWork(append([]Contender{ours, oursAlone}, contenders[1:]...)...), bulkWork(bulkEvents))
}
