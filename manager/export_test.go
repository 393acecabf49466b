package manager

// OpenStatements is how many statements are prepared and not closed.
func OpenStatements() int64 { return openStmts.Load() }
