package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSimulateIngestReport(t *testing.T) {
	db := file(t, "ledger.db")
	input := must(t, "", "simulate", "--events", "2000", "--seed", "9")
	if again := must(t, "", "simulate", "--events", "2000", "--seed", "9"); again != input {
		t.Error("simulate with the same seed: got other events")
	}
	if got := strings.Count(input, "\n"); got != 2000 {
		t.Errorf("simulate: got %d lines, want 2000", got)
	}
	if got := must(t, input, "--db", db, "ingest", "-"); !strings.HasPrefix(got, "standard input: 2000 events: ") {
		t.Errorf("ingest: got %q", got)
	}
	if got := must(t, "", "--db", db, "report"); !strings.Contains(got, "GAIN TAO") || !strings.Contains(got, "…") {
		t.Errorf("report: got %q, want a table with shortened addresses", got)
	}
	report := must(t, "", "--db", db, "report", "--json")
	if got := must(t, input, "--db", db, "ingest", "-"); got != "standard input: 2000 events: 0 applied, 2000 duplicates, 0 ignored, 0 rejected\n" {
		t.Errorf("second ingest: got %q, want only duplicates", got)
	}
	if again := must(t, "", "--db", db, "report", "--json"); again != report {
		t.Error("report --json after the second ingest: got another report")
	}
}

func TestIngestRealExport(t *testing.T) {
	export := shared(t, "data/stake_events.json")
	db := file(t, "ledger.db")
	must(t, "", "--db", db, "ingest", export)
	var report struct{ Miners []map[string]any }
	if err := json.Unmarshal([]byte(must(t, "", "--db", db, "report", "--json")), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Miners) != 1 {
		t.Fatalf("got %d miners, want 1", len(report.Miners))
	}
	for name, want := range map[string]any{
		"positions": 60., "trades": 24., "closes": 70., "open_positions": 14.,
		"closed_alpha": "1404.653400000", "open_alpha": "840.271146535", "unmatched_alpha": "0.000000000", "unmatched_tao": "0.000000000",
	} {
		if got := report.Miners[0][name]; got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	again := object(t, must(t, "", "--db", db, "ingest", "--json", export))
	if got := again["duplicates"]; got != 84. {
		t.Errorf("duplicates the second time: got %v, want 84", got)
	}
}

// TestIngestRealExportInPages: however the export is cut and in whatever order its pages come, the ledger is the same.
func TestIngestRealExportInPages(t *testing.T) {
	text, err := os.ReadFile(shared(t, "data/stake_events.json"))
	if err != nil {
		t.Fatal(err)
	}
	var export struct{ Data []json.RawMessage }
	if err := json.Unmarshal(text, &export); err != nil {
		t.Fatal(err)
	}
	whole := file(t, "whole.db")
	must(t, string(text), "--db", whole, "ingest", "-")
	want := must(t, "", "--db", whole, "report", "--json")
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for _, pages := range []int{2, 3, 5, 10, 20} {
		size := (len(export.Data) + pages - 1) / pages
		var files []string
		for rows := range slices.Chunk(export.Data, size) {
			page, err := json.Marshal(map[string]any{
				"pagination": map[string]any{"current_page": len(files) + 1, "per_page": size, "total_items": len(export.Data)}, "data": rows,
			})
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, writeFile(t, fmt.Sprintf("page%d.json", len(files)+1), string(page)))
		}
		for _, order := range orders(random, files) {
			together, apart := file(t, "together.db"), file(t, "apart.db")
			must(t, "", append([]string{"--db", together, "ingest"}, order...)...)
			for _, page := range order {
				must(t, "", "--db", apart, "ingest", "--partial", page)
			}
			for _, db := range []string{together, apart} {
				if got := must(t, "", "--db", db, "report", "--json"); got != want {
					t.Errorf("%s, %v: got %s, want %s", filepath.Base(db), order, got, want)
				}
				if got := must(t, "", "--db", db, "verify"); !strings.Contains(got, "nothing differs") {
					t.Errorf("%s, %v: verify: got %s", filepath.Base(db), order, got)
				}
				if got := must(t, "", "--db", db, "rebuild", "--all"); got != "rebuilt 1 miner: 0 changed, 1 as before\n" {
					t.Errorf("%s, %v: rebuild: got %s", filepath.Base(db), order, got)
				}
			}
		}
		run(t, "", append([]string{"--db", file(t, "ledger.db"), "ingest"}, files[1:]...)...).fails(t, exitDoubtful, "missing", "--partial")
	}
}

