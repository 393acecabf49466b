package ledger_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// scenario is one of the worked examples: operations, and the ledger that they must leave.
type scenario struct {
	Name   string
	Events []operation
	Expect struct {
		Miners    map[string]minerState
		Ignored   [][2]string
		Archived  []archivedState
		Snapshots []snapshotState
		Scores    map[string]scoreState
		Daily     map[string]map[string]string
	}
}

type operation struct {
	Op, Miner, Hotkey, Coldkey, Time, TAO, Alpha, Extrinsic, Policy, Via string
	Reference, At, Date                                                  string
	UID                                                                  chain.UID
	Netuid                                                               chain.Netuid
	MinBlocks                                                            int64  `json:"min_blocks"`
	TrackingStart                                                        string `json:"tracking_start"`
	ExpectError                                                          string `json:"expect_error"`
	Index                                                                *int64
	Positions                                                            []string
	Block                                                                int64
	AfterDays                                                            int `json:"after_days"`
	WindowDays                                                           int `json:"window_days"`
	LookbackDays                                                         int `json:"lookback_days"`
}

type minerState struct {
	Positions map[string]positionState
	Slices    []sliceState
	Trades    map[string]tradeState
	Stats     statsState
}

type positionState struct {
	Status   string
	Left     string  `json:"remaining_alpha"`
	Gain     string  `json:"realized_gain_tao"`
	ClosedAt *string `json:"closed_at"`
	Percent  *string `json:"final_roi_percent"`
	Archived bool
}

type sliceState struct {
	Position, Trade, Alpha, TAO, Cost, Gain string
	Duration                                json.Number `json:"duration_s"`
	RawGain                                 *string     `json:"raw_gain"`
	MinBlocksMet                            bool        `json:"min_blocks_met"`
	SelfTrade                               bool        `json:"self_trade"`
}

type tradeState struct {
	Alpha, TAO     string
	UnmatchedAlpha string `json:"unmatched_alpha"`
	UnmatchedTAO   string `json:"unmatched_tao"`
	Archived       bool
}

type statsState struct {
	Trades          int64  `json:"total_trades"`
	VolumeTAO       string `json:"total_volume_tao"`
	VolumeAlpha     string `json:"total_volume_alpha"`
	Gain            string `json:"cumulative_gain_tao"`
	Winning         int64  `json:"winning_slices"`
	Counted         int64  `json:"counted_slices"`
	WinRate         string `json:"win_rate_percent"`
	AverageDuration string `json:"avg_duration_s"`
	Current         int64  `json:"current_positions"`
}

// errorKinds says which error each name of the examples stands for; unstake_without_position_strict is told
// apart by its scenario.
var errorKinds = map[string]error{
	"InvalidAmountError": ledger.ErrInvalid, "InvalidTimestampError": ledger.ErrInvalid, "ValidationError": ledger.ErrInvalid,
	"InsufficientAlphaError": ledger.ErrInsufficientAlpha, "StateError": ledger.ErrNoOpenPosition, "IntegrityError": ledger.ErrNoOpenPosition,
	"PositionNotFoundError": ledger.ErrNotFound, "MinerNotFoundError": ledger.ErrNotFound, "DuplicateEventError": ledger.ErrDuplicateEvent,
}

func TestWorkedExamples(t *testing.T) {
	playAll(t, shared(t, "vectors/ledger.json"))
}

// Examples of the project's own, in the same form.
func TestPickedExamples(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "archive.json"))
	if err != nil {
		t.Fatal(err)
	}
	playAll(t, text)
}

func playAll(t *testing.T, text []byte) {
	t.Helper()
	var file struct{ Vectors []scenario }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) == 0 {
		t.Fatal("no scenarios")
	}
	for _, s := range file.Vectors {
		t.Run(s.Name, func(t *testing.T) { play(t, s) })
	}
}

// player runs a scenario and remembers who is who in it.
type player struct {
	l         *ledger.Ledger
	miners    map[string]operation // by name, as registered
	ids       map[string]int64     // position or trade by its key
	ignored   [][2]string
	archived  []archivedState
	snapshots []snapshotState
	scores    map[string]scoreState
	daily     map[string]map[string]string
}

