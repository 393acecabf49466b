package manager

import (
	"strings"
)

// statementsOf splits a text into its statements, since SQLite compiles only the
// first one of a text. It follows the rules of sqlite3_complete: a semicolon
// ends a statement; inside a trigger only the one after END does.
// https://www.sqlite.org/c3ref/complete.html
func statementsOf(query string) (list []string) {
	s := scanner{text: query}
	start, began, state := 0, false, atStart
	for {
		token := s.next()
		if token.kind == endOfText {
			if began {
				list = append(list, query[start:])
			}
			return list
		}
		if state = state.next(token); state != atStart {
			began = true
			continue
		}
		if began {
			list = append(list, query[start:s.pos])
		}
		start, began = s.pos, false
	}
}

// parameterNames lists the parameters of one statement by their index, less
// one: the name without its prefix, or "". https://www.sqlite.org/c3ref/bind_parameter_name.html
func parameterNames(statement string) []string {
	var names []string
	seen := map[string]bool{}
	for s := (scanner{text: statement}); ; {
		token := s.next()
		if token.kind == endOfText {
			return names
		}
		if token.kind != parameter {
			continue
		}
		n, name := len(names)+1, ""
		switch {
		case token.text == "?":
		case token.text[0] == '?':
			n = parameterIndex(token.text[1:])
		case seen[token.text]:
			continue
		default:
			seen[token.text], name = true, token.text[1:]
		}
		for len(names) < n {
			names = append(names, "")
		}
		if name != "" {
			names[n-1] = name
		}
	}
}

// maxParameter is SQLite's highest index of a parameter. A higher one does not compile.
const maxParameter = 32766

func parameterIndex(digits string) (n int) {
	for _, d := range []byte(digits) {
		if n = 10*n + int(d-'0'); n > maxParameter {
			return maxParameter
		}
	}
	return n
}

// A statementState is the state of the automaton that finds the end of a statement.
type statementState int

const (
	atStart statementState = iota
	inStatement
	afterExplain
	afterCreate
	inTrigger
	inTriggerAfterSemicolon
	inTriggerAfterEnd
)

func (s statementState) next(t token) statementState {
	word := ""
	if t.kind == identifier {
		word = strings.ToUpper(t.text)
	}
	switch s {
	case inTrigger, inTriggerAfterSemicolon, inTriggerAfterEnd:
		switch {
		case t.kind == semicolon && s == inTriggerAfterEnd:
			return atStart
		case t.kind == semicolon:
			return inTriggerAfterSemicolon
		case word == "END" && s == inTriggerAfterSemicolon:
			return inTriggerAfterEnd
		}
		return inTrigger
	}
	switch {
	case t.kind == semicolon:
		return atStart
	case word == "EXPLAIN" && s == atStart:
		return afterExplain
	case s == afterExplain && (word == "QUERY" || word == "PLAN"):
		return afterExplain
	case word == "CREATE" && (s == atStart || s == afterExplain):
		return afterCreate
	case s == afterCreate && (word == "TEMP" || word == "TEMPORARY"):
		return afterCreate
	case s == afterCreate && word == "TRIGGER":
		return inTrigger
	}
	return inStatement
}

// A tokenKind is a kind of SQLite's tokens, as far as it matters here. Spaces and
// comments are not tokens.
type tokenKind int

const (
	endOfText tokenKind = iota
	semicolon
	identifier
	parameter
	otherToken // strings, quoted names, numbers, operators
)

type token struct {
	kind tokenKind
	text string
}

// A scanner reads tokens the way SQLite's tokenizer does.
type scanner struct {
	text string
	pos  int
}

func (s *scanner) next() token {
	s.skipSpace()
	start := s.pos
	if start == len(s.text) {
		return token{kind: endOfText}
	}
	kind, length := otherToken, 1
	switch rest := s.text[start:]; rest[0] {
	case ';':
		kind = semicolon
	case '\'', '"', '`':
		length = quotedLength(rest, rest[0])
	case '[':
		length = lengthThrough(rest, "]")
	case '?':
		kind, length = parameter, 1+spanLength(rest[1:], isDigit)
	case ':', '@', '#', '$':
		if length = 1 + variableLength(rest[1:]); length > 1 {
			kind = parameter
		}
	default:
		if length = max(1, spanLength(rest, isWord)); isWord(rest[0]) && !isDigit(rest[0]) {
			kind = identifier
		}
	}
	s.pos += length
	return token{kind, s.text[start:s.pos]}
}

func (s *scanner) skipSpace() {
	for s.pos < len(s.text) {
		rest := s.text[s.pos:]
		switch {
		case strings.IndexByte(" \t\n\f\r", rest[0]) >= 0:
			s.pos++
		case strings.HasPrefix(rest, "--"):
			s.pos += lengthThrough(rest, "\n")
		case strings.HasPrefix(rest, "/*"):
			s.pos += 2 + lengthThrough(rest[2:], "*/")
		case strings.HasPrefix(rest, "\ufeff"):
			s.pos += len("\ufeff")
		default:
			return
		}
	}
}

// lengthThrough is the length of text including the first mark, or all of it.
func lengthThrough(text, mark string) int {
	if i := strings.Index(text, mark); i >= 0 {
		return i + len(mark)
	}
	return len(text)
}

// quotedLength is the length of the quoted text at the start of text; a doubled
// quote does not end it.
func quotedLength(text string, quote byte) int {
	for i := 1; i < len(text); i++ {
		if text[i] != quote {
			continue
		}
		if i+1 == len(text) || text[i+1] != quote {
			return i + 1
		}
		i++
	}
	return len(text)
}

// variableLength is the length of a parameter's name, which may have TCL's form: a::b(c).
func variableLength(text string) int {
	i := 0
	for i < len(text) {
		switch {
		case isWord(text[i]):
			i++
		case strings.HasPrefix(text[i:], "::"):
			i += 2
		case text[i] == '(' && i > 0:
			return i + lengthThrough(text[i:], ")")
		default:
			return i
		}
	}
	return i
}

func spanLength(text string, in func(byte) bool) int {
	for i := range len(text) {
		if !in(text[i]) {
			return i
		}
	}
	return len(text)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isWord reports whether SQLite allows c in names and numbers.
func isWord(c byte) bool {
	return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c == '$' || c >= 0x80
}
