package postgres

import (
	"slices"
	"strconv"
	"strings"

	"github.com/stakeledger/stakeledger/manager/internal/engine"
)

// A translation is a text as the server reads it.
type translation struct {
	text     string
	inputs   int  // its highest parameter
	readonly bool // its words show that it only reads
	inserts  bool // it is an INSERT that returns nothing
}

// translate makes ?1 and ? the server's $1, and refuses what would end the
// transaction or stay on the connection when it has ended.
func translate(text string) (translation, error) {
	var b strings.Builder
	t := translation{}
	var words []string
	for rest := text; rest != ""; {
		n, kind := tokenOf(rest)
		token := rest[:n]
		rest = rest[n:]
		switch kind {
		case word:
			words = append(words, strings.ToUpper(token))
		case ownParameter:
			number, _ := strconv.Atoi(token[1:])
			t.inputs = max(t.inputs, number)
		case parameter:
			number := t.inputs + 1
			if len(token) > 1 {
				number, _ = strconv.Atoi(token[1:])
			}
			t.inputs = max(t.inputs, number)
			token = "$" + strconv.Itoa(number)
		}
		b.WriteString(token)
	}
	t.text, t.readonly = b.String(), reads(words)
	t.inserts = len(words) > 0 && words[0] == "INSERT" && !slices.Contains(words, "RETURNING")
	if why := refused(words); why != "" {
		return t, &engine.Error{Kind: engine.Unsupported, Detail: why}
	}
	return t, nil
}

// reads reports whether a statement of these words only reads.
func reads(words []string) bool {
	if len(words) == 0 {
		return false
	}
	switch words[0] {
	case "SHOW":
		return true
	case "SELECT", "WITH", "VALUES", "TABLE", "EXPLAIN":
	default:
		return false
	}
	for i, w := range words {
		switch w {
		case "INSERT", "DELETE", "MERGE", "INTO", "ANALYZE":
			return false
		case "UPDATE", "SHARE":
			return false
		case "FOR":
			if i+1 < len(words) && (words[i+1] == "NO" || words[i+1] == "KEY") {
				return false
			}
		}
	}
	return true
}

const (
	endsTransaction = "the manager begins and ends transactions: use WithTx, which nests"
	staysBehind     = " stays on the connection when the transaction has ended"
)

// refused says why a statement of these words may not run, or "".
func refused(words []string) string {
	if len(words) == 0 {
		return ""
	}
	second := ""
	if len(words) > 1 {
		second = words[1]
	}
	switch first := words[0]; first {
	case "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE":
		return endsTransaction
	case "SET":
		if second == "TRANSACTION" || second == "SESSION" && len(words) > 2 && words[2] == "CHARACTERISTICS" {
			return endsTransaction
		}
		if second != "LOCAL" && second != "CONSTRAINTS" {
			return "SET" + staysBehind + "; use SET LOCAL, or set the parameter in the URL"
		}
	case "PREPARE", "EXECUTE", "DEALLOCATE", "DISCARD", "LISTEN", "UNLISTEN", "LOAD", "RESET", "DECLARE", "COPY":
		return first + " is no statement of a closure: what it does" + staysBehind
	}
	for i, w := range words {
		switch w {
		case "TEMP", "TEMPORARY":
			if words[0] == "CREATE" || i > 0 && words[i-1] == "INTO" {
				return "a temporary object" + staysBehind + "; use a table or a common table expression"
			}
		case "SET_CONFIG", "PG_ADVISORY_LOCK", "PG_ADVISORY_LOCK_SHARED", "PG_TRY_ADVISORY_LOCK", "PG_TRY_ADVISORY_LOCK_SHARED", "PG_ADVISORY_UNLOCK_ALL":
			return strings.ToLower(w) + "() changes the connection, and" + staysBehind
		}
	}
	return ""
}

type tokenKind int

const (
	other tokenKind = iota // spaces, comments, strings, quoted names, operators
	word
	parameter    // SQLite's
	ownParameter // the server's
)

// tokenOf is the length and the kind of the token that text begins with.
func tokenOf(text string) (int, tokenKind) {
	switch c := text[0]; {
	case c == '\'':
		return quoted(text, '\'', false), other
	case (c == 'e' || c == 'E') && len(text) > 1 && text[1] == '\'':
		return 1 + quoted(text[1:], '\'', true), other
	case c == '"':
		return quoted(text, '"', false), other
	case c == '$' && len(text) > 1 && isDigit(text[1]):
		return 1 + span(text[1:], isDigit), ownParameter
	case c == '$':
		return dollar(text), other
	case c == '?':
		return 1 + span(text[1:], isDigit), parameter
	case strings.HasPrefix(text, "--"):
		return through(text, "\n"), other
	case strings.HasPrefix(text, "/*"):
		return comment(text), other
	case isLetter(c):
		return span(text, func(c byte) bool { return isLetter(c) || isDigit(c) || c == '$' }), word
	case isDigit(c): // so that 1e5 has no word
		return span(text, func(c byte) bool { return isLetter(c) || isDigit(c) }), other
	}
	return 1, other
}

// quoted is the length of a text in quotes, in which two stand for one.
func quoted(text string, quote byte, escapes bool) int {
	for i := 1; i < len(text); i++ {
		switch {
		case escapes && text[i] == '\\':
			i++
		case text[i] == quote && i+1 < len(text) && text[i+1] == quote:
			i++
		case text[i] == quote:
			return i + 1
		}
	}
	return len(text)
}

// dollar is the length of a string in $tag$ … $tag$.
func dollar(text string) int {
	n := 1 + span(text[1:], func(c byte) bool { return isLetter(c) || isDigit(c) })
	if n == len(text) || text[n] != '$' {
		return n
	}
	tag := text[:n+1]
	return len(tag) + through(text[len(tag):], tag)
}

// comment is the length of a comment, in which others may stand.
func comment(text string) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], "/*"):
			depth++
			i++
		case strings.HasPrefix(text[i:], "*/"):
			i++
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

// through is the length of text up to the end of the first mark, or all of it.
func through(text, mark string) int {
	if i := strings.Index(text, mark); i >= 0 {
		return i + len(mark)
	}
	return len(text)
}

func span(text string, in func(byte) bool) int {
	for i := range len(text) {
		if !in(text[i]) {
			return i
		}
	}
	return len(text)
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c >= 0x80 }