func play(t *testing.T, s scenario) {
	p := player{l: open(t), miners: map[string]operation{}, ids: map[string]int64{}}
	for i, op := range s.Events {
		before := report(t, p.l)
		err := p.run(op)
		want := errorKinds[op.ExpectError]
		if s.Name == "unstake_without_position_strict" && op.ExpectError != "" {
			want = ledger.ErrNoOpenPosition
		}
		switch {
		case op.ExpectError == "" && err != nil:
			t.Fatalf("event %d, %s %s: %v", i, op.Op, op.Extrinsic, err)
		case op.ExpectError != "" && !errors.Is(err, want):
			t.Errorf("event %d, %s %s: got error %v, want %v", i, op.Op, op.Extrinsic, err, want)
		case op.ExpectError != "" && !reflect.DeepEqual(report(t, p.l), before):
			t.Errorf("event %d, %s %s: the failed call changed the ledger", i, op.Op, op.Extrinsic)
		}
	}
	for name, want := range s.Expect.Miners {
		p.compare(t, name, want)
	}
	if len(s.Expect.Ignored) > 0 && !reflect.DeepEqual(p.ignored, s.Expect.Ignored) {
		t.Errorf("ignored: got %v, want %v", p.ignored, s.Expect.Ignored)
	}
	p.compareResults(t, s)
}

func (p *player) run(op operation) error {
	switch op.Op {
	case "register":
		return p.register(op)
	case "stake", "unstake":
		return p.event(op)
	case "archive":
		return p.archive(op)
	case "snapshot":
		return p.snapshot(op)
	case "score":
		return p.score(op)
	}
	return fmt.Errorf("unknown operation %q", op.Op)
}

func (p *player) register(op operation) error {
	p.miners[op.Miner] = op
	var opts []ledger.MinerOption
	if op.TrackingStart != "" {
		start, err := chain.ParseTime(op.TrackingStart)
		if err != nil {
			return err
		}
		opts = append(opts, ledger.TrackingStart(start))
	}
	_, err := p.l.RegisterMiner(context.Background(), ledger.Registration{
		Coldkey: chain.Address(op.Coldkey), Hotkey: chain.Address(op.Hotkey), UID: op.UID,
	}, opts...)
	return err
}

func (p *player) event(op operation) error {
	e, err := p.parse(op)
	if err != nil {
		return err
	}
	ctx := context.Background()
	key := eventKey(e.ExtrinsicID, op.Index)
	if op.Via == "sync" {
		summary, err := p.l.Apply(ctx, sequence([]ledger.Event{e}), ledger.MinBlocks(op.MinBlocks), ledger.SelfTrade(chain.SelfTradeClamp), ledger.OverridePolicy())
		for reason := range summary.Ignored {
			p.ignored = append(p.ignored, [2]string{key, string(reason)})
		}
		return err
	}
	if e.Kind == chain.Stake {
		position, _, err := p.l.AddPosition(ctx, e)
		p.ids["position "+key] = position.PositionID
		return err
	}
	opts := []ledger.CloseOption{ledger.MinBlocks(op.MinBlocks), ledger.SelfTrade(chain.SelfTradeClamp), ledger.OverridePolicy()}
	if op.Policy != "" {
		opts = append(opts, ledger.Mode(chain.CloseMode(op.Policy)))
	}
	if op.Positions != nil {
		var ids []int64
		for _, name := range op.Positions {
			ids = append(ids, p.ids["position "+name])
		}
		opts = append(opts, ledger.PositionIDs(ids...))
	}
	result, err := p.l.ProcessClose(ctx, e, opts...)
	if err == nil && result.Trade == nil {
		p.ignored = append(p.ignored, [2]string{key, string(*result.Event.Reason)})
	}
	return err
}

// parse reads an operation as an event, the way a program would.
func (p *player) parse(op operation) (ledger.Event, error) {
	who := p.miners[op.Miner]
	e := ledger.Event{
		Kind: chain.EventKind(op.Op), Coldkey: chain.Address(who.Coldkey), Hotkey: chain.Address(who.Hotkey),
		Netuid: op.Netuid, ExtrinsicID: op.Extrinsic, Block: op.Block,
	}
	if e.Kind == chain.Unstake {
		e.EventIndex = 1
	}
	if op.Index != nil {
		e.EventIndex = *op.Index
	}
	var err error
	if e.Time, err = chain.ParseTime(op.Time); err != nil {
		return e, err
	}
	if e.TAO, err = chain.ParseRao(op.TAO); err != nil {
		return e, err
	}
	e.Alpha, err = chain.ParseRao(op.Alpha)
	return e, err
}

