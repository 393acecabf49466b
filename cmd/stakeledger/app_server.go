package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/stakeledger/stakeledger/manager"
	_ "github.com/stakeledger/stakeledger/manager/postgres" // the engine of postgres:// URLs
)

// onServer reports whether the ledger is in a server's database and not in a file.
func (a *app) onServer() bool { return manager.IsURL(a.db) }

// name is what messages call the ledger: the path of its file, or its URL without what is secret.
func (a *app) name() string { return plainName(a.db) }

// onlyFiles refuses a command that is about the ledger's file, where the ledger is in a server's database: instead is
// the call that does the same there.
func (a *app) onlyFiles(op, instead string) error {
	if !a.onServer() {
		return nil
	}
	return fmt.Errorf("%s %s: this cannot be done: it is for a ledger in a file; PostgreSQL has its own way: %s", op, a.name(), instead)
}

// shellQuoted is a word as a shell reads it, quoted where it has to be.
func shellQuoted(word string) string {
	if strings.ContainsFunc(word, func(r rune) bool { return strings.ContainsRune(" \t\n'\"\\$&|;<>()*?[]#~`!{}", r) }) {
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return word
}

// secretParameters are the parameters of a URL that messages must not show.
var secretParameters = []string{"password", "sslpassword"}

// plainName is the name of a database as it may be shown: a path as it is, a URL without its secrets.
func plainName(name string) string {
	var b strings.Builder
	at := 0
	hidden := secrets(name)
	if hidden == nil {
		return name
	}
	for _, s := range hidden {
		b.WriteString(name[at:s.from])
		at = s.until
	}
	b.WriteString(name[at:])
	return strings.TrimRight(b.String(), "?&")
}

// stretch is a part of a text.
type stretch struct{ from, until int }

// secrets are the parts of a URL that must not be shown, in order: the password with the colon before it, and
// parameters. What cannot be parsed for certain counts as secret.
func secrets(name string) (found []stretch) {
	if !manager.IsURL(name) {
		return nil
	}
	begin := strings.Index(name, "://") + len("://")
	end := begin + authority(name[begin:])
	if at := strings.LastIndexByte(name[begin:end], '@'); at >= 0 {
		if colon := strings.IndexByte(name[begin:begin+at], ':'); colon >= 0 {
			found = append(found, stretch{begin + colon, begin + at})
		}
	}
	query := strings.IndexByte(name[end:], '?')
	if query < 0 {
		return found
	}
	for from := end + query + 1; from < len(name); {
		until := len(name)
		if i := strings.IndexByte(name[from:], '&'); i >= 0 {
			until = from + i + 1
		}
		key, _, _ := strings.Cut(name[from:until], "=")
		if plain, err := url.QueryUnescape(strings.ToLower(key)); err != nil || slices.Contains(secretParameters, plain) {
			found = append(found, stretch{from, until})
		}
		from = until
	}
	return found
}

// authority is the length of the part of a URL that names user and hosts. A password that holds the characters which
// end it is refused when the URL is opened; here it belongs to that part.
func authority(rest string) int {
	end := len(rest)
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		end = i
	}
	at := strings.LastIndexByte(rest, '@')
	_, port, hasColon := strings.Cut(rest[:end], ":")
	if at > end && hasColon && strings.Trim(port, "0123456789") != "" && !strings.ContainsAny(rest[:end], "@,[") {
		return at + 1
	}
	return end
}

// withoutSecrets is a text in which whatever was given to the command is written without its secrets.
func withoutSecrets(text string, given []string) string {
	for _, g := range given {
		for _, part := range []string{g, afterEqual(g)} {
			if !manager.IsURL(part) || plainName(part) == part {
				continue
			}
			quoted := fmt.Sprintf("%q", part)
			for _, spelled := range []string{part, quoted[1 : len(quoted)-1]} {
				text = strings.ReplaceAll(text, spelled, plainName(part))
			}
		}
	}
	return text
}

// afterEqual is the value of --flag=value.
func afterEqual(arg string) string {
	_, value, _ := strings.Cut(arg, "=")
	return value
}
