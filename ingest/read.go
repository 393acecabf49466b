package ingest

import (
	"errors"
	"io"
	"iter"

	"github.com/stakeledger/stakeledger/ledger"
)

// Options changes how events are read. The zero value reads every event as it is.
type Options struct {
	// ExcludeTransfers marks transfers of stake as Excluded, so that the ledger records them as ignored.
	// By default a transfer is an event like any other.
	ExcludeTransfers bool
}

// Read returns the events of r, in the order of the input, in one of the formats of this package. name
// is what errors call the input. The sequence ends after the first error, which is an *[Error]; it reads
// r as it goes, so it can be ranged over once. It does not close r.
func Read(r io.Reader, name string, opts Options) iter.Seq2[ledger.Event, error] {
	return func(yield func(ledger.Event, error) bool) {
		in := newInput(r)
		err := in.readRows(func(row Row) bool {
			row.Excluded = row.Transfer && opts.ExcludeTransfers
			return yield(row.Event, nil)
		})
		if err == nil || err == errStopped {
			return
		}
		e := asError(err)
		e.Name = name
		if e.Line == 0 {
			e.Line = in.line
		}
		yield(ledger.Event{}, e)
	}
}

// errStopped ends the reading of rows because their taker wants no more.
var errStopped = errors.New("stopped")

// readRows finds out the format and gives every row to take, until take returns false.
func (in *input) readRows(take func(Row) bool) error {
	first, err := in.firstByte()
	if err == io.EOF {
		return nil
	}
	if err != nil {
		return err
	}
	switch {
	case first == '[' || first == '{' && in.isResponse():
		return readResponse(in, take)
	case first == '{':
		return readJSONLines(in, take)
	default:
		return readCSV(in, take)
	}
}

// isResponse reports whether the object that begins here is a response rather than a row of our own
// form. It looks no further ahead than it must, since more may be slow to come.
func (in *input) isResponse() bool {
	for size := 512; ; size *= 2 {
		window, err := in.reader.Peek(min(size, in.reader.Size()))
		response, sure := looksLikeResponse(string(window))
		if sure || err != nil || size >= in.reader.Size() {
			return response
		}
	}
}

// looksLikeResponse looks for the first member of the object at the start of text that a response or our
// own form has, and reports whether there is one. Whatever is wrong there is told by the reader of the
// format, not here.
func looksLikeResponse(text string) (response, sure bool) {
	s := scanner{text: text}
	_ = s.object(func(name string) error {
		response = name == "data" || name == "pagination"
		sure = response || ownForm.index(name) >= 0
		if sure {
			return errStopped
		}
		return s.skip()
	})
	return response, sure
}
