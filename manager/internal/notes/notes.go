// Package notes is a small database for the manager's tests: its schema, and in the folders beside it the
// query sets that sqlc makes of read.sql and write.sql.
package notes

import _ "embed"

// Schema creates the tables of a fresh database.
//
//go:embed schema.sql
var Schema string
