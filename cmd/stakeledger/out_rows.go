package main

import (
	"bufio"
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // for --tz, where the system has no zones

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
)

// output is how a list is printed: as a table, or for programs.
type output struct {
	rowLimit
	json, jsonl, csv *bool
	zone             *option[*time.Location]
}

// addOutput adds the flags of a list.
func addOutput(cmd *cobra.Command) output {
	o := output{
		rowLimit: addLimit(cmd), json: addJSON(cmd),
		jsonl: cmd.Flags().Bool("jsonl", false, "print JSON Lines: an object a line"),
		csv:   cmd.Flags().Bool("csv", false, "print CSV with the names of the JSON in its header"),
		zone:  addOption(cmd, "tz", "ZONE", "with --csv: times in this zone, such as Europe/Zurich", parseZone),
	}
	cmd.Flags().Var(o.rows, "top", "the same as --limit")
	markExclusive(cmd, "json", "jsonl", "csv")
	markExclusive(cmd, "limit", "top")
	return o
}

func parseZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("want a name such as UTC or Europe/Zurich")
	}
	return zone, nil
}

// forPrograms reports whether rows are printed for programs to read.
func (o output) forPrograms() bool { return *o.json || *o.jsonl || *o.csv }

// writeRows prints rows in the form that is asked for, for programs.
func writeRows[T any](w io.Writer, o output, rows iter.Seq2[T, error]) error {
	switch rows := firstRows(rows, o.rows.valueOr(0)); {
	case *o.csv:
		return writeCSV(w, o.zone.valueOr(time.UTC), rows)
	case *o.jsonl:
		return writeLines(w, rows)
	default:
		return writeArray(w, rows)
	}
}

// writeLines writes rows as JSON, an object a line, as they come.
func writeLines[T any](w io.Writer, rows iter.Seq2[T, error]) error {
	out, e := bufio.NewWriter(w), newPlainEncoder()
	for row, err := range rows {
		if err != nil {
			return err
		}
		text, err := e.marshal(row)
		if err != nil {
			return err
		}
		if _, err := out.Write(append(text, '\n')); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// writeCSV writes rows under a header of the names that their JSON has; null is written as an empty
// cell.
func writeCSV[T any](w io.Writer, zone *time.Location, rows iter.Seq2[T, error]) error {
	out := bufio.NewWriter(w) // keeps its first error
	columns := csvColumns(reflect.TypeFor[T](), nil, zone)
	for i, c := range columns {
		out.WriteString(map[bool]string{true: ","}[i > 0] + c.name)
	}
	out.WriteString("\n")
	var at T
	value := reflect.ValueOf(&at).Elem()
	var line []byte
	for row, err := range rows {
		if err != nil {
			return err
		}
		at, line = row, line[:0]
		for i, c := range columns {
			if i > 0 {
				line = append(line, ',')
			}
			start := len(line)
			if line = c.text(line, value.FieldByIndex(c.index)); c.mayNeedQuotes {
				line = quoteCell(line, start)
			}
		}
		if _, err := out.Write(append(line, '\n')); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// quoteCell puts the cell that begins at start and ends the line into quotes if it has to be (RFC 4180).
func quoteCell(line []byte, start int) []byte {
	cell := line[start:]
	if !bytes.ContainsAny(cell, ",\"\r\n") && !bytes.HasPrefix(cell, []byte(" ")) {
		return line
	}
	quoted := strings.ReplaceAll(string(cell), `"`, `""`)
	return append(append(append(line[:start], '"'), quoted...), '"')
}

// csvColumn is a member of a row's JSON: its name, where the row has it, and how it is written.
type csvColumn struct {
	name          string
	index         []int
	text          appendText
	mayNeedQuotes bool
}

// appendText appends the text of a value.
type appendText func([]byte, reflect.Value) []byte

// csvColumns are the members that a row has in JSON, those of embedded structs in their place.
func csvColumns(row reflect.Type, outer []int, zone *time.Location) (columns []csvColumn) {
	for field := range row.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		index := slices.Concat(outer, field.Index)
		switch {
		case field.Anonymous && name == "":
			columns = append(columns, csvColumns(field.Type, index, zone)...)
		case name != "-" && field.IsExported():
			text, isNumber := csvNumber(field.Type, zone)
			if !isNumber {
				text = csvText(field.Type, zone)
			}
			columns = append(columns, csvColumn{name, index, text, !isNumber})
		}
	}
	return columns
}

// csvNumber is how times, amounts and numbers are written: as in JSON, without quotes.
func csvNumber(of reflect.Type, zone *time.Location) (text appendText, ok bool) {
	switch {
	case of == reflect.TypeFor[chain.Time]():
		return func(b []byte, v reflect.Value) []byte {
			return chain.Time(v.Int()).Time().In(zone).AppendFormat(b, time.RFC3339Nano)
		}, true
	case of == reflect.TypeFor[chain.Rao]():
		return func(b []byte, v reflect.Value) []byte {
			b, _ = chain.Rao(v.Int()).AppendText(b)
			return b
		}, true
	case of.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return nil, false
	}
	switch of.Kind() {
	case reflect.Bool:
		return func(b []byte, v reflect.Value) []byte { return strconv.AppendBool(b, v.Bool()) }, true
	case reflect.Int, reflect.Int64:
		return func(b []byte, v reflect.Value) []byte { return strconv.AppendInt(b, v.Int(), 10) }, true
	case reflect.Uint16:
		return func(b []byte, v reflect.Value) []byte { return strconv.AppendUint(b, v.Uint(), 10) }, true
	}
	return nil, false
}

// csvText is how other values are written: as in JSON, without quotes; the values of a list are separated by spaces.
func csvText(of reflect.Type, zone *time.Location) appendText {
	if number, ok := csvNumber(of, zone); ok {
		return number
	}
	switch {
	case of.Kind() == reflect.Pointer:
		text := csvText(of.Elem(), zone)
		return func(b []byte, v reflect.Value) []byte {
			if v.IsNil() {
				return b
			}
			return text(b, v.Elem())
		}
	case of.Kind() == reflect.String:
		return func(b []byte, v reflect.Value) []byte { return append(b, escapeFormula(v.String())...) }
	case of.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return func(b []byte, v reflect.Value) []byte {
			text, _ := v.Interface().(encoding.TextMarshaler).MarshalText()
			return append(b, escapeFormula(string(text))...)
		}
	case of.Kind() == reflect.Slice:
		text := csvText(of.Elem(), zone)
		return func(b []byte, v reflect.Value) []byte {
			for i := range v.Len() {
				if i > 0 {
					b = append(b, ' ')
				}
				b = text(b, v.Index(i))
			}
			return b
		}
	case of.Kind() == reflect.Struct || of.Kind() == reflect.Map:
		return func(b []byte, v reflect.Value) []byte {
			text, _ := json.Marshal(v.Interface())
			return append(b, text...)
		}
	}
	return func(b []byte, v reflect.Value) []byte { return fmt.Append(b, v.Interface()) }
}

// escapeFormula keeps spreadsheets from evaluating a text from outside as a formula. Numbers stay as they are.
func escapeFormula(s string) string {
	if s == "" || !strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return s
	}
	if s[0] == '-' && strings.Trim(s[1:], "0123456789.") == "" {
		return s
	}
	return "'" + s
}
