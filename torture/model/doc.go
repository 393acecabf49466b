// Package model is a second, slow ledger that was written from the rules alone, and
// a generator of random operations to run on both. It computes in exact rationals,
// keeps everything in slices and shares no code with package ledger. After every
// operation both must agree on rows, counters, outcomes and errors.
//
// Its own tests run histories without faults. A history on which the two differ is
// shrunk to a few operations and printed as JSON, one operation a line, ready for
// the table of kept cases. Package simulation adds faults, cancellations and
// reopening.
package model
