package ingest

import (
	"encoding/json"
	"strings"

	"github.com/stakeledger/stakeledger/chain"
)

// scanner reads JSON from a text in memory, from left to right, and is strict: it takes what the
// standard says, nothing more. A reader for the general case would take fields in any case, keep one of
// two duplicates, and turn numbers into floats.
type scanner struct {
	text  string
	pos   int // what comes next
	depth int
}

// maxDepth bounds how deep values that are skipped may be nested.
const maxDepth = 64

// peek skips blank space and returns the next byte without taking it, 0 at the end.
func (s *scanner) peek() byte {
	for ; s.pos < len(s.text); s.pos++ {
		switch c := s.text[s.pos]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// take takes the next byte if it is c.
func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.pos++
	return true
}

// unexpected is the error for what stands here in place of what is wanted.
func (s *scanner) unexpected(want string) error {
	s.peek()
	if s.pos == len(s.text) {
		return malformed("ends where " + want + " is expected; truncated?")
	}
	rest := s.text[s.pos:]
	if i := strings.IndexAny(rest, ",}] \t\r\n"); i >= 0 {
		rest = rest[:max(i, 1)]
	}
	return malformed(chain.Quote(rest) + " where " + want + " is expected")
}

// object reads an object and calls member for each of its members, which must read the value.
func (s *scanner) object(member func(key string) error) error {
	if !s.take('{') {
		return s.unexpected("an object")
	}
	if s.take('}') {
		return nil
	}
	for {
		if s.peek() != '"' {
			return s.unexpected("a name in quotes")
		}
		key, err := s.string()
		if err != nil {
			return err
		}
		if !s.take(':') {
			return s.unexpected("a colon")
		}
		if err := member(key); err != nil {
			return err
		}
		if s.take('}') {
			return nil
		}
		if !s.take(',') {
			return s.unexpected("a comma or a closing brace")
		}
	}
}

// array reads an array and calls element for each of its elements, which must read it.
func (s *scanner) array(element func() error) error {
	if !s.take('[') {
		return s.unexpected("an array")
	}
	if s.take(']') {
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if s.take(']') {
			return nil
		}
		if !s.take(',') {
			return s.unexpected("a comma or a closing bracket")
		}
	}
}

// string reads a string and returns what it stands for.
func (s *scanner) string() (string, error) {
	if !s.take('"') {
		return "", s.unexpected("a string in quotes")
	}
	start := s.pos
	escaped := false
	for ; s.pos < len(s.text); s.pos++ {
		switch c := s.text[s.pos]; {
		case c == '"':
			inside := s.text[start:s.pos]
			s.pos++
			if escaped {
				return s.unescape(inside)
			}
			return inside, nil
		case c == '\\':
			escaped = true
			s.pos++ // what is escaped ends nothing
		case c < ' ':
			return "", malformed("a control character within a string")
		}
	}
	s.pos = len(s.text)
	return "", malformed("ends within a string; truncated?")
}

// unescape is rarely needed and so may be slow.
func (s *scanner) unescape(inside string) (plain string, err error) {
	if json.Unmarshal([]byte(`"`+inside+`"`), &plain) != nil {
		return "", malformed("a wrong escape within a string: " + chain.Quote(inside))
	}
	return plain, nil
}

// number reads a number and returns its text as it stands.
func (s *scanner) number() (string, error) {
	if c := s.peek(); c != '-' && (c < '0' || c > '9') {
		return "", s.unexpected("a number without quotes")
	}
	start := s.pos
	plain := true
	for ; s.pos < len(s.text); s.pos++ {
		c := s.text[s.pos]
		if c >= '0' && c <= '9' {
			continue
		}
		if c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			break
		}
		plain = false
	}
	n := s.text[start:s.pos]
	if plain && (n[0] != '0' || len(n) == 1) || json.Valid([]byte(n)) {
		return n, nil
	}
	return "", malformed(chain.Quote(n) + " is not a number in JSON")
}

// boolean reads true or false and returns the word.
func (s *scanner) boolean() (string, error) {
	for _, word := range []string{"true", "false"} {
		if s.word(word) {
			return word, nil
		}
	}
	return "", s.unexpected("true or false")
}

// null takes a null if one comes next.
func (s *scanner) null() bool { return s.word("null") }

// word takes a word if it comes next.
func (s *scanner) word(word string) bool {
	s.peek()
	rest, ok := strings.CutPrefix(s.text[s.pos:], word)
	if ok {
		s.pos = len(s.text) - len(rest)
	}
	return ok
}

// skip reads a value of any kind and forgets it.
func (s *scanner) skip() error {
	if s.depth == maxDepth {
		return malformed("nested deeper than 64 levels")
	}
	s.depth++
	defer func() { s.depth-- }()
	var err error
	switch c := s.peek(); {
	case c == '{':
		return s.object(func(string) error { return s.skip() })
	case c == '[':
		return s.array(s.skip)
	case c == '"':
		_, err = s.string()
	case c == '-' || c >= '0' && c <= '9':
		_, err = s.number()
	case c == 't' || c == 'f':
		_, err = s.boolean()
	default:
		if !s.null() {
			err = s.unexpected("a value")
		}
	}
	return err
}

// end makes sure that nothing follows.
func (s *scanner) end() error {
	if s.peek(); s.pos < len(s.text) {
		return s.unexpected("the end")
	}
	return nil
}

// account reads an address: a string, or an object with an address in it as "ss58".
func (s *scanner) account() (address string, err error) {
	if s.peek() == '"' {
		return s.string()
	}
	found := false
	err = s.object(func(name string) error {
		if name != "ss58" {
			return s.skip()
		}
		if found {
			return malformed("ss58 given twice")
		}
		found = true
		address, err = s.string()
		return err
	})
	if err == nil && !found {
		err = malformed("no ss58 in it")
	}
	return address, err
}

// raw reads a value of any kind and returns it as it stands.
func (s *scanner) raw() (string, error) {
	s.peek()
	start := s.pos
	err := s.skip()
	return s.text[start:s.pos], err
}

// ignored reads a value of any kind and says nothing of it.
func (s *scanner) ignored() (string, error) { return "", s.skip() }

// rao reads an amount in whole rao, which is exact as a string and as a number.
func (s *scanner) rao() (string, error) {
	if s.peek() == '"' {
		return s.string()
	}
	return s.number()
}

// orNull makes a reader take null too, as the empty text.
func orNull(read func(*scanner) (string, error)) func(*scanner) (string, error) {
	return func(s *scanner) (string, error) {
		if s.null() {
			return "", nil
		}
		text, err := read(s)
		if err == nil && text == "" {
			err = malformed("an empty string; leave it out or write null")
		}
		return text, err
	}
}
