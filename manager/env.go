package manager

// env is the ground floor of a manager: what its parts need without knowing each
// other. A retrier, the lock file and the connections of a copy hold no more.
type env struct {
	cfg   config
	path  string // absolute, symbolic links resolved
	stats counters
}
