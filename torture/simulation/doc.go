// Package simulation holds only tests: random lives of a ledger, each of a few
// thousand operations on one file, compared with the slow ledger of package model.
// One seed decides the operations and what disturbs them: faults of the driver,
// cancellations, panics, goroutines that end, transactions that fail, foreign
// checkpoints, clocks that jump, files that are closed, abandoned or found as after
// a crash.
//
// After every step the ledger must agree with its answers: after nil the change is
// there, after an error it is not, and after an error that says the outcome is
// unknown, either. Another program on the file checks the sums: alpha bought equals
// alpha open plus alpha closed, shares sum to their wholes, and the miners' counters
// equal a recount.
package simulation
