package ingest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ingest"
)

// bad is one change that makes a good text bad, and what is said about it.
type bad struct {
	old, new string // the first old is replaced; an empty old appends
	want     string // the whole error
}

func checkBad(t *testing.T, text string, cases map[string]bad) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			changed := text + c.new
			if c.old != "" {
				changed = strings.Replace(text, c.old, c.new, 1)
			}
			if changed == text {
				t.Fatalf("%q is not in the text", c.old)
			}
			n := 0
			var got error
			for _, err := range ingest.Read(strings.NewReader(changed), "f", ingest.Options{}) {
				if err != nil {
					n++
					got = err
				}
			}
			var e *ingest.Error
			if n != 1 || !errors.As(got, &e) || !errors.Is(got, chain.ErrInvalid) {
				t.Fatalf("got %d errors, last %v; want one *ingest.Error that is ErrInvalid", n, got)
			}
			if got.Error() != c.want {
				t.Errorf("\ngot  %s\nwant %s", got, c.want)
			}
		})
	}
}

const (
	fieldList  = "coldkey, hotkey, kind, netuid, extrinsic_id, event_index, block, time, tao, alpha, transfer, fee, usd"
	countRange = "want a whole number from 0 to 9223372036854775807"
	fewPlaces  = "more than 9 decimal places; a rao is the smallest unit"
	plain      = "not a plain decimal number such as 1.5 or 0.000000001"
)

