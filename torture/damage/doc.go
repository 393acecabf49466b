// Package damage spoils the files of ledgers and runs everything that a ledger can do on them. Bytes are flipped,
// overwritten, moved and cut off, as a failing disk may do; rows get values that no constraint would have let in,
// lose or double, and leave indexes that say otherwise, as a foreign program may do that knows SQLite well.
//
// An answer is an error or what the rows say. A panic, a crash of the process, and work that does not end are
// failures; so is a Verify that finds nothing where a value was changed that the ledger says twice.
package damage
