// Package limits takes the manager to where its limits are: ten thousand callers
// at once, closures that never return or wait for what can never come, callers
// that panic and leave, a database of a gigabyte. It must answer as documented,
// and afterwards nothing may be left: no goroutine, no open file.
package limits
