package ingest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/ingest"
)

// pageOf is a page with the rows from one number to another, newest first, and what is given as pagination.
func pageOf(pagination string, from, to int) string {
	var rows []string
	for n := from; n >= to; n-- {
		rows = append(rows, fmt.Sprintf(`{"id":"x-%d","block_number":%d,"timestamp":"2026-01-01T00:00:00Z","action":"DELEGATE","nominator":{"ss58":"%s"},"delegate":{"ss58":"%s"},"amount":"1","alpha":"2","netuid":1,"extrinsic_id":"%d-0001"}`, n, n, alice, bob, n))
	}
	return `{"pagination":{` + pagination + `},"data":[` + strings.Join(rows, ",") + "]}"
}

// taostats is the pagination of a page of Taostats.
func taostats(page, perPage, items int) string {
	pages := (items + perPage - 1) / perPage
	next := "null"
	if page < pages {
		next = fmt.Sprint(page + 1)
	}
	return fmt.Sprintf(`"current_page":%d,"per_page":%d,"total_items":%d,"total_pages":%d,"next_page":%s,"prev_page":null`, page, perPage, items, pages, next)
}

func TestIncompletePages(t *testing.T) {
	one, two, three := pageOf(taostats(1, 10, 25), 25, 16), pageOf(taostats(2, 10, 25), 15, 6), pageOf(taostats(3, 10, 25), 5, 1)
	other := []string{pageOf(taostats(1, 10, 25), 125, 116), pageOf(taostats(2, 10, 25), 115, 106), pageOf(taostats(3, 10, 25), 105, 101)}
	for name, c := range map[string]struct {
		pages []string
		want  string // empty: complete
	}{
		"all, in order":                     {[]string{one, two, three}, ""},
		"all, out of order":                 {[]string{three, one, two}, ""},
		"all, one twice":                    {[]string{three, one, two, one}, ""},
		"the first missing":                 {[]string{two, three}, "0, 1: page 1 is missing, pages 2-3 are there (15 of 25 rows)"},
		"the last missing":                  {[]string{one, two}, "0, 1: page 3 is missing, pages 1-2 are there (20 of 25 rows)"},
		"one in between missing":            {[]string{one, three}, "page 2 is missing, pages 1, 3 are there (15 of 25 rows)"},
		"the last missing, the first twice": {[]string{one, two, one}, "page 3 is missing"},
		"two wholes":                        append2([]string{one, two, three}, other, ""),
		"two wholes, one lacks a page":      append2([]string{one, two, three}, other[:2], "page 3 is missing"),
		"two wholes, each lacks another":    append2([]string{one, two}, other[1:], "pages 1, 3 are missing"),
		"two wholes of different sizes":     {[]string{one, two, three, pageOf(taostats(1, 10, 8), 8, 1)}, ""},
		"two wholes of which both lack":     {[]string{one, pageOf(taostats(1, 10, 99), 99, 90)}, "1: pages 2-10 are missing, page 1 is there (10 of 99 rows)"},
		"grown while downloaded":            {[]string{one, two, pageOf(taostats(3, 10, 26), 6, 1)}, ""},
		"grown by a page":                   {[]string{pageOf(taostats(1, 10, 20), 20, 11), pageOf(taostats(2, 10, 21), 11, 2), pageOf(taostats(3, 10, 21), 1, 1)}, ""},
		"grown, and one missing":            {[]string{one, pageOf(taostats(3, 10, 26), 6, 1)}, "page 2 is missing"},
		"fewer rows than there are":         {[]string{one, two, pageOf(taostats(3, 10, 25), 5, 2)}, "rows are missing (24 of 25 rows)"},
		"an end that is asked for":          {[]string{one, two, three, pageOf(`"current_page":4,"per_page":10,"total_items":25,"total_pages":3,"next_page":null`, 0, 1)}, ""},
		"no numbers, all rows":              {[]string{pageOf(`"total_items":3`, 3, 1)}, ""},
		"no numbers, too few rows":          {[]string{pageOf(`"total_items":4`, 3, 1)}, "rows are missing (3 of 4 rows)"},
		"only that there is more":           {[]string{pageOf(`"next_page":2`, 3, 1)}, "page 2 is missing, page 1 is there"},
		"only that there is more, by name":  {[]string{pageOf(`"next_page":"eyJpZCI6MX0="`, 3, 1)}, "page 2 is missing, page 1 is there"},
		"numbers in quotes":                 {[]string{pageOf(`"current_page":"1","total_pages":"2"`, 3, 1)}, "page 2 is missing, page 1 is there"},
		"without an end":                    {[]string{pageOf(`"current_page":4611686018427387905,"total_items":9223372036854775807`, 3, 1)}, "pages 1-4611686018427387903 are missing"},
		"nothing at all":                    {[]string{pageOf(`"total_items":0,"total_pages":0,"current_page":1,"next_page":null`, 0, 1)}, ""},
		"nothing said":                      {[]string{pageOf(``, 3, 1), pageOf(`"x":[1]`, 2, 1)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for form, files := range map[string][]string{"files": c.pages, "one file": {strings.Join(c.pages, "\n")}, "an array": {"[" + strings.Join(c.pages, ",") + "]"}} {
				var inputs []ingest.File
				for i, text := range files {
					inputs = append(inputs, ingest.File{Name: fmt.Sprint(i), Reader: strings.NewReader(text)})
				}
				batch, err := ingest.Open(ingest.Options{}, inputs...)
				if err != nil {
					t.Fatal(err)
				}
				for _, err := range batch.Events() {
					if err != nil {
						t.Fatal(err)
					}
				}
				err = batch.Incomplete()
				if c.want == "" {
					if err != nil {
						t.Errorf("%s: got %v, want it complete", form, err)
					}
					continue
				}
				want := c.want
				if _, after, named := strings.Cut(want, ": "); named && form != "files" {
					want = after
				}
				if _, ok := errors.AsType[*ingest.IncompleteError](err); !ok || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: got %v, want an IncompleteError that says %q", form, err, want)
				}
			}
		})
	}
}

