package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/migrate"
)

func newMigrate(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the ledger's schema up to date, or look at it",
		Long: `Bring the ledger's schema up to date, or look at it. Every command that writes brings
it up to date first, so this is for those who want to do it at a time of their choice.`,
		Example: `  stakeledger migrate status
  stakeledger migrate up`,
	}
	asGroup(cmd)
	cmd.AddCommand(newMigrateUp(a), newMigrateStatus(a))
	return cmd
}

func newMigrateUp(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Apply the migrations that are missing, creating the ledger if it is missing",
		Long: `Apply the migrations that are missing, in order, each in a transaction, and create the ledger if
it is missing. Other processes wait meanwhile. One made by a newer program is left alone.`,
		Example: `  stakeledger migrate up
  stakeledger --db other.db migrate up --json`,
		Args: exactArgs(0, false),
	}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		up, err := ledger.Migration()
		if err != nil {
			return err
		}
		var before, after []migrationRow
		err = a.withMigration(cmd, func(ctx context.Context, schema fs.FS, db *sql.DB) (err error) {
			if before, err = listMigrations(ctx, schema, db); err != nil {
				return err
			}
			if err := up(ctx, db); err != nil {
				return err
			}
			after, err = listMigrations(ctx, schema, db)
			return err
		})
		if err != nil {
			return err
		}
		was, is := countApplied(before), countApplied(after)
		if *asJSON {
			return writeArray(cmd.OutOrStdout(), sequenceOf(after))
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s applied, %d in all\n", escapeControls(a.name()), plural(is-was, "migration", "migrations"), is)
		return err
	}
	return cmd
}

func newMigrateStatus(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "List the migrations, and which of them the ledger has",
		Long:  `List the migrations this program knows, and which of them the ledger has. It changes nothing.`,
		Example: `  stakeledger migrate status
  stakeledger migrate status --json | jq 'all(.[]; .applied)'`,
		Args: exactArgs(0, false),
	}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := a.checkExists(cmd); err != nil {
			return err
		}
		rows, err := a.readMigrations(cmd)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return fmt.Errorf("read migrations of %s: the file is empty; stakeledger migrate up makes it a ledger", a.name())
		}
		if *asJSON {
			return writeArray(cmd.OutOrStdout(), sequenceOf(rows))
		}
		return writeMigrations(cmd.OutOrStdout(), rows)
	}
	return cmd
}

// readMigrations lists what a ledger has. One that is up to date is only read, so it may lie where nobody can write.
func (a *app) readMigrations(cmd *cobra.Command) (rows []migrationRow, err error) {
	list := func(ctx context.Context, schema fs.FS, db *sql.DB) (err error) {
		rows, err = listMigrations(ctx, schema, db)
		return err
	}
	if a.onServer() {
		err = a.withMigration(cmd, list)
		return rows, err
	}
	l, err := ledger.OpenReadOnly(cmd.Context(), a.db, a.managerOptions(cmd))
	if err != nil {
		err = a.withMigration(cmd, list)
		return rows, err
	}
	err = runAndClose(cmd.Context(), l, func(ctx context.Context, l *ledger.Ledger) error {
		return list(ctx, stakeledger.Schema, l.DB().SQL())
	})
	return rows, err
}

// withMigration opens the ledger with step in place of its own migration: under the lock, before any other
// connection is open.
func (a *app) withMigration(cmd *cobra.Command, step func(ctx context.Context, schema fs.FS, db *sql.DB) error) error {
	inPlace := ledger.WithManager(manager.WithMigration(func(ctx context.Context, db *sql.DB) error {
		if isPostgres(db) {
			return step(ctx, stakeledger.SchemaPostgres, db)
		}
		if err := ledger.CheckOrigin(ctx, db); err != nil {
			return err
		}
		return step(ctx, stakeledger.Schema, db)
	}))
	return a.withWritable(cmd, func(context.Context, *ledger.Ledger) error { return nil }, inPlace)
}

// migrationRow is a migration as JSON has it.
type migrationRow struct {
	Version int64  `json:"version"`
	Source  string `json:"source"`
	Applied bool   `json:"applied"`
}

func isPostgres(db *sql.DB) bool { return migrate.Dialect(db) == "postgres" }

// listMigrations lists what a ledger has; nothing where there is none, so that goose does not put its own table there.
// A ledger made by a newer program is an error: it has migrations that this one cannot name.
func listMigrations(ctx context.Context, schema fs.FS, db *sql.DB) ([]migrationRow, error) {
	objects := "SELECT count(*) FROM sqlite_schema"
	if isPostgres(db) { // where others may have tables too
		objects = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'goose_db_version'"
	}
	var found int64
	if err := db.QueryRowContext(ctx, objects).Scan(&found); err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	if found == 0 {
		return nil, nil
	}
	if err := migrate.NotNewer(schema)(ctx, db); err != nil {
		return nil, err
	}
	list, err := migrate.List(ctx, schema, db)
	rows := make([]migrationRow, len(list))
	for i, m := range list {
		rows[i] = migrationRow(m)
	}
	return rows, err
}

func countApplied(rows []migrationRow) (n int64) {
	for _, row := range rows {
		if row.Applied {
			n++
		}
	}
	return n
}

func writeMigrations(w io.Writer, rows []migrationRow) error {
	t := newTable("VERSION", "MIGRATION", "APPLIED")
	for _, row := range rows {
		state := "no"
		if row.Applied {
			state = "yes"
		}
		t.add(row.Version, row.Source, state)
	}
	return t.write(w)
}
