// Package books has the databases for the tests of packages crash and power: how
// they are written, and audits that find what was lost, written in part or twice.
//
// [Pairs] is a small database in which a torn transaction shows. [Trading] is a ledger with the work that a validator does on it.
package books
