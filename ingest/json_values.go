package ingest

import (
	"bytes"
	"io"

	"github.com/stakeledger/stakeledger/chain"
)

// The methods here read JSON from the stream a value at a time. They find where a value ends and hold no
// more of it than maxRow; what is in it is for the scanner to read.

const errTruncated = malformed("the input ends within the response; truncated?")

// peekByte is nextByte, but the end of the input is an error.
func (in *input) peekByte() (byte, error) {
	c, err := in.nextByte()
	if err == io.EOF {
		err = errTruncated
	}
	return c, err
}

// takeByte takes the byte that must come next.
func (in *input) takeByte(want byte) error {
	c, err := in.peekByte()
	if err != nil {
		return err
	}
	if c != want {
		return unexpectedByte(c, chain.Quote(string(want)))
	}
	_, err = in.reader.Discard(1)
	return err
}

func unexpectedByte(c byte, want string) error {
	return malformed(chain.Quote(string([]byte{c})) + " where " + want + " is expected")
}

// members reads what stands between open and end, separated by commas, and calls member for each, which
// must read it.
func (in *input) members(open, end byte, member func() error) error {
	if err := in.takeByte(open); err != nil {
		return err
	}
	c, err := in.peekByte()
	if err != nil {
		return err
	}
	if c == end {
		return in.takeByte(end)
	}
	for {
		if err := member(); err != nil {
			return err
		}
		switch c, err := in.peekByte(); {
		case err != nil:
			return err
		case c == end:
			return in.takeByte(end)
		case c != ',':
			return unexpectedByte(c, "a comma or "+chain.Quote(string(end)))
		}
		if err := in.takeByte(','); err != nil {
			return err
		}
	}
}

// memberName reads the name of a member of an object, and the colon.
func (in *input) memberName() (string, error) {
	value, _, err := in.value()
	if err != nil {
		return "", err
	}
	s := scanner{text: value}
	name, err := s.string()
	if err != nil {
		return "", err
	}
	return name, in.takeByte(':')
}

// skipValue reads a value and makes sure that it is one.
func (in *input) skipValue() error {
	value, _, err := in.value()
	if err != nil {
		return err
	}
	s := scanner{text: value}
	if err := s.skip(); err != nil {
		return err
	}
	return s.end()
}

// value returns the text of the next value and the line where it begins. It reads up to where brackets
// and quotes are closed, and a number or a word up to what cannot belong to it.
func (in *input) value() (text string, line int, err error) {
	c, err := in.peekByte()
	if err != nil {
		return "", 0, err
	}
	if separates(c) {
		return "", 0, unexpectedByte(c, "a value")
	}
	var end valueEnd
	line = in.line
	in.held = in.held[:0]
	for !end.reached {
		if _, err := in.reader.Peek(1); err == io.EOF {
			return "", 0, errTruncated
		} else if err != nil {
			return "", 0, readFailed(err)
		}
		window, _ := in.reader.Peek(in.reader.Buffered())
		part := window[:end.find(window)]
		if len(in.held)+len(part) > maxRow {
			return "", 0, &Error{Line: line, Err: errTooLong}
		}
		in.held = append(in.held, part...)
		in.line += bytes.Count(part, []byte{'\n'})
		_, _ = in.reader.Discard(len(part)) // is buffered
	}
	return string(in.held), line, nil
}

// separates reports whether c stands between values or after one.
func separates(c byte) bool {
	switch c {
	case ',', ':', '}', ']', ' ', '\t', '\r', '\n':
		return true
	}
	return false
}

// valueEnd finds the end of a value in the windows through which it passes.
type valueEnd struct {
	reached  bool
	depth    int  // of open brackets
	inString bool // within quotes
	escaped  bool // after a backslash within quotes
}

// find returns how many bytes of the window belong to the value, and sets reached when it ends there.
func (v *valueEnd) find(window []byte) int {
	for i, c := range window {
		switch {
		case v.escaped:
			v.escaped = false
		case v.inString && c == '\\':
			v.escaped = true
		case v.inString && c != '"':
		case c == '"':
			v.inString = !v.inString
			v.reached = !v.inString && v.depth == 0
		case c == '{' || c == '[':
			v.depth++
		case v.depth == 0:
			if separates(c) { // a number or a word ends before what follows it
				v.reached = true
				return i
			}
		case c == '}' || c == ']':
			v.depth--
			v.reached = v.depth == 0
		}
		if v.reached {
			return i + 1
		}
	}
	return len(window)
}

// isPage reports whether the object that begins here is a page rather than a row. It looks no further ahead than it
// must, since more may be slow to come.
func (in *input) isPage() bool {
	for size := 512; ; size *= 2 {
		window, err := in.reader.Peek(min(size, in.reader.Size()))
		page, sure := looksLikePage(string(window))
		if sure || err != nil || size >= in.reader.Size() {
			return page
		}
	}
}

// rowNames are names that tell at once that an object is a row.
var rowNames = map[string]bool{
	"coldkey": true, "hotkey": true, "kind": true, "netuid": true, "uid": true, "extrinsic_id": true, "tao": true, "alpha": true,
	"id": true, "nominator": true, "delegate": true, "action": true, "block_number": true, "timestamp": true,
	"pallet": true, "section": true, "module": true, "method": true, "name": true, "event": true, "event_id": true,
}

// looksLikePage looks for the first member of the object at the start of text that only pages or only rows have,
// and reports whether there is one. Whatever is wrong there is told by the reader of the form, not here.
func looksLikePage(text string) (page, sure bool) {
	s := scanner{text: text}
	_ = s.object(func(name string) error {
		switch {
		case name == "pagination":
			page, sure = true, true
		case name == "data":
			page, sure = s.opensRows()
		default:
			sure = rowNames[name]
		}
		if sure {
			return errStopped
		}
		return s.skip()
	})
	return page, sure
}

// opensRows reports whether the value of "data" that begins here is a list of rows. An event of the chain has a list
// of plain values there, or an object.
func (s *scanner) opensRows() (page, sure bool) {
	switch s.peek() {
	case 0, '{':
		return false, false
	case '[':
		ahead := scanner{text: s.text, pos: s.pos + 1}
		switch ahead.peek() {
		case 0:
			return false, false
		case '{', '[', ']':
			return true, true
		}
		return false, true
	}
	return true, true
}
