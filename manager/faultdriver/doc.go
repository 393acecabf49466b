// Package faultdriver makes SQLite fail where a test wants it to: the third
// statement meets a full disk, COMMIT reaches the disk but answers with an I/O
// error, the connection is lost between two rows.
//
//	faults := faultdriver.New(faultdriver.Fault{
//		Point: faultdriver.Statement, Query: "AddNote", Code: faultdriver.Full,
//	})
//	db, err := manager.Open(ctx, path, read.New, newTx, manager.WithDriver(faults.Wrap))
//
// It stands between the manager and the driver, on every connection that the
// manager opens, so what fails is the path that the program really takes. What
// does not fail reaches SQLite as it is.
//
// # Where
//
// A [Fault] names a [Point] and which call there fails, counted from 1 since
// [New] or the last [Injector.Arm]. Counting is all there is: no clock and no
// chance, so a test that fails once fails again. To fail every call in turn, run
// the operation once without faults, ask [Injector.Count] how many calls it made
// at each point, and go through them.
//
// # When
//
// A fault happens before the call, so that SQLite never hears of it; after it,
// so that the work is done and only the answer is lost; or it takes the whole
// transaction with it, as SQLite does by itself after some errors of the disk
// and of memory. See [Moment].
//
// # Afterwards
//
// [Injector.Fired] says what really failed, [Injector.Strays] which statements
// changed the database outside a transaction, and [Injector.Connections] whether
// one was left open. A test of a program that handles errors well asserts all three.
package faultdriver
