package ingest

import "io"

// File is one of the inputs that are read together.
type File struct {
	Name   string // what errors call it
	Reader io.Reader
}

// openFile is an input of which the beginning is known.
type openFile struct {
	name  string
	start string
	whole io.Reader
}

// openAll looks at the beginning of every file. Its error is an *Error.
func openAll(files []File) ([]openFile, error) {
	opened := make([]openFile, len(files))
	for i, f := range files {
		start, whole, err := head(f.Reader)
		if err == nil {
			err = checkHead(start)
		}
		if err != nil {
			return nil, &Error{Name: f.Name, Line: 1, Err: err}
		}
		opened[i] = openFile{f.Name, start, whole}
	}
	return opened, nil
}

// readFiles reads the files one after the other, and returns how many it read to their end. open says who reads the
// rows of a file. The error is an *Error, or errStopped.
func readFiles(files []openFile, pages *pageLog, open func(file int, in *input) rows) (read int, err error) {
	in := newInput(nil)
	for i, f := range files {
		whole, err := unpack(f.start, f.whole)
		if err != nil {
			return i, &Error{Name: f.name, Line: 1, Err: err}
		}
		in.reset(whole)
		pages.file = i
		d := document{in: in, rows: open(i, in), pages: pages}
		switch err := d.read(); e := err.(type) {
		case nil:
		case *Error:
			e.Name = f.name
			return i, e
		default:
			return i, err
		}
	}
	return len(files), nil
}

// incompleteIn is what the pages of some files lack.
func incompleteIn(files []openFile, pages *pageLog) error {
	return pages.incomplete(func(i int) string { return files[i].name })
}