func TestBadJSONLines(t *testing.T) {
	checkBad(t, twoLines, map[string]bad{
		"ten decimals":           {`"0.16569398"`, `"1.0000000001"`, `f:1: field "tao": amount "1.0000000001": ` + fewPlaces},
		"negative":               {`"3.214598339"`, `"-3"`, `f:2: field "tao": amount "-3": a sign is not allowed`},
		"NaN":                    {`"39.163864915"`, `"NaN"`, `f:2: field "alpha": amount "NaN": ` + plain},
		"larger than int64":      {`"2"`, `"9223372036.854775808"`, `f:1: field "alpha": amount "9223372036.854775808": too large; at most 9223372036.854775807`},
		"amount not a string":    {`"0.16569398"`, `0.16569398`, `f:1: field "tao": "0.16569398" where a string in quotes is expected`},
		"amount null":            {`"2"`, `null`, `f:1: field "alpha": "null" where a string in quotes is expected`},
		"address checksum":       {"tQY", "tQZ", `f:1: field "coldkey": address "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ": wrong checksum; a character was changed`},
		"address too short":      {"94ty", "94t", `f:1: field "hotkey": address "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694t": 47 characters; an SS58 address with network prefix 42 has 48`},
		"time without zone":      {".001Z", ".001", `f:1: field "time": time "2026-01-01T02:10:48.001": no zone; add Z or an offset such as +02:00`},
		"time too fine":          {".001Z", ".0000001Z", `f:1: field "time": time "2026-01-01T02:10:48.0000001Z": finer than a microsecond`},
		"time too early":         {"2026-01-01T02:10:48.001Z", "1970-01-01T00:00:00Z", `f:1: field "time": time "1970-01-01T00:00:00Z": want a time after 1970-01-01T00:00:00Z`},
		"unknown action":         {"DELEGATE", "REDELEGATE", `f:2: field "kind": kind "REDELEGATE": unknown; want stake, unstake or one of DELEGATE, STAKE_ADDED, UNDELEGATE, STAKE_REMOVED`},
		"netuid out of range":    {`"netuid":64`, `"netuid":65536`, `f:1: field "netuid": netuid "65536": want a whole number from 0 to 65535`},
		"netuid as a float":      {`"netuid":64`, `"netuid":64.0`, `f:1: field "netuid": netuid "64.0": want a whole number from 0 to 65535`},
		"netuid as a string":     {`"netuid":64`, `"netuid":"64"`, `f:1: field "netuid": "\"64\"" where a number without quotes is expected`},
		"negative block":         {`"block":1895779`, `"block":-1`, `f:1: field "block": number "-1": ` + countRange},
		"block with exponent":    {`"block":1895779`, `"block":1e3`, `f:1: field "block": number "1e3": ` + countRange},
		"block beyond int64":     {`"block":1895779`, `"block":9223372036854775808`, `f:1: field "block": number "9223372036854775808": ` + countRange},
		"leading zero":           {`"event_index":47`, `"event_index":047`, `f:1: field "event_index": "047" is not a number in JSON`},
		"half a number":          {`"event_index":47`, `"event_index":4-7`, `f:1: field "event_index": "4-7" is not a number in JSON`},
		"extrinsic empty":        {`"1895779-0014"`, `""`, `f:1: field "extrinsic_id": extrinsic "": want 1 to 128 printable ASCII characters`},
		"extrinsic too long":     {`1895779-0014`, strings.Repeat("7", 129), `f:1: field "extrinsic_id": extrinsic "` + strings.Repeat("7", 80) + `"... (129 bytes): want 1 to 128 printable ASCII characters`},
		"extrinsic not printing": {`1895779-0014`, `1\u001b[2J`, `f:1: field "extrinsic_id": extrinsic "1\x1b[2J": want 1 to 128 printable ASCII characters`},
		"extrinsic not ASCII":    {`1895779-0014`, "\u0661", `f:1: field "extrinsic_id": extrinsic "` + "\u0661" + `": want 1 to 128 printable ASCII characters`},
		"transfer as a number":   {`"transfer":true`, `"transfer":1`, `f:2: field "transfer": "1" where true or false is expected`},
		"misspelt field":         {`"block"`, `"blok"`, `f:1: field "blok": unknown; an event has ` + fieldList},
		"field without a name":   {`"tao"`, `""`, `f:1: a field without a name; an event has ` + fieldList},
		"field in capitals":      {`"tao"`, `"TAO"`, `f:1: field "TAO": unknown; an event has ` + fieldList},
		"field given twice":      {`"block":1895779`, `"netuid":64`, `f:1: field "netuid": given twice`},
		"given twice by escape":  {`"block":1895779`, `"net\u0075id":64`, `f:1: field "netuid": given twice`},
		"missing field":          {`"tao":"0.16569398",`, ``, `f:1: field "tao": missing`},
		"no fields":              {"", "{}", `f:3: field "coldkey": missing`},
		"truncated in a value":   {"", twoLines[:100], `f:3: field "hotkey": ends within a string; truncated?`},
		"truncated in a name":    {"", `{"cold`, `f:3: ends within a string; truncated?`},
		"truncated after a name": {"", `{"coldkey"`, `f:3: ends where a colon is expected; truncated?`},
		"truncated after colon":  {"", `{"netuid":`, `f:3: field "netuid": ends where a number without quotes is expected; truncated?`},
		"truncated after value":  {"", `{"netuid":1`, `f:3: ends where a comma or a closing brace is expected; truncated?`},
		"truncated in an escape": {"", `{"kind":"a\`, `f:3: field "kind": ends within a string; truncated?`},
		"truncated at once":      {"", `{`, `f:3: ends where a name in quotes is expected; truncated?`},
		"trailing comma":         {`"transfer":false}`, `"transfer":false,}`, `f:1: "}" where a name in quotes is expected`},
		"two on a line":          {"}\n{", "}{", `f:1: "{\"transfer\":true" where the end is expected`},
		"trailing garbage":       {"}\n", "} x\n", `f:1: "x" where the end is expected`},
		"NUL at the end":         {"}\n", "}\x00\n", `f:1: "\x00" where the end is expected`},
		"not an object":          {"", "[1]", `f:3: "[1" where an object is expected`},
		"line break in a string": {"1895779-0014", "1895779\n0014", `f:1: field "extrinsic_id": ends within a string; truncated?`},
		"tab in a string":        {"1895779-0014", "1895779\t0014", `f:1: field "extrinsic_id": a control character within a string`},
		"wrong escape":           {"1895779-0014", `\x41`, `f:1: field "extrinsic_id": a wrong escape within a string: "\\x41"`},
		"bare word":              {`"unstake"`, `unstake`, `f:1: field "kind": "unstake" where a string in quotes is expected`},
		"single quotes":          {`"kind"`, `'kind'`, `f:1: "'kind':\"unstake\"" where a name in quotes is expected`},
		"terminal codes":         {`"kind"`, `"\u001b[31mkind"`, `f:1: field "\x1b[31mkind": unknown; an event has ` + fieldList},
	})
}

func TestBadCSV(t *testing.T) {
	checkBad(t, twoCells, map[string]bad{
		"ten decimals":         {"0.165693980", "0.1656939801", `f:2: field "tao": amount "0.1656939801": ` + fewPlaces},
		"negative":             {"2.000000000", "-2", `f:2: field "alpha": amount "-2": a sign is not allowed`},
		"NaN":                  {"2.000000000", "nan", `f:2: field "alpha": amount "nan": ` + plain},
		"empty amount":         {"2.000000000", "", `f:2: field "alpha": amount "": empty; want a decimal number such as 1.5`},
		"spaces":               {"2.000000000", " 2", `f:2: field "alpha": amount " 2": ` + plain},
		"address checksum":     {"4ty\",", "4tz\",", `f:3: field "hotkey": address "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694tz": wrong checksum; a character was changed`},
		"time without zone":    {".001Z", "", `f:2: field "time": time "2026-01-01T02:10:48": no zone; add Z or an offset such as +02:00`},
		"unknown action":       {`"stake"`, `"swap"`, `f:3: field "kind": kind "swap": unknown; want stake, unstake or one of DELEGATE, STAKE_ADDED, UNDELEGATE, STAKE_REMOVED`},
		"empty netuid":         {",64,", ",,", `f:2: field "netuid": netuid "": want a whole number from 0 to 65535`},
		"signed block":         {",1895779,", ",+1895779,", `f:2: field "block": number "+1895779": ` + countRange},
		"transfer":             {`"true"`, `"yes"`, `f:3: field "transfer": flag "yes": want true or false`},
		"missing column":       {",tao,", ",", `f:1: field "tao": missing`},
		"duplicate column":     {",tao,", ",tao,tao,", `f:1: field "tao": given twice`},
		"unknown column":       {",tao,", ",tao,price,", `f:1: field "price": unknown; an event has ` + fieldList},
		"misspelt optional":    {",block,", ",blok,", `f:1: field "blok": unknown; an event has ` + fieldList},
		"empty column":         {",transfer\n", ",transfer,\n", `f:1: a field without a name; an event has ` + fieldList},
		"semicolons":           {"coldkey,hotkey", "coldkey;hotkey", `f:1: field "coldkey;hotkey": unknown; an event has ` + fieldList},
		"no header":            {"coldkey,hotkey,kind,netuid,extrinsic_id,event_index,block,time,tao,alpha,transfer\n", "", `f:1: field "` + alice + `": unknown; an event has ` + fieldList},
		"too few cells":        {"64,1895779", "1895779", `f:2: 10 cells; the header has 11`},
		"too many cells":       {"64,1895779", "6,4,1895779", `f:2: 12 cells; the header has 11`},
		"decimal comma":        {"2.000000000", "2,000000000", `f:2: 12 cells; the header has 11`},
		"truncated":            {"", alice + "," + bob, `f:4: 2 cells; the header has 11`},
		"quote not closed":     {`"true"`, `"true`, `f:3: a quote is not closed within its line`},
		"quote not closed, \"": {`"true"`, `"tr""`, `f:3: a quote is not closed within its line`},
		"text after a quote":   {`"true"`, `"true"x`, `f:3: text after a closing quote: "x"`},
		"quote within":         {`STAKE_REMOVED`, `STAKE"REMOVED`, `f:2: a quote within a cell that does not begin with one: "STAKE\"REMOVED"`},
		"line break in quotes": {`"1891470-0010"`, "\"1891470\n0010\"", `f:3: a quote is not closed within its line`},
		"doubled quotes":       {`"stake"`, `"st""ake"`, `f:3: field "kind": kind "st\"ake": unknown; want stake, unstake or one of DELEGATE, STAKE_ADDED, UNDELEGATE, STAKE_REMOVED`},
		"gzip":                 {"coldkey", "\x1f\x8b\x08", `f:1: the gzip data ends early; truncated?`},
	})
}

