package faultdriver

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"
)

// Point is a kind of call that can fail.
type Point string

// The points. BEGIN, COMMIT and the others are told by their text, whoever says
// them: the manager, a migration through database/sql, or the program's raw SQL.
const (
	Open       Point = "open"        // a new connection, which then fails whatever it is asked
	Prepare    Point = "prepare"     // preparing a statement
	Begin      Point = "BEGIN"       // of a write transaction or of a snapshot
	Statement  Point = "statement"   // any other statement, with the step to its first row
	Step       Point = "step"        // a statement's next row, the end after the last row included
	CloseRows  Point = "close rows"  // the end of a statement's rows; they are given up in any case
	Savepoint  Point = "SAVEPOINT"   // of a nested transaction, or of a member of a group
	Release    Point = "RELEASE"     // the end of a savepoint
	RollbackTo Point = "ROLLBACK TO" // taking back a savepoint
	Commit     Point = "COMMIT"      // of a write transaction or of a snapshot
	Rollback   Point = "ROLLBACK"    // of a whole transaction
	Pragma     Point = "PRAGMA"      // settings, checks and checkpoints; the manager makes some by the clock
	Close      Point = "close"       // a connection, which is given up in any case
)

// Points are all of the above.
func Points() []Point {
	return []Point{Open, Prepare, Begin, Statement, Step, CloseRows, Savepoint, Release, RollbackTo, Commit, Rollback, Pragma, Close}
}

// Moment is when a fault happens.
type Moment string

// The moments.
const (
	// Before: SQLite never hears of the call.
	Before Moment = "before"
	// After: the call does its work, and only its answer is an error. If SQLite
	// itself answers with an error, that one is returned and the fault has not fired.
	After Moment = "after"
	// RolledBack: SQLite never hears of the call, and rolls the whole transaction
	// back by itself, as it may do after FULL, IOERR, NOMEM and INTERRUPT.
	RolledBack Moment = "rolled back"
)

// A Fault makes a call fail.
type Fault struct {
	Point  Point
	Query  string // only calls of this sqlc query, or of exactly this SQL; "": all calls
	Nth    int    // the first call to fail, counted from 1; 0 is 1
	Times  int    // how many in a row; 0 is 1, below 0 is always
	Code   Code
	Moment Moment // "" is Before
}

// String is like "FULL after statement 3 (AddNote)".
func (f Fault) String() string {
	s := fmt.Sprintf("%v %s %s %d", f.Code, cmp.Or(f.Moment, Before), f.Point, max(1, f.Nth))
	if f.Times < 0 {
		s += " and all that follow"
	} else if f.Times > 1 {
		s += fmt.Sprintf(" to %d", max(1, f.Nth)+f.Times-1)
	}
	if f.Query != "" {
		s += " (" + f.Query + ")"
	}
	return s
}

// covers reports whether the fault happens at the nth call that it could happen at.
func (f Fault) covers(nth int) bool {
	first := max(1, f.Nth)
	return nth >= first && (f.Times < 0 || nth < first+max(1, f.Times))
}

// Random draws n faults with any code and at any moment, of the first span
// calls of each point that a transaction passes. The same seed draws the same.
func Random(seed uint64, n, span int) []Fault {
	r := rand.New(rand.NewPCG(seed, 0))
	points := []Point{Begin, Statement, Step, CloseRows, Savepoint, Release, RollbackTo, Commit, Rollback}
	moments := []Moment{Before, After, RolledBack}
	faults := make([]Fault, n)
	for i := range faults {
		faults[i] = Fault{
			Point: points[r.IntN(len(points))], Nth: 1 + r.IntN(max(1, span)),
			Code: Codes()[r.IntN(len(Codes()))], Moment: moments[r.IntN(len(moments))],
		}
	}
	return faults
}

// pointOf returns a statement's point and what it is called: an sqlc query's
// name, or its text.
func pointOf(sql string) (Point, string) {
	if rest, ok := strings.CutPrefix(sql, "-- name: "); ok {
		name, _, _ := strings.Cut(rest, " ")
		return Statement, name
	}
	words := strings.Fields(strings.ToUpper(sql[:min(len(sql), 40)]))
	if len(words) == 0 {
		return Statement, sql
	}
	switch words[0] {
	case "BEGIN":
		return Begin, sql
	case "COMMIT", "COMMIT;", "END":
		return Commit, sql
	case "SAVEPOINT":
		return Savepoint, sql
	case "RELEASE":
		return Release, sql
	case "PRAGMA":
		return Pragma, sql
	case "ROLLBACK", "ROLLBACK;":
		if len(words) > 1 && (words[1] == "TO" || len(words) > 2 && words[2] == "TO") {
			return RollbackTo, sql
		}
		return Rollback, sql
	}
	return Statement, sql
}
