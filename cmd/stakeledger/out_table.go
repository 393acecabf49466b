package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	pretty "github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/stakeledger/stakeledger/chain"
)

const (
	maxWidth  = 100 // columns of the help, and of a table where nothing is known of the terminal
	gap       = 2   // columns between two columns of a table
	allPlaces = 9   // of an amount in TAO

	minute = "2006-01-02 15:04" // times in tables, UTC
	none   = "-"                // a value that is not there
)

// columns are the names of a table's columns; spare are those to leave out, in this order, if rows are too long.
type columns struct{ names, spare []string }

// table collects rows of values and prints them within the columns of a terminal, or with every value whole. Cells are strings, integers,
// amounts, addresses (shortened) and times (to the minute); numbers stand on the right.
type table struct {
	header []string
	spare  []string
	rows   [][]any
	footer []any

	most     int // columns; 0: any number, and values are whole
	brief    int // characters of a brief text, where rows were too long otherwise
	coloured bool
}

// briefText is a text that a table may shorten to its first characters.
type briefText struct {
	text string
	most int
}

// wrappedText is a text that is wrapped if the row would be too long.
type wrappedText string

func newTable(header ...string) *table { return &table{header: header} }

func newTableOf(c columns) *table { return &table{header: slices.Clone(c.names), spare: c.spare} }

func (t *table) add(cells ...any) { t.rows = append(t.rows, cells) }

// write prints the table. If it had to leave something out, a line below says
// so.
func (t *table) write(w io.Writer) error {
	t.most, t.coloured = terminalWidth(w), hasColour(w)
	places, left := t.fit()
	if err := writeText(w, strings.Join(t.render(places), "\n")+"\n"); err != nil {
		return err
	}
	if len(left) > 0 {
		if err := writeNote(w, "Left out to fit: "+strings.Join(left, ", ")+"; --wide has them."); err != nil {
			return err
		}
	}
	if places < allPlaces {
		return writeNote(w, "Amounts are rounded to fit; --wide has them exact.")
	}
	return nil
}

// widestRow is the length of the longest row if amounts have that many places.
func (t *table) widestRow(places int) int {
	total := gap * (len(t.header) - 1)
	for i := range t.header {
		total += t.columnWidth(i, places)
	}
	return total
}

func (t *table) columnWidth(i, places int) int {
	widest := displayWidth(t.header[i])
	for _, row := range t.rows {
		cell := displayWidth(t.cellText(row[i], places))
		if _, is := row[i].(wrappedText); is && t.most > 0 {
			cell = min(cell, leastProse)
		}
		widest = max(widest, cell)
	}
	if t.footer != nil {
		widest = max(widest, displayWidth(t.cellText(t.footer[i], places)))
	}
	return widest
}

func displayWidth(s string) int { return text.StringWidthWithoutEscSequences(s) }

// render lays the table out; amounts have that many places.
func (t *table) render(places int) []string {
	out := pretty.NewWriter()
	style := pretty.StyleLight
	style.Options = pretty.Options{SeparateHeader: true, SeparateFooter: true}
	style.Box.PaddingLeft, style.Box.PaddingRight = "", strings.Repeat(" ", gap)
	style.Format.Header, style.Format.Footer = text.FormatDefault, text.FormatDefault
	out.SetStyle(style)
	out.SetColumnConfigs(t.columnConfigs())
	out.AppendHeader(showCells(t, t.header, places))
	for _, row := range t.rows {
		out.AppendRow(showCells(t, row, places))
	}
	if t.footer != nil {
		out.AppendFooter(showCells(t, t.footer, places))
	}
	return t.trimLines(strings.Split(out.Render(), "\n"))
}

// trimLines removes the padding of the last column. As a last resort it cuts lines that are still too long.
func (t *table) trimLines(lines []string) []string {
	isRule := func(line string) bool { return line != "" && strings.Trim(line, "─") == "" }
	widest := 0
	for i, line := range lines {
		if isRule(line) {
			continue
		}
		line = strings.TrimRight(line, " ")
		if t.most > 0 && displayWidth(line) > t.most {
			line = text.Trim(line, t.most-1) + "~"
		}
		lines[i], widest = line, max(widest, displayWidth(line))
	}
	for i, line := range lines {
		if isRule(line) {
			lines[i] = strings.Repeat("─", widest)
		}
	}
	return lines
}

