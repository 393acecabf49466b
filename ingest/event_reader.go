package ingest

import (
	"slices"

	"github.com/stakeledger/stakeledger/chain"
)

// eventReader reads the rows of an input as events. Which form they have, the first of them tells.
type eventReader struct {
	rowReader
	form    *eventForm // nil before the first row
	columns []*field[rowReader]
	take    func(Row) bool // false: no more
	count   *rowCount
	unknown func(name string) error
	held    *heldEvents
}

func (r *eventReader) object(s *scanner) error {
	if r.form == nil {
		r.form = formOf(memberNames(s.text))
	}
	if r.form == &chainForm {
		return r.chainObject(s)
	}
	r.row = Row{}
	r.row.Kind = r.form.kind
	unknown := skipped
	if r.form.strict {
		unknown = r.unknown
	}
	if err := r.form.fields.readObject(s, &r.rowReader, unknown); err != nil {
		return err
	}
	return r.taken()
}

func (r *eventReader) header(names []string) error {
	cleaned := make([]string, len(names))
	for i, name := range names {
		cleaned[i] = columnName(name)
	}
	if r.form = formOf(cleaned); r.form == &chainForm {
		r.form = &ownForm // the chain's events are JSON
	}
	unknown := skipped
	if r.form.strict {
		unknown = r.unknown
	}
	var err error
	r.columns, err = r.form.fields.columns(names, unknown)
	return err
}

func (r *eventReader) cells(cells []string) error {
	r.row = Row{}
	r.row.Kind = r.form.kind
	if err := readCells(r.columns, cells, &r.rowReader); err != nil {
		return err
	}
	return r.taken()
}

func (r *eventReader) taken() error {
	r.count.events++
	if !r.take(r.row) {
		return errStopped
	}
	return nil
}

// memberNames are the names in the object at the start of text, as far as it is one.
func memberNames(text string) (names []string) {
	s := scanner{text: text}
	_ = s.object(func(name string) error {
		if len(names) < maxCells {
			names = append(names, name)
		}
		return s.skip()
	})
	return names
}

// unknownNames are fields of our own form that it does not have.
type unknownNames struct {
	lenient bool
	names   []string // that were skipped, each once
}

const maxUnknownNames = 16

// take is an error for such a field or, in lenient mode, remembers it.
func (u *unknownNames) take(name string) error {
	if name == "" {
		return malformed("a field without a name; " + ownFields)
	}
	if !u.lenient {
		return wrong(name, malformed("unknown; "+ownFields))
	}
	if name = chain.Quote(name); len(u.names) < maxUnknownNames && !slices.Contains(u.names, name) {
		u.names = append(u.names, name)
	}
	return nil
}
