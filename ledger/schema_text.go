package ledger

import "strings"

// plainSQL replaces white space and comments outside of quotes by one space each. The text means the same to
// SQLite then, and is the same whatever tool ran the migration.
func plainSQL(text string) string {
	var b strings.Builder
	pending := false
	for len(text) > 0 {
		n, isSpace := nextSpan(text)
		if isSpace {
			pending = b.Len() > 0
		} else {
			if pending {
				b.WriteByte(' ')
				pending = false
			}
			b.WriteString(text[:n])
		}
		text = text[n:]
	}
	return b.String()
}

// nextSpan is the length of the first item of text: white space or a comment, something in quotes, or one
// byte.
func nextSpan(text string) (n int, isSpace bool) {
	until := func(end string, from int) int {
		if i := strings.Index(text[from:], end); i >= 0 {
			return from + i + len(end)
		}
		return len(text)
	}
	switch c := text[0]; {
	case strings.IndexByte(" \t\n\f\r", c) >= 0:
		return 1, true
	case strings.HasPrefix(text, "--"):
		return until("\n", 2), true
	case strings.HasPrefix(text, "/*"):
		return until("*/", 2), true
	case c == '\'' || c == '"' || c == '`': // a doubled quote inside is two of these in a row
		return until(string(c), 1), false
	case c == '[':
		return until("]", 1), false
	}
	return 1, false
}
