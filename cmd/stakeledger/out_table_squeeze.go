package main

import "io"

// squeeze cuts the texts of the given columns in their middle, so that the rows fit w: the ends of two
// long values are where they differ from each other more often than not. It reports whether it cut anything.
func (t *table) squeeze(w io.Writer, columns ...int) (cut bool) {
	if t.most = width(w); t.most == 0 {
		return false
	}
	width := 0
	for _, column := range columns {
		width += t.columnWidth(column, allPlaces)
	}
	room := t.most - (t.width(allPlaces) - width)
	if width <= room {
		return false
	}
	most := max(room/len(columns), 8)
	for _, row := range t.rows {
		for _, column := range columns {
			text := t.cellText(row[column], allPlaces)
			if displayed(text) > most {
				row[column], cut = middle(text, most), true
			}
		}
	}
	return cut
}

// middle cuts text to n characters, the middle of it left out.
func middle(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	head := (n - 1) / 2
	return string(runes[:head]) + "…" + string(runes[len(runes)-(n-1-head):])
}
