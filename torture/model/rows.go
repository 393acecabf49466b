package model

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// The rows that are compared, in the form that both sides have. Keys stand for ids.

type eventRow struct {
	Event
	Outcome, Reason, Mode, Policy, List string
	MinBlocks                           int64
	Late                                bool
}

type positionRow struct {
	Event
	Left, LastExit, ClosedAt, Gain int64
	Status                         string
	Archived                       bool
}

type tradeRow struct {
	Event
	UnmatchedAlpha, Unmatched int64
	Archived                  bool
	Closes                    string
}

// minerRow holds a miner's counters as text, in the order of counterNames.
type minerRow struct {
	Number                     int
	Status, Latest, Counters   string
	Tracking, LastActive, Held int64
}

var counterNames = []string{
	"positions", "open_positions", "trades", "closes", "entry_tao", "entry_alpha", "closed_alpha", "exit_tao", "raw_gain", "gain",
	"counted_closes", "winning_closes", "counted_duration_us", "unmatched_alpha", "unmatched_tao",
}

func listText(list []Ref) string {
	var texts []string
	for _, r := range list {
		texts = append(texts, fmt.Sprint(r))
	}
	slices.Sort(texts)
	return strings.Join(slices.Compact(texts), ",")
}

func (r *record) row() eventRow {
	row := eventRow{Event: r.Event, Outcome: r.outcome, Reason: r.reason, Mode: r.mode, Policy: r.policy, MinBlocks: r.minBlocks, Late: r.late, List: listText(r.list)}
	row.Excluded = false
	return row
}

func (p *position) row() positionRow {
	row := positionRow{Event: p.Event, Left: p.left, LastExit: p.lastExit, Gain: p.gain, Status: p.status(), Archived: p.archived}
	if p.left == 0 {
		row.ClosedAt = p.lastExit
	}
	return row
}

func (t *trade) row() tradeRow {
	var closes strings.Builder
	for _, c := range t.closes {
		fmt.Fprintf(&closes, "\n\t%+v", c)
	}
	return tradeRow{Event: t.Event, UnmatchedAlpha: t.unmatchedAlpha, Unmatched: t.unmatched, Archived: t.archived, Closes: closes.String()}
}

func (m *miner) row() minerRow {
	row := minerRow{Number: m.number, Status: m.status, Tracking: m.tracking, LastActive: m.lastActive}
	if m.latest != nil {
		row.Latest = string(m.latest.key())
	}
	if m.uid {
		row.Held = 1
	}
	for _, name := range counterNames {
		row.Counters += fmt.Sprintf("%s=%d ", name, m.sums.at(name))
	}
	return row
}

// A reader turns the ledger's rows into those above, and remembers their ids.
type reader struct {
	numbers map[int64]int // of miners, by id
	ids     map[int]int64
	refs    map[int64]Ref // of events
	idOf    map[Ref]int64
	number  map[chain.Address]int
	hotkeys map[chain.Address]int
}

func newReader() *reader {
	rd := &reader{
		numbers: map[int64]int{}, ids: map[int]int64{}, refs: map[int64]Ref{}, idOf: map[Ref]int64{},
		number: map[chain.Address]int{}, hotkeys: map[chain.Address]int{},
	}
	for n := range 64 {
		rd.number[ColdkeyOf(n)], rd.hotkeys[hotkeyOf(n)] = n, n
	}
	return rd
}

func (rd *reader) event(e ledger.RecordedEvent) eventRow {
	r := Ref{rd.numbers[e.MinerID], e.ExtrinsicID, e.EventIndex}
	rd.refs[e.EventID], rd.idOf[r] = r, e.EventID
	row := eventRow{
		Event:   Event{string(e.Kind), r, uint16(e.Netuid), rd.hotkeys[e.Hotkey], e.Block, int64(e.Time), int64(e.TAO), int64(e.Alpha), false},
		Outcome: string(e.Outcome), Reason: string(orZero(e.Reason)), Mode: string(orZero(e.Mode)), Policy: string(orZero(e.SelfTrade)),
		MinBlocks: orZero(e.MinBlocks), Late: e.OutOfOrder,
	}
	if e.PositionIds != nil {
		var ids []int64
		if err := json.Unmarshal([]byte(*e.PositionIds), &ids); err != nil {
			row.List = err.Error()
			return row
		}
		var list []Ref
		for _, id := range ids {
			list = append(list, rd.refs[id])
		}
		row.List = listText(list)
	}
	return row
}

func orZero[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func (rd *reader) position(p ledger.Position) positionRow {
	return positionRow{
		Event: Event{stake, Ref{rd.numbers[p.MinerID], p.ExtrinsicID, p.EventIndex}, uint16(p.Netuid), rd.hotkeys[p.Hotkey], p.EntryBlock, int64(p.EntryTime), int64(p.EntryTAO), int64(p.EntryAlpha), false},
		Left:  int64(p.RemainingAlpha), LastExit: int64(orZero(p.LastExitTime)), ClosedAt: int64(orZero(p.ClosedAt)), Gain: int64(p.Gain),
		Status: string(p.Status), Archived: p.ArchiveRun != nil,
	}
}

func (rd *reader) trade(t ledger.Trade, closes []ledger.Close) tradeRow {
	var text strings.Builder
	for _, c := range closes {
		same := closing{
			trade: rd.refs[c.TradeID], position: rd.refs[c.PositionID], step: c.Step, alpha: int64(c.Alpha), tao: int64(c.TAO), cost: int64(c.Cost),
			raw: int64(c.RawGain), gain: int64(c.Gain), us: c.DurationUs, met: c.MinBlocksMet, self: c.SelfTrade,
		}
		fmt.Fprintf(&text, "\n\t%+v", same)
	}
	return tradeRow{
		Event:          Event{unstake, Ref{rd.numbers[t.MinerID], t.ExtrinsicID, t.EventIndex}, uint16(t.Netuid), rd.hotkeys[t.Hotkey], t.ExitBlock, int64(t.ExitTime), int64(t.ExitTAO), int64(t.ExitAlpha), false},
		UnmatchedAlpha: int64(t.UnmatchedAlpha), Unmatched: int64(t.UnmatchedTAO), Archived: t.ArchiveRun != nil, Closes: text.String(),
	}
}

func (rd *reader) miner(m ledger.Miner, held int64) minerRow {
	n := rd.number[m.Coldkey]
	rd.numbers[m.MinerID], rd.ids[n] = n, m.MinerID
	row := minerRow{Number: n, Status: string(m.Status), Tracking: int64(orZero(m.TrackingStart)), LastActive: int64(orZero(m.LastActive)), Held: held}
	row.Latest = string(orZero(m.LatestKey))
	values := []int64{
		m.Positions, m.OpenPositions, m.Trades, m.Closes, int64(m.EntryTAO), int64(m.EntryAlpha), int64(m.ClosedAlpha), int64(m.ExitTAO), int64(m.RawGain),
		int64(m.Gain), m.CountedCloses, m.WinningCloses, m.CountedDurationUs, int64(m.UnmatchedAlpha), int64(m.UnmatchedTAO),
	}
	for i, name := range counterNames {
		row.Counters += fmt.Sprintf("%s=%d ", name, values[i])
	}
	return row
}
