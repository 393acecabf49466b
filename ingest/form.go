package ingest

import "strings"

// form is the list of fields a row may have in one of the formats. A place in it is the field's number.
type form []field

// field is one of them.
type field struct {
	name     string
	optional bool
	read     func(*scanner) (string, error) // takes its text from a JSON value
	set      func(*rowReader, string) error // puts what the text says into the row
}

// ownForm is our own form, in the order its fields are written.
var ownForm = form{
	{"coldkey", false, (*scanner).string, (*rowReader).setColdkey},
	{"hotkey", false, (*scanner).string, (*rowReader).setHotkey},
	{"kind", false, (*scanner).string, (*rowReader).setKind},
	{"netuid", false, (*scanner).number, (*rowReader).setNetuid},
	{"extrinsic_id", false, (*scanner).string, (*rowReader).setExtrinsicID},
	{"event_index", true, (*scanner).number, (*rowReader).setEventIndex},
	{"block", true, (*scanner).number, (*rowReader).setBlock},
	{"time", false, (*scanner).string, (*rowReader).setTime},
	{"tao", false, (*scanner).string, (*rowReader).setTAO},
	{"alpha", false, (*scanner).string, (*rowReader).setAlpha},
	{"transfer", true, (*scanner).boolean, (*rowReader).setTransfer},
}

// unknownField is the error for a field that our own form does not have.
func unknownField(name string) error {
	if name == "" {
		return malformed("a field without a name; " + ownFields)
	}
	return wrong(name, malformed("unknown; "+ownFields))
}

var ownFields = "an event has " + strings.Join(ownForm.names(), ", ")

const (
	errMissing   = malformed("missing")
	errDuplicate = malformed("given twice")
)

func (f form) names() []string {
	names := make([]string, len(f))
	for i := range f {
		names[i] = f[i].name
	}
	return names
}

// index returns the number of a field, -1 for an unknown name.
func (f form) index(name string) int {
	for i := range f {
		if f[i].name == name {
			return i
		}
	}
	return -1
}

// absent returns an error for the first field that a row must have and that was not seen.
func (f form) absent(seen fieldSet) error {
	for i := range f {
		if !f[i].optional && !seen.has(i) {
			return wrong(f[i].name, errMissing)
		}
	}
	return nil
}

// fieldSet is a set of numbers of fields.
type fieldSet uint32

// add reports whether the field is new to the set.
func (s *fieldSet) add(i int) bool {
	isNew := !s.has(i)
	*s |= 1 << i
	return isNew
}

func (s fieldSet) has(i int) bool { return s&(1<<i) != 0 }
