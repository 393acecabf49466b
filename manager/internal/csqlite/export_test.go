//go:build cgo && linux && !libsqlite3 && !stakeledger_nostep

package csqlite

// Kept is how many bytes of C's memory values take that a statement and its
// connection keep.
func Kept(s *Stmt) int { return int(s.p.bytes_cap + s.conn.out.bytes_cap) }
