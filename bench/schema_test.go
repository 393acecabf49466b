package main

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
)

// What a transaction writes to is known, and all of it has to be found.
func TestPagesWritten(t *testing.T) {
	dir := t.TempDir()
	template, err := newTemplate(t.Context(), filepath.Join(dir, "template.db"), Size{Miners: someMiners})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := pagesWritten(t.Context(), template, dir, 3)
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range [][]string{
		{"events", "events_in_order", "sqlite_autoindex_events_1", "positions", "positions_in_order", "miners"},
		{"events", "events_in_order", "sqlite_autoindex_events_1", "trades", "trades_in_order", "closes", "sqlite_autoindex_closes_2", "positions", "positions_closed", "miners"},
	} {
		for _, name := range want {
			if got := pages[kind][name]; got < .8 || got > 2 {
				t.Errorf("%s, pages of %s: got %.2f in a transaction, want between 1 and 2", writtenOps[kind], name, got)
			}
		}
	}
	if got := pages[0]["trades"]; got > .5 {
		t.Errorf("AddPosition, pages of trades: got %.2f, want none", got)
	}
}

// Each index and each trigger of the tables is a variant, and what fires takes steps.
func TestSchemaVariants(t *testing.T) {
	dir := t.TempDir()
	plain := &variant{}
	template, err := plain.open(t.Context(), dir, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.db.Close()
	if err := plain.measure(); err != nil {
		t.Fatal(err)
	}
	list, err := schemaVariants(t.Context(), template.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		name  string
		fires bool
	}{{"positions_fifo", true}, {"closes (position_id, event_key)", true}, {"closes_insert", true}, {"closes_update", false}} {
		i := slices.IndexFunc(list, func(v *variant) bool { return v.name == want.name })
		if i < 0 {
			t.Errorf("got no variant of %s", want.name)
			continue
		}
		if _, err := list[i].open(context.Background(), dir, i+1, 100); err != nil {
			t.Fatal(err)
		}
		defer list[i].db.Close()
		if err := list[i].measure(); err != nil {
			t.Fatal(err)
		}
		if got := list[i].steps[1][0] != plain.steps[1][0]; got != want.fires {
			t.Errorf("ProcessClose takes other steps with %s changed: got %v, want %v", want.name, got, want.fires)
		}
	}
}
