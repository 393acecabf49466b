package manager

// OpenStatements is how many statements are prepared and not closed.
func OpenStatements() int64 { return openStmts.Load() }

// FolderTrusted reports whether a ReadOnly that begins now relies on the
// database's folder not having changed, and whether this system lets one.
func FolderTrusted[R, W any](db *DB[R, W]) (trusted, possible bool) {
	f := &db.core.file.folder
	_, possible = f.open.lastChange()
	_, trusted = f.trusted(monotonic())
	return trusted, possible
}
