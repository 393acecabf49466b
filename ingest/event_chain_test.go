package ingest_test

import (
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ingest"
	"github.com/stakeledger/stakeledger/ledger"
)

// aliceKey and bobKey are the public keys behind the addresses.
var (
	aliceKey = "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"
	bobKey   = "0x8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48"
)

func TestPublicKeys(t *testing.T) {
	for key, want := range map[string]chain.Address{aliceKey: alice, bobKey: bob} {
		raw, err := hex.DecodeString(key[2:])
		if err != nil || chain.AddressFromPublicKey([32]byte(raw)) != want {
			t.Fatalf("%s: %v, want the key of %s", key, err, want)
		}
	}
}

// chainRow is an event as Taostats' event response has it.
func chainRow(name string, extrinsic, index int, args string) string {
	return fmt.Sprintf(`{"id":"4947436-%04d","extrinsic_index":%d,"index":%d,"phase":"ApplyExtrinsic","pallet":"SubtensorModule","name":"%s","full_name":"SubtensorModule.%s","args":%s,"block_number":4947436,"extrinsic_id":"4947436-%04d","call_id":"4947436-0014","timestamp":"2025-02-17T15:59:48Z"}`,
		index, extrinsic, index, name, name, args, extrinsic)
}

var addedByAlice = ledger.Event{
	Kind: chain.Stake, Coldkey: alice, Hotkey: bob, Netuid: 34, ExtrinsicID: "4947436-0014", EventIndex: 34,
	Block: 4947436, Time: 1739807988000000, TAO: 3250000, Alpha: 28669204,
}

func TestReadChainEvents(t *testing.T) {
	args := `["` + aliceKey + `","` + bobKey + `","3250000","28669204",34]`
	row := chainRow("StakeAdded", 14, 34, args)
	for name, text := range map[string]string{
		"Taostats, an array":     "[" + row + "]",
		"Taostats, pages":        `{"pagination":{"current_page":1,"total_items":1,"total_pages":1,"next_page":null},"data":[` + row + `]}`,
		"Taostats, JSON Lines":   row + "\n",
		"beside other pallets":   "[" + strings.ReplaceAll(chainRow("Withdraw", 14, 33, `{"amount":"1"}`), "SubtensorModule", "Balances") + "," + chainRow("NeuronRegistered", 14, 35, `[1]`) + "," + row + "]",
		"SS58, numbers, a fee":   "[" + chainRow("StakeAdded", 14, 34, `["`+alice+`","`+bob+`",3250000,28669204,34,1200]`) + "]",
		"wrapped values":         "[" + chainRow("StakeAdded", 14, 34, `["`+alice+`","`+bob+`",[3250000],[28669204],[34],0]`) + "]",
		"values with types":      "[" + chainRow("StakeAdded", 14, 34, `[{"type":"AccountId","value":"`+aliceKey+`"},{"value":"`+bobKey+`"},{"value":"3250000"},{"value":28669204},{"value":34}]`) + "]",
		"numbers in hexadecimal": "[" + chainRow("StakeAdded", 14, 34, `["`+alice+`","`+bob+`","0x319750","0x0000000001b57514","0x22"]`) + "]",
		"numbers with commas":    "[" + chainRow("StakeAdded", 14, 34, `["`+alice+`","`+bob+`","3,250,000","28,669,204","34"]`) + "]",
		"data before the name":   `{"data":` + args + `,"section":"subtensorModule","method":"StakeAdded","block":4947436,"extrinsic_index":14,"index":34,"timestamp":"2025-02-17T15:59:48Z"}`,
		"a record of polkadot-js": `{"phase":{"applyExtrinsic":14},"event":{"index":"0x0702","section":"subtensorModule","method":"StakeAdded","data":` + args + `},"topics":[],` +
			`"index":34,"block":"4,947,436","timestamp":1739807988000}`,
		"a record of a Python client": `{"phase":"ApplyExtrinsic","extrinsic_idx":14,"event":{"event_index":"0702","module_id":"SubtensorModule","event_id":"StakeAdded","attributes":` + args + `},` +
			`"event_idx":34,"block":4947436,"time":"2025-02-17T15:59:48Z"}`,
		"an event of a sidecar": `{"method":{"pallet":"subtensorModule","method":"StakeAdded"},"data":` + args + `,"block":"4947436","extrinsic_index":"14","index":"34","timestamp":"1739807988000"}`,
		"Subscan":               `{"event_index":"4947436-34","event_idx":34,"extrinsic_index":"4947436-14","block_num":4947436,"module_id":"subtensormodule","event_id":"StakeAdded","params":` + args + `,"block_timestamp":1739807988}`,
		"over several lines":    strings.ReplaceAll(strings.ReplaceAll(row, "{", "{\n"), ",", ",\n"),
		"one qualified name":    `{"name":"SubtensorModule.StakeAdded","args":` + args + `,"block":4947436,"extrinsic_id":"4947436-14","id":"0004947436-a1b2c-000034","timestamp":"2025-02-17T15:59:48Z"}`,
	} {
		t.Run(name, func(t *testing.T) {
			wantEvents(t, strings.NewReader(text), []ledger.Event{addedByAlice})
		})
	}
	removed := addedByAlice
	removed.Kind = chain.Unstake
	wantEvents(t, strings.NewReader(chainRow("StakeRemoved", 14, 34, args)), []ledger.Event{removed})
}

