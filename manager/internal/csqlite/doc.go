// Package csqlite calls SQLite's C interface on connections that the driver
// opened, for what the driver does not offer.
//
// The connection stays the driver's: its settings, its authorizer and its Close.
// This package only learns its sqlite3*. SQLite calls registered functions for
// every connection that the process opens (sqlite3_auto_extension); ours is
// registered only while [Open] runs, and takes note only on Open's own thread.
// No unexported field of the driver is read.
//
// The C code is compiled without a header of SQLite and linked with the copy of
// SQLite that is inside the driver, so a plain go build is enough. Where that is
// not known to work, which is all but Linux, under the build tag libsqlite3 and
// without cgo, [Available] is false and Open returns no [Handle]; the build tag
// stakeledger_nostep asks for the same.
package csqlite