// orders are all orders of up to three files; of more the newest and the oldest first, and one by chance.
func orders(random *rand.Rand, files []string) (all [][]string) {
	if len(files) > 3 {
		newest, shuffled := slices.Clone(files), slices.Clone(files)
		slices.Reverse(newest)
		random.Shuffle(len(files), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		return [][]string{files, newest, shuffled}
	}
	if len(files) < 2 {
		return [][]string{files}
	}
	for i, first := range files {
		for _, rest := range orders(random, slices.Delete(slices.Clone(files), i, i+1)) {
			all = append(all, append([]string{first}, rest...))
		}
	}
	return all
}

func TestIngestSeveralFiles(t *testing.T) {
	db := file(t, "ledger.db")
	good := writeFile(t, "good.jsonl", events(event(`"extrinsic_id":"1-1"`), event(`"extrinsic_id":"2-1"`)))
	csv := writeFile(t, "good.csv", "coldkey,hotkey,kind,netuid,extrinsic_id,time,tao,alpha\n"+
		alice+","+bob+",unstake,1,3-1,2026-01-02T00:00:00Z,1,1\n")
	bad := writeFile(t, "bad.jsonl", events(event(`"extrinsic_id":"4-1"`), event(`"tao":"1.0000000001"`)))

	// The unstake comes first, and is applied after the stakes that it closes.
	got := must(t, "", "--db", db, "ingest", csv, good)
	want := csv + ", " + good + ": 3 events: 3 applied, 0 duplicates, 0 ignored, 0 rejected\n  registered   1 miner\n"
	if got != want {
		t.Errorf("two files: got %q, want %q", got, want)
	}
	got = must(t, "", "--db", db, "ingest", "--json", csv, good)
	if result := object(t, got); fmt.Sprint(result["inputs"]) != fmt.Sprintf("[map[events:1 input:%s] map[events:2 input:%s]]", csv, good) || result["duplicates"] != 3. {
		t.Errorf("again, as JSON: got %s, want the events of each file and 3 duplicates", got)
	}

	for _, order := range [][]string{{bad, good, csv}, {good, bad, csv}, {good, csv, bad}} {
		db := file(t, "ledger.db")
		r := run(t, "", append([]string{"--db", db, "ingest"}, order...)...)
		read := map[string]string{order[0]: "0 of 3 files were read before", order[1]: "1 of 3 files was read before", order[2]: "2 of 3 files were read before"}[bad]
		r.fails(t, exitFailure, bad+`:2: field "tao"`, "more than 9 decimal places", "nothing of this input was applied", read)
		if got := must(t, "", "--db", db, "events", "--json"); strings.TrimSpace(got) != "[]" || r.stdout != "" {
			t.Errorf("a bad file: got %q and the events %s, want nothing", r.stdout, got)
		}
	}
}

// TestIngestOpensFilesFirst: what cannot be read leaves no ledger behind.
func TestIngestOpensFilesFirst(t *testing.T) {
	good := writeFile(t, "good.jsonl", event(""))
	for name, c := range map[string]struct {
		args []string
		code int
		want []string
	}{
		"a file that is not there": {[]string{good, file(t, "none.json")}, exitFailure, []string{"none.json", "no such file"}},
		"a folder":                 {[]string{good, t.TempDir()}, exitFailure, []string{"it is a folder"}},
		"a zip archive":            {[]string{good, writeFile(t, "a.zip", "PK\x03\x04....")}, exitFailure, []string{"a.zip:1", "a zip archive"}},
		"a page of HTML":           {[]string{writeFile(t, "a.json", "<!DOCTYPE html>"), good}, exitFailure, []string{"a.json:1", "HTML"}},
		"nothing":                  {[]string{writeFile(t, "a.json", ""), writeFile(t, "b.json", "\n")}, exitDoubtful, []string{"a.json", "b.json", "no event in it", "--allow-empty"}},
		"standard input twice":     {[]string{"-", "-"}, exitUsage, []string{"given twice"}},
		"no ledger to be created":  {[]string{good, "--no-create"}, exitFailure, []string{"there is no ledger", "--no-create"}},
	} {
		t.Run(name, func(t *testing.T) {
			db := file(t, "ledger.db")
			run(t, "", append([]string{"--db", db, "ingest"}, c.args...)...).fails(t, c.code, c.want...)
			if _, err := os.Stat(db); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("there is a ledger: %v", err)
			}
		})
	}
}

