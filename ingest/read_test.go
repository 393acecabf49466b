package ingest_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ingest"
	"github.com/stakeledger/stakeledger/ledger"
)

const (
	alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
	bob   = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
)

// twoEvents are what each text below says.
var twoEvents = []ledger.Event{
	{
		Kind: chain.Unstake, Coldkey: alice, Hotkey: bob, Netuid: 64, ExtrinsicID: "1895779-0014", EventIndex: 47,
		Block: 1895779, Time: 1767233448001000, TAO: 165_693_980, Alpha: 2_000_000_000,
	},
	{
		Kind: chain.Stake, Coldkey: alice, Hotkey: bob, Netuid: 64, ExtrinsicID: "1891470-0010", EventIndex: 74,
		Block: 1891470, Time: 1767181716000000, TAO: 3_214_598_339, Alpha: 39_163_864_915,
	},
}

const twoLines = `{"coldkey":"` + alice + `","hotkey":"` + bob + `","kind":"unstake","netuid":64,"extrinsic_id":"1895779-0014","event_index":47,"block":1895779,"time":"2026-01-01T02:10:48.001Z","tao":"0.16569398","alpha":"2","transfer":false}
{"transfer":true,"alpha":"39.163864915","tao":"3.214598339","time":"2025-12-31T12:48:36+01:00","block":1891470,"event_index":74,"extrinsic_id":"1891470-0010","netuid":64,"kind":"DELEGATE","hotkey":"` + bob + `","coldkey":"` + alice + `"}
`

const twoCells = `coldkey,hotkey,kind,netuid,extrinsic_id,event_index,block,time,tao,alpha,transfer
` + alice + `,` + bob + `,STAKE_REMOVED,64,1895779-0014,47,1895779,2026-01-01T02:10:48.001Z,0.165693980,2.000000000,
"` + alice + `","` + bob + `","stake","64","1891470-0010","74","1891470","2025-12-31T11:48:36Z","3.214598339","39.163864915","true"
`

const twoRows = `[
  {
   "id": "finney-64-0xbb-0xcc-1895779-47",
   "block_number": 1895779,
   "timestamp": "2026-01-01T02:10:48.001Z",
   "action": "UNDELEGATE",
   "nominator": {"ss58": "` + alice + `", "hex": "0xcc"},
   "delegate": {"ss58": "` + bob + `", "hex": "0xbb"},
   "amount": "165693980",
   "alpha": "2000000000",
   "usd": "36.56", "slippage": "-0.05", "more": [1, {"a": [null, true, -1.5e-3]}],
   "netuid": 64,
   "extrinsic_id": "1895779-0014",
   "is_transfer": null,
   "transfer_address": null
  },
  {"transfer_address":{"ss58":"x"},"is_transfer":true,"extrinsic_id":"1891470-0010","netuid":64,"alpha":39163864915,"amount":3214598339,
   "delegate":{"hex":"0xbb","ss58":"` + bob + `"},"nominator":{"ss58":"` + alice + `"},"action":"DELEGATE","timestamp":"2025-12-31T11:48:36Z",
   "block_number":1891470,"id":"finney-64-0xbb-0xcc-1891470-74"}
 ]`

