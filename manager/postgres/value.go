package postgres

import (
	"database/sql/driver"
	"encoding/hex"
	"io"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// encode makes arguments what the server reads: text, but for bytes. A bool is
// 1 or 0, which both a flag, an integer as on SQLite, and a boolean take.
func encode(args []driver.NamedValue) (values [][]byte, formats []int16) {
	values, formats = make([][]byte, len(args)), make([]int16, len(args))
	for i, a := range args {
		switch v := a.Value.(type) {
		case nil:
		case int64:
			values[i] = strconv.AppendInt(nil, v, 10)
		case string:
			values[i] = append([]byte{}, v...)
		case []byte:
			if v != nil {
				values[i], formats[i] = append([]byte{}, v...), pgtype.BinaryFormatCode
			}
		case bool:
			values[i] = []byte("0")
			if v {
				values[i] = []byte("1")
			}
		case float64:
			values[i] = strconv.AppendFloat(nil, v, 'g', -1, 64)
		case time.Time:
			values[i] = v.AppendFormat(nil, "2006-01-02 15:04:05.999999999Z07:00")
		}
	}
	return values, formats
}

// decode makes a column of a row a value of database/sql.
func decode(oid uint32, text []byte) (driver.Value, error) {
	if text == nil {
		return nil, nil
	}
	switch oid {
	case pgtype.Int8OID, pgtype.Int4OID, pgtype.Int2OID, pgtype.OIDOID:
		return strconv.ParseInt(string(text), 10, 64)
	case pgtype.BoolOID:
		return string(text) == "t", nil
	case pgtype.Float8OID, pgtype.Float4OID:
		return strconv.ParseFloat(string(text), 64)
	case pgtype.ByteaOID:
		return hex.DecodeString(string(text[min(2, len(text)):]))
	case pgtype.TimestamptzOID:
		return time.Parse("2006-01-02 15:04:05.999999999Z07", string(text))
	case pgtype.TimestampOID:
		return time.Parse("2006-01-02 15:04:05.999999999", string(text))
	case pgtype.DateOID:
		return time.Parse("2006-01-02", string(text))
	}
	return string(text), nil
}

// rows are a result that is there as a whole.
type rows struct {
	result *pgconn.Result
	next   int
}

// Columns are the names of the columns.
func (r *rows) Columns() []string {
	if r.result == nil {
		return nil
	}
	names := make([]string, len(r.result.FieldDescriptions))
	for i, f := range r.result.FieldDescriptions {
		names[i] = f.Name
	}
	return names
}

// Close lets go of the rows.
func (r *rows) Close() error {
	r.result, r.next = nil, 0
	return nil
}

// Next decodes the next row into dest, which may be nil.
func (r *rows) Next(dest []driver.Value) (err error) {
	if r.result == nil || r.next == len(r.result.Rows) {
		return io.EOF
	}
	row := r.result.Rows[r.next]
	r.result.Rows[r.next] = nil
	r.next++
	for i := range dest {
		if dest[i], err = decode(r.result.FieldDescriptions[i].DataTypeOID, row[i]); err != nil {
			return err
		}
	}
	return nil
}

// ColumnTypeDatabaseTypeName names a column's type.
func (r *rows) ColumnTypeDatabaseTypeName(i int) string {
	if r.result == nil {
		return ""
	}
	if t, ok := types.TypeForOID(r.result.FieldDescriptions[i].DataTypeOID); ok {
		return t.Name
	}
	return ""
}

var types = pgtype.NewMap()
