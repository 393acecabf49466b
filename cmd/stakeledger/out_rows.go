package main

import (
	"bufio"
	"encoding"
	"encoding/csv"
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
	out := bufio.NewWriter(w)
	for row, err := range rows {
		if err != nil {
			return err
		}
		text, err := marshalPlain(row)
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
	out := csv.NewWriter(w)
	columns := csvColumns(reflect.TypeFor[T](), nil, zone)
	cells := make([]string, len(columns))
	for i, c := range columns {
		cells[i] = c.name
	}
	_ = out.Write(cells) // Flush says whether it failed
	var at T
	value := reflect.ValueOf(&at).Elem()
	for row, err := range rows {
		if err != nil {
			return err
		}
		at = row
		for i, c := range columns {
			cells[i] = c.text(value.FieldByIndex(c.index))
		}
		if err := out.Write(cells); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// csvColumn is a member of a row's JSON: its name, where the row has it, and how it is written.
type csvColumn struct {
	name  string
	index []int
	text  func(reflect.Value) string
}

// csvColumns are the members that a row has in JSON, those of embedded structs in their place.
func csvColumns(row reflect.Type, outer []int, zone *time.Location) (columns []csvColumn) {
	for field := range row.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		index := slices.Concat(outer, field.Index)
		switch {
		case field.Anonymous && name == "":
			columns = append(columns, csvColumns(field.Type, index, zone)...)
		case name != "-" && field.IsExported():
			columns = append(columns, csvColumn{name, index, csvText(field.Type, zone)})
		}
	}
	return columns
}

// csvText is how values of a type are written: as in JSON, without quotes; the values of a list are separated by spaces.
func csvText(of reflect.Type, zone *time.Location) func(reflect.Value) string {
	switch {
	case of.Kind() == reflect.Pointer:
		text := csvText(of.Elem(), zone)
		return func(v reflect.Value) string {
			if v.IsNil() {
				return ""
			}
			return text(v.Elem())
		}
	case of == reflect.TypeFor[chain.Time]():
		return func(v reflect.Value) string { return chain.Time(v.Int()).Time().In(zone).Format(time.RFC3339Nano) }
	case of == reflect.TypeFor[chain.Rao]():
		return func(v reflect.Value) string { return chain.Rao(v.Int()).String() }
	case of.Kind() == reflect.String:
		return func(v reflect.Value) string { return escapeFormula(v.String()) }
	case of.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return func(v reflect.Value) string {
			text, _ := v.Interface().(encoding.TextMarshaler).MarshalText()
			return escapeFormula(string(text))
		}
	}
	switch of.Kind() {
	case reflect.Bool:
		return func(v reflect.Value) string { return strconv.FormatBool(v.Bool()) }
	case reflect.Int64:
		return func(v reflect.Value) string { return strconv.FormatInt(v.Int(), 10) }
	case reflect.Slice:
		text := csvText(of.Elem(), zone)
		return func(v reflect.Value) string {
			parts := make([]string, v.Len())
			for i := range parts {
				parts[i] = text(v.Index(i))
			}
			return strings.Join(parts, " ")
		}
	case reflect.Struct, reflect.Map:
		return func(v reflect.Value) string {
			text, _ := json.Marshal(v.Interface())
			return string(text)
		}
	}
	return func(v reflect.Value) string { return fmt.Sprint(v.Interface()) }
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
