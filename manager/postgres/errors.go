package postgres

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stakeledger/stakeledger/manager/internal/engine"
)

// classify says what an error of a statement means. What is no answer of the
// server is the end of the connection.
func (c *conn) classify(err error) error {
	if err == nil {
		return nil
	}
	if own := (*engine.Error)(nil); errors.As(err, &own) {
		return own
	}
	var p *pgconn.PgError
	if !errors.As(err, &p) {
		return &engine.Error{Kind: engine.IO, Retry: true, Lost: c.pc == nil || c.pc.IsClosed(), Err: err}
	}
	e := classOf(p)
	e.Err = err
	if p.Code == readOnlyTransaction && c.write && !c.view { // the primary has become a standby
		e.Kind, e.Retry, e.Lost = engine.ReadOnly, true, true
	}
	if e.Lost { // also where the server still answers: another one, or another plan, is needed
		_ = c.Close()
	}
	return e
}

const (
	readOnlyTransaction = "25006"
	queryCancelled      = "57014"
	tooManyConnections  = "53300"
	planChanged         = "0A000"
)

// classOf classifies an answer of the server by its code.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func classOf(p *pgconn.PgError) *engine.Error {
	switch p.Code {
	case "40001", "40P01", "55P03": // serialization failure, deadlock, lock not available
		return &engine.Error{Kind: engine.Busy, Retry: true}
	case "57P01", "57P02", "57P03", tooManyConnections: // shut down, crashed, starting
		return &engine.Error{Kind: engine.Busy, Retry: true, Lost: true}
	case readOnlyTransaction, "42501": // also: insufficient privilege
		return &engine.Error{Kind: engine.ReadOnly}
	case queryCancelled:
		return &engine.Error{Interrupted: true}
	case planChanged:
		if strings.Contains(p.Routine, "RevalidateCachedQuery") { // a migration, by another process
			return &engine.Error{Kind: engine.Busy, Retry: true, Lost: true}
		}
		return &engine.Error{Kind: engine.Unsupported}
	case "25P02": // in a failed transaction
		return &engine.Error{Kind: engine.Aborted}
	}
	switch p.Code[:2] {
	case "23":
		return constraint(p)
	case "22": // a value that its type does not take
		return &engine.Error{Kind: engine.Check, Table: p.TableName}
	case "08": // the connection
		return &engine.Error{Kind: engine.Busy, Retry: true, Lost: true}
	case "53":
		return &engine.Error{Kind: engine.Full}
	case "58":
		return &engine.Error{Kind: engine.IO}
	case "XX":
		return &engine.Error{Kind: engine.Corrupt}
	}
	return &engine.Error{}
}

// constraint names table and columns of a failed constraint, as SQLite does:
// those of a key, the column that is null, and of a check or a trigger its name.
func constraint(p *pgconn.PgError) *engine.Error {
	e := &engine.Error{Kind: engine.Check, Table: p.TableName}
	switch p.Code {
	case "23505":
		e.Kind, e.Columns = engine.Unique, keyColumns(p.Detail)
	case "23503":
		e.Kind, e.Columns = engine.ForeignKey, keyColumns(p.Detail)
	case "23502":
		e.Kind, e.Columns = engine.NotNull, []string{p.ColumnName}
	default:
		if p.ConstraintName != "" {
			e.Columns = []string{p.ConstraintName}
		}
	}
	return e
}

// keyColumns reads the columns out of "Key (miner_id, extrinsic_id)=(1, x) already
// exists.", whose words are in the server's language.
func keyColumns(detail string) []string {
	_, rest, ok := strings.Cut(detail, "(")
	list, _, ended := strings.Cut(rest, ")=(")
	if !ok || !ended {
		return nil
	}
	return strings.Split(list, ", ")
}

// connectError classifies why a connection could not be opened: waiting may cure
// all but what the server refuses for good.
func connectError(err error) error {
	var p *pgconn.PgError
	e := &engine.Error{Kind: engine.IO, Retry: true, Lost: true, Err: err}
	if !errors.As(err, &p) {
		return e
	}
	switch {
	case p.Code[:2] == "28":
		e.Retry, e.Detail = false, "the server refuses the user; check the user, the password (PGPASSWORD, passfile) and pg_hba.conf"
	case p.Code == "3D000":
		e.Retry, e.Detail = false, "the server has no such database; create it with createdb"
	case p.Code == "42501" || p.Code[:2] == "22" || p.Code[:2] == "42":
		e.Retry = false
	}
	return e
}
