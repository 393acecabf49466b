package ingest

// form is the list of fields that a row of one kind may have. A place in it is the field's number. T is what the
// texts of the fields are put into.
type form[T any] []field[T]

// field is one of them.
type field[T any] struct {
	name     string
	optional bool
	read     func(*scanner) (string, error) // takes its text from a JSON value
	set      func(*T, string) error         // puts what the text says into the row
}

const (
	errMissing   = malformed("missing")
	errDuplicate = malformed("given twice")
)

func (f form[T]) names() []string {
	names := make([]string, len(f))
	for i := range f {
		names[i] = f[i].name
	}
	return names
}

// index returns the number of a field, -1 for an unknown name.
func (f form[T]) index(name string) int {
	for i := range f {
		if f[i].name == name {
			return i
		}
	}
	return -1
}

// absent returns an error for the first field that a row must have and that was not seen.
func (f form[T]) absent(seen fieldSet) error {
	for i := range f {
		if !f[i].optional && !seen.has(i) {
			return wrong(f[i].name, errMissing)
		}
	}
	return nil
}

// readObject reads a row from a JSON object and nothing after it. unknown says what is wrong with a field that the
// form does not have, if anything. After an error the scanner stands where it was found.
func (f form[T]) readObject(s *scanner, row *T, unknown func(name string) error) error {
	var seen fieldSet
	err := s.object(func(name string) error {
		i := f.index(name)
		if i < 0 {
			if err := unknown(name); err != nil {
				return err
			}
			return s.skip()
		}
		if !seen.add(i) {
			return wrong(name, errDuplicate)
		}
		text, err := f[i].read(s)
		if err == nil {
			err = f[i].set(row, text)
		}
		if err != nil {
			return wrong(name, err)
		}
		return nil
	})
	if err == nil {
		err = s.end()
	}
	if err == nil {
		if err = f.absent(seen); err != nil {
			s.pos = 0 // what is missing is missing from the whole
		}
	}
	return err
}

// columns finds the field of each column of a header, nil for one that is skipped.
func (f form[T]) columns(names []string, unknown func(name string) error) ([]*field[T], error) {
	columns := make([]*field[T], len(names))
	var seen fieldSet
	for c, name := range names {
		i := f.index(columnName(name))
		if i < 0 {
			if err := unknown(name); err != nil {
				return nil, err
			}
			continue
		}
		if !seen.add(i) {
			return nil, wrong(name, errDuplicate)
		}
		columns[c] = &f[i]
	}
	return columns, f.absent(seen)
}

// readCells reads a row from the cells under a header.
func readCells[T any](columns []*field[T], cells []string, row *T) error {
	for c, f := range columns {
		if f == nil || cells[c] == "" && f.optional {
			continue
		}
		if err := f.set(row, cells[c]); err != nil {
			return wrong(f.name, err)
		}
	}
	return nil
}

// skipped is a function for unknown fields: they are of no interest.
func skipped(string) error { return nil }

// fieldSet is a set of numbers of fields.
type fieldSet uint32

// add reports whether the field is new to the set.
func (s *fieldSet) add(i int) bool {
	isNew := !s.has(i)
	*s |= 1 << i
	return isNew
}

func (s fieldSet) has(i int) bool { return s&(1<<i) != 0 }
