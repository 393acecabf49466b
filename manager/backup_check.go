package manager

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"fmt"
	"io"
	"strings"
)

// verifyCopy checks that the copy has the original's header and schema, is
// undamaged, and has no foreign key violations.
func (k *copier) verifyCopy(ctx context.Context, integrity string) error {
	c, err := k.openCopy()
	if err != nil {
		return wrap(k.op, "", "", err)
	}
	defer c.close()
	got, err := fileIdentity(c.conn)
	if err != nil {
		return wrap(k.op, "", "", err)
	}
	if got != k.identity {
		return &Error{Op: k.op, Kind: ErrCorrupt, Detail: fmt.Sprintf("the copy is not what was copied: %s became %s; did another program write %s?", k.identity, got, k.to.path())}
	}
	if integrity == "" {
		return nil
	}
	for _, p := range append([]pragma{{"cache_size", "-65536", "-65536"}}, strictPragmas...) {
		if err := p.set(c.conn); err != nil {
			return err
		}
	}
	if err := checkIntegrity(ctx, k.op, c.conn, integrity); err != nil {
		return err
	}
	return checkForeignKeys(ctx, k.op, c.conn)
}

// fileIdentity describes a database so that another one is noticed at little
// cost: its header, and a digest of its schema.
func fileIdentity(c DriverConn) (string, error) {
	header, err := readValue(c, `SELECT 'application id ' || application_id || ', user version ' || user_version || ', ' || page_count || ' pages of ' || page_size || ' bytes, ' || encoding
		FROM pragma_application_id, pragma_user_version, pragma_page_count, pragma_page_size, pragma_encoding`)
	if err != nil {
		return "", err
	}
	digest := sha256.New()
	err = eachRow(context.Background(), c, "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema ORDER BY rowid", func(row []driver.Value) bool {
		fmt.Fprintf(digest, "%q\n", row)
		return true
	})
	return fmt.Sprintf("%s, schema %.4x", header, digest.Sum(nil)), err
}

// checkIntegrity runs PRAGMA integrity_check or quick_check.
func checkIntegrity(ctx context.Context, op string, c DriverConn, name string) error {
	var found []string
	err := eachRow(ctx, c, "PRAGMA "+name+"(3)", func(row []driver.Value) bool {
		if s := fmt.Sprint(row[0]); s != "ok" {
			found = append(found, s)
		}
		return true
	})
	if err := checkFailed(ctx, op, err); err != nil {
		return err
	}
	if len(found) > 0 {
		return &Error{Op: op, Kind: ErrCorrupt, Detail: name + " found: " + strings.Join(found, "; ")}
	}
	return nil
}

// checkForeignKeys names the first row whose parent is missing.
func checkForeignKeys(ctx context.Context, op string, c DriverConn) error {
	var first []driver.Value
	err := eachRow(ctx, c, "PRAGMA foreign_key_check", func(row []driver.Value) bool {
		first = row
		return false
	})
	if err := checkFailed(ctx, op, err); err != nil {
		return err
	}
	if first != nil {
		return &Error{Op: op, Kind: ErrForeignKey, Table: fmt.Sprint(first[0]), Detail: fmt.Sprintf("row %v of %v refers to a row of %v that is not there", first[1], first[0], first[2])}
	}
	return nil
}

func checkFailed(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if err := contextError(ctx, op, "", ""); err != nil {
		return err
	}
	return wrap(op, "", "", err)
}

// eachRow runs a query on a driver connection and calls fn with each row until
// fn returns false.
func eachRow(ctx context.Context, c DriverConn, query string, fn func(row []driver.Value) bool) error {
	r, err := c.QueryContext(ctx, query, nil)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		row := make([]driver.Value, len(r.Columns()))
		switch err := r.Next(row); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if !fn(row) {
			return nil
		}
	}
}
