package main

import (
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// changedFact is a value under its name.
type changedFact struct {
	name  string
	value any
}

// writeRebuilt prints what came of each miner, and then the fields that changed, so many of them at most; 0
// stands for all.
func writeRebuilt(w io.Writer, results iter.Seq2[rebuildOfMiner, error], most int64) error {
	t := newTable("MINER", "ROW", "FIELD", "BEFORE", "AFTER")
	var all, same, more int64
	for r, err := range results {
		if err != nil {
			return err
		}
		if all++; !r.Changed() {
			same++
		}
		if err := writeText(w, rebuiltText(r)); err != nil {
			return err
		}
		for _, row := range r.changedFields() {
			if most > 0 && int64(len(t.rows)) == most {
				more++
				continue
			}
			t.add(append([]any{r.miner.Coldkey}, row...)...)
		}
	}
	if len(t.rows) > 0 {
		if err := t.write(w); err != nil {
			return err
		}
	}
	var last string
	if more > 0 {
		last = fmt.Sprintf("There are %d more; --limit 0 prints all, --json each row whole.\n", more)
	}
	last += fmt.Sprintf("rebuilt %s: %d changed, %d as before\n", plural(all, "miner", "miners"), all-same, same)
	return writeText(w, last)
}

// rebuiltText describes the changes of a miner, with a line for each event whose terms could not be honoured.
func rebuiltText(r rebuildOfMiner) string {
	var b strings.Builder
	if r.Changed() {
		restated := ""
		if r.Restated > 0 {
			restated = fmt.Sprintf(", %d under another policy before", r.Restated)
		}
		fmt.Fprintf(&b, "%s: %s replayed, %d of them late%s\n    changed %s, %s, %s and %s\n", escapeControls(string(r.miner.Coldkey)),
			plural(r.Replayed, "event", "events"), r.Reordered, restated, plural(int64(len(r.Outcomes)), "outcome", "outcomes"),
			plural(int64(len(r.Positions)), "position", "positions"), plural(int64(len(r.Trades)), "trade", "trades"),
			plural(int64(len(r.Closes)), "close", "closes"))
	}
	for _, u := range r.Unhonoured {
		fmt.Fprintf(&b, "%s: event %d cannot be handled as it was asked for: %s\n", escapeControls(string(r.miner.Coldkey)), u.EventID, escapeControls(u.Detail))
	}
	return b.String()
}

// changedFields are the fields that changed, as cells: row, field, before and after.
func (r rebuildOfMiner) changedFields() (rows [][]any) {
	for _, c := range r.Outcomes {
		rows = append(rows, factRows("event", c, func(e ledger.RecordedEvent) (string, []changedFact) {
			return fmt.Sprint(e.EventID), []changedFact{{"outcome", outcomeText(e)}}
		})...)
	}
	for _, c := range r.Positions {
		rows = append(rows, factRows("position", c, func(p ledger.Position) (string, []changedFact) {
			return fmt.Sprint(p.PositionID), []changedFact{{"status", string(p.Status)}, {"remaining_alpha", p.RemainingAlpha}, {"gain_tao", p.Gain},
				{"last_exit_time", secondText(p.LastExitTime)}, {"entry_tao", p.EntryTAO}, {"entry_alpha", p.EntryAlpha}}
		})...)
	}
	for _, c := range r.Trades {
		rows = append(rows, factRows("trade", c, func(t ledger.Trade) (string, []changedFact) {
			return fmt.Sprint(t.TradeID), []changedFact{{"exit_tao", t.ExitTAO}, {"exit_alpha", t.ExitAlpha},
				{"unmatched_alpha", t.UnmatchedAlpha}, {"unmatched_tao", t.UnmatchedTAO}}
		})...)
	}
	for _, c := range r.Closes {
		rows = append(rows, factRows("close", c, func(c ledger.Close) (string, []changedFact) {
			return fmt.Sprintf("%d/%d", c.TradeID, c.Step), []changedFact{{"position_id", c.PositionID}, {"alpha", c.Alpha}, {"tao", c.TAO},
				{"cost_tao", c.Cost}, {"gain_tao", c.Gain}, {"duration_us", c.DurationUs}, {"min_blocks_met", c.MinBlocksMet}, {"self_trade", c.SelfTrade}}
		})...)
	}
	return append(rows, factRows("miner", r.Counters, minerFacts)...)
}

func outcomeText(e ledger.RecordedEvent) string {
	if e.Reason != nil {
		return string(*e.Reason)
	}
	return string(e.Outcome)
}

func minerFacts(m ledger.Miner) (string, []changedFact) {
	return fmt.Sprint(m.MinerID), []changedFact{
		{"trades", m.Trades}, {"positions", m.Positions}, {"open_positions", m.OpenPositions}, {"closes", m.Closes},
		{"entry_tao", m.EntryTAO}, {"entry_alpha", m.EntryAlpha}, {"closed_alpha", m.ClosedAlpha}, {"exit_tao", m.ExitTAO},
		{"raw_gain_tao", m.RawGain}, {"gain_tao", m.Gain}, {"wins", m.WinningCloses}, {"counted_closes", m.CountedCloses},
		{"counted_duration_us", m.CountedDurationUs}, {"unmatched_alpha", m.UnmatchedAlpha}, {"unmatched_tao", m.UnmatchedTAO},
		{"last_active", secondText(m.LastActive)}, {"latest_key", keyText(m.LatestKey)},
	}
}

// factRows compares the facts of a row before and after. Without a row there are no values.
func factRows[T any](noun string, c ledger.Change[T], tell func(T) (id string, facts []changedFact)) (rows [][]any) {
	var id string
	var before, after []changedFact
	if c.After != nil {
		id, after = tell(*c.After)
	}
	if c.Before != nil {
		id, before = tell(*c.Before)
	}
	for i := range max(len(before), len(after)) {
		name, was, is := "", any(none), any(none)
		if before != nil {
			name, was = before[i].name, before[i].value
		}
		if after != nil {
			name, is = after[i].name, after[i].value
		}
		if was != is {
			rows = append(rows, []any{noun + " " + id, name, was, is})
		}
	}
	if len(rows) == 0 && id != "" {
		rows = [][]any{{noun + " " + id, "others", "see --json", "see --json"}}
	}
	return rows
}

// secondText is a time to the second, since two times may be the same to the minute.
func secondText(t *chain.Time) string {
	if t == nil {
		return none
	}
	return t.Time().Format(time.DateTime)
}

func keyText(key *chain.EventKey) string {
	if key == nil {
		return none
	}
	return string(*key)
}