// eventKey is how the examples name a position or a trade.
func eventKey(extrinsic string, index *int64) string {
	if index != nil && *index > 0 {
		return fmt.Sprintf("%s#%d", extrinsic, *index)
	}
	return extrinsic
}

// compare holds a miner's ledger against what is expected of it.
func (p *player) compare(t *testing.T, name string, want minerState) {
	t.Helper()
	ctx := context.Background()
	m, err := p.l.MinerByColdkey(ctx, chain.Address(p.miners[name].Coldkey))
	if err != nil {
		t.Fatal(err)
	}
	got := minerState{Positions: map[string]positionState{}, Trades: map[string]tradeState{}, Stats: stats(m)}
	positions, archivedPositions := p.positions(t, m.MinerID)
	names := map[int64]string{}
	for i, pos := range slices.Concat(positions, archivedPositions) {
		name := eventKey(pos.ExtrinsicID, &pos.EventIndex)
		names[pos.PositionID] = name
		state := positionStateOf(pos, want.Positions[name])
		state.Archived = i >= len(positions)
		got.Positions[name] = state
	}
	for _, trade := range p.trades(t, m.MinerID) {
		key := trade.ExtrinsicID // the examples give no trade an index of its own
		got.Trades[key] = tradeState{trade.ExitAlpha.String(), trade.ExitTAO.String(), trade.UnmatchedAlpha.String(), trade.UnmatchedTAO.String(), trade.archived}
		for _, c := range trade.closes {
			got.Slices = append(got.Slices, sliceStateOf(c, names[c.PositionID], key))
		}
	}
	for i := range want.Slices {
		if want.Slices[i].RawGain == nil { // given only where it differs
			raw := want.Slices[i].rawGain(t)
			want.Slices[i].RawGain = &raw
		}
	}
	if len(want.Trades) == 0 {
		want.Trades = map[string]tradeState{}
	}
	if a, b := asJSON(t, got), asJSON(t, want); a != b {
		t.Errorf("miner %s:\ngot  %s\nwant %s", name, a, b)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func positionStateOf(p ledger.Position, want positionState) positionState {
	s := positionState{Status: string(p.Status), Left: p.RemainingAlpha.String(), Gain: p.Gain.String()}
	if p.ClosedAt != nil {
		at := strings.Replace(p.ClosedAt.Time().Format(time.RFC3339Nano), "Z", "+00:00", 1)
		s.ClosedAt = &at
		if want.Percent != nil {
			percent := big.NewRat(100*int64(p.Gain), int64(p.EntryTAO)).String()
			s.Percent = &percent
		}
	}
	return s
}

func sliceStateOf(c ledger.Close, position, trade string) sliceState {
	raw := c.RawGain.String()
	return sliceState{
		Position: position, Trade: trade, Alpha: c.Alpha.String(), TAO: c.TAO.String(), Cost: c.Cost.String(), Gain: c.Gain.String(),
		Duration: json.Number(fmt.Sprint(c.DurationUs / 1_000_000)), RawGain: &raw, MinBlocksMet: c.MinBlocksMet, SelfTrade: c.SelfTrade,
	}
}

// rawGain is what a slice earned, where the examples leave it to be worked out.
func (s sliceState) rawGain(t *testing.T) string {
	t.Helper()
	got, err := chain.ParseRao(s.TAO)
	if err != nil {
		t.Fatal(err)
	}
	cost, err := chain.ParseRao(s.Cost)
	if err != nil {
		t.Fatal(err)
	}
	return (got - cost).String()
}

func stats(m ledger.Miner) statsState {
	s := statsState{
		Trades: m.Trades, VolumeTAO: m.EntryTAO.String(), VolumeAlpha: m.EntryAlpha.String(), Gain: m.Gain.String(),
		Winning: m.WinningCloses, Counted: m.CountedCloses, WinRate: "0/1", AverageDuration: "0/1", Current: m.OpenPositions,
	}
	if m.CountedCloses > 0 {
		s.WinRate = big.NewRat(100*m.WinningCloses, m.CountedCloses).String()
		s.AverageDuration = big.NewRat(m.CountedDurationUs, m.CountedCloses*1_000_000).String()
	}
	return s
}
