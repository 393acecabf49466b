// Package torture holds nothing but its packages' tests: each takes one promise
// of the manager or the ledger and tries hard to break it, with faults, kills,
// power cuts, concurrent histories and random operations.
//
// The tests run briefly in make test, for half an hour in make torture and for
// hours in make soak; package effort tells them which. Everything random comes
// from a seed that is printed, and SEED=n replays it.
package torture
