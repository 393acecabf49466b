//go:build cgo && linux && !libsqlite3 && !stakeledger_nostep

package csqlite_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/stakeledger/stakeledger/manager/internal/csqlite"
)

// Random scripts run on a connection of the driver and on one of ours, which must
// answer alike at every call.
func TestSameAsTheDriver(t *testing.T) {
	seed := rand.Uint64()
	if s := os.Getenv("SEED"); s != "" {
		_, _ = fmt.Sscan(s, &seed)
	}
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 40 {
		script := make([]byte, 3000)
		for i := range script {
			script[i] = byte(r.Uint32())
		}
		playScript(t, script)
		if t.Failed() {
			return
		}
	}
}

func FuzzSameAsTheDriver(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		script := make([]byte, 1000)
		for i := range script {
			script[i] = byte(r.Uint32())
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) { playScript(t, script[:min(len(script), 10_000)]) })
}

// statement is what both connections can prepare.
type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
	Readonly() bool
}

type connection interface {
	driver.Conn
	AutoCommit() bool
}

// A pair is a statement, and the rows of its query that runs, of both.
type pair struct {
	text       string
	stmts      [2]statement
	rows       [2]driver.Rows
	one, ended bool
}

// A play is a script on its way.
type play struct {
	t *testing.T
	script
	ahead bool // ours reads ahead, so nothing is written while rows are open
	conns [2]connection
	kept  []*pair
	log   []string
}

func playScript(t *testing.T, data []byte) {
	t.Helper()
	p := &play{t: t, script: script{data: data}}
	p.ahead = p.oneIn(2)
	p.open()
	defer p.close()
	for range 300 {
		if len(p.data) == 0 || t.Failed() {
			break
		}
		p.step()
	}
	if t.Failed() {
		for _, line := range p.log[max(0, len(p.log)-60):] {
			t.Log(line)
		}
	}
}

func (p *play) open() {
	name := ":memory:?_mutex=no&_foreign_keys=1"
	loc := p.oneIn(3)
	if loc {
		name += "&_loc=Asia/Tokyo"
	}
	theirs, err := (&sqlite3.SQLiteDriver{}).Open("file:" + name)
	if err != nil {
		p.t.Fatal(err)
	}
	conn, h, err := csqlite.Open(func() (driver.Conn, error) { return (&sqlite3.SQLiteDriver{}).Open("file:" + name) })
	if err != nil || h == nil {
		p.t.Fatalf("open: handle %v, error %v", h, err)
	}
	ours, err := h.Conn()
	if err != nil {
		p.t.Fatal(err)
	}
	ours.ReadAhead = p.ahead
	if loc {
		ours.Loc = tokyo
	}
	p.conns = [2]connection{theirs.(*sqlite3.SQLiteConn), ours}
	_ = conn
	for _, text := range p.schema() {
		p.say("%s", text)
		for _, c := range p.conns {
			if _, err := c.(driver.ExecerContext).ExecContext(context.Background(), text, nil); err != nil {
				p.t.Fatalf("%s: %v", text, err)
			}
		}
	}
}

func (p *play) close() {
	for len(p.kept) > 0 {
		p.drop(0)
	}
	for _, c := range p.conns {
		if err := c.Close(); err != nil {
			p.t.Errorf("close: %v", err)
		}
	}
}

func (p *play) say(format string, args ...any) { p.log = append(p.log, fmt.Sprintf(format, args...)) }

// step prepares, runs, reads on or closes.
func (p *play) step() {
	i := len(p.kept)
	if i > 0 && p.oneIn(2) {
		i = p.intn(i)
	}
	if i == len(p.kept) {
		if len(p.kept) == 8 {
			p.drop(0)
		}
		if !p.prepare(p.text()) {
			return
		}
		i = len(p.kept) - 1
	}
	switch s := p.kept[i]; {
	case s.rows[0] != nil:
		p.read(s, 1+p.intn(20))
		if s.rows[0] != nil && !s.ended && p.oneIn(3) {
			p.closeRows(s)
		}
	case p.oneIn(8):
		p.drop(i)
	case p.ahead && p.reading() && !(s.stmts[0].Readonly() && returnsRows(s.text)): // it might change what is read
	default:
		p.run(s)
	}
	p.same("AutoCommit", func(n int) any { return p.conns[n].AutoCommit() })
}

// reading reports whether rows are open.
func (p *play) reading() bool {
	for _, s := range p.kept {
		if s.rows[0] != nil {
			return true
		}
	}
	return false
}

// same compares two answers.
func (p *play) same(what string, answer func(n int) any) any {
	want, got := answer(0), answer(1)
	if !reflect.DeepEqual(plainNaN(got), plainNaN(want)) {
		p.t.Errorf("%s: got %.2000s, want %.2000s", what, fmt.Sprintf("%#v", got), fmt.Sprintf("%#v", want))
	}
	return want
}

