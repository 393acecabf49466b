// Package endurance runs the manager under load for as long as SOAK says, and
// watches what must stay flat: memory, open files, goroutines, the write-ahead
// log, and how long callers wait.
package endurance
