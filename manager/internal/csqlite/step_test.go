//go:build cgo && linux && !libsqlite3 && !stakeledger_nostep

package csqlite_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager/internal/csqlite"
)

// openStepped opens a connection with statements of ours.
func openStepped(t testing.TB, ahead bool, texts ...string) *csqlite.Conn {
	t.Helper()
	_, h, err := csqlite.Open(func() (driver.Conn, error) { return (&sqlite3.SQLiteDriver{}).Open(":memory:?_mutex=no") })
	if err != nil {
		t.Fatal(err)
	}
	c, err := h.Conn()
	if err != nil {
		t.Fatal(err)
	}
	c.ReadAhead = ahead
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, text := range texts {
		if _, err := c.ExecContext(context.Background(), text, nil); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return c
}

func prepare(t testing.TB, c *csqlite.Conn, text string) *csqlite.Stmt {
	t.Helper()
	s, err := c.Prepare(text)
	if err != nil {
		t.Fatalf("prepare %s: %v", text, err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s.(*csqlite.Stmt)
}

func query(t testing.TB, s *csqlite.Stmt, args ...any) driver.Rows {
	t.Helper()
	r, err := s.QueryContext(context.Background(), named(args...))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func named(args ...any) (list []driver.NamedValue) {
	for i, a := range args {
		list = append(list, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return list
}

// column reads up to most rows and returns their first values.
func column(r driver.Rows, most int) (list []driver.Value, err error) {
	dest := make([]driver.Value, len(r.Columns()))
	for len(list) < most {
		if err := r.Next(dest); err == io.EOF {
			return list, nil
		} else if err != nil {
			return list, err
		}
		list = append(list, dest[0])
	}
	return list, nil
}

const numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) SELECT i FROM n"

func TestManyRowsCross(t *testing.T) {
	for _, ahead := range []bool{false, true} {
		c := openStepped(t, ahead)
		s := prepare(t, c, numbers)
		for _, want := range []int{1, 2, 15, 16, 17, 271, 272, 273, 5000} {
			r := query(t, s, int64(want))
			list, err := column(r, want+1)
			if err != nil || len(list) != want || list[0] != int64(1) || list[want-1] != int64(want) {
				t.Errorf("ahead %v: got %d rows, %v; want %d", ahead, len(list), err, want)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// Where the caller may write, a row is read when it is asked for, as with the driver.
func TestChangesBetweenRowsShow(t *testing.T) {
	c := openStepped(t, false, "CREATE TABLE t (id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')")
	theirs, err := c.SQLiteConn.Prepare("SELECT v FROM t ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	var got [2][]driver.Value
	for i, s := range []statement{theirs.(statement), prepare(t, c, "SELECT v FROM t ORDER BY id")} {
		r, err := s.QueryContext(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		first, err := column(r, 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := prepare(t, c, "UPDATE t SET v = v || '!'").ExecContext(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := prepare(t, c, "INSERT INTO t (v) VALUES ('new')").ExecContext(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		rest, err := column(r, 10)
		if err != nil {
			t.Fatal(err)
		}
		got[i] = append(first, rest...)
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if _, err := c.ExecContext(context.Background(), "DELETE FROM t; INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')", nil); err != nil {
			t.Fatal(err)
		}
	}
	if want := []driver.Value{"a", "b!", "c!", "new"}; !slices.Equal(got[0], want) || !slices.Equal(got[1], want) {
		t.Errorf("got %v, the driver %v, want %v", got[1], got[0], want)
	}
}

// One wanted row ends the statement, so that it holds nothing and may run again.
func TestQueryRowEndsTheStatement(t *testing.T) {
	c := openStepped(t, false, "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2)")
	s := prepare(t, c, "SELECT id FROM t")
	r, err := s.QueryRowContext(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !r.(*csqlite.Rows).Ended() {
		t.Error("the statement has not ended")
	}
	if _, err := c.ExecContext(context.Background(), "DROP TABLE t", nil); err != nil {
		t.Errorf("drop the table before the row is read: %v", err)
	}
	if list, err := column(r, 10); err != nil || !slices.Equal(list, []driver.Value{int64(1)}) {
		t.Errorf("got %v, %v, want [1]", list, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// Reading ahead would end a statement that writes, and its transaction with it.
func TestReadAheadIsForReads(t *testing.T) {
	c := openStepped(t, true, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
	r := query(t, prepare(t, c, "INSERT INTO t VALUES (1), (2) RETURNING id"))
	if r.(*csqlite.Rows).Ended() {
		t.Error("the statement has ended before its first row was read")
	}
	if list, err := column(r, 10); err != nil || len(list) != 2 {
		t.Errorf("got %v, %v; want two rows", list, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// What SQLite finds only when a statement ends, and its transaction with it, is
// said: here that a parent is missing.
func TestErrorOfTheReset(t *testing.T) {
	c := openStepped(t, false, "PRAGMA foreign_keys = 1", "CREATE TABLE t (id INTEGER PRIMARY KEY, parent REFERENCES t DEFERRABLE INITIALLY DEFERRED)")
	s := prepare(t, c, "INSERT INTO t (parent) VALUES (?1) RETURNING id")
	violates := func(err error) bool {
		var e sqlite3.Error
		return errors.As(err, &e) && e.ExtendedCode == sqlite3.ErrConstraintForeignKey && e.Error() == "FOREIGN KEY constraint failed"
	}
	if err := s.RunContext(context.Background(), named(int64(9))); !violates(err) {
		t.Errorf("run: got %v, want FOREIGN KEY", err)
	}
	r, err := s.QueryRowContext(context.Background(), named(int64(9)))
	if err != nil {
		t.Fatal(err)
	}
	if list, err := column(r, 10); err != nil || len(list) != 1 {
		t.Errorf("got %v, %v; want one row, as the driver returns it", list, err)
	}
	if err := r.Close(); !violates(err) {
		t.Errorf("close: got %v, want FOREIGN KEY", err)
	}
}

func TestArgumentsAreNotKept(t *testing.T) {
	s := prepare(t, openStepped(t, false), "SELECT ?1")
	for _, test := range []struct {
		args []any
		want driver.Value
	}{{[]any{"first"}, "first"}, {nil, nil}, {[]any{int64(300)}, int64(300)}} {
		if list, err := column(query(t, s, test.args...), 1); err != nil || list[0] != test.want {
			t.Errorf("got %v, %v; want %v", list, err, test.want)
		}
	}
}

// An error comes behind the rows before it, and the statement can run again.
func TestErrorBehindRows(t *testing.T) {
	for _, ahead := range []bool{false, true} {
		c := openStepped(t, ahead)
		s := prepare(t, c, "WITH n(i) AS (VALUES (1), (2), (3)) SELECT abs(CASE i WHEN ?1 THEN -9223372036854775808 ELSE i END) FROM n")
		for range 2 {
			r := query(t, s, int64(3))
			list, err := column(r, 10)
			var e sqlite3.Error
			if len(list) != 2 || !errors.As(err, &e) || e.Code != sqlite3.ErrError || !strings.Contains(e.Error(), "integer overflow") {
				t.Errorf("ahead %v: got %v, %v; want two rows and integer overflow", ahead, list, err)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
		if list, err := column(query(t, s, int64(9)), 10); err != nil || len(list) != 3 {
			t.Errorf("again: got %v, %v; want three rows", list, err)
		}
	}
}

const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

func TestContextInterrupts(t *testing.T) {
	c := openStepped(t, true)
	ctx, cancel := context.WithCancel(t.Context())
	s := prepare(t, c, endless)
	err := c.SQLiteConn.RegisterFunc("began", func(v int64) int64 { cancel(); return v }, false)
	if err != nil {
		t.Fatal(err)
	}
	again := prepare(t, c, "WITH RECURSIVE n(i) AS (SELECT began(1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
	if _, err := again.QueryContext(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("query: got %v, want canceled", err)
	}
	if _, err := s.QueryContext(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("query after the end: got %v, want canceled", err)
	}
	timeout, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	if _, err := s.ExecContext(timeout, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("exec: got %v, want deadline exceeded", err)
	}
	if list, err := column(query(t, prepare(t, c, numbers), int64(3)), 10); err != nil || len(list) != 3 {
		t.Errorf("afterwards: got %v, %v; want three rows", list, err)
	}
}

// An endingContext ends at a moment of a statement's beginning: while somebody is
// told to wait for its end, or when it is asked whether it has ended, before or after
// the answer.
type endingContext struct {
	context.Context
	moment string
	ended  atomic.Bool
	then   func()
}

func (e *endingContext) end() {
	e.moment = ""
	e.ended.Store(true)
	if e.then != nil {
		go e.then()
	}
}

func (e *endingContext) AfterFunc(f func()) (stop func() bool) {
	e.then = f
	if e.moment == "waited for" {
		e.end()
	}
	return func() bool { return true }
}

func (e *endingContext) Err() error {
	switch e.moment {
	case "before the answer":
		e.end()
	case "after the answer":
		e.end()
		time.Sleep(10 * time.Millisecond) // so that its first interrupt comes before the statement's first step
		return nil
	}
	if e.ended.Load() {
		return context.Canceled
	}
	return nil
}

// No moment at which a context ends is too early for the statement that begins.
func TestContextEndsAsTheStatementBegins(t *testing.T) {
	for _, moment := range []string{"waited for", "before the answer", "after the answer"} {
		c := openStepped(t, true)
		s, begin, commit := prepare(t, c, endless), prepare(t, c, "BEGIN"), prepare(t, c, "COMMIT")
		if err := begin.RunContext(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		parent, cancel := context.WithCancel(t.Context())
		defer cancel()
		answer := make(chan error, 1)
		go func() {
			_, err := s.QueryContext(&endingContext{Context: uncancelled{parent}, moment: moment}, nil)
			answer <- err
		}()
		select {
		case err := <-answer:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: got %v, want canceled", moment, err)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%s: the statement runs on", moment)
		}
		if err := commit.RunContext(context.Background(), nil); err != nil || !c.AutoCommit() {
			t.Errorf("%s, COMMIT afterwards: %v", moment, err)
		}
	}
}

// A context that ends between two rows ends them, and does not meet the
// statements of other contexts.
func TestContextEndsBetweenRows(t *testing.T) {
	c := openStepped(t, true)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := prepare(t, c, numbers).QueryContext(ctx, named(int64(1000)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := column(r, 3); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := column(r, 3); !errors.Is(err, context.Canceled) {
		t.Errorf("next row: got %v, want canceled", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := column(query(t, prepare(t, c, numbers), int64(1000)), 2000); err != nil {
		t.Errorf("another query: %v", err)
	}
}

// A watchedContext counts who waits for its end.
type watchedContext struct {
	context.Context
	begun, stopped int
}

func (w *watchedContext) AfterFunc(func()) (stop func() bool) {
	w.begun++
	return func() bool { w.stopped++; return true }
}

// The statements of one context share what waits for its end, until one runs
// without a context, as COMMIT does.
func TestOneWatchForAllStatementsOfAContext(t *testing.T) {
	c := openStepped(t, true)
	s := prepare(t, c, numbers)
	parent, cancel := context.WithCancel(t.Context())
	defer cancel()
	ctx := &watchedContext{Context: uncancelled{parent}}
	for range 10 {
		r, err := s.QueryContext(ctx, named(int64(1000)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := column(r, 2000); err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
	}
	if ctx.begun != 1 || ctx.stopped != 0 {
		t.Errorf("ten queries: got %d waiting, %d stopped; want 1, 0", ctx.begun, ctx.stopped)
	}
	if err := prepare(t, c, "SELECT 1").RunContext(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if ctx.stopped != 1 {
		t.Error("somebody still waits for the context when its statements are over")
	}
}

// An uncancelled context has a Done channel, and hides from package context whose.
type uncancelled struct{ context.Context }

func (uncancelled) Value(any) any { return nil }

// Many contexts that end at any moment leave the connection in order.
func TestContextsEndAtAnyMoment(t *testing.T) {
	c := openStepped(t, true)
	s, calm := prepare(t, c, numbers), prepare(t, c, numbers)
	for i := range 300 {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Duration(i%60)*5*time.Microsecond, cancel)
		r, err := s.QueryContext(ctx, named(int64(2000)))
		if err == nil {
			_, err = column(r, 5000)
			if cerr := r.Close(); cerr != nil {
				t.Fatal(cerr)
			}
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want canceled or nothing", err)
		}
		if list, err := column(query(t, calm, int64(50)), 100); err != nil || len(list) != 50 {
			t.Fatalf("without a context: got %d rows, %v; want 50", len(list), err)
		}
		cancel()
	}
}

func TestAutoCommitFollowsWhoeverRunsSQL(t *testing.T) {
	c := openStepped(t, false, "CREATE TABLE t (a PRIMARY KEY)")
	check := func(what string, want bool) {
		t.Helper()
		if got := c.AutoCommit(); got != want || got != c.SQLiteConn.AutoCommit() {
			t.Errorf("after %s: got %v, want %v", what, got, want)
		}
	}
	run := func(text string) error {
		_, err := prepare(t, c, text).ExecContext(context.Background(), nil)
		return err
	}
	_ = run("BEGIN")
	check("BEGIN", false)
	_, _ = c.Exec("COMMIT", nil)
	check("the driver's COMMIT", true)
	_ = run("BEGIN")
	r, err := c.Query("COMMIT", nil)
	if err != nil {
		t.Fatal(err)
	}
	check("the driver's query of COMMIT", true)
	_ = run("SELECT 1")
	_ = r.Close()
	check("its closing", true)
	_ = run("BEGIN")
	_ = run("INSERT INTO t VALUES (1)")
	if err := run("INSERT OR ROLLBACK INTO t VALUES (1)"); err == nil {
		t.Error("inserted twice")
	}
	check("OR ROLLBACK", true)
	tx, err := c.BeginTx(context.Background(), driver.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	check("the driver's BeginTx", false)
	_ = run("SELECT 1")
	_ = tx.Commit()
	check("its Commit", true)
}

// Whatever method of the driver's connection may run SQL is overridden, for
// AutoCommit. Look at a new one and add it here, or there.
func TestDriverMethodsAreKnown(t *testing.T) {
	known := strings.Fields("AutoCommit Backup Begin BeginTx Close Exec ExecContext GetFilename GetLimit IsValid LoadExtension Ping Prepare PrepareContext Query QueryContext " +
		"RegisterAggregator RegisterAuthorizer RegisterCollation RegisterCommitHook RegisterFunc RegisterPreUpdateHook RegisterRollbackHook RegisterUpdateHook ResetSession " +
		"Serialize Deserialize SetFileControlInt SetFileControlInt64 SetLimit SetTrace CreateModule DeclareVTab " +
		"AuthEnabled AuthUserAdd AuthUserChange AuthUserDelete Authenticate")
	conn := reflect.TypeFor[*sqlite3.SQLiteConn]()
	for method := range conn.Methods() {
		if name := method.Name; !slices.Contains(known, name) {
			t.Errorf("%s is not known: may it run SQL?", name)
		}
	}
}

func TestClosedThingsSaySo(t *testing.T) {
	c := openStepped(t, true)
	s, other := prepare(t, c, numbers), prepare(t, c, numbers)
	r := query(t, s, int64(1000))
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := column(r, 2000); err == nil {
		t.Error("rows of a closed statement: no error")
	}
	if err := errors.Join(r.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if _, err := s.QueryContext(context.Background(), named(int64(1))); err == nil {
		t.Error("a closed statement: no error")
	}
	if s.NumInput() != 0 || s.Readonly() {
		t.Error("a closed statement has parameters or reads")
	}
	r = query(t, other, int64(1000))
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := column(r, 2000); err == nil {
		t.Error("rows of a closed connection: no error")
	}
	if err := errors.Join(r.Close(), other.Close(), c.Close()); err != nil {
		t.Error(err)
	}
	if _, err := other.ExecContext(context.Background(), named(int64(1))); err == nil {
		t.Error("a statement of a closed connection: no error")
	}
	if _, err := c.Prepare("SELECT 1"); err == nil {
		t.Error("a closed connection: no error")
	}
}

func TestRunningAgainEndsTheRows(t *testing.T) {
	s := prepare(t, openStepped(t, true), numbers)
	old := query(t, s, int64(1000))
	if list, err := column(query(t, s, int64(3)), 10); err != nil || len(list) != 3 {
		t.Errorf("got %v, %v; want three rows", list, err)
	}
	if list, err := column(old, 2000); err == nil {
		t.Errorf("the rows before: got %d, want an error", len(list))
	}
	if err := old.Close(); err != nil {
		t.Error(err)
	}
}

// The program may change how the driver writes times, to something longer too.
func TestTimesInAFormatOfTheProgram(t *testing.T) {
	s := prepare(t, openStepped(t, true), "SELECT ?1 || '', ?2 || ''")
	before := sqlite3.SQLiteTimestampFormats[0]
	defer func() { sqlite3.SQLiteTimestampFormats[0] = before }()
	for _, format := range []string{"", "2006", strings.Repeat("2006-01-02 ", 50)} {
		sqlite3.SQLiteTimestampFormats[0] = format
		now := time.Now()
		r := query(t, s, now, "behind it")
		dest := make([]driver.Value, 2)
		if err := r.Next(dest); err != nil || dest[0] != now.Format(format) || dest[1] != "behind it" {
			t.Errorf("%q: got %q, %v", format, dest, err)
		}
		_ = r.Close()
	}
}

// What large values took is given back, on both sides.
func TestLargeValues(t *testing.T) {
	c := openStepped(t, true)
	s := prepare(t, c, "SELECT ?1, length(?1)")
	large := strings.Repeat("x", 8<<20)
	for range 3 {
		r := query(t, s, large)
		dest := make([]driver.Value, 2)
		if err := r.Next(dest); err != nil || dest[0] != large || dest[1] != int64(len(large)) {
			t.Fatalf("got %d bytes, %v, %v", len(dest[0].(string)), dest[1], err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if got := csqlite.Kept(s); got > 2*128<<10 {
			t.Errorf("kept %d bytes, want at most 128 KiB twice", got)
		}
	}
}

// A text that somebody keeps holds at most a page of its neighbours in memory.
func TestKeptTextsHoldLittle(t *testing.T) {
	s := prepare(t, openStepped(t, true), "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT 'key' || i, printf('%0250d', i), hex(zeroblob(20000)) FROM n")
	r := query(t, s)
	var kept []string
	before := heap()
	dest := make([]driver.Value, 3)
	for i := 0; r.Next(dest) == nil; i++ {
		kept = append(kept, dest[0].(string))
	}
	clear(dest)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if got := heap() - before; len(kept) != 500 || got > 500*8000 {
		t.Errorf("%d keys hold %d bytes, want 500 and at most 8,000 each", len(kept), got)
	}
	runtime.KeepAlive(kept)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A query that takes SQLite long for each row does not keep its first ones.
func TestSlowRowsComeAsTheyAreFound(t *testing.T) {
	c := openStepped(t, true)
	calls := 0
	if err := c.SQLiteConn.RegisterFunc("called", func(v int64) int64 { calls++; return v }, false); err != nil {
		t.Fatal(err)
	}
	s := prepare(t, c, "WITH n(i) AS (VALUES (1), (2), (3)) SELECT called(i), (WITH RECURSIVE m(j) AS (SELECT 1 UNION ALL SELECT j + 1 FROM m WHERE j < 100000) SELECT count(*) FROM m WHERE j > i) FROM n")
	r := query(t, s)
	if calls != 1 {
		t.Errorf("rows found before the first was returned: got %d, want 1", calls)
	}
	if list, err := column(r, 10); err != nil || len(list) != 3 {
		t.Errorf("got %v, %v; want three rows", list, err)
	}
}

func TestValuesStayWhenMoreRowsCross(t *testing.T) {
	s := prepare(t, openStepped(t, true), "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1999) SELECT i, 'text ' || i, CAST('blob ' || i AS BLOB), i + 0.5 FROM n")
	r := query(t, s)
	var all [][]driver.Value
	for {
		dest := make([]driver.Value, 4)
		if err := r.Next(dest); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, dest)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	for i, row := range all {
		n := int64(1000 + i)
		text := "text " + strconv.FormatInt(n, 10)
		if want := []driver.Value{n, text, []byte("blob " + strconv.FormatInt(n, 10)), float64(n) + 0.5}; !reflect.DeepEqual(row, want) {
			t.Fatalf("row %d: got %v, want %v", i, row, want)
		}
	}
}

// Rows are read where C has put them, until another call needs that place.
func TestRowsStayWhenOthersCross(t *testing.T) {
	const rows = 600
	from := func(first int) string {
		return fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n LIMIT %d) SELECT i, 'text ' || i, printf('%%0300d', i), CAST('blob ' || i AS BLOB) FROM n", first, rows)
	}
	want := func(i int) []driver.Value {
		return []driver.Value{int64(i), fmt.Sprint("text ", i), fmt.Sprintf("%0300d", i), fmt.Append(nil, "blob ", i)}
	}
	c := openStepped(t, true)
	a, b, large := query(t, prepare(t, c, from(0))), query(t, prepare(t, c, from(1000))), prepare(t, c, "SELECT hex(zeroblob(100000))")
	dest := make([]driver.Value, 4)
	for i := range rows {
		for n, r := range []driver.Rows{a, b} {
			if err := r.Next(dest); err != nil || !reflect.DeepEqual(dest, want(1000*n+i)) {
				t.Fatalf("row %d: got %.200s, %v", 1000*n+i, fmt.Sprint(dest), err)
			}
		}
		if i%100 == 50 { // whose memory is freed afterwards
			if list, err := column(query(t, large), 1); err != nil || len(list[0].(string)) != 200_000 {
				t.Fatalf("the large text: %v", err)
			}
		}
	}

	r := query(t, prepare(t, c, from(5000)))
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for i := 5000; ; i++ {
		err := r.Next(dest)
		if err != nil && i > 5000 {
			break
		}
		if err != nil || !reflect.DeepEqual(dest, want(i)) {
			t.Fatalf("row %d after the connection was closed: got %.200s, %v", i, fmt.Sprint(dest), err)
		}
	}
}

// A text that is the same as the one above it crosses once.
func TestTextsThatRepeat(t *testing.T) {
	long := strings.Repeat("long ", 100)
	cells := []string{"'a'", "'a'", "'b'", "x'62'", "'b'", "'b'", "NULL", "'b'", "''", "''", "1", "'1'", "'1'", "'" + long + "'", "'" + long + "'",
		"'a' || char(0)", "'a' || char(0)", "'a' || char(0) || 'b'", "'2026-01-02'", "'2026-01-02'", "'no time'", "'no time'"}
	want := []driver.Value{"a", "a", "b", []byte("b"), "b", "b", nil, "b", "", "", int64(1), "1", "1", long, long,
		"a\x00", "a\x00", "a\x00b", "2026-01-02", "2026-01-02", "no time", "no time"}
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	for _, encoding := range []string{"UTF-8", "UTF-16"} {
		c := openStepped(t, true, "PRAGMA encoding = '"+encoding+"'", "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b timestamp)")
		for _, cell := range cells {
			if _, err := c.ExecContext(context.Background(), "INSERT INTO t (a, b) VALUES ("+cell+", "+cell+")", nil); err != nil {
				t.Fatal(err)
			}
		}
		r := query(t, prepare(t, c, "SELECT a, b FROM t ORDER BY id"))
		dest := make([]driver.Value, 2)
		for i, w := range want {
			if err := r.Next(dest); err != nil || !reflect.DeepEqual(dest[0], w) {
				t.Fatalf("%s, row %d: got %q, %v, want %q", encoding, i, dest[0], err, w)
			}
			at, isTime := dest[1].(time.Time)
			if text, ok := w.(string); ok && (!isTime || text == "2026-01-02" && !at.Equal(day) || text == "no time" && !at.IsZero()) {
				t.Errorf("%s, row %d: got %v, want the time in %q", encoding, i, dest[1], w)
			}
		}
	}
}

// BEGIN alone takes no snapshot, so on a connection that only reads it crosses with
// the first statement, and not at all if there is none.
func TestBeginCrossesWithTheFirstStatement(t *testing.T) {
	c := openStepped(t, true, "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)")
	begin, commit, rollback, read := prepare(t, c, "BEGIN"), prepare(t, c, "COMMIT"), prepare(t, c, "ROLLBACK"), prepare(t, c, "SELECT a FROM t")
	run := func(s *csqlite.Stmt) {
		t.Helper()
		if err := s.RunContext(context.Background(), nil); err != nil {
			t.Errorf("%v", err)
		}
	}
	readOne := func() {
		t.Helper()
		r, err := read.QueryRowContext(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if list, err := column(r, 1); err != nil || !reflect.DeepEqual(list, []driver.Value{int64(1)}) {
			t.Errorf("got %v, %v", list, err)
		}
	}
	readOne()
	for _, test := range []struct {
		name  string
		calls int64
		run   func()
	}{
		{"one statement", 2, func() { readOne(); run(commit) }},
		{"two statements", 3, func() { readOne(); readOne(); run(rollback) }},
		{"no statement", 0, func() { run(commit) }},
		{"no statement, rolled back", 0, func() { run(rollback) }},
		{"a statement of the driver", -1, func() {
			if _, err := c.Exec("PRAGMA user_version", nil); err != nil {
				t.Error(err)
			}
			if c.SQLiteConn.AutoCommit() {
				t.Error("the driver's statement ran outside the transaction")
			}
			run(commit)
		}},
		{"a query of the driver", -1, func() {
			r, err := c.Query("SELECT a FROM t", nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.SQLiteConn.AutoCommit() {
				t.Error("the driver's query ran outside the transaction")
			}
			_ = r.Close()
			run(commit)
		}},
		{"begun twice", -1, func() {
			if err := begin.RunContext(context.Background(), nil); err == nil || !strings.Contains(err.Error(), "within a transaction") {
				t.Errorf("BEGIN again: got %v, want SQLite's refusal", err)
			}
			if c.AutoCommit() {
				t.Error("the first BEGIN is forgotten")
			}
			run(commit)
		}},
		{"BEGIN fails", -1, func() {
			if _, err := c.SQLiteConn.Exec("BEGIN", nil); err != nil { // on the driver's own connection, so unseen
				t.Fatal(err)
			}
			if _, err := read.QueryRowContext(context.Background(), nil); err == nil || !strings.Contains(err.Error(), "within a transaction") {
				t.Errorf("got %v, want SQLite's refusal of BEGIN", err)
			}
			if _, err := c.SQLiteConn.Exec("ROLLBACK", nil); err != nil {
				t.Fatal(err)
			}
			readOne()
			run(commit)
		}},
		{"BEGIN is closed", -1, func() {
			other := prepare(t, c, "BEGIN")
			run(commit)
			run(other)
			_ = other.Close()
			if c.AutoCommit() || c.SQLiteConn.AutoCommit() {
				t.Error("no transaction is open")
			}
			run(commit)
		}},
	} {
		calls := runtime.NumCgoCall()
		run(begin)
		if c.AutoCommit() {
			t.Errorf("%s: no transaction after BEGIN", test.name)
		}
		test.run()
		if got := runtime.NumCgoCall() - calls; test.calls >= 0 && got != test.calls {
			t.Errorf("%s: got %d calls into C, want %d", test.name, got, test.calls)
		}
		if !c.AutoCommit() || !c.SQLiteConn.AutoCommit() {
			t.Errorf("%s: the transaction is still open", test.name)
		}
	}

	writes := openStepped(t, false)
	run(prepare(t, writes, "BEGIN"))
	if writes.SQLiteConn.AutoCommit() {
		t.Error("a BEGIN was put off where the caller may write")
	}
}