func short(args []driver.NamedValue) (text string) {
	for _, a := range args {
		text += fmt.Sprintf(" %s=%.80s", a.Name, fmt.Sprintf("%#v", a.Value))
	}
	return text
}

// plainNaN makes NaN, which equals nothing, comparable.
func plainNaN(v any) any {
	row, ok := v.([]driver.Value)
	if !ok {
		return v
	}
	row = append([]driver.Value(nil), row...)
	for i, v := range row {
		if f, ok := v.(float64); ok {
			row[i] = fmt.Sprint("float ", math.Float64bits(f))
		}
	}
	return row
}

func (p *play) prepare(text string) bool {
	p.say("prepare %s", text)
	s := &pair{text: text}
	err := p.same("prepare "+text, func(n int) any {
		made, err := p.conns[n].Prepare(text)
		if err == nil {
			s.stmts[n] = made.(statement)
		}
		return err
	})
	if err != nil || p.t.Failed() {
		for _, made := range s.stmts {
			if made != nil {
				_ = made.Close()
			}
		}
		return false
	}
	p.same("NumInput", func(n int) any { return s.stmts[n].NumInput() })
	p.same("Readonly", func(n int) any { return s.stmts[n].Readonly() })
	p.kept = append(p.kept, s)
	return true
}

func (p *play) drop(i int) {
	s := p.kept[i]
	if s.rows[0] != nil {
		p.closeRows(s)
	}
	p.say("close %s", s.text)
	p.same("close", func(n int) any { return s.stmts[n].Close() })
	p.kept = append(p.kept[:i], p.kept[i+1:]...)
}

// run executes a statement or opens its rows.
func (p *play) run(s *pair) {
	args := p.arguments(s.text, s.stmts[0].NumInput())
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if p.oneIn(2) {
		ctx = context.Background()
	}
	if p.intn(3) == 0 && !returnsRows(s.text) {
		p.say("exec %s %s", s.text, short(args))
		if p.oneIn(3) {
			p.same("run "+s.text, func(n int) (answer any) {
				if own, ok := s.stmts[n].(*csqlite.Stmt); ok {
					return own.RunContext(context.Background(), args)
				}
				_, err := s.stmts[n].ExecContext(context.Background(), args)
				return err
			})
			return
		}
		p.same("exec "+s.text, func(n int) any {
			r, err := s.stmts[n].ExecContext(context.Background(), args)
			if err != nil {
				return err
			}
			id, _ := r.LastInsertId()
			changes, _ := r.RowsAffected()
			return [2]int64{id, changes}
		})
		return
	}
	s.one, s.ended = p.oneIn(4), false
	p.say("query %s %s, one %v", s.text, short(args), s.one)
	err := p.same("query "+s.text, func(n int) (answer any) {
		var err error
		if own, ok := s.stmts[n].(*csqlite.Stmt); ok && s.one {
			s.rows[n], err = own.QueryRowContext(ctx, args)
		} else {
			s.rows[n], err = s.stmts[n].QueryContext(ctx, args)
		}
		return err
	})
	if err != nil {
		s.rows = [2]driver.Rows{}
		return
	}
	p.same("columns", func(n int) any { return s.rows[n].Columns() })
	for i := range s.rows[0].Columns() {
		p.same("database type", func(n int) any {
			return s.rows[n].(driver.RowsColumnTypeDatabaseTypeName).ColumnTypeDatabaseTypeName(i)
		})
		p.same("scan type", func(n int) any { return s.rows[n].(driver.RowsColumnTypeScanType).ColumnTypeScanType(i) })
		p.same("nullable", func(n int) any {
			nullable, ok := s.rows[n].(driver.RowsColumnTypeNullable).ColumnTypeNullable(i)
			return [2]bool{nullable, ok}
		})
	}
	if s.one {
		p.read(s, 1)
	}
	if s.rows[0] == nil {
		return
	}
	if s.one || ctx.Done() != nil { // it is about to end
		p.closeRows(s)
	}
}

// read compares some rows, or what comes in their place.
func (p *play) read(s *pair, count int) {
	width := len(s.rows[0].Columns())
	for range count {
		if s.ended || p.t.Failed() {
			return
		}
		p.same("row of "+s.text, func(n int) any {
			dest := make([]driver.Value, width)
			if err := s.rows[n].Next(dest); err != nil {
				s.ended = true
				return err
			}
			return dest
		})
		if s.ended {
			p.say("end of %s", s.text)
			if strings.HasPrefix(s.text, "EXPLAIN") { // which SQLite leaves running at its end until it is reset
				p.closeRows(s)
				return
			}
		}
	}
}

func (p *play) closeRows(s *pair) {
	p.say("close rows of %s", s.text)
	p.same("close rows of "+s.text, func(n int) any { return s.rows[n].Close() })
	for _, r := range s.rows {
		if own, ok := r.(*csqlite.Rows); ok {
			own.Reuse()
		}
	}
	s.rows = [2]driver.Rows{}
}