func TestReadTellsFormatsApart(t *testing.T) {
	for name, text := range map[string]string{
		"JSON Lines":                       twoLines,
		"JSON Lines, no last line end":     strings.TrimSuffix(twoLines, "\n"),
		"JSON Lines, blank lines":          "\n \t\n" + strings.ReplaceAll(twoLines, "\n", "\n\r\n  \n"),
		"JSON Lines, spaces":               strings.ReplaceAll(strings.ReplaceAll(twoLines, ",", " ,\t"), ":\"", " : \""),
		"JSON Lines, escapes":              strings.ReplaceAll(strings.ReplaceAll(twoLines, "1895779-0014", `\u0031895779\u002d0014`), `"tao"`, `"t\u0061o"`),
		"CSV":                              twoCells,
		"CSV, no last line end":            strings.TrimSuffix(twoCells, "\n"),
		"CSV, blank lines":                 "\n\n" + strings.ReplaceAll(twoCells, "\n", "\n\n"),
		"bare array":                       twoRows,
		"response":                         `{"pagination":{"current_page":1,"next_page":null},"data":` + twoRows + `}`,
		"response, data first":             `{"data":` + twoRows + `,"pagination":{"current_page":1}}` + "\n\n",
		"response, something else first":   `{"meta":{"pages":[1,2]},"ok":true,"data":` + twoRows + `}`,
		"response, much before the data":   `{"meta":"` + strings.Repeat("x", 10_000) + `","data":` + twoRows + `}`,
		"response, without white space":    `{"data":` + strings.ReplaceAll(strings.ReplaceAll(twoRows, "\n", ""), " ", "") + `}`,
		"response, name with an escape":    `{"pagination":{},"d\u0061ta":` + twoRows + `}`,
		"response, brackets within string": `{"pagination":{"note":"}]\"\\"},"data":` + twoRows + `}`,
	} {
		for end, text := range map[string]string{"LF": text, "CRLF": strings.ReplaceAll(text, "\n", "\r\n"), "BOM": "\ufeff" + text} {
			t.Run(name+", "+end, func(t *testing.T) {
				wantEvents(t, strings.NewReader(text), twoEvents)
				wantEvents(t, iotest.OneByteReader(strings.NewReader(text)), twoEvents)
				wantEvents(t, iotest.DataErrReader(strings.NewReader(text)), twoEvents)
			})
		}
	}
}