// append2 is a case of the test above.
func append2(first, second []string, want string) struct {
	pages []string
	want  string
} {
	return struct {
		pages []string
		want  string
	}{append(append([]string{}, first...), second...), want}
}

// TestReadSaysThatPagesAreMissing after the events that are there, unless it is told that these are enough.
func TestReadSaysThatPagesAreMissing(t *testing.T) {
	text := pageOf(taostats(1, 10, 25), 25, 16)
	got, err := collect(strings.NewReader(text), ingest.Options{})
	bad, ok := errors.AsType[*ingest.IncompleteError](err)
	if !ok || len(got) != 10 {
		t.Fatalf("got %d events and %v, want 10 and an IncompleteError", len(got), err)
	}
	if s := bad.Series[0]; len(bad.Series) != 1 || s.Rows != 10 || s.TotalRows != 25 || s.Missing[0] != (ingest.PageRange{From: 2, To: 3}) || s.Names[0] != "input" {
		t.Errorf("got %+v", bad.Series)
	}
	if got, err := collect(strings.NewReader(text), ingest.Options{Partial: true}); err != nil || len(got) != 10 {
		t.Errorf("partial: got %d events and %v, want 10", len(got), err)
	}
}

func TestBadPagination(t *testing.T) {
	checkBad(t, "\n"+pageOf("\n"+taostats(1, 10, 1), 1, 1), map[string]bad{
		"a page below 0":       {`"current_page":1`, `"current_page":-1`, `f:3: page 1: field "current_page": number "-1": ` + countRange},
		"a total that is none": {`"total_items":1`, `"total_items":"many"`, `f:3: page 1: field "total_items": number "many": ` + countRange},
		"a total of pieces":    {`"total_pages":1`, `"total_pages":[1]`, `f:3: page 1: field "total_pages": "[1" where a number without quotes is expected`},
		"pagination twice":     {`"data":[`, `"pagination":{},"data":[`, `f:3: page 1: field "pagination": given twice`},
	})
}
