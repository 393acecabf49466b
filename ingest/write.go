package ingest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"
)

// WriteJSONL writes rows as JSON Lines of our own form, which [Read] reads back, and returns how many it
// wrote. It stops at the first error of w.
func WriteJSONL(w io.Writer, rows iter.Seq[Row]) (n int64, err error) {
	out := bufio.NewWriterSize(w, 1<<16)
	for row := range rows {
		line := append(row.AppendJSON(out.AvailableBuffer()), '\n')
		if _, err := out.Write(line); err != nil {
			return n, fmt.Errorf("write event %d: %w", n+1, err)
		}
		n++
	}
	if err := out.Flush(); err != nil {
		return n, fmt.Errorf("write events: %w", err)
	}
	return n, nil
}

// AppendJSON appends the row as a JSON object of our own form, without a line end. A row with values that
// our own form does not allow, such as a negative amount, is written as it is; Read refuses it.
func (r Row) AppendJSON(b []byte) []byte {
	b = appendText(append(b, `{"coldkey":`...), string(r.Coldkey))
	b = appendText(append(b, `,"hotkey":`...), string(r.Hotkey))
	b = appendText(append(b, `,"kind":`...), string(r.Kind))
	b = strconv.AppendInt(append(b, `,"netuid":`...), int64(r.Netuid), 10)
	b = appendText(append(b, `,"extrinsic_id":`...), r.ExtrinsicID)
	b = strconv.AppendInt(append(b, `,"event_index":`...), r.EventIndex, 10)
	b = strconv.AppendInt(append(b, `,"block":`...), r.Block, 10)
	b, _ = r.Time.AppendText(append(b, `,"time":"`...))
	b, _ = r.TAO.AppendText(append(b, `","tao":"`...))
	b, _ = r.Alpha.AppendText(append(b, `","alpha":"`...))
	b = strconv.AppendBool(append(b, `","transfer":`...), r.Transfer)
	if r.Fee != nil {
		b, _ = r.Fee.AppendText(append(b, `,"fee":"`...))
		b = append(b, '"')
	}
	if r.USD != nil {
		b = appendText(append(b, `,"usd":`...), string(*r.USD))
	}
	return append(b, '}')
}

// appendText appends a string in quotes. Nearly all need no escape.
func appendText(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // never fails for a string
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
