package ingest

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// maxHead is how much of an input is looked at before it is read.
const maxHead = 512

// magicGzip begins what gzip packed.
const magicGzip = "\x1f\x8b"

// magics begin what somebody may take for an input and that is none.
var magics = []struct{ start, reason string }{
	{"PK\x03\x04", "a zip archive; unpack it first"},
	{"\x28\xb5\x2f\xfd", "packed with zstd; unpack it first"},
	{"\xfd7zXZ", "packed with xz; unpack it first"},
	{"BZh", "packed with bzip2; unpack it first"},
	{"\xff\xfe", "text in UTF-16; save it as UTF-8"},
	{"\xfe\xff", "text in UTF-16; save it as UTF-8"},
	{"<", "HTML or XML, as a failed download may leave; want JSON or CSV"},
}

// head reads the beginning of r, which what is returned reads again. empty tells that there is nothing in it.
func head(r io.Reader) (start string, whole io.Reader, err error) {
	text := make([]byte, maxHead)
	n, err := io.ReadAtLeast(r, text, 4)
	whole = io.MultiReader(bytes.NewReader(text[:n]), r)
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return string(text[:n]), bytes.NewReader(text[:n]), nil
	case err != nil && n == 0:
		return "", nil, readFailed(err)
	case err != nil: // comes again when the reader gets there
		whole = io.MultiReader(bytes.NewReader(text[:n]), failing{err})
	}
	return string(text[:n]), whole, nil
}

// failing is a reader that fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// checkHead refuses, by name, what no reader of ours can read.
func checkHead(start string) error {
	for _, m := range magics {
		if strings.HasPrefix(start, m.start) {
			return malformed(m.reason)
		}
	}
	if !strings.HasPrefix(start, magicGzip) && isBinary(start) {
		return malformed("neither JSON nor CSV: it is no text")
	}
	return nil
}

// isBinary reports whether more than a tenth of the beginning of a file is control characters or no UTF-8.
func isBinary(start string) bool {
	all, odd := 0, 0
	for _, r := range start {
		all++
		if r == utf8.RuneError || r < ' ' && !strings.ContainsRune("\t\n\v\f\r", r) {
			odd++
		}
	}
	return odd*10 > all
}

// unpack returns what gzip packed into r, whose beginning start is.
func unpack(start string, r io.Reader) (io.Reader, error) {
	if !strings.HasPrefix(start, magicGzip) {
		return r, nil
	}
	unpacked, err := gzip.NewReader(r)
	if err != nil {
		return nil, gzipFailed(err)
	}
	inner, whole, err := head(gzipReader{unpacked})
	switch {
	case err != nil:
		return nil, err
	case strings.HasPrefix(inner, magicGzip):
		return nil, malformed("packed with gzip twice; unpack it once")
	}
	return whole, checkHead(inner)
}

// gzipReader tells bad data from a read that failed.
type gzipReader struct{ *gzip.Reader }

func (r gzipReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = gzipFailed(err)
	}
	return n, err
}

func gzipFailed(err error) error {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	switch {
	case err == io.ErrUnexpectedEOF || err == io.EOF:
		return malformed("the gzip data ends early; truncated?")
	case corrupt || err == gzip.ErrHeader || err == gzip.ErrChecksum:
		return malformed("the gzip data is damaged: " + err.Error())
	}
	return err
}
