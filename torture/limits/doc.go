// Package limits takes the manager to its limits: ten thousand callers at once,
// closures that never return or wait for what cannot happen, callers that panic
// and leave, a database of a gigabyte. It must answer as documented, and leave no
// goroutine and no open file behind.
package limits
