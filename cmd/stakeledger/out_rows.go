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

// writeCSV writes rows under a header of the names that their JSON has; what JSON has as null is empty.
func writeCSV[T any](w io.Writer, zone *time.Location, rows iter.Seq2[T, error]) error {
	out := csv.NewWriter(w)
	_ = out.Write(csvNames(reflect.TypeFor[T]())) // Flush says whether it failed
	for row, err := range rows {
		if err != nil {
			return err
		}
		if err := out.Write(csvCells(reflect.ValueOf(row), zone)); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// csvNames are the names of a row's members in JSON, those of embedded structs in their place.
func csvNames(row reflect.Type) (names []string) {
	for field := range row.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous && name == "":
			names = append(names, csvNames(field.Type)...)
		case name != "-" && field.IsExported():
			names = append(names, name)
		}
	}
	return names
}

func csvCells(row reflect.Value, zone *time.Location) (cells []string) {
	for field, value := range row.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous && name == "":
			cells = append(cells, csvCells(value, zone)...)
		case name != "-" && field.IsExported():
			cells = append(cells, csvCell(value, zone))
		}
	}
	return cells
}

// csvCell is a value as its JSON is, without quotes; the values of a list are separated by spaces.
func csvCell(value reflect.Value, zone *time.Location) string {
	if value.Kind() == reflect.Pointer {
		if value.IsNil() {
			return ""
		}
		value = value.Elem()
	}
	switch v := value.Interface().(type) {
	case chain.Time:
		return v.Time().In(zone).Format(time.RFC3339Nano)
	case encoding.TextMarshaler:
		text, _ := v.MarshalText()
		return escapeFormula(string(text))
	case string:
		return escapeFormula(v)
	}
	switch value.Kind() {
	case reflect.String:
		return escapeFormula(value.String())
	case reflect.Slice:
		parts := make([]string, value.Len())
		for i := range parts {
			parts[i] = csvCell(value.Index(i), zone)
		}
		return strings.Join(parts, " ")
	case reflect.Struct, reflect.Map:
		text, _ := json.Marshal(value.Interface())
		return string(text)
	}
	return fmt.Sprint(value.Interface())
}

// escapeFormula keeps a spreadsheet from taking a text that came from outside for a formula. Numbers stay as they are.
func escapeFormula(s string) string {
	if s == "" || !strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return s
	}
	if s[0] == '-' && strings.Trim(s[1:], "0123456789.") == "" {
		return s
	}
	return "'" + s
}
