// Package torture is empty; its packages hold tests. Each takes one promise of the
// manager or the ledger and tries to break it, with faults, kills, power cuts,
// concurrent histories and random operations.
//
// The tests run briefly in make test, for half an hour in make torture and for
// hours in make soak; they ask package effort. Everything random comes from a seed
// that is printed, and SEED=n replays it.
package torture