// TestStakeMovesMark: what moves stake beside an event marks it, wherever it stands, and no event of another
// extrinsic.
func TestStakeMovesMark(t *testing.T) {
	args := `["` + aliceKey + `","` + bobKey + `","1","2",34]`
	for _, move := range []string{"StakeMoved", "StakeSwapped", "StakeTransferred", "StakeAndHotkeyTransferred"} {
		removed, added, mark := chainRow("StakeRemoved", 14, 33, args), chainRow("StakeAdded", 14, 34, args), chainRow(move, 14, 35, `[1,2]`)
		bought := chainRow("StakeAdded", 15, 40, args)
		for name, files := range map[string][]string{
			"after":               {"[" + strings.Join([]string{removed, added, mark, bought}, ",") + "]"},
			"before":              {"[" + strings.Join([]string{bought, mark, added, removed}, ",") + "]"},
			"in a file before":    {mark, strings.Join([]string{removed, added, bought}, "\n")},
			"in a file after":     {strings.Join([]string{removed, added, bought}, "\n"), mark + "\n" + mark},
			"in a page after":     {`{"pagination":{},"data":[` + removed + `,` + bought + `,` + added + `]}` + `{"pagination":{},"data":[` + mark + `]}`},
			"more than is held":   {strings.Repeat(bought+"\n", 5000) + removed + "\n" + added, mark},
			"beside other moves":  {chainRow(move, 13, 1, "[]") + "\n" + chainRow(move, 16, 1, "[]") + "\n" + mark, removed + "\n" + added + "\n" + bought},
			"under another block": {strings.ReplaceAll(mark, "4947436", "4947437"), strings.ReplaceAll(removed+"\n"+added, "4947436", "4947437") + "\n" + bought},
		} {
			t.Run(move+", "+name, func(t *testing.T) {
				t.Setenv("TMPDIR", t.TempDir())
				var inputs []ingest.File
				for i, text := range files {
					inputs = append(inputs, ingest.File{Name: fmt.Sprint(i), Reader: strings.NewReader(text)})
				}
				batch, err := ingest.Open(ingest.Options{ExcludeTransfers: true}, inputs...)
				if err != nil {
					t.Fatal(err)
				}
				excluded := map[string]bool{}
				for event, err := range batch.Events() {
					if err != nil {
						t.Fatal(err)
					}
					excluded[fmt.Sprint(event.ExtrinsicID[8:], " ", event.EventIndex)] = event.Excluded
				}
				if want := map[string]bool{"0014 33": true, "0014 34": true, "0015 40": false}; fmt.Sprint(excluded) != fmt.Sprint(want) {
					t.Errorf("got %v, want %v", excluded, want)
				}
				if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
					t.Errorf("got %v, %v, want no temporary file left", left, err)
				}
			})
		}
	}
}