func TestBadResponse(t *testing.T) {
	checkBad(t, twoRows, map[string]bad{
		"amount with a point":    {`"165693980"`, `"0.16"`, `f:9: row 1: field "amount": amount "0.16": not a whole number of rao`},
		"amount negative":        {`"165693980"`, `-1`, `f:9: row 1: field "amount": amount "-1": a sign is not allowed`},
		"amount with exponent":   {`"165693980"`, `1e9`, `f:9: row 1: field "amount": amount "1e9": not a whole number of rao`},
		"amount NaN":             {`"165693980"`, `NaN`, `f:9: row 1: field "amount": "NaN" where a number without quotes is expected`},
		"amount null":            {`"165693980"`, `null`, `f:9: row 1: field "amount": "null" where a number without quotes is expected`},
		"alpha beyond int64":     {`"2000000000"`, `"9223372036854775808"`, `f:10: row 1: field "alpha": amount "9223372036854775808": too large; at most 9223372036854775807 rao`},
		"address checksum":       {"tQY", "tQZ", `f:7: row 1: field "nominator": address "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ": wrong checksum; a character was changed`},
		"account without ss58":   {`"ss58"`, `"ss59"`, `f:7: row 1: field "nominator": no ss58 in it`},
		"account null":           {`{"ss58": "` + bob + `", "hex": "0xbb"}`, `null`, `f:8: row 1: field "delegate": "null" where an object is expected`},
		"ss58 twice":             {`"hex": "0xcc"`, `"ss58": "x"`, `f:7: row 1: field "nominator": ss58 given twice`},
		"time without zone":      {".001Z", "", `f:5: row 1: field "timestamp": time "2026-01-01T02:10:48": no zone; add Z or an offset such as +02:00`},
		"unknown action":         {"UNDELEGATE", "REDELEGATE", `f:6: row 1: field "action": action "REDELEGATE": unknown; want one of DELEGATE, STAKE_ADDED, UNDELEGATE, STAKE_REMOVED`},
		"our word as action":     {"UNDELEGATE", "unstake", `f:6: row 1: field "action": action "unstake": unknown; want one of DELEGATE, STAKE_ADDED, UNDELEGATE, STAKE_REMOVED`},
		"id without a number":    {"1895779-47", "1895779-x", `f:3: row 1: field "id": id "finney-64-0xbb-0xcc-1895779-x": does not end in the number of the event`},
		"id ends in a dash":      {"1895779-47", "1895779-", `f:3: row 1: field "id": id "finney-64-0xbb-0xcc-1895779-": does not end in the number of the event`},
		"block a string":         {`: 1895779,`, `: "1895779",`, `f:4: row 1: field "block_number": "\"1895779\"" where a number without quotes is expected`},
		"netuid null":            {`"netuid": 64`, `"netuid": null`, `f:12: row 1: field "netuid": "null" where a number without quotes is expected`},
		"is_transfer a word":     {`"is_transfer": null`, `"is_transfer": "no"`, `f:14: row 1: field "is_transfer": "\"no\"" where true or false is expected`},
		"missing field":          {`"netuid": 64,`, ``, `f:2: row 1: field "netuid": missing`},
		"given twice":            {`"usd": "36.56"`, `"alpha": "1"`, `f:11: row 1: field "alpha": given twice`},
		"row is not an object":   {`  {"transfer_address"`, `  7, {"transfer_address"`, `f:17: row 2: "7" where an object is expected`},
		"row is null":            {`  {"transfer_address"`, `  null, {"transfer_address"`, `f:17: row 2: "null" where an object is expected`},
		"no comma between rows":  {"  },\n", "  }\n", `f:17: "{" where a comma or "]" is expected`},
		"comma after the last":   {"\n ]", ",\n ]", `f:20: "]" where a value is expected`},
		"no comma within a row":  {`"UNDELEGATE",`, `"UNDELEGATE"`, `f:7: row 1: "\"nominator\":" where a comma or a closing brace is expected`},
		"comma before brace":     {`"transfer_address": null`, `"transfer_address": null,`, `f:16: row 1: "}" where a name in quotes is expected`},
		"wrong bracket":          {`null, true, -1.5e-3]`, `null, true, -1.5e-3}`, `f:11: row 1: "}" where a comma or a closing bracket is expected`},
		"bad value not needed":   {`"-0.05"`, `36.`, `f:11: row 1: "36." is not a number in JSON`},
		"bad word not needed":    {`"-0.05"`, `nil`, `f:11: row 1: "nil" where a value is expected`},
		"deeply nested":          {`"-0.05"`, strings.Repeat("[", 100) + strings.Repeat("]", 100), `f:11: row 1: nested deeper than 64 levels`},
		"line break in a string": {`"-0.05"`, "\"-0\n05\"", `f:11: row 1: a control character within a string`},
		"text after the end":     {"", "\n{}", `f:21: text after the end of a page, which is not another page`},
		"bracket after the end":  {"", "]", `f:20: text after the end of a page, which is not another page`},
	})
}

