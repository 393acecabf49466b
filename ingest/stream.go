package ingest

import (
	"bufio"
	"io"
	"strings"
)

// maxRow bounds a line, and a value of a response, in bytes.
const maxRow = 1 << 20

const errTooLong = malformed("longer than 1 MiB, which no event is")

// input is what is read, as lines or as JSON values, with the number of the current line.
type input struct {
	reader *bufio.Reader
	line   int
	held   []byte // the value at hand, for the next one to reuse
}

func newInput(r io.Reader) *input {
	// The size of the buffer is the bound of a line: what does not fit is too long.
	return &input{reader: bufio.NewReaderSize(r, maxRow), line: 1}
}

// reset begins with another reader, with the buffers that are there.
func (in *input) reset(r io.Reader) {
	in.reader.Reset(r)
	in.line = 1
}

const byteOrderMark = "\ufeff"

// firstByte skips a byte order mark and blank space, and returns the byte that comes next without
// taking it; io.EOF when there is none.
func (in *input) firstByte() (byte, error) {
	if start, _ := in.reader.Peek(len(byteOrderMark)); string(start) == byteOrderMark {
		_, _ = in.reader.Discard(len(byteOrderMark)) // is buffered
	}
	return in.nextByte()
}

// nextByte skips blank space and returns the byte that comes next without taking it; io.EOF when there
// is none.
func (in *input) nextByte() (byte, error) {
	for {
		c, err := in.reader.ReadByte()
		if err != nil {
			return 0, readFailed(err)
		}
		switch c {
		case '\n':
			in.line++
		case ' ', '\t', '\r':
		default:
			return c, in.reader.UnreadByte()
		}
	}
}

// nextLine returns the next line without its end, and without the byte order mark that begins it where files were put
// one after the other; io.EOF after the last one. The caller counts.
func (in *input) nextLine() (string, error) {
	line, err := in.reader.ReadSlice('\n')
	switch {
	case err == nil:
		line = line[:len(line)-1]
	case err == bufio.ErrBufferFull:
		return "", errTooLong
	case err != io.EOF:
		return "", readFailed(err)
	case len(line) == 0:
		return "", io.EOF
	}
	return strings.TrimPrefix(strings.TrimSuffix(string(line), "\r"), byteOrderMark), nil
}

func isBlank(line string) bool { return strings.Trim(line, " \t\r") == "" }

// readFailed says that reading failed, as opposed to what was read being wrong.
func readFailed(err error) error {
	if _, bad := err.(malformed); bad || err == io.EOF {
		return err
	}
	return &readError{err}
}

type readError struct{ err error }

func (e *readError) Error() string { return "read the input: " + e.err.Error() }
func (e *readError) Unwrap() error { return e.err }
