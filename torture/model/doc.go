// Package model is a second, slow ledger that was written from the rules alone,
// and random operations to play on both. It computes in exact rationals, keeps
// everything in plain slices and shares no code with package ledger. After every
// operation both must say the same: rows, counters, outcomes and errors.
//
// Its own tests play histories undisturbed, where a difference is shrunk to a few
// operations and printed as JSON, one operation a line, as the table of kept cases
// takes it. Package simulation plays them among faults, cancellations and reopenings.
package model
