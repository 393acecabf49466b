// Package contention has many processes use one file: several that use the manager,
// each with several writers, a program without the manager that holds SQLite's
// write lock for seconds, another that holds a snapshot for longer, and a process
// that is killed and started again. No caller may see an error, the processes must
// get equal shares, and the write-ahead log must stay bounded.
package contention
