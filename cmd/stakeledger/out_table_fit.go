package main

import (
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

const (
	enoughPlaces = 3  // of amounts: before fewer are shown, columns are left out
	leastProse   = 20 // columns of a text that goes on in further lines
	mostBrief    = 24
	leastBrief   = 8
)

// fit makes the rows fit: it rounds amounts to fewer decimal places, then leaves out spare columns one after the other,
// then shortens brief texts, and at last rounds amounts further.
func (t *table) fit() (places int, left []string) {
	if places = allPlaces; t.most == 0 {
		return places, nil
	}
	for len(t.spare) > 0 && t.widestRow(enoughPlaces) > t.most {
		at := slices.Index(t.header, t.spare[0])
		left = append(left, t.spare[0])
		t.spare = t.spare[1:]
		t.leaveOut(at)
	}
	for t.brief = mostBrief; t.brief > leastBrief && t.widestRow(enoughPlaces) > t.most; {
		t.brief--
	}
	for places > 0 && t.widestRow(places) > t.most {
		places--
	}
	return places, left
}

func (t *table) leaveOut(at int) {
	t.header = slices.Delete(slices.Clone(t.header), at, at+1)
	for i, row := range t.rows {
		t.rows[i] = slices.Delete(row, at, at+1)
	}
	if t.footer != nil {
		t.footer = slices.Delete(t.footer, at, at+1)
	}
}

func (t *table) isProse(column int) bool {
	return slices.ContainsFunc(t.rows, func(row []any) bool {
		_, is := row[column].(wrappedText)
		return is
	})
}

// wrapWords breaks a text into lines at its spaces, and a word that is longer than a line.
func wrapWords(s string, most int) string {
	var lines []string
	for line := range strings.SplitSeq(text.WrapSoft(s, most), "\n") {
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return strings.Join(lines, "\n")
}

// writeNote writes what is said beside a table, in lines as long as its rows may be.
func writeNote(w io.Writer, note string) error {
	if most := terminalWidth(w); most > 0 {
		lines := strings.Split(note, "\n")
		for i, line := range lines {
			lines[i] = wrapWords(line, most)
		}
		note = strings.Join(lines, "\n")
	}
	return writeText(w, note+"\n")
}

// squeeze cuts the texts of the given columns in the middle, so that the rows fit w: long values differ most
// often at their ends. It reports whether it cut anything.
func (t *table) squeeze(w io.Writer, columns ...int) (cut bool) {
	if t.most = terminalWidth(w); t.most == 0 {
		return false
	}
	width := 0
	for _, column := range columns {
		width += t.columnWidth(column, allPlaces)
	}
	room := t.most - (t.widestRow(allPlaces) - width)
	if width <= room {
		return false
	}
	most := max(room/len(columns), 8)
	for _, row := range t.rows {
		for _, column := range columns {
			text := t.cellText(row[column], allPlaces)
			if displayWidth(text) > most {
				row[column], cut = cutMiddle(text, most), true
			}
		}
	}
	return cut
}

// cutMiddle cuts text to n characters, the middle of it left out.
func cutMiddle(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	head := (n - 1) / 2
	return string(runes[:head]) + "…" + string(runes[len(runes)-(n-1-head):])
}