func TestBadResponseObject(t *testing.T) {
	checkBad(t, `{"pagination":{"page":1},`+"\n"+`"data":[]}`, map[string]bad{
		"data twice":          {"", `,`, `f:2: text after the end of a page, which is not another page`},
		"data twice inside":   {`"data":[]`, `"data":[],"data":[]`, `f:2: page 1: field "data": given twice`},
		"data missing":        {`"data"`, `"date"`, `f:2: page 1: field "data": missing`},
		"data null":           {`[]`, `null`, `f:2: page 1: "n" where "[" is expected`},
		"data an object":      {`[]`, `{}`, `f:2: page 1: "{" where "[" is expected`},
		"no colon":            {`"data":`, `"data"`, `f:2: page 1: "[" where ":" is expected`},
		"name without quotes": {`"data":`, `data:`, `f:2: page 1: "data" where a string in quotes is expected`},
		"comma at the end":    {`[]}`, `[],}`, `f:2: page 1: "}" where a value is expected`},
		"no end":              {`[]}`, `[]`, `f:2: page 1: the input ends within the response; truncated?`},
		"wrong end":           {`[]}`, `[]]`, `f:2: page 1: "]" where a comma or "}" is expected`},
		"bad pagination":      {`{"page":1}`, `{"page":01}`, `f:1: page 1: "01" is not a number in JSON`},
		"no value":            {`{"page":1}`, ``, `f:1: page 1: "," where a value is expected`},
	})
}

