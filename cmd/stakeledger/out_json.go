package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"unicode"
	"unicode/utf8"
)

// writeObject writes v as JSON on one line.
func writeObject(w io.Writer, v any) error {
	text, err := newPlainEncoder().marshal(v)
	if err != nil {
		return err
	}
	if _, err := w.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// writeArray writes rows as a JSON array, each on a line of its own, as they come.
func writeArray[T any](w io.Writer, rows iter.Seq2[T, error]) error {
	out, e := bufio.NewWriter(w), newPlainEncoder()
	separator := "[\n"
	for row, err := range rows {
		if err != nil {
			return err
		}
		text, err := e.marshal(row)
		if err != nil {
			return err
		}
		out.WriteString(separator)
		if _, err := out.Write(text); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
		separator = ",\n"
	}
	if separator == "[\n" {
		out.WriteString("[]\n")
	} else {
		out.WriteString("\n]\n")
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// plainEncoder is json.Marshal, but leaves <, > and & as they are and escapes what a terminal would not show.
type plainEncoder struct {
	text bytes.Buffer
	json *json.Encoder
}

func newPlainEncoder() *plainEncoder {
	e := &plainEncoder{}
	e.json = json.NewEncoder(&e.text)
	e.json.SetEscapeHTML(false)
	return e
}

// marshal returns v as JSON, which is valid until the next call.
func (e *plainEncoder) marshal(v any) ([]byte, error) {
	e.text.Reset()
	if err := e.json.Encode(v); err != nil {
		return nil, fmt.Errorf("write output: %w", err)
	}
	return escapeUnprintable(bytes.TrimRight(e.text.Bytes(), "\n")), nil
}

// escapeUnprintable escapes in a JSON text what encoding/json leaves alone. Outside of strings JSON has only
// printable characters.
func escapeUnprintable(text []byte) []byte {
	plain := func(r rune) bool { return unicode.IsPrint(r) }
	isASCII := !slices.ContainsFunc(text, func(b byte) bool { return b < ' ' || b > '~' }) // as nearly all of it is
	if isASCII || bytes.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	var b []byte
	for _, r := range string(text) {
		switch {
		case plain(r):
			b = utf8.AppendRune(b, r)
		case r > 0xffff:
			high, low := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00 // JSON knows UTF-16 only
			b = fmt.Appendf(b, `\u%04x\u%04x`, high, low)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
	}
	return b
}

// sequenceOf is a slice as the sequence that writeArray takes.
func sequenceOf[T any](rows []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}