// TestCreatedIsSaid once, and on standard error.
func TestCreatedIsSaid(t *testing.T) {
	db := file(t, "leger.db")
	if r := run(t, event(""), "--db", db, "ingest", "-"); !r.created || r.code != exitDone {
		t.Errorf("got %+v, want that it says what it created", r)
	}
	if r := run(t, event(""), "--db", db, "--no-create", "ingest", "-"); r.created || r.code != exitDone {
		t.Errorf("again: got %+v, want that nothing was created", r)
	}
}

// delegations is a page of Taostats' delegation response; each row is a stake of an extrinsic of its own.
func delegations(number, pages, items int, extrinsics ...int) string {
	next := "null"
	if number < pages {
		next = fmt.Sprint(number + 1)
	}
	var list []string
	for _, n := range extrinsics {
		list = append(list, fmt.Sprintf(`{"id":"finney-1-0x-0x-%d-1","block_number":%d,"timestamp":"2026-01-01T00:00:%02dZ","action":"DELEGATE","nominator":{"ss58":"%s"},"delegate":{"ss58":"%s"},"amount":"1","alpha":"2","netuid":1,"extrinsic_id":"%d-0001","usd":"3"}`,
			n, n, n, alice, bob, n))
	}
	return fmt.Sprintf(`{"pagination":{"current_page":%d,"per_page":2,"total_items":%d,"total_pages":%d,"next_page":%s},"data":[%s]}`, number, items, pages, next, strings.Join(list, ","))
}

// TestIngestIncomplete: what is there is applied, what is missing is told.
func TestIngestIncomplete(t *testing.T) {
	one, two, three := delegations(1, 3, 5, 5, 4), delegations(2, 3, 5, 3, 2), delegations(3, 3, 5, 1)
	a, b, c := writeFile(t, "a.json", one), writeFile(t, "b.json", two), writeFile(t, "c.json", three)
	for name, test := range map[string]struct {
		input string
		files []string
		count float64
		want  []string // nil: complete
	}{
		"the last is missing":    {files: []string{a, b}, count: 4, want: []string{a + ", " + b + ": page 3 is missing, pages 1-2 are there (4 of 5 rows)", "what is there was applied", "--partial"}},
		"the first is missing":   {files: []string{c, b}, count: 3, want: []string{"page 1 is missing"}},
		"one in between":         {files: []string{c, a}, count: 3, want: []string{"page 2 is missing", "pages 1, 3 are there"}},
		"page 1 of 3":            {files: []string{a}, count: 2, want: []string{"pages 2-3 are missing, page 1 is there"}},
		"rows are missing":       {input: delegations(1, 1, 5, 1, 2), files: []string{"-"}, count: 2, want: []string{"standard input", "rows are missing (2 of 5 rows)"}},
		"one file of pages":      {input: one + three, files: []string{"-"}, count: 3, want: []string{"page 2 is missing"}},
		"an empty file":          {input: "[]", files: []string{a, "-", b, c}, count: 5, want: []string{"standard input: no event in it", "--allow-empty"}},
		"all of them":            {files: []string{c, a, b}, count: 5},
		"all of them, one twice": {files: []string{c, a, b, c}, count: 6},
		"all in one file":        {input: three + "\n" + one + two, files: []string{"-"}, count: 5},
		"an array of them":       {input: "[" + two + "," + one + "," + three + "]", files: []string{"-"}, count: 5},
		"in a file and another":  {input: "[" + two + "," + one + "]", files: []string{"-", c}, count: 5},
	} {
		t.Run(name, func(t *testing.T) {
			db := file(t, "ledger.db")
			r := run(t, test.input, append([]string{"--db", db, "ingest", "--json"}, test.files...)...)
			if test.want != nil {
				r.fails(t, exitDoubtful, test.want...)
			} else if r.code != exitDone || r.stderr != "" {
				t.Errorf("got exit code %d and %q, want 0 and nothing", r.code, r.stderr)
			}
			if got := object(t, r.stdout)["events"]; got != test.count {
				t.Errorf("got %v events, want %v", got, test.count)
			}
			if r := run(t, test.input, append([]string{"--db", db, "ingest", "--partial", "--allow-empty"}, test.files...)...); r.code != exitDone || r.stderr != "" {
				t.Errorf("accepted: got exit code %d and %q, want 0 and nothing", r.code, r.stderr)
			}
		})
	}
}

