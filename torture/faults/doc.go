// Package faults makes every call to the driver fail in turn, with every code and
// at every moment that SQLite can fail at, in every operation of the manager and
// of the ledger. After each it checks that the answer was true, that all of the
// change or none of it is there, and that the next caller is served.
package faults
