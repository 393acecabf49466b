// Package books holds the databases that the tests of package crash kill and
// those of package power cut off, how they are written, and the audits that
// tell what of them is lost, half there or there twice.
//
// [Pairs] is a small database whose transactions show by themselves whether
// they are whole. [Trading] is a ledger with the work that a validator does on it.
package books