// excluding sets the policy of a ledger so that transfers do not count, and returns its path.
func excluding(t *testing.T, db string) string {
	t.Helper()
	must(t, "", "--db", db, "policy", "set", "--transfers", "exclude")
	return db
}

// TestIngestListsOfOurs: what the lists print is taken in again, and gives the same.
func TestIngestListsOfOurs(t *testing.T) {
	db, again, parts := file(t, "ledger.db"), file(t, "again.db"), file(t, "parts.db")
	must(t, events(
		event(`"extrinsic_id":"1-1"`), event(`"extrinsic_id":"2-1","transfer":true`), event(`"extrinsic_id":"4-1","tao":"0","fee":"0.000000020","usd":"36.560"`),
		event(`"extrinsic_id":"3-1","kind":"unstake","time":"2026-01-02T00:00:00Z","alpha":"1.5","block":9`),
	), "--db", excluding(t, db), "ingest", "-")
	list := must(t, "", "--db", db, "events", "--json")
	for _, want := range []string{`"transfer":true,"fee":null,"usd":null,"outcome":"ignored"`, `"transfer":null,"fee":"0.000000020","usd":"36.560"`} {
		if !strings.Contains(list, want) {
			t.Errorf("events: got %s, want %s in it", list, want)
		}
	}
	must(t, list, "--db", excluding(t, again), "ingest", "-")
	for _, name := range []string{"report", "events", "trades", "positions"} {
		if got, want := must(t, "", "--db", again, name, "--json"), must(t, "", "--db", db, name, "--json"); got != want {
			t.Errorf("%s of what events printed: got %s, want %s", name, got, want)
		}
	}
	trades := writeFile(t, "trades.json", must(t, "", "--db", db, "trades", "--json"))
	must(t, must(t, "", "--db", db, "positions", "--json"), "--db", excluding(t, parts), "ingest", trades, "-")
	if got, want := must(t, "", "--db", parts, "report", "--json"), must(t, "", "--db", db, "report", "--json"); got != want {
		t.Errorf("report of what trades and positions printed: got %s, want %s", got, want)
	}
}

// TestIngestChainEvents: a StakeMoved in another file marks what stands in its extrinsic.
func TestIngestChainEvents(t *testing.T) {
	row := func(name string, extrinsic, index int) string {
		return fmt.Sprintf(`{"pallet":"SubtensorModule","name":"%s","index":%d,"block_number":7,"extrinsic_id":"7-%04d","timestamp":"2026-01-01T00:00:00Z","args":["%s","%s","1000000000","2000000000",1,0]}`, name, index, extrinsic, alice, bob)
	}
	stakes := writeFile(t, "stakes.json", "["+row("StakeAdded", 1, 1)+","+row("StakeRemoved", 2, 2)+","+row("StakeAdded", 2, 3)+"]")
	moves := writeFile(t, "moves.jsonl", row("StakeMoved", 2, 4)+"\n")
	for _, order := range [][]string{{stakes, moves}, {moves, stakes}} {
		db := file(t, "ledger.db")
		got := must(t, "", append([]string{"--db", excluding(t, db), "ingest"}, order...)...)
		if want := "3 events: 1 applied, 0 duplicates, 2 ignored, 0 rejected\n"; !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		// Our own form of the same stake is the same event.
		got = must(t, event(`"extrinsic_id":"7-0001","event_index":1,"block":7`), "--db", db, "ingest", "-")
		if want := "0 applied, 1 duplicate"; !strings.Contains(got, want) {
			t.Errorf("our own form: got %q, want %q", got, want)
		}
	}
}