// columnConfigs aligns numbers to the right, and wraps long texts.
func (t *table) columnConfigs() []pretty.ColumnConfig {
	configs := make([]pretty.ColumnConfig, len(t.header))
	for i := range t.header {
		configs[i].Number = i + 1
		if t.most > 0 && t.isProse(i) {
			if room := t.most - t.widestRow(0) + t.columnWidth(i, 0); room > 0 {
				configs[i].WidthMax, configs[i].WidthMaxEnforcer = max(room, leastProse), wrapWords
			}
		}
		for _, row := range t.rows {
			if isNumber(row[i]) {
				configs[i].Align, configs[i].AlignHeader, configs[i].AlignFooter = text.AlignRight, text.AlignRight, text.AlignRight
			}
		}
	}
	return configs
}

func isNumber(cell any) bool {
	switch cell.(type) {
	case int, int64, chain.Netuid, chain.UID, chain.Rao, *chain.Rao, *amountSum, percent:
		return true
	}
	return false
}

func showCells[T any](t *table, row []T, places int) pretty.Row {
	out := make(pretty.Row, len(row))
	for i, cell := range row {
		out[i] = t.colourCell(cell, t.cellText(cell, places))
	}
	return out
}

// colourCell is the text of a cell in the colour of what it says: losses, and states.
func (t *table) colourCell(cell any, s string) string {
	if !t.coloured {
		return s
	}
	colour := map[string]text.Color{"open": text.FgGreen, "partial": text.FgYellow, "active": text.FgGreen, "blacklisted": text.FgRed,
		"rejected": text.FgRed, "ignored": text.FgYellow, "fails": text.FgRed, "warns": text.FgYellow}[s]
	if isNumber(cell) && strings.HasPrefix(s, "-") && s != none {
		colour = text.FgRed
	}
	if colour == 0 {
		return s
	}
	return text.Colors{colour}.EscapeSeq() + s + text.Reset.EscapeSeq()
}

// cellText is a value as the table shows it, with control characters escaped.
func (t *table) cellText(cell any, places int) string {
	switch v := cell.(type) {
	case chain.Address:
		if t.most == 0 {
			return escapeControls(string(v))
		}
		return shortAddress(v)
	case briefText:
		if t.most == 0 {
			return escapeControls(v.text)
		}
		return cutText(v.text, min(v.most, cmp.Or(t.brief, v.most)))
	case wrappedText:
		return escapeControls(string(v))
	case chain.Rao:
		return formatAmount(v, places)
	case *amountSum:
		return v.format(places)
	case *chain.Rao:
		if v == nil {
			return none
		}
		return formatAmount(*v, places)
	case chain.Time:
		if t.most == 0 {
			return v.String()
		}
		return v.Time().Format(minute)
	case *chain.Time:
		if v == nil {
			return none
		}
		return t.cellText(*v, places)
	default:
		return escapeControls(fmt.Sprint(v))
	}
}

// formatAmount prints rao in TAO with so many places, rounded half away from zero.
func formatAmount(r chain.Rao, places int) string {
	unit := uint64(1)
	for range allPlaces - places {
		unit *= 10
	}
	size, sign := uint64(r), ""
	if r < 0 {
		size = -size // right for the lowest int64 too
	}
	size = (size + unit/2) / unit
	if r < 0 && size > 0 {
		sign = "-"
	}
	digits := fmt.Sprintf("%0*d", places+1, size)
	if places == 0 {
		return sign + digits
	}
	return sign + digits[:len(digits)-places] + "." + digits[len(digits)-places:]
}

// shortAddress shortens an address to what distinguishes it from others:
// 5Grwva…HGKutQY.
func shortAddress(a chain.Address) string {
	s := escapeControls(string(a))
	if len(s) <= 16 || s != string(a) {
		return cutText(s, 16)
	}
	return s[:6] + "…" + s[len(s)-7:]
}

// cutText cuts text that is longer than n characters.
func cutText(s string, n int) string {
	s = escapeControls(s)
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return s
}

// percent is part of a whole.
type percent struct{ part, whole int64 }

func (p percent) String() string {
	if p.whole == 0 {
		return none
	}
	return strconv.FormatFloat(100*float64(p.part)/float64(p.whole), 'f', 1, 64)
}
