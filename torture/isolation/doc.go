// Package isolation checks what the manager promises about transactions that
// run at the same time: writes are strictly serializable, and a snapshot is
// consistent and never older than the call that took it.
//
// Clients in goroutines and processes run random operations on a handful of
// cells and record when each was called and answered, and what it saw. Then
// porcupine looks for an order of the operations that agrees with the clock and in
// which a single thread would have seen the same. There must be one, although
// transactions share commits, contexts end, statements fail and processes die.
//
// Some closures also try what must not outlast them: they set pragmas, attach
// databases, create TEMP tables with the names of ours, and leave rows whose parent
// is missing to be checked at COMMIT. Every other closure checks that it sees
// nothing of it.
//
// An operation that was answered with an error is left out: it must have had no
// effect, and if it had, the others would show it. Only an operation without an
// answer (its process was killed) and one answered with ErrCommitUnknown may take
// effect at any later time or never.
//
// The same check must find managers that are broken on purpose, each in its own way.
package isolation
