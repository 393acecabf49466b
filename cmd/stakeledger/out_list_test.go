package main

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// shapes are the members of each list's objects, in order.
var shapes = map[string][]string{
	"miners": {"miner_id", "coldkey", "status", "uids", "tracking_start", "registered_at", "last_active", "marked", "trades", "positions",
		"open_positions", "closes", "entry_tao", "entry_alpha", "open_alpha", "closed_alpha", "exit_tao", "cost_tao", "raw_gain_tao",
		"gain_tao", "wins", "counted_closes", "counted_duration_us", "unmatched_alpha", "unmatched_tao"},
	"positions": {"position_id", "miner_id", "coldkey", "netuid", "hotkey", "extrinsic_id", "event_index", "entry_block", "entry_time",
		"entry_tao", "entry_alpha", "remaining_alpha", "status", "last_exit_time", "closed_at", "gain_tao", "archived"},
	"trades": {"trade_id", "miner_id", "coldkey", "netuid", "hotkey", "extrinsic_id", "event_index", "exit_block", "exit_time",
		"exit_tao", "exit_alpha", "closes", "cost_tao", "raw_gain_tao", "gain_tao", "unmatched_alpha", "unmatched_tao", "archived"},
	"events": {"event_id", "coldkey", "hotkey", "kind", "netuid", "extrinsic_id", "event_index", "block", "time", "tao", "alpha", "transfer", "fee", "usd",
		"outcome", "reason", "out_of_order"},
	"report": {"coldkey", "trades", "positions", "open_positions", "closes", "entry_tao", "entry_alpha", "open_alpha", "closed_alpha",
		"exit_tao", "cost_tao", "raw_gain_tao", "gain_tao", "wins", "counted_closes", "unmatched_alpha", "unmatched_tao"},
}

var (
	isAmount = regexp.MustCompile(`^-?[0-9]+\.[0-9]{9}$`)
	isID     = regexp.MustCompile(`_id$|^uids?$|^netuid$|index$|block$|^(trades|positions|open_positions|closes|wins|counted_closes)$|_us$`)
)

func TestJSONShapes(t *testing.T) {
	db := simulated(t)
	for name, want := range shapes {
		t.Run(name, func(t *testing.T) {
			text := must(t, "", "--db", db, name, "--json")
			if name == "report" {
				text, _, _ = strings.Cut(strings.TrimPrefix(text, `{"miners":`), `,"policy":`)
			}
			var objects []json.RawMessage
			if err := json.Unmarshal([]byte(text), &objects); err != nil || len(objects) == 0 {
				t.Fatalf("got %d objects in %.200q: %v", len(objects), text, err)
			}
			for _, object := range objects {
				if got := members(t, object); !slices.Equal(got, want) {
					t.Fatalf("got members %v, want %v", got, want)
				}
			}
			for _, row := range rows(t, text) {
				for member, value := range row {
					if !fits(member, value) {
						t.Fatalf("%s: got %T %v", member, value, value)
					}
				}
			}
		})
	}
}

// members are the names in a JSON object, in order.
func members(t *testing.T, object []byte) (names []string) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(object)))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name.(string))
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// fits reports whether a value has the form that its name promises.
func fits(member string, value any) bool {
	switch {
	case value == nil:
		return slices.Contains([]string{"tracking_start", "last_active", "last_exit_time", "closed_at", "reason", "transfer", "fee", "usd"}, member)
	case strings.HasSuffix(member, "tao") || strings.HasSuffix(member, "alpha"):
		text, ok := value.(string)
		return ok && isAmount.MatchString(text)
	case strings.HasSuffix(member, "time") || strings.HasSuffix(member, "_at") || member == "last_active":
		text, ok := value.(string)
		_, err := time.Parse(time.RFC3339, text)
		return ok && err == nil
	case member == "extrinsic_id":
		_, ok := value.(string)
		return ok
	case member == "uids":
		_, ok := value.([]any)
		return ok
	case isID.MatchString(member):
		_, ok := value.(float64)
		return ok
	}
	return true
}

