package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// metagraphFields are what a row of a metagraph has for us; others may stand beside them.
var metagraphFields = []string{"uid", "hotkey", "coldkey"}

// metagraphReader reads the rows of a metagraph, one a line, as JSON objects or as CSV under a header.
type metagraphReader struct {
	name    string
	line    int
	columns []string // of the header of CSV
	isCSV   bool
	rows    []ledger.MetagraphRow
	uids    map[chain.UID]int // on which line they stand
	hotkeys map[chain.Address]int
}

// maxLine bounds a line, in bytes.
const maxLine = 1 << 20

// readMetagraph reads a whole input. Its error names line and field; the input's name comes first.
func readMetagraph(in io.Reader, name string) ([]ledger.MetagraphRow, error) {
	r := metagraphReader{name: name, uids: map[chain.UID]int{}, hotkeys: map[chain.Address]int{}}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		r.line++
		text := lines.Text()
		if r.line == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		if strings.TrimSpace(text) == "" {
			continue
		}
		if err := r.take(text); err != nil {
			return nil, err
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		r.line++
		return nil, r.wrong("", errors.New("longer than 1 MiB, which no row is"))
	case err != nil:
		return nil, fmt.Errorf("sync %s: read the input: %w", name, err)
	}
	return r.rows, nil
}

// take reads a line.
func (r *metagraphReader) take(line string) error {
	isFirst := len(r.rows) == 0 && r.columns == nil
	if isFirst && strings.HasPrefix(strings.TrimSpace(line), "[") {
		return r.wrong("", errors.New("an array; want one JSON object a line, or CSV"))
	}
	if isFirst {
		r.isCSV = !strings.HasPrefix(strings.TrimSpace(line), "{")
	}
	if !r.isCSV {
		return r.object(line)
	}
	cells, err := csv.NewReader(strings.NewReader(line)).Read()
	if bad, ok := errors.AsType[*csv.ParseError](err); ok {
		err = bad.Err // its line is the one within this one
	}
	if err != nil {
		return r.wrong("", err)
	}
	if r.columns == nil {
		return r.header(cells)
	}
	if len(cells) != len(r.columns) {
		return r.wrong("", fmt.Errorf("%d cells; the header has %d", len(cells), len(r.columns)))
	}
	values := map[string]string{}
	for i, name := range r.columns {
		values[name] = cells[i]
	}
	return r.row(values)
}

// header takes the names of the columns.
func (r *metagraphReader) header(names []string) error {
	for i, name := range names {
		if slices.Contains(metagraphFields, name) && slices.Contains(names[:i], name) {
			return r.wrong(name, errors.New("given twice"))
		}
	}
	for _, field := range metagraphFields {
		if !slices.Contains(names, field) {
			return r.wrong(field, errors.New("missing in the header; want the columns "+strings.Join(metagraphFields, ", ")))
		}
	}
	r.columns = names
	return nil
}

// object reads a row from a JSON object. Names are matched as they are written, and none may come twice, which
// json.Unmarshal would allow.
func (r *metagraphReader) object(line string) error {
	d := json.NewDecoder(strings.NewReader(line))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return r.wrong("", errors.New("not a JSON object"))
	}
	values := map[string]string{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return r.malformed(err)
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return r.malformed(err)
		}
		field, _ := name.(string)
		if !slices.Contains(metagraphFields, field) {
			continue
		}
		if _, twice := values[field]; twice {
			return r.wrong(field, errors.New("given twice"))
		}
		if values[field], err = plain(field, raw); err != nil {
			return r.wrong(field, err)
		}
	}
	if _, err := d.Token(); err != nil {
		return r.malformed(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return r.wrong("", errors.New("more than one JSON object"))
	}
	return r.row(values)
}

// plain is the text of a JSON value: a number for a UID, a string for a key.
func plain(field string, raw json.RawMessage) (text string, err error) {
	if field == "uid" {
		if raw[0] < '0' || raw[0] > '9' {
			return "", fmt.Errorf("%s where a number from 0 to 65535 is expected", chain.Quote(string(raw)))
		}
		return string(raw), nil
	}
	if raw[0] != '"' {
		return "", fmt.Errorf("%s where a string is expected", chain.Quote(string(raw)))
	}
	err = json.Unmarshal(raw, &text)
	return text, err
}

// row checks the values of a line and adds them.
func (r *metagraphReader) row(values map[string]string) error {
	for _, field := range metagraphFields {
		if _, given := values[field]; !given {
			return r.wrong(field, errors.New("missing"))
		}
	}
	uid, err := chain.ParseUID(values["uid"])
	if err != nil {
		return r.wrong("uid", err)
	}
	hotkey, err := chain.ParseAddress(values["hotkey"])
	if err != nil {
		return r.wrong("hotkey", err)
	}
	coldkey, err := chain.ParseAddress(values["coldkey"])
	if err != nil {
		return r.wrong("coldkey", err)
	}
	if line, twice := r.uids[uid]; twice {
		return r.wrong("uid", fmt.Errorf("%s stands on line %d already", uid, line))
	}
	if line, twice := r.hotkeys[hotkey]; twice {
		return r.wrong("hotkey", fmt.Errorf("%s stands on line %d already", hotkey, line))
	}
	r.uids[uid], r.hotkeys[hotkey] = r.line, r.line
	r.rows = append(r.rows, ledger.MetagraphRow{UID: uid, Hotkey: hotkey, Coldkey: coldkey})
	return nil
}

// malformed is wrong for what is no JSON.
func (r *metagraphReader) malformed(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("ends within a JSON object; truncated?")
	}
	return r.wrong("", err)
}

// wrong is the error for the line at hand.
func (r *metagraphReader) wrong(field string, reason error) error {
	where := fmt.Sprintf("%s:%d", r.name, r.line)
	if field != "" {
		where += fmt.Sprintf(": field %q", field)
	}
	return fmt.Errorf("sync %s: %w; nothing of this input was applied", where, reason)
}
