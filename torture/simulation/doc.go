// Package simulation holds nothing but tests: random lives of a ledger, each of
// some thousand operations on one file, beside the slow ledger of package model.
// One seed draws the operations and what befalls them: faults of the driver,
// cancellations, panics, goroutines that end, transactions that take themselves
// back, foreign checkpoints, clocks that jump, files that are closed, abandoned
// or found as after a crash.
//
// After every step what was answered must be what is there: a nil is present, an
// error is absent or, where it says that the outcome is unknown, one of the two.
// Another program on the file adds everything up: the alpha that came in is what
// is open and what was closed, shares sum to their wholes, and the miners' counters
// are what a recount gives.
package simulation
