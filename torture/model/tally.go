package model

import (
	"fmt"
	"maps"
	"slices"
	"testing"
)

// Tally counts how often the histories met each rule, since one that they never
// meet is not tested.
type Tally map[string]int

// expected are the things that a long run must have met.
var expected = []string{
	"stake: new", "stake: again", "stake: invalid", "stake: not found", "stake: duplicate", "stake: ignored",
	"unstake: new", "unstake: again", "unstake: invalid", "unstake: not found", "unstake: duplicate", "unstake: no open position", "unstake: insufficient alpha",
	"unstake: of a list", "unstake: ignored, no_open_position",
	"apply: applied", "apply: again", "apply: late", "apply: registered", "apply: invalid",
	"ignored: before_tracking_start", "ignored: invalid_netuid", "ignored: zero_amounts", "ignored: no_open_position", "ignored: excluded",
	"rejected: duplicate_conflict", "rejected: unknown_miner", "rejected: overflow",
	"close: self-trade, gain kept", "close: self-trade, gain clamped", "close: self-trade, no gain", "close: too early", "close: counted",
	"trade: unmatched", "archive: moved", "archive: a trade that stays", "archive: not found", "rebuild: changed", "rebuild: as it was", "rebuild: living again", "rebuild: not found",
	"register: miner exists", "ensure: found", "deregister: not found",
}

func (y Tally) Count(o Op, out Outcome, m *Model) {
	if out.Err != "" {
		y[o.Do+": "+out.Err]++
		return
	}
	switch o.Do {
	case stake, unstake:
		y.countDirect(o, out, m)
	case "apply":
		y["apply: applied"] += int(out.applied)
		y["apply: again"] += int(out.duplicates)
		y["apply: late"] += int(out.late)
		y["apply: registered"] += int(out.new)
		for reason, n := range out.ignored {
			y["ignored: "+reason] += int(n)
		}
		for reason, n := range out.rejected {
			y["rejected: "+reason] += int(n)
		}
		for at := range out.Refs {
			if mn := m.miners[at.Miner]; mn != nil && mn.tradeOf[at] != nil {
				y.countTrade(mn.tradeOf[at])
			}
		}
	case "archive":
		y["archive: moved"] += int(out.Moved[1])
		if out.Moved[1] > 0 && out.Moved[2] == 0 {
			y["archive: a trade that stays"]++
		}
	case "rebuild":
		y.when("rebuild: changed", out.changed)
		y.when("rebuild: as it was", !out.changed)
		y.when("rebuild: living again", out.revived)
	case "ensure":
		y.when("ensure: found", !out.IsNew)
	}
}

func (y Tally) when(what string, happened bool) {
	if happened {
		y[what]++
	}
}

func (y Tally) countDirect(o Op, out Outcome, m *Model) {
	y.when(o.Do+": new", out.IsNew)
	y.when(o.Do+": again", !out.IsNew)
	y.when("unstake: of a list", out.IsNew && o.List != nil)
	mn := m.miners[out.Of.Miner]
	if t := mn.tradeOf[out.Of]; t != nil && out.IsNew {
		y.countTrade(t)
	}
	y.when("unstake: ignored, no_open_position", out.IsNew && mn.byRef[out.Of].reason == "no_open_position")
}

func (y Tally) countTrade(t *trade) {
	y.when("trade: unmatched", t.unmatchedAlpha > 0)
	for _, c := range t.closes {
		y.when("close: self-trade, gain kept", c.self && c.gain == c.raw && c.gain != 0)
		y.when("close: self-trade, gain clamped", c.self && c.gain != c.raw && c.gain != 0)
		y.when("close: self-trade, no gain", c.self && c.gain == 0)
		y.when("close: too early", !c.met)
		y.when("close: counted", c.met && !c.self)
	}
}

// Check logs the counts, and fails where something expected never happened.
func (y Tally) Check(t *testing.T, long bool) {
	t.Helper()
	text := ""
	for _, what := range slices.Sorted(maps.Keys(y)) {
		text += fmt.Sprintf("\n%8d %s", y[what], what)
	}
	t.Log("what happened:", text)
	for _, what := range expected {
		if y[what] == 0 && long {
			t.Errorf("it never happened: %s", what)
		}
	}
}
