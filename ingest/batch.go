package ingest

import (
	"iter"

	"github.com/stakeledger/stakeledger/ledger"
)

// Batch is what several files hold, read as one input. It is for one goroutine.
type Batch struct {
	files   []openFile
	opts    Options
	pages   *pageLog
	unknown unknownNames
	read    int
	counts  []rowCount // of each file
}

// rowCount counts what was read.
type rowCount struct {
	events int64
	others int64 // of the chain, which are no events of ours
}

// Open looks at the beginning of every file, so that one that cannot be read is found before anything is done with
// the others.
//
// Error: an *[Error] for the first that cannot be read or that is no text.
func Open(opts Options, files ...File) (*Batch, error) {
	opened, err := openAll(files)
	if err != nil {
		return nil, err
	}
	return &Batch{
		files: opened, opts: opts, pages: newPageLog(), counts: make([]rowCount, len(files)),
		unknown: unknownNames{lenient: opts.Lenient},
	}, nil
}

// Events returns the events of all files, each file's in its order, but those of the chain at the end. The sequence ends after the first error, which
// is an *[Error]. It can be ranged over once; what the methods below say is true after it has ended.
func (b *Batch) Events() iter.Seq2[ledger.Event, error] {
	return func(yield func(ledger.Event, error) bool) {
		if err := b.readAll(yield); err != nil && err != errStopped {
			yield(ledger.Event{}, err)
		}
	}
}

func (b *Batch) readAll(yield func(ledger.Event, error) bool) (err error) {
	var held heldEvents
	defer held.close()
	take := func(row Row) bool {
		row.Excluded = row.Transfer && b.opts.ExcludeTransfers
		return yield(row.Event, nil)
	}
	r := eventReader{unknown: b.unknown.take, held: &held}
	b.read, err = readFiles(b.files, b.pages, func(file int, _ *input) rows {
		r.form = nil
		r.take = take
		r.count = &b.counts[file]
		return &r
	})
	if err == nil {
		err = held.release(take)
	}
	return err
}

// Count is how many events a file holds.
type Count struct {
	Name   string `json:"input"`
	Events int64  `json:"events"`
}

// Counts returns how many events each file holds.
func (b *Batch) Counts() []Count {
	counts := make([]Count, len(b.files))
	for i, n := range b.counts {
		counts[i] = Count{b.files[i].name, n.events}
	}
	return counts
}

// FilesRead returns how many files were read to their end.
func (b *Batch) FilesRead() int { return b.read }

// Empty returns the names of the files that hold no event, of whatever kind.
func (b *Batch) Empty() (names []string) {
	for i, n := range b.counts {
		if n == (rowCount{}) && i < b.read {
			names = append(names, b.files[i].name)
		}
	}
	return names
}

// Incomplete returns an *[IncompleteError] if pages are missing, in whatever order and however spread over files the
// others came. What is there was read nonetheless.
func (b *Batch) Incomplete() error { return incompleteIn(b.files, b.pages) }

// UnknownFields returns the first fields of our own form that it does not have and that were skipped, in quotes; see
// [Options].
func (b *Batch) UnknownFields() []string { return b.unknown.names }
