package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ingest"
	"github.com/stakeledger/stakeledger/ledger"
)

// TestTheLedgerIsAFunctionOfItsFiles: whatever forms events come in, over however many files, calls and processes, some
// of them twice, some of them killed, with backups that are restored and archives in between, the ledger is that of all
// events at once, in order.
func TestTheLedgerIsAFunctionOfItsFiles(t *testing.T) {
	streams := 15
	if text := os.Getenv("LAW_STREAMS"); text != "" {
		var err error
		if streams, err = strconv.Atoi(text); err != nil {
			t.Fatalf("LAW_STREAMS=%q: want a number", text)
		}
	}
	base := uint64(time.Now().UnixNano())
	for i := range uint64(streams) {
		seed := base + i
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			law{t, rand.New(rand.NewPCG(seed, 17)), file(t, "ledger.db")}.try(i%5 == 0)
		})
		if t.Failed() {
			return
		}
	}
}

// law is a ledger that gets a stream of events by the command.
type law struct {
	*testing.T
	*rand.Rand
	db string
}

func (w law) try(killed bool) {
	all := w.stream(20 + w.IntN(60))
	inOrder := slices.Clone(all)
	slices.SortFunc(inOrder, func(a, b ledger.Event) int { return cmp.Compare(a.Time, b.Time) })
	whole := file(w, "whole.db")
	must(w, ours(inOrder), "--db", whole, "ingest", "-")

	w.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, e := range slices.Clone(all) {
		if w.IntN(6) == 0 {
			all = append(all, e)
		}
	}
	for calls := 0; len(all) > 0; calls++ {
		n := min(len(all), 1+w.IntN(40))
		var files []string
		for part := range slices.Chunk(all[:n], 1+w.IntN(n)) {
			files = append(files, w.write(part))
		}
		all = all[n:]
		ingest := append([]string{"--db", w.db, "ingest", "--partial"}, files...)
		if killed && calls == 0 {
			w.kill(ingest)
		}
		must(w, "", ingest...)
		w.between()
	}
	w.isTheSame(whole)
}

// kill starts a process, and ends it at any moment.
func (w law) kill(args []string) {
	cmd := process(args...)
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ended:
	case <-time.After(time.Duration(w.Int64N(int64(100 * time.Millisecond)))):
		_ = cmd.Process.Kill()
		<-ended
	}
}

// between is what an operator does between two inputs.
func (w law) between() {
	switch w.IntN(8) {
	case 0:
		must(w, "", "--db", w.db, "archive", "--before", "2026-01-01T00:10:00Z")
	case 1:
		must(w, "", "--db", w.db, "rebuild", "--all", "--json")
	case 2:
		copied, restored := file(w, "copy.db"), file(w, "restored.db")
		must(w, "", "--db", w.db, "backup", copied)
		must(w, "", "--db", restored, "restore", copied)
		must(w, "", "--db", restored, "report", "--json")
		if got := must(w, "", "--db", restored, "diff", w.db); got != "Nothing differs.\n" {
			w.Errorf("restored: got %s", got)
		}
	}
}

func (w law) isTheSame(whole string) {
	for _, pair := range [][2]string{{whole, w.db}, {w.db, whole}} {
		if r := run(w, "", "--db", pair[0], "diff", pair[1]); r.code != exitDone {
			w.Errorf("diff: got %s%s", r.stdout, r.stderr)
		}
	}
	if got, want := must(w, "", "--db", w.db, "report", "--json"), must(w, "", "--db", whole, "report", "--json"); got != want {
		w.Errorf("report: got %s, want %s", got, want)
	}
	for _, db := range []string{w.db, whole} {
		if got := must(w, "", "--db", db, "verify"); !strings.Contains(got, "nothing differs") {
			w.Errorf("verify: got %s", got)
		}
		if got := must(w, "", "--db", db, "rebuild", "--all"); !strings.Contains(got, ": 0 changed, ") {
			w.Errorf("rebuild: got %s, want no change", got)
		}
	}
}

