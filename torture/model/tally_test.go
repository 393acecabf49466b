package model_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
)

// tally counts what the histories went through, since random operations that
// never meet a rule do not test it.
type tally map[string]int

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

func (y tally) count(o op, out outcome, m *model) {
	if out.err != "" {
		y[o.Do+": "+out.err]++
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
		for at := range out.touched {
			if mn := m.miners[at.Miner]; mn != nil && mn.tradeOf[at] != nil {
				y.countTrade(mn.tradeOf[at])
			}
		}
	case "archive":
		y["archive: moved"] += int(out.moved[1])
		if out.moved[1] > 0 && out.moved[2] == 0 {
			y["archive: a trade that stays"]++
		}
	case "rebuild":
		y.when("rebuild: changed", out.changed)
		y.when("rebuild: as it was", !out.changed)
		y.when("rebuild: living again", out.revived)
	case "ensure":
		y.when("ensure: found", !out.isNew)
	}
}

func (y tally) when(what string, happened bool) {
	if happened {
		y[what]++
	}
}

func (y tally) countDirect(o op, out outcome, m *model) {
	y.when(o.Do+": new", out.isNew)
	y.when(o.Do+": again", !out.isNew)
	y.when("unstake: of a list", out.isNew && o.List != nil)
	mn := m.miners[out.of.Miner]
	if t := mn.tradeOf[out.of]; t != nil && out.isNew {
		y.countTrade(t)
	}
	y.when("unstake: ignored, no_open_position", out.isNew && mn.byRef[out.of].reason == "no_open_position")
}

func (y tally) countTrade(t *trade) {
	y.when("trade: unmatched", t.unmatchedAlpha > 0)
	for _, c := range t.closes {
		y.when("close: self-trade, gain kept", c.self && c.gain == c.raw && c.gain != 0)
		y.when("close: self-trade, gain clamped", c.self && c.gain != c.raw && c.gain != 0)
		y.when("close: self-trade, no gain", c.self && c.gain == 0)
		y.when("close: too early", !c.met)
		y.when("close: counted", c.met && !c.self)
	}
}

// check logs the counts, and fails where something expected never happened.
func (y tally) check(t *testing.T, long bool) {
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