func TestIngestLenient(t *testing.T) {
	line := event(`"price":"2"`)
	run(t, line, "--db", file(t, "ledger.db"), "ingest", "-").fails(t, exitFailure, `field "price": unknown`)
	r := run(t, line, "--db", file(t, "ledger.db"), "ingest", "--lenient", "-")
	if want := "ingest standard input: field \"price\" is not one of ours and was skipped\n"; r.code != exitDone || r.stderr != want {
		t.Errorf("got exit code %d and %q, want %d and %q", r.code, r.stderr, exitDone, want)
	}
}

func TestIngestIgnores(t *testing.T) {
	input := events(
		event(`"extrinsic_id":"1-1","netuid":0`),
		event(`"extrinsic_id":"2-1","tao":"0"`),
		event(`"extrinsic_id":"3-1","kind":"unstake","netuid":9`),
		event(`"extrinsic_id":"4-1","transfer":true`),
		event(`"extrinsic_id":"5-1","time":"2025-01-01T00:00:00Z"`),
	)
	got := must(t, input, "--db", excluding(t, file(t, "ledger.db")), "ingest", "--tracking-start", "2025-06-01T00:00:00Z", "-")
	want := "standard input: 5 events: 0 applied, 0 duplicates, 5 ignored, 0 rejected\n  registered   1 miner\n" +
		"  ignored      before_tracking_start 1, excluded 1, invalid_netuid 1, no_open_position 1, zero_amounts 1\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	got = must(t, input, "--db", file(t, "other.db"), "ingest", "-")
	if want := "standard input: 5 events: 2 applied, 0 duplicates, 3 ignored, 0 rejected\n"; !strings.HasPrefix(got, want) {
		t.Errorf("by default: got %q, want it to begin with %q", got, want)
	}
}

func TestIngestRules(t *testing.T) {
	soon := events(
		event(`"extrinsic_id":"1-1","block":1000`),
		event(`"extrinsic_id":"2-1","block":1100,"kind":"unstake","time":"2026-01-01T00:20:00Z","tao":"1.5"`),
	)
	self := events(event(`"event_index":1`), event(`"event_index":2,"kind":"unstake","tao":"1.5"`))
	for _, test := range []struct {
		name, input string
		flags       []string
		want        string
	}{
		{"100 blocks are too few", soon, nil, "0.000000000"},
		{"100 blocks are enough", soon, []string{"--min-blocks", "100"}, "0.500000000"},
		{"any time", soon, []string{"--min-blocks", "0"}, "0.500000000"},
		{"self-trades count nothing", self, nil, "0.000000000"},
		{"self-trades are clamped", self, []string{"--self-trades", "clamp"}, "0.000100000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := file(t, "ledger.db")
			if test.flags != nil {
				must(t, "", append([]string{"--db", db, "policy", "set"}, test.flags...)...)
			}
			must(t, test.input, "--db", db, "ingest", "-")
			miners := rows(t, must(t, "", "--db", db, "miners", "--json"))
			if got := miners[0]["gain_tao"]; got != test.want {
				t.Errorf("gain: got %v, want %v", got, test.want)
			}
		})
	}
}

func TestIngestRejects(t *testing.T) {
	db := file(t, "ledger.db")
	must(t, event(""), "--db", db, "ingest", "-")
	conflict := event(`"tao":"7","block":5`)

	r := run(t, conflict, "--db", db, "ingest", "-")
	r.fails(t, exitRejected, "1 event was rejected", "stakeledger rejected lists")
	for _, part := range []string{"0 applied, 0 duplicates, 0 ignored, 1 rejected", "duplicate_conflict 1", alice + "  100-0001 #0  duplicate_conflict\n      block 5, on record 0\n      tao 7.000000000, on record 1.000000000\n"} {
		if !strings.Contains(r.stdout, part) {
			t.Errorf("conflict: got %q, want it to say %q", r.stdout, part)
		}
	}
	r = run(t, conflict, "--db", db, "ingest", "-")
	r.fails(t, exitRejected, "1 event was rejected")
	if strings.Contains(r.stdout, alice) || !strings.Contains(r.stdout, "lists all") {
		t.Errorf("the same conflict again: got %q, want no list of new ones but where all are", r.stdout)
	}

	unknown := must(t, event(`"coldkey":"`+bob+`"`), "--db", db, "ingest", "--no-register", "--json", "-") // a notice
	got, _ := json.Marshal(object(t, unknown)["rejected_events"])
	if want := `[{"coldkey":"` + bob + `","conflicts":[],"event_index":0,"extrinsic_id":"100-0001","reason":"unknown_miner"}]`; string(got) != want {
		t.Errorf("rejected_events: got %s, want %s", got, want)
	}

	list := rows(t, must(t, "", "--db", db, "events", "--outcome", "rejected", "--json"))
	if len(list) != 2 || list[0]["tao"] != "7.000000000" || list[0]["outcome"] != "rejected" || list[1]["reason"] != "unknown_miner" {
		t.Errorf("events --outcome rejected: got %v, want the conflict with its contents, then the unknown miner", list)
	}
	if got := must(t, "", "--db", db, "events", "--outcome", "rejected", "--from", "2026-01-01T00:00:01Z", "--json"); got != "[]\n" {
		t.Errorf("rejected events after their time: got %s, want none", got)
	}
	if got := must(t, "", "--db", db, "events", "--outcome", "rejected", "--miner", bob); strings.Count(got, "\n") != 3 {
		t.Errorf("rejected events of an unknown miner: got %q, want a table with one row", got)
	}
}

