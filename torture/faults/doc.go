// Package faults makes every call to the driver fail in turn, with every code
// and at every moment that SQLite knows, in every operation of the manager and of
// the ledger; and looks after each whether the answer was true, whether all of
// the change or none of it is there, and whether the next caller is served.
package faults
