package ingest

import (
	"io"
	"iter"

	"github.com/stakeledger/stakeledger/ledger"
)

// Options changes how inputs are read. The zero value reads every event as it is.
type Options struct {
	// ExcludeTransfers marks transfers of stake as Excluded, so that the ledger records them as ignored.
	// By default a transfer is an event like any other.
	ExcludeTransfers bool

	// Lenient skips fields that our own form does not have. By default one is an error, since it may be a known one
	// misspelt.
	Lenient bool

	// Partial takes pages of which others are missing for the whole. By default that is an *[IncompleteError] of
	// Read and of ReadMetagraph; a [Batch] has a method that says it.
	Partial bool
}

// Read returns the events of r, in the order of the input, in one of the formats of this package. name
// is what errors call the input. The sequence ends after the first error, which is an *[Error] or, at the end of
// the input, an *[IncompleteError]; it reads r as it goes, so it can be ranged over once. It does not close r.
func Read(r io.Reader, name string, opts Options) iter.Seq2[ledger.Event, error] {
	return func(yield func(ledger.Event, error) bool) {
		b, err := Open(opts, File{name, r})
		if err == nil {
			err = b.readAll(yield)
		}
		if err == nil && !opts.Partial {
			err = b.Incomplete()
		}
		if err != nil && err != errStopped {
			yield(ledger.Event{}, err)
		}
	}
}