func TestBadChainEvents(t *testing.T) {
	checkBad(t, "[\n"+chainRow("StakeAdded", 14, 34, `["`+aliceKey+`","`+bobKey+`","3250000","28669204",34]`)+"]", map[string]bad{
		"a key of 31 bytes":      {"a27d", "a2", `f:2: row 1: field "args": value 1: account "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da2": want 0x and the 64 hexadecimal digits of a public key, or an SS58 address`},
		"a key of 33 bytes":      {"a27d", "a27d00", `f:2: row 1: field "args": value 1: account "` + aliceKey + `00": want 0x and the 64 hexadecimal digits of a public key, or an SS58 address`},
		"a key that is none":     {"a27d", "a27x", `f:2: row 1: field "args": value 1: account "` + aliceKey[:65] + `x": want 0x and the 64 hexadecimal digits of a public key, or an SS58 address`},
		"as before the tokens":   {`,"28669204",34`, ``, `f:2: row 1: field "args": 3 values; "StakeAdded" has a list of coldkey, hotkey, TAO, alpha, netuid and perhaps a fee (before there were subnet tokens it had others, which cannot be taken in)`},
		"args an object":         {`["` + aliceKey + `","` + bobKey + `","3250000","28669204",34]`, `{"coldkey":"` + aliceKey + `"}`, `f:2: row 1: field "args": 0 values; "StakeAdded" has a list of coldkey, hotkey, TAO, alpha, netuid and perhaps a fee (before there were subnet tokens it had others, which cannot be taken in)`},
		"an amount below 0":      {`"3250000"`, `"-1"`, `f:2: row 1: field "args": value 3: amount "-1": a sign is not allowed`},
		"an amount with a point": {`"3250000"`, `1.5`, `f:2: row 1: field "args": value 3: amount "1.5": not a whole number of rao`},
		"commas out of place":    {`"3250000"`, `"32,50,000"`, `f:2: row 1: field "args": value 3: amount "32,50,000": not a whole number of rao`},
		"an amount too large":    {`"3250000"`, `"0xffffffffffffffff"`, `f:2: row 1: field "args": value 3: amount "18446744073709551615": too large; at most 9223372036854775807 rao`},
		"no name":                {`"name":"StakeAdded","full_name":"SubtensorModule.StakeAdded",`, ``, `f:2: row 1: field "name": missing`},
		"no pallet":              {`"pallet":"SubtensorModule","name":"StakeAdded","full_name":"SubtensorModule.StakeAdded",`, `"name":"StakeAdded",`, `f:2: row 1: field "pallet": missing`},
		"no args":                {`"args"`, `"arguments"`, `f:2: row 1: field "args": missing`},
		"no time":                {`"timestamp"`, `"at"`, `f:2: row 1: field "timestamp": missing`},
		"a time without a zone":  {`48Z`, `48`, `f:2: row 1: field "timestamp": time "2025-02-17T15:59:48": no zone; add Z or an offset such as +02:00`},
		"another block":          {`"block_number":4947436`, `"block_number":1`, `f:2: row 1: field "extrinsic_id": "4947436-0014" is not of block 1`},
		"given twice":            {`"call_id"`, `"args"`, `f:2: row 1: field "args": given twice`},
		"no JSON":                {`34]`, `34}`, `f:2: row 1: field "args": "}" where a comma or a closing bracket is expected`},
	})
}

func TestBadChainEventsWithoutExtrinsic(t *testing.T) {
	text := `{"pallet":"SubtensorModule","name":"StakeAdded","index":5,"extrinsic_id":null,"phase":{"Finalization":null},"block_number":7,"timestamp":"2025-02-17T15:59:48Z","args":[]}`
	checkBad(t, text, map[string]bad{
		"a move of unknown place": {`StakeAdded`, `StakeMoved`, `f:1: field "extrinsic_id": missing; what happens outside of extrinsics cannot be recorded`},
		"outside of extrinsics":   {`[]`, `[ ]`, `f:1: field "extrinsic_id": missing; what happens outside of extrinsics cannot be recorded`},
		"an index alone":          {`"extrinsic_id":null,"phase":{"Finalization":null},"block_number":7`, `"extrinsic_index":3`, `f:1: field "block_number": missing`},
		"no id":                   {`"extrinsic_id":null`, `"extrinsic_id":"0xab"`, `f:1: field "extrinsic_id": extrinsic "0xab": want a block and a number, such as 4947436-0014`},
		"no index":                {`"index":5,"extrinsic_id":null`, `"id":"x","extrinsic_id":"7-1"`, `f:1: field "index": missing`},
	})
}

// TestReadTaostatsRowsByThemselves: rows of a response as jq prints them, one a line or spread over lines.
func TestReadTaostatsRowsByThemselves(t *testing.T) {
	rows := strings.TrimSuffix(strings.TrimPrefix(twoRows, "["), "]")
	spread := strings.Replace(rows, "  },\n", "  }\n", 1)
	wantEvents(t, strings.NewReader(strings.TrimSpace(spread)), twoEvents)
	first, second, _ := strings.Cut(rows, "  },\n")
	lines := strings.ReplaceAll(first+"}", "\n", " ") + "\n" + strings.ReplaceAll(second, "\n", " ") + "\n"
	wantEvents(t, strings.NewReader(lines), twoEvents)
}

func TestReadPages(t *testing.T) {
	rows := strings.TrimSuffix(strings.TrimPrefix(twoRows, "["), "]")
	first, second, _ := strings.Cut(rows, "  },\n")
	one, two := `{"pagination":{},"data":[`+first+`}]}`, `{"data":[`+second+`],"pagination":{}}`
	for name, text := range map[string]string{
		"one after the other": one + two, "a line between": one + "\n\n" + two + "\n", "an array": "[" + one + ",\n" + two + "]",
		"bare arrays": "[" + first + "}]\n[" + second + "]", "an array of arrays": "[[" + first + "}],[" + second + "]]", "an array and a page": "[" + first + "}]" + two,
		"with an empty one": one + `{"data":[]}` + two + "[]",
	} {
		t.Run(name, func(t *testing.T) { wantEvents(t, strings.NewReader(text), twoEvents) })
	}
	want := slices.Clone(twoEvents)
	slices.Reverse(want)
	wantEvents(t, strings.NewReader(two+one), want)
}