func wantEvents(t *testing.T, r io.Reader, want []ledger.Event) {
	t.Helper()
	got, err := collect(r, ingest.Options{})
	if err != nil {
		t.Fatalf("got error %v", err)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

// collect reads until the first error, and leaves away what is no part of the contents of events.
func collect(r io.Reader, opts ingest.Options) (events []ledger.Event, err error) {
	events, err = collectWhole(r, opts)
	for i := range events {
		events[i].IsTransfer, events[i].Fee, events[i].USD = nil, nil, nil
	}
	return events, err
}

func collectWhole(r io.Reader, opts ingest.Options) (events []ledger.Event, err error) {
	for event, err := range ingest.Read(r, "input", opts) {
		if err != nil {
			return events, err
		}
		events = append(events, event)
	}
	return events, nil
}

// TestReadWhatIsBesideTheContents: whether it is a transfer, the fee and the dollars, where they are given.
func TestReadWhatIsBesideTheContents(t *testing.T) {
	beside := func(more string) string { return strings.Replace(twoLines, `"netuid"`, more+`"netuid"`, 1) }
	plain := strings.Replace(twoLines, `,"transfer":false`, "", 1)
	lines := func(more string) string { return strings.Replace(plain, `"netuid"`, more+`"netuid"`, 1) }
	cells := func(fee, usd string) string {
		header, rows, _ := strings.Cut(twoCells, "\n")
		first, _, _ := strings.Cut(rows, "\n")
		return header + ",fee,usd\n" + first + "," + fee + "," + usd + "\n"
	}
	delegation := func(fee, usd, transfer string) string {
		return strings.Replace(strings.Replace(twoRows, `"usd": "36.56"`, `"usd": `+usd+`, "fee": `+fee, 1), `"is_transfer": null`, `"is_transfer": `+transfer, 1)
	}
	args := func(more string) string {
		return chainRow("StakeAdded", 14, 34, `["`+aliceKey+`","`+bobKey+`","3250000","28669204",34`+more+`]`)
	}
	for name, c := range map[string]struct{ text, want string }{
		"our own form":             {beside(`"fee":"0.001007095","usd":"36.560",`), "false 0.001007095 36.560"},
		"our own form, nothing":    {lines(""), "- - -"},
		"our own form, null":       {lines(`"fee":null,"usd":null,"transfer":null,`), "- - -"},
		"our own form, a transfer": {lines(`"transfer":true,`), "true - -"},
		"CSV":                      {cells("0.5", "1"), "- 0.500000000 1"},
		"CSV, nothing":             {cells("", ""), "- - -"},
		"a response":               {delegation(`"1007095"`, `"36.56"`, "null"), "- 0.001007095 36.56"},
		"a response, numbers":      {delegation(`0`, `0.1`, "false"), "false 0.000000000 0.1"},
		"a response, null":         {delegation(`null`, `null`, "true"), "true - -"},
		"the chain":                {args(`,"1200"`), "- 0.000001200 -"},
		"the chain, without a fee": {args(""), "- - -"},
		"the chain, a transfer":    {args(`,0`) + "\n" + chainRow("StakeSwapped", 14, 35, "[]"), "true 0.000000000 -"},
	} {
		events, err := collectWhole(strings.NewReader(c.text), ingest.Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := besideContents(events[0]); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
	for name, text := range map[string]string{
		"a fee below 0": lines(`"fee":"-1",`), "dollars of words": lines(`"usd":"many",`), "an empty fee": lines(`"fee":"",`), "a fee of pieces of a rao": delegation("1.5", "1", "null"),
	} {
		if _, err := collect(strings.NewReader(text), ingest.Options{}); !errors.Is(err, chain.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
}

// besideContents is what an event has beside its contents, "-" where it is not known.
func besideContents(e ledger.Event) string {
	parts := []string{"-", "-", "-"}
	if e.IsTransfer != nil {
		parts[0] = fmt.Sprint(*e.IsTransfer)
	}
	if e.Fee != nil {
		parts[1] = e.Fee.String()
	}
	if e.USD != nil {
		parts[2] = string(*e.USD)
	}
	return strings.Join(parts, " ")
}

func TestReadExcludesTransfersWhenAsked(t *testing.T) {
	for _, text := range []string{twoLines, twoCells, twoRows} {
		got, err := collect(strings.NewReader(text), ingest.Options{ExcludeTransfers: true})
		if err != nil || len(got) != 2 {
			t.Fatalf("got %d events, %v", len(got), err)
		}
		if got[0].Excluded || !got[1].Excluded {
			t.Errorf("excluded: got %v and %v, want false and true", got[0].Excluded, got[1].Excluded)
		}
	}
}

func TestReadDefaults(t *testing.T) {
	want := []ledger.Event{{Kind: chain.Stake, Coldkey: alice, Hotkey: bob, ExtrinsicID: "x", Time: 1, TAO: 1, Alpha: 2}}
	line := `{"coldkey":"` + alice + `","hotkey":"` + bob + `","kind":"stake","netuid":0,"extrinsic_id":"x","time":"1970-01-01T00:00:00.000001Z","tao":"0.000000001","alpha":"0.000000002"}`
	wantEvents(t, strings.NewReader(line), want)
	short := "tao,time,kind,alpha,netuid,hotkey,coldkey,extrinsic_id\n0.000000001,1970-01-01T00:00:00.000001Z,stake,0.000000002,0," + bob + "," + alice + ",x\n"
	wantEvents(t, strings.NewReader(short), want)
	empty := "event_index,block,transfer,tao,time,kind,alpha,netuid,hotkey,coldkey,extrinsic_id\n,\"\",,0.000000001,1970-01-01T00:00:00.000001Z,stake,0.000000002,0," + bob + "," + alice + ",x\n"
	wantEvents(t, strings.NewReader(empty), want)
}

// TestReadForgetsTheRowBefore: what a row leaves out is the default, not what the row before it said.
func TestReadForgetsTheRowBefore(t *testing.T) {
	want := []ledger.Event{twoEvents[1], {Kind: chain.Stake, Coldkey: alice, Hotkey: bob, Netuid: 64, ExtrinsicID: "x", Time: 1, TAO: 1, Alpha: 2}}
	want[0].Excluded = true
	_, full, _ := strings.Cut(twoLines, "\n")
	lines := full + `{"coldkey":"` + alice + `","hotkey":"` + bob + `","kind":"stake","netuid":64,"extrinsic_id":"x","time":"1970-01-01T00:00:00.000001Z","tao":"0.000000001","alpha":"0.000000002"}`
	rows := strings.Split(strings.TrimSpace(twoCells), "\n")
	cells := rows[0] + "\n" + rows[2] + "\n" + alice + "," + bob + ",stake,64,x,,,1970-01-01T00:00:00.000001Z,0.000000001,0.000000002,"
	for name, text := range map[string]string{"JSON Lines": lines, "CSV": cells} {
		got, err := collect(strings.NewReader(text), ingest.Options{ExcludeTransfers: true})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, want)
		}
	}
}

func TestReadWithoutEvents(t *testing.T) {
	header, _, _ := strings.Cut(twoCells, "\n")
	for _, text := range []string{"", "\n\n", "\ufeff", " \r\n\t", "[]", "[ ]\n", `{"data":[]}`, `{"pagination":{"total_items":0},"data":[]}`, header, header + "\n"} {
		wantEvents(t, strings.NewReader(text), nil)
	}
}

func TestReadKinds(t *testing.T) {
	for word, want := range map[string]chain.EventKind{
		"stake": chain.Stake, "DELEGATE": chain.Stake, "STAKE_ADDED": chain.Stake,
		"unstake": chain.Unstake, "UNDELEGATE": chain.Unstake, "STAKE_REMOVED": chain.Unstake,
	} {
		texts := []string{strings.Replace(twoLines, `"unstake"`, `"`+word+`"`, 1), strings.Replace(twoCells, "STAKE_REMOVED", word, 1)}
		if strings.ToUpper(word) == word {
			texts = append(texts, strings.Replace(twoRows, "UNDELEGATE", word, 1))
		}
		for _, text := range texts {
			if got, err := collect(strings.NewReader(text), ingest.Options{}); err != nil || got[0].Kind != want {
				t.Errorf("%s: got %v, %v, want %s", word, got, err, want)
			}
		}
	}
}

func TestReadStopsWhenAskedTo(t *testing.T) {
	for _, text := range []string{twoLines, twoCells, twoRows, `{"data":` + twoRows + `}`} {
		n := 0
		for _, err := range ingest.Read(strings.NewReader(text), "input", ingest.Options{}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			break
		}
		if n != 1 {
			t.Errorf("got %d events, want 1", n)
		}
	}
}

// TestReadGivesEventsBeforeTheError: what was read before is not withheld; whether it counts is the
// taker's decision.
func TestReadGivesEventsBeforeTheError(t *testing.T) {
	for name, text := range map[string]string{
		"JSON Lines": twoLines + "{", "CSV": twoCells + "x", "array": strings.TrimSuffix(twoRows, "]"), "after the array": twoRows + "]",
	} {
		if got, err := collect(strings.NewReader(text), ingest.Options{}); err == nil || !slices.Equal(got, twoEvents) {
			t.Errorf("%s: got %v, %v, want the events and an error", name, got, err)
		}
	}
}

func TestReadReportsAFailingReader(t *testing.T) {
	failure := errors.New("disk on fire")
	for name, text := range map[string]string{"nothing": "", "JSON Lines": twoLines, "in a line": twoLines[:500], "CSV": twoCells, "in an array": twoRows[:900], "after the array": twoRows} {
		r := io.MultiReader(strings.NewReader(text), iotest.ErrReader(failure))
		_, err := collect(r, ingest.Options{})
		var e *ingest.Error
		if !errors.Is(err, failure) || !errors.As(err, &e) || errors.Is(err, chain.ErrInvalid) || !strings.Contains(err.Error(), "read the input: disk on fire") {
			t.Errorf("%s: got %v, want the reader's error, not ErrInvalid", name, err)
		}
	}
}

// TestReadExport reads a real export when it is at hand.
func TestReadExport(t *testing.T) {
	f, err := os.Open("../../shared/data/stake_events.json")
	if err != nil {
		t.Skipf("no export to read: %v", err)
	}
	defer f.Close()
	got, err := collect(f, ingest.Options{ExcludeTransfers: true})
	if err != nil {
		t.Fatal(err)
	}
	stakes, transfers := 0, 0
	for _, e := range got {
		if e.Kind == chain.Stake {
			stakes++
		}
		if e.Excluded {
			transfers++
		}
	}
	if len(got) != 84 || stakes != 60 || transfers != 61 {
		t.Errorf("got %d events, %d stakes, %d transfers; want 84, 60, 61", len(got), stakes, transfers)
	}
	want := ledger.Event{
		Kind: chain.Unstake, Coldkey: "5GhEHXPEYynMD5sbRYBZps5QkEe5CYmHRjUASd9thePppuyk", Hotkey: "5GJrQFwwXVbEXpBN2hixw8vea1ATGCirDQN9wBK1GexKsdcB",
		Netuid: 64, ExtrinsicID: "1895779-0014", EventIndex: 47, Block: 1895779, Time: 1767233448001000, TAO: 165_693_980, Alpha: 2_000_000_000,
	}
	if got[0] != want {
		t.Errorf("got  %+v\nwant %+v", got[0], want)
	}
}
