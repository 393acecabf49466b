// Package chain holds the value types of the ledger: amounts, times, addresses, network numbers and
// the closed sets of words (statuses, kinds, outcomes, policies).
//
// # Values
//
// A Parse function takes a value from outside and returns either one that is valid everywhere, or an
// [*InvalidError] that names the field and the value. There is
// no float in this package: an amount is a whole number of rao, a time a whole number of microseconds.
//
//	amount, err := chain.ParseRao("1.000000001")           // 1000000001 rao
//	at, err := chain.ParseTime("2026-01-31T15:04:05.123Z") // microseconds, UTC
//	coldkey, err := chain.ParseAddress("5GrwvaEF…")        // SS58, checksum verified
//
// # Databases
//
// The types implement sql.Scanner and driver.Valuer, so generated code passes them as they are:
// numbers as int64, words and addresses as text. Scan refuses a column of another type, a NULL and a
// number out of range; words are checked against their set. An address that comes from the database
// is not verified again: it was when it went in.
//
// # Text and JSON
//
// Rao and Time write themselves as JSON strings, amounts always with nine places, so that no reader
// turns them into floats on the way.
//
// # Concurrency
//
// Values are plain integers and strings. The functions of this package keep no state and may be
// called from any number of goroutines.
package chain