func TestIngestListsAFewRejected(t *testing.T) {
	db := file(t, "ledger.db")
	var first, second strings.Builder
	for i := range 2 * shownRejected {
		fmt.Fprintln(&first, event(fmt.Sprintf(`"event_index":%d`, i)))
		fmt.Fprintln(&second, event(fmt.Sprintf(`"event_index":%d,"alpha":"9"`, i)))
	}
	must(t, first.String(), "--db", db, "ingest", "-")
	r := run(t, second.String(), "--db", db, "ingest", "-")
	r.fails(t, exitRejected, fmt.Sprintf("%d events were rejected", 2*shownRejected))
	if got := strings.Count(r.stdout, alice); got != shownRejected || !strings.Contains(r.stdout, "lists all") {
		t.Errorf("got %d rejected events listed in %q, want %d and where the others are", got, r.stdout, shownRejected)
	}
}

func TestIngestWrongInput(t *testing.T) {
	for _, test := range []struct {
		name, stdin, arg string
		parts            []string
	}{
		{"bad row after a good one", event("") + "\n" + event(`"kind":"gift"`), "-", []string{"standard input:2"}},
		{"bad address", event(`"coldkey":"5Grw"`), "-", []string{"standard input:1", `field "coldkey"`}},
		{"truncated", event("")[:80], "-", []string{"standard input:1"}},
		{"escape sequence", event(`"kind":"\u001b[31m"`), "-", []string{`\x1b[31m`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := file(t, "ledger.db")
			run(t, test.stdin, "--db", db, "ingest", test.arg).fails(t, exitFailure, test.parts...)
			if strings.HasPrefix(test.name, "bad row after") {
				if got := must(t, "", "--db", db, "miners", "--json"); got != "[]\n" {
					t.Errorf("miners: got %s, want none", got)
				}
			} else if _, err := os.Stat(db); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("got %v, want no ledger made for an input that is wrong from its beginning", err)
			}
		})
	}
}

func TestIngestNothing(t *testing.T) {
	db := file(t, "ledger.db")
	if got, want := must(t, "", "--db", db, "ingest", "--allow-empty", "-"), "standard input: 0 events: 0 applied, 0 duplicates, 0 ignored, 0 rejected\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := must(t, "", "--db", db, "report"); !strings.Contains(got, "no miners yet") {
		t.Errorf("report of an empty ledger: got %q, want a sentence", got)
	}
	if got := must(t, "", "--db", db, "report", "--json"); !strings.HasPrefix(got, `{"miners":[],"policy":{`) {
		t.Errorf("report --json of an empty ledger: got %q", got)
	}
}

func TestDatabaseOfTheEnvironment(t *testing.T) {
	byEnv, byFlag := file(t, "env.db"), file(t, "flag.db")
	t.Setenv("STAKELEDGER_DB", byEnv)
	must(t, event(""), "ingest", "-")
	if _, err := os.Stat(byEnv); err != nil {
		t.Errorf("without --db: %v, want the file that STAKELEDGER_DB names", err)
	}
	must(t, event(""), "ingest", "-", "--db", byFlag)
	if _, err := os.Stat(byFlag); err != nil {
		t.Errorf("with --db: %v, want the file that the flag names", err)
	}
}