// TestEveryTruncationIsAnError cuts each text at every byte. Cut at the end of a line, JSON Lines and CSV
// are whole.
func TestEveryTruncationIsAnError(t *testing.T) {
	for _, text := range []string{strings.TrimSuffix(twoLines, "\n"), twoRows, `{"pagination":{"page":1},"data":` + twoRows + `}`} {
		for n := 1; n < len(text); n++ {
			got, err := collect(strings.NewReader(text[:n]), ingest.Options{})
			wholeLine := strings.HasPrefix(text[n:], "\n{") || strings.HasSuffix(text[:n], "}\n")
			if text[0] == '{' && wholeLine && len(got) == 1 && err == nil {
				continue
			}
			if !errors.Is(err, chain.ErrInvalid) {
				t.Fatalf("cut to %q: got %d events, %v, want ErrInvalid", text[:n], len(got), err)
			}
		}
	}
}

func TestErrorEscapesTheName(t *testing.T) {
	for name, want := range map[string]string{"events.jsonl": "events.jsonl:1", "dir/my events.csv": "dir/my events.csv:1", "a\x1b[31m\n": `"a\x1b[31m\n":1`, `C:\events`: `"C:\\events":1`} {
		for _, err := range ingest.Read(strings.NewReader("{"), name, ingest.Options{}) {
			if got := err.Error(); !strings.HasPrefix(got, want+": ") {
				t.Errorf("got %s, want it to begin with %s", got, want)
			}
		}
	}
}
