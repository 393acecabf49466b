package migrate

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/pressly/goose/v3/database"

	"github.com/stakeledger/stakeledger/manager"
)

// Existing is for files that were there before goose was: one that has the given table and no
// record of migrations is recorded to have those up to version, without running them.
//
//	migrate.Up(schema, migrate.Existing("notes", 1)) // 00001_notes.sql is what the file has
//
// Default: a file without a record has none of them.
func Existing(table string, version int64) Option {
	return func(c *config) { c.existing, c.existingVersion = table, version }
}

// recordExisting records what [Existing] says of a file that has no migration yet.
func (s *schema) recordExisting(ctx context.Context) error {
	if s.config.existing == "" {
		return nil
	}
	if !s.versions.knows(s.config.existingVersion) {
		return &manager.Error{Op: fmt.Sprintf("use Existing(%q, %d)", s.config.existing, s.config.existingVersion), Kind: manager.ErrUnsupported,
			Detail: "no migration has that version; the program knows " + words(s.versions.known)}
	}
	if len(s.versions.applied) > 0 {
		return nil
	}
	if found, err := hasTable(ctx, s.db, s.config.existing); err != nil || !found {
		return err
	}
	table, err := s.config.plainStore(s.db)
	if err != nil {
		return err
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	has := s.versions.missing(s.config.existingVersion)
	for _, version := range has {
		if err := table.Insert(ctx, tx, database.InsertRequest{Version: version}); err != nil {
			return fmt.Errorf("record version %d, which the file has: %w", version, err)
		}
	}
	s.versions.applied = has
	return tx.Commit()
}

func hasTable(ctx context.Context, db *sql.DB, name string) (bool, error) {
	find := "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE"
	if isServer(db) {
		find = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1"
	}
	var tables int
	err := db.QueryRowContext(ctx, find, name).Scan(&tables)
	return tables > 0, err
}

var upLine = regexp.MustCompile(`(?mi)^\s*--\s*\+goose\s+up\b`)

// explain says what to do about a migration's error, where that is known.
func (s *schema) explain(version int64, err error) error {
	var name string
	for _, source := range s.goose.ListSources() {
		if source.Version == version {
			name = source.Path
		}
	}
	text, readErr := fs.ReadFile(s.files, name)
	switch {
	case readErr == nil && strings.HasSuffix(name, ".sql") && !upLine.Match(text):
		return &manager.Error{Op: "read " + name, Kind: manager.ErrUnsupported, Err: err,
			Detail: `it has no line "-- +goose Up", which comes before the statements of a migration`}
	case len(s.versions.applied) == 0 && s.config.existing == "" && strings.Contains(err.Error(), "already exists"):
		return fmt.Errorf("the file has tables and no record of migrations; migrate.Existing says which of them it has: %w", err)
	}
	return err
}

// someFiles names some of the .sql files in a folder.
func someFiles(files fs.FS) string {
	names, _ := fs.Glob(files, "*.sql") // the pattern is well-formed
	if len(names) > 3 {
		names = append(names[:3], "…")
	}
	return strings.Join(names, ", ")
}
