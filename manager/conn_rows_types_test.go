package manager_test

import (
	"context"
	"reflect"
	"testing"
)

// What database/sql knows of columns comes from the driver, through the manager's rows.
func TestColumnTypesComeThrough(t *testing.T) {
	db := openNotes(t)
	err := db.WithTx(t.Context(), func(ctx context.Context, tx Tx) error {
		if err := tx.add(ctx, "first"); err != nil {
			return err
		}
		rows, err := tx.raw.QueryContext(ctx, "-- name: Columns :many\nSELECT id, title, stars FROM notes")
		if err != nil {
			return err
		}
		defer rows.Close()
		if !rows.Next() {
			t.Fatalf("no row: %v", rows.Err())
		}
		types, err := rows.ColumnTypes()
		if err != nil {
			return err
		}
		var got []string
		for _, c := range types {
			got = append(got, c.Name()+" "+c.DatabaseTypeName())
			if _, known := c.Nullable(); !known {
				t.Errorf("%s: whether it may be NULL is not known", c.Name())
			}
			if c.ScanType() == nil || c.ScanType() == reflect.TypeFor[any]() {
				t.Errorf("%s: scan type %v, want the driver's", c.Name(), c.ScanType())
			}
		}
		if want := []string{"id INTEGER", "title TEXT", "stars INTEGER"}; !reflect.DeepEqual(got, want) {
			t.Errorf("columns: got %q, want %q", got, want)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}