// stream are events of two miners of which many share a moment, a block or an extrinsic. Blocks and extrinsics are as
// the chain has them, so that every form can say them.
func (w law) stream(n int) (events []ledger.Event) {
	start, err := chain.ParseTime("2026-01-01T00:00:00Z")
	if err != nil {
		w.Fatal(err)
	}
	for i := range n {
		minute := w.IntN(20)
		block := int64(5000 + minute/2)
		e := ledger.Event{
			Kind: []chain.EventKind{chain.Stake, chain.Stake, chain.Unstake}[w.IntN(3)], Coldkey: alice, Hotkey: bob, Netuid: chain.Netuid(1 + w.IntN(2)),
			ExtrinsicID: fmt.Sprintf("%d-%04d", block, 1+w.IntN(3)), EventIndex: int64(n - i), Block: block,
			Time: start.Add(time.Duration(minute/2) * time.Minute), TAO: chain.Rao(1 + w.IntN(900)), Alpha: chain.Rao(1 + w.IntN(900)),
		}
		if w.IntN(3) == 0 {
			e.Coldkey, e.Hotkey = bob, alice
		}
		events = append(events, e)
	}
	return events
}

// write puts events into a file of one of the forms.
func (w law) write(events []ledger.Event) string {
	form := w.IntN(7)
	text := []func([]ledger.Event) string{ours, asArray, asCSV, asRows, w.asPages, asChain, ours}[form](events)
	if w.IntN(3) == 0 {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		if _, err := z.Write([]byte(text)); err != nil {
			w.Fatal(err)
		}
		if err := z.Close(); err != nil {
			w.Fatal(err)
		}
		text = packed.String()
	}
	return writeFile(w, fmt.Sprintf("form%d", form), text)
}

// ours is JSON Lines of our own form.
func ours(events []ledger.Event) string {
	var text []byte
	for _, e := range events {
		text = append(ingest.Row{Event: e}.AppendJSON(text), '\n')
	}
	return string(text)
}

func asArray(events []ledger.Event) string {
	return "[" + strings.ReplaceAll(strings.TrimSpace(ours(events)), "\n", ",\n") + "]"
}

func asCSV(events []ledger.Event) string {
	var text strings.Builder
	text.WriteString("time;tao;alpha;coldkey;hotkey;kind;netuid;extrinsic_id;event_index;block\r\n")
	for _, e := range events {
		fmt.Fprintf(&text, "%s;%s;%s;%s;%s;%s;%d;%s;%d;%d\r\n", e.Time, e.TAO, e.Alpha, e.Coldkey, e.Hotkey, e.Kind, e.Netuid, e.ExtrinsicID, e.EventIndex, e.Block)
	}
	return text.String()
}

// asRows are rows of a delegation response.
func asRows(events []ledger.Event) string {
	rows := make([]string, len(events))
	for i, e := range events {
		action := map[chain.EventKind]string{chain.Stake: "DELEGATE", chain.Unstake: "UNDELEGATE"}[e.Kind]
		rows[i] = fmt.Sprintf(`{"id":"finney-%d-%d","block_number":%d,"timestamp":"%s","action":"%s","nominator":{"ss58":"%s"},"delegate":{"ss58":"%s"},"amount":"%d","alpha":"%d","netuid":%d,"extrinsic_id":"%s","is_transfer":null}`,
			e.Block, e.EventIndex, e.Block, e.Time, action, e.Coldkey, e.Hotkey, int64(e.TAO), int64(e.Alpha), e.Netuid, e.ExtrinsicID)
	}
	return "[" + strings.Join(rows, ",") + "]"
}

// asPages is a delegation response in pages, in any order.
func (w law) asPages(events []ledger.Event) string {
	size := 1 + w.IntN(len(events))
	var pages []string
	for part := range slices.Chunk(events, size) {
		pages = append(pages, fmt.Sprintf(`{"pagination":{"current_page":%d,"per_page":%d,"total_items":%d},"data":%s}`, len(pages)+1, size, len(events), asRows(part)))
	}
	w.Shuffle(len(pages), func(i, j int) { pages[i], pages[j] = pages[j], pages[i] })
	return strings.Join(pages, "\n")
}

// asChain are events of the chain, as an event response has them.
func asChain(events []ledger.Event) string {
	rows := make([]string, len(events))
	for i, e := range events {
		name := map[chain.EventKind]string{chain.Stake: "StakeAdded", chain.Unstake: "StakeRemoved"}[e.Kind]
		args, err := json.Marshal([]any{e.Coldkey, e.Hotkey, fmt.Sprint(int64(e.TAO)), int64(e.Alpha), e.Netuid})
		if err != nil {
			panic(err)
		}
		rows[i] = fmt.Sprintf(`{"pallet":"SubtensorModule","name":"%s","args":%s,"index":%d,"block_number":%d,"extrinsic_id":"%s","timestamp":"%s"}`,
			name, args, e.EventIndex, e.Block, e.ExtrinsicID, e.Time)
	}
	return strings.Join(rows, "\n")
}
