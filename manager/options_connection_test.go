package manager_test

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/internal/notes"
)

// pragmas reads one on the writer's connection and on a reader's.
func pragmas(t testing.TB, db *DB, name string) (writer, reader string) {
	t.Helper()
	asked := "PRAGMA " + name
	if strings.HasPrefix(name, "SELECT") {
		asked = name
	}
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		return tx.raw.QueryRowContext(ctx, asked).Scan(&writer)
	})
	if err == nil {
		err = db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error {
			return q.raw.QueryRowContext(ctx, asked).Scan(&reader)
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return writer, reader
}

// A pragmaCase is what WithPragma does with a PRAGMA and a value: it sets it, and
// want is what SQLite then says, or Open refuses it, and the error says why.
type pragmaCase struct{ value, want, why string }

var pragmaCases = map[string]pragmaCase{
	"analysis_limit":            {value: "321", want: "321"},
	"automatic_index":           {value: "OFF", want: "0"},
	"cache_size":                {value: "-1234", want: "-1234"},
	"cache_spill":               {value: "no", want: "0"},
	"case_sensitive_like":       {value: "ON"}, // and SQLite says nothing
	"cell_size_check":           {value: "0", want: "0"},
	"checkpoint_fullfsync":      {value: "1", want: "1"},
	"foreign_keys":              {value: "off", want: "0"},
	"fullfsync":                 {value: "yes", want: "1"},
	"hard_heap_limit":           {value: "1099511627776", want: "1099511627776"},
	"ignore_check_constraints":  {value: "true", want: "1"},
	"legacy_alter_table":        {value: "ON", want: "1"},
	"max_page_count":            {value: "12345", want: "12345"},
	"mmap_size":                 {value: "65536", want: "65536"},
	"recursive_triggers":        {value: "ON", want: "1"},
	"reverse_unordered_selects": {value: "1", want: "1"},
	"secure_delete":             {value: "Fast", want: "2"},
	"soft_heap_limit":           {value: "1099511627776", want: "1099511627776"},
	"temp_store":                {value: "memory", want: "2"},
	"threads":                   {value: "2", want: "2"},
	"trusted_schema":            {value: "1", want: "1"},

	"application_id":         {why: "set it in a migration"},
	"auto_vacuum":            {why: "set it in a migration"},
	"busy_timeout":           {why: "WithRetryBudget"},
	"count_changes":          {why: "deprecated"},
	"defer_foreign_keys":     {why: "inside WithTx"},
	"empty_result_callbacks": {why: "deprecated"},
	"encoding":               {why: "set it in a migration"},
	"full_column_names":      {why: "deprecated"},
	"incremental_vacuum":     {why: "sets nothing"},
	"journal_mode":           {value: "DELETE", why: "write-ahead log"},
	"journal_size_limit":     {why: "bounds the log"},
	"locking_mode":           {value: "EXCLUSIVE", why: "readers"},
	"optimize":               {why: "sets nothing"},
	"page_size":              {why: "with VACUUM in Maintain"},
	"query_only":             {why: "its readers"},
	"read_uncommitted":       {why: "snapshot"},
	"schema_version":         {why: "counts it up"},
	"short_column_names":     {why: "deprecated"},
	"shrink_memory":          {why: "sets nothing"},
	"synchronous":            {value: "OFF", why: "WithSynchronousNormal"},
	"temp_store_directory":   {why: "whole process"},
	"user_version":           {why: "set it in a migration"},
	"wal_autocheckpoint":     {why: "WithCheckpointFrames"},
	"wal_checkpoint":         {why: "sets nothing"},
	"writable_schema":        {why: "in Maintain"},

	"collation_list":    {why: "only asks"},
	"compile_options":   {why: "only asks"},
	"data_version":      {why: "only asks"},
	"database_list":     {why: "only asks"},
	"foreign_key_check": {why: "inside ReadOnly"},
	"foreign_key_list":  {why: "only asks"},
	"freelist_count":    {why: "only asks"},
	"function_list":     {why: "only asks"},
	"index_info":        {why: "only asks"},
	"index_list":        {why: "only asks"},
	"index_xinfo":       {why: "only asks"},
	"integrity_check":   {why: "inside ReadOnly"},
	"module_list":       {why: "only asks"},
	"page_count":        {why: "only asks"},
	"pragma_list":       {why: "only asks"},
	"quick_check":       {why: "inside ReadOnly"},
	"table_info":        {why: "only asks"},
	"table_list":        {why: "only asks"},
	"table_xinfo":       {why: "only asks"},
}

func TestEveryPragmaIsSetOrRefused(t *testing.T) {
	var names []string
	err := openNotes(t).ReadOnly(t.Context(), func(ctx context.Context, q Reader) (err error) {
		names, err = rowsText(ctx, q.raw, "SELECT name FROM pragma_pragma_list")
		return err
	})
	if err != nil || len(names) < 50 {
		t.Fatalf("PRAGMA pragma_list: got %d names, %v", len(names), err)
	}
	for _, name := range names {
		name = strings.TrimSpace(name)
		t.Run(name, func(t *testing.T) {
			c, decided := pragmaCases[name]
			switch {
			case !decided:
				t.Errorf("PRAGMA %s: nobody has decided whether WithPragma may set it", name)
			case c.why != "":
				refusePragma(t, name, cmp.Or(c.value, "1"), c.why)
			default:
				db := openNotes(t, manager.WithPragma(strings.ToUpper(name), c.value))
				if name == "case_sensitive_like" {
					name, c.want = "SELECT 'a' LIKE 'A'", "0"
				}
				if writer, reader := pragmas(t, db, name); writer != c.want || reader != c.want {
					t.Errorf("PRAGMA %s = %s: got %s on the writer and %s on a reader, want %s", name, c.value, writer, reader, c.want)
				}
			}
		})
	}
}

// SQLite makes of a value what it can: OFF, 0, or something else that nobody has asked for.
func TestPragmaWithAValueThatItDoesNotTake(t *testing.T) {
	for _, test := range []struct{ name, value, why string }{
		{"foreign_keys", "maybe", `on, off, yes, no, true, false, 1, 0, not "maybe"`},
		{"foreign_keys", "2", "on, off"},
		{"cache_size", "", "a number"},
		{"cache_size", "64MB", "a number"},
		{"cache_size", "99999999999", "32 bits"},
		{"cache_size", "1; DROP TABLE notes", "a number"},
		{"mmap_size", "0x10000", "64 bits"},
		{"temp_store", "3", "default, file, memory"},
		{"secure_delete", "faster", "fast"},
		{"cache_spill", "some", "or a number"},
		{"no_such_pragma", "1", "does not know it"},
		{"main.cache_size", "1", "does not know it"},
		{"cache_size = 1; DROP TABLE notes", "1", "does not know it"},
		{"", "1", "does not know it"},
	} {
		refusePragma(t, test.name, test.value, test.why)
	}
}

func refusePragma(t *testing.T, name, value, why string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notes.db")
	db, err := manager.Open(t.Context(), path, newReader, newTx, manager.WithMigration(create(notes.Schema)), manager.WithPragma(name, value))
	if err == nil {
		_ = db.Close(t.Context())
	}
	wantKind(t, "PRAGMA "+name+" = "+value, err, manager.ErrUnsupported)
	if err != nil && !strings.Contains(err.Error(), why) {
		t.Errorf("PRAGMA %s = %s: got %v, want it to say %q", name, value, err, why)
	}
	if _, err := os.Stat(path); err == nil {
		t.Errorf("PRAGMA %s = %s: a file was made", name, value)
	}
}

func TestConnectHookRegistersFunctions(t *testing.T) {
	var connections atomic.Int64
	schema := strings.Replace(notes.Schema, "title   TEXT NOT NULL", "title TEXT NOT NULL COLLATE by_length CHECK (shout(title) <> 'NO')", 1)
	path := filepath.Join(t.TempDir(), "notes.db")
	opts := []manager.Option{
		manager.WithMigration(create(schema)), // needs both already
		manager.WithConnectHook(func(_ context.Context, c *sqlite3.SQLiteConn) error {
			connections.Add(1)
			return errors.Join(
				c.RegisterFunc("shout", strings.ToUpper, true),
				c.RegisterCollation("by_length", func(a, b string) int { return len(a) - len(b) }))
		}),
		manager.WithPragma("trusted_schema", "1"),
	}
	db, err := manager.Open(t.Context(), path, newReader, newTx, opts...)
	if err != nil {
		t.Fatal(err)
	}
	for title, kind := range map[string]error{"a": nil, "no": manager.ErrCheck} {
		if err := db.WithTx(t.Context(), adding(title)); !errors.Is(err, kind) {
			t.Errorf("%s: got %v, want %v", title, err, kind)
		}
	}
	wantKind(t, "a title as long as another", db.WithTx(t.Context(), adding("b")), manager.ErrUnique)
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := db.Backup(t.Context(), copied); err != nil {
		t.Errorf("Backup: %v", err)
	}
	if err := db.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if connections.Load() < 3 {
		t.Errorf("hook was called for %d connections, want those of the migration and the backup too", connections.Load())
	}
}

func TestConnectHookCannotPassTheManagerBy(t *testing.T) {
	db := openNotes(t, manager.WithConnectHook(func(_ context.Context, c *sqlite3.SQLiteConn) error {
		c.RegisterAuthorizer(func(int, string, string, string) int { return sqlite3.SQLITE_OK })
		_, err := c.Exec("PRAGMA foreign_keys = OFF", nil)
		return err
	}))
	if writer, reader := pragmas(t, db, "foreign_keys"); writer != "1" || reader != "1" {
		t.Errorf("foreign_keys: got %s and %s, want 1", writer, reader)
	}
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		_, err := tx.raw.ExecContext(ctx, "COMMIT")
		return err
	})
	wantKind(t, "COMMIT", err, manager.ErrUnsupported)
}

func TestConnectHookThatFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.db")
	_, err := manager.Open(t.Context(), path, newReader, newTx, manager.WithConnectHook(func(context.Context, *sqlite3.SQLiteConn) error { return errOwn }))
	if !errors.Is(err, errOwn) {
		t.Errorf("Open: got %v, want the hook's error", err)
	}
}

func TestConnectHookCreatesTempObjects(t *testing.T) {
	create := manager.WithConnectHook(func(_ context.Context, c *sqlite3.SQLiteConn) error {
		_, err := c.Exec("CREATE TEMP VIEW seven AS SELECT 7 AS n", nil)
		return err
	})
	for _, opts := range [][]manager.Option{{create}, {create, manager.WithPragma("temp_store", "MEMORY")}, {create, manager.WithPragma("temp_store", "FILE")}} {
		db := openNotes(t, opts...)
		var writer, reader int
		err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
			return tx.raw.QueryRowContext(ctx, "SELECT n FROM seven").Scan(&writer)
		})
		if err == nil {
			err = db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error {
				return q.raw.QueryRowContext(ctx, "SELECT n FROM seven").Scan(&reader)
			})
		}
		if err != nil || writer != 7 || reader != 7 {
			t.Errorf("the view gives %d on the writer and %d on a reader, %v; want 7 on both", writer, reader, err)
		}
	}
}

func TestConnectHookAttaches(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other.db")
	db := openNotes(t, manager.WithConnectHook(func(_ context.Context, c *sqlite3.SQLiteConn) error {
		_, err := c.Exec("ATTACH '"+other+"' AS other", nil)
		return err
	}))
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		_, err := tx.raw.ExecContext(ctx, "CREATE TABLE other.list (x INTEGER)")
		if err == nil {
			_, err = tx.raw.ExecContext(ctx, "INSERT INTO other.list VALUES (1)")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var n int
	err = db.ReadOnly(t.Context(), func(ctx context.Context, q Reader) error {
		return q.raw.QueryRowContext(ctx, "SELECT COUNT(*) FROM other.list").Scan(&n)
	})
	if err != nil || n != 1 {
		t.Errorf("rows in the attached file: got %d, %v, want 1", n, err)
	}
}
