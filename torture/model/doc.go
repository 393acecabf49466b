// Package model holds nothing but tests: random operations on the ledger beside a
// second, slow ledger that was written from the rules alone. It computes in exact
// rationals, keeps everything in plain slices and shares no code with package
// ledger. After every operation both must say the same: rows, counters, outcomes
// and errors.
//
// A difference is shrunk to a few operations and printed as JSON, one operation a
// line, as the table of kept cases takes it.
package model
