// Package contention crowds one file: processes of ours with several writers
// each, a program that knows no lock file and holds SQLite's write lock for
// seconds, another that holds a snapshot for longer, and a process of ours that
// is killed and started again. No caller may see an error, the processes must be
// served alike, and the write-ahead log must stay bounded.
package contention