// TestFilters compares what each filter leaves with what a reader of the whole list would keep.
func TestFilters(t *testing.T) {
	db := simulated(t)
	all := map[string][]map[string]any{}
	for _, name := range []string{"miners", "positions", "trades", "events"} {
		all[name] = rows(t, must(t, "", "--db", db, name, "--json"))
	}
	coldkey := all["miners"][3]["coldkey"].(string)
	must(t, "", "--db", db, "status", coldkey, "blacklisted")
	const from, until = "2025-02-01T00:00:00Z", "2025-02-20T12:00:00Z"
	in := func(member string) func(map[string]any) bool {
		return func(row map[string]any) bool { return row[member].(string) >= from && row[member].(string) <= until }
	}
	is := func(member string, values ...any) func(map[string]any) bool {
		return func(row map[string]any) bool { return slices.Contains(values, row[member]) }
	}
	for _, test := range []struct {
		args string
		keep []func(map[string]any) bool
	}{
		{"miners --miner " + coldkey, []func(map[string]any) bool{is("coldkey", coldkey)}},
		{"miners --status blacklisted", []func(map[string]any) bool{is("coldkey", coldkey)}},
		{"miners --status active --miner " + coldkey, []func(map[string]any) bool{is("coldkey")}},
		{"positions --miner " + coldkey, []func(map[string]any) bool{is("coldkey", coldkey)}},
		{"positions --status partial", []func(map[string]any) bool{is("status", "partial")}},
		{"positions --open", []func(map[string]any) bool{is("status", "open", "partial")}},
		{"positions --netuid 3", []func(map[string]any) bool{is("netuid", 3.)}},
		{"positions --from " + from + " --until " + until, []func(map[string]any) bool{in("entry_time")}},
		{"positions --open --netuid 3 --from " + from + " --until " + until, []func(map[string]any) bool{is("status", "open", "partial"), is("netuid", 3.), in("entry_time")}},
		{"trades --miner " + coldkey + " --netuid 3", []func(map[string]any) bool{is("coldkey", coldkey), is("netuid", 3.)}},
		{"trades --from " + from + " --until " + until, []func(map[string]any) bool{in("exit_time")}},
		{"events --outcome ignored", []func(map[string]any) bool{is("outcome", "ignored")}},
		{"events --outcome applied --miner " + coldkey, []func(map[string]any) bool{is("outcome", "applied"), is("coldkey", coldkey)}},
		{"events --from " + from + " --until " + until, []func(map[string]any) bool{in("time")}},
		{"events --outcome rejected", []func(map[string]any) bool{is("outcome", "rejected")}},
	} {
		t.Run(test.args, func(t *testing.T) {
			args := strings.Fields(test.args)
			id := idOf(args[0])
			want := map[any]bool{}
			for _, row := range all[args[0]] {
				if !slices.ContainsFunc(test.keep, func(keep func(map[string]any) bool) bool { return !keep(row) }) {
					want[row[id]] = true
				}
			}
			got := rows(t, must(t, "", append(args, "--db", db, "--json")...))
			for _, row := range got {
				if !want[row[id]] {
					t.Errorf("got %v, which the filter should drop", row)
				}
				delete(want, row[id])
			}
			if len(want) > 0 {
				t.Errorf("%d rows are missing, among %d that came", len(want), len(got))
			}
		})
	}
}

// idOf is the member that names a row of a list.
func idOf(list string) string { return strings.TrimSuffix(list, "s") + "_id" }

func TestLimit(t *testing.T) {
	db := simulated(t)
	all := rows(t, must(t, "", "--db", db, "positions", "--json"))
	for _, n := range []int{1, 100, 1000, 1001, len(all)} {
		got := rows(t, must(t, "", "--db", db, "positions", "--json", "--limit", fmt.Sprint(n)))
		if want := min(n, len(all)); len(got) != want || got[want-1]["position_id"] != all[want-1]["position_id"] {
			t.Errorf("--limit %d: got %d rows, want the first %d", n, len(got), want)
		}
	}
	for _, test := range []struct {
		flags []string
		lines int
		more  bool
	}{
		{nil, tableRows, true},
		{[]string{"--limit", "7"}, 7, true},
		{[]string{"--limit", "0"}, len(all), false},
		{[]string{"--limit", fmt.Sprint(len(all))}, len(all), false},
	} {
		got := must(t, "", append([]string{"--db", db, "positions"}, test.flags...)...)
		if n := strings.Count(got, " 2025-"); n != test.lines || strings.Contains(got, "--limit 0 prints all") != test.more {
			t.Errorf("table with %v: got %d rows, and more of them %v; want %d and %v", test.flags, n, !test.more, test.lines, test.more)
		}
	}
	if got, want := must(t, "", "--db", db, "positions", "--netuid", "999"), "No such positions.\n"; got != want {
		t.Errorf("no rows: got %q, want %q", got, want)
	}
	if got, want := must(t, "", "--db", db, "positions", "--netuid", "999", "--json"), "[]\n"; got != want {
		t.Errorf("no rows, as JSON: got %q, want %q", got, want)
	}
}

// TestLongLists: a miner has more rows than a page.
func TestLongLists(t *testing.T) {
	const n = 2*pageSize + 500
	db := file(t, "ledger.db")
	var input strings.Builder
	for i := range n {
		fmt.Fprintln(&input, event(fmt.Sprintf(`"event_index":%d`, i)))
	}
	must(t, input.String(), "--db", db, "ingest", "-")
	for _, args := range [][]string{{"positions"}, {"positions", "--open"}, {"events"}} {
		ids := map[any]bool{}
		list := rows(t, must(t, "", append(args, "--db", db, "--json")...))
		for _, row := range list {
			ids[row[idOf(args[0])]] = true
		}
		if len(list) != n || len(ids) != n {
			t.Errorf("%v: got %d rows with %d ids, want %d", args, len(list), len(ids), n)
		}
	}
}

// TestTradesAddUp compares the sums of the trades with the counters of their miners.
func TestTradesAddUp(t *testing.T) {
	db := simulated(t)
	sums := map[string]*big.Rat{}
	add := func(key string, value any) {
		if sums[key] == nil {
			sums[key] = new(big.Rat)
		}
		amount, ok := new(big.Rat).SetString(fmt.Sprint(value))
		if !ok {
			t.Fatalf("%s: %v is no amount", key, value)
		}
		sums[key].Add(sums[key], amount)
	}
	for _, trade := range rows(t, must(t, "", "--db", db, "trades", "--json")) {
		for _, member := range []string{"closes", "cost_tao", "raw_gain_tao", "gain_tao"} {
			add(trade["coldkey"].(string)+member, trade[member])
		}
	}
	miners := rows(t, must(t, "", "--db", db, "miners", "--json"))
	for _, miner := range miners {
		for _, member := range []string{"closes", "cost_tao", "raw_gain_tao", "gain_tao"} {
			key := miner["coldkey"].(string) + member
			add(key, "0")
			want, _ := new(big.Rat).SetString(fmt.Sprint(miner[member]))
			if sums[key].Cmp(want) != 0 {
				t.Errorf("%s of %s: trades sum to %s, the miner has %s", member, miner["coldkey"], sums[key].FloatString(9), want.FloatString(9))
			}
		}
	}
}
