// Package isolation checks what the manager promises about transactions that
// run at the same time: writes are strictly serializable, and a snapshot is
// consistent and never older than the call that took it.
//
// Clients in goroutines and processes run random operations on a handful of
// cells and note when each was called and answered, and what it saw. Then
// porcupine looks for an order of the operations, one that agrees with the clock,
// in which a single thread would have seen the same. There must be one: while
// transactions share commits, contexts end, statements fail and processes die.
//
// An operation that was answered with an error is left out, because nothing of
// it may have happened; the others would show it. Only an operation without an
// answer (its process was killed) and one answered with ErrCommitUnknown may
// take effect at any later time or never.
//
// The same check must find each of a row of managers that are broken on purpose.
package isolation
