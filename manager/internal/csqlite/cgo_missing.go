//go:build !cgo

package csqlite

// What the compiler says without this comes from elsewhere, and helps nobody.
var _ int = "stakeledger needs cgo: install a C compiler, set CGO_ENABLED=1"
