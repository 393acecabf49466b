package ledger_test

import (
	"cmp"
	"context"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// What the examples expect of archiving, snapshots and scores.
type archivedState struct {
	Positions int64 `json:"positions_archived"`
	Trades    int64 `json:"trades_archived"`
}

// snapshotState has fractions as the examples write them, "32400/1".
type snapshotState struct {
	Positions       int64 `json:"total_trades"`
	Closed          int64
	Open            int64  `json:"open_positions"`
	VolumeTAO       string `json:"total_volume_tao"`
	VolumeAlpha     string `json:"total_volume_alpha"`
	MeanGain        string `json:"roi_simple_tao"`
	MeanGainPercent string `json:"roi_simple_percent"`
	WeightedGain    string `json:"roi_weighted_tao"`
	WinRate         string `json:"win_rate_of_closed"`
	MeanDuration    string `json:"avg_duration_s"`
	MeanAge         string `json:"avg_age_open_s"`
}

type scoreState struct{ Raw, Normalized string }

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

func (p *player) archive(op operation) error {
	reference, err := chain.ParseTime(op.Reference)
	if err != nil {
		return err
	}
	summary, err := p.l.ArchiveClosedPositions(context.Background(), reference.Add(-days(op.AfterDays)),
		ledger.OfMiner(chain.Address(p.miners[op.Miner].Coldkey)))
	p.archived = append(p.archived, archivedState{summary.Positions, summary.Trades})
	return err
}

func (p *player) snapshot(op operation) error {
	at, err := chain.ParseTime(op.At)
	if err != nil {
		return err
	}
	s, _, err := p.l.TakeSnapshot(context.Background(), chain.Address(p.miners[op.Miner].Coldkey), at, days(op.WindowDays))
	p.snapshots = append(p.snapshots, snapshotStateOf(s))
	return err
}

func snapshotStateOf(s ledger.Snapshot) snapshotState {
	percent, _ := new(big.Rat).SetString(s.GainPercent)
	weighted, _ := new(big.Int).SetString(s.GainByEntry, 10)
	inTAO := new(big.Rat).SetFrac(weighted, big.NewInt(max(1, int64(s.ClosedEntryTAO))))
	return snapshotState{
		Positions: s.Positions, Closed: s.ClosedPositions, Open: s.OpenPositions,
		VolumeTAO: s.EntryTAO.String(), VolumeAlpha: s.EntryAlpha.String(),
		MeanGain:        fraction(int64(s.Gain), s.ClosedPositions, chain.RaoPerTAO),
		MeanGainPercent: percent.String(),
		WeightedGain:    inTAO.Quo(inTAO, big.NewRat(chain.RaoPerTAO, 1)).String(),
		WinRate:         fraction(100*s.WinningPositions, s.ClosedPositions, 1),
		MeanDuration:    fraction(s.CountedDurationUs, s.CountedCloses, 1_000_000),
		MeanAge:         fraction(s.OpenAgeUs, 1, 1_000_000),
	}
}

// fraction is sum / count / unit, and 0 of nothing.
func fraction(sum, count, unit int64) string {
	return big.NewRat(sum, max(1, count)*unit).String()
}

func (p *player) score(op operation) error {
	day, err := chain.ParseTime(op.Date + "T00:00:00Z")
	if err != nil {
		return err
	}
	lookback := ledger.DefaultLookback
	if op.LookbackDays != 0 {
		lookback = op.LookbackDays
	}
	scores, err := p.l.Scores(context.Background(), day, lookback)
	if err != nil {
		return err
	}
	p.scores, p.daily = map[string]scoreState{}, map[string]map[string]string{}
	for _, s := range scores {
		for name, who := range p.miners {
			if chain.Address(who.Coldkey) != s.Coldkey {
				continue
			}
			p.scores[name] = scoreState{strconv.FormatFloat(s.Raw, 'g', -1, 64), strconv.FormatFloat(s.Normalized, 'g', -1, 64)}
			p.daily[name] = map[string]string{}
			for _, d := range s.Days {
				p.daily[name][d.Day.String()] = d.Gain.String()
			}
		}
	}
	return nil
}

// compareResults holds what operations returned against what is expected of them.
func (p *player) compareResults(t *testing.T, s scenario) {
	t.Helper()
	if len(s.Expect.Archived) > 0 && !reflect.DeepEqual(p.archived, s.Expect.Archived) {
		t.Errorf("archived: got %+v, want %+v", p.archived, s.Expect.Archived)
	}
	if len(s.Expect.Snapshots) > 0 && !reflect.DeepEqual(p.snapshots, s.Expect.Snapshots) {
		t.Errorf("snapshots:\ngot  %+v\nwant %+v", p.snapshots, s.Expect.Snapshots)
	}
	if len(s.Expect.Daily) > 0 && !reflect.DeepEqual(p.daily, s.Expect.Daily) {
		t.Errorf("daily gains:\ngot  %v\nwant %v", p.daily, s.Expect.Daily)
	}
	if len(p.scores) != len(s.Expect.Scores) {
		t.Errorf("scores: got %v, want %v", p.scores, s.Expect.Scores)
	}
	for name, want := range s.Expect.Scores {
		got := p.scores[name]
		if !near(got.Raw, want.Raw) || !near(got.Normalized, want.Normalized) {
			t.Errorf("score of %s: got %+v, want %+v", name, got, want)
		}
	}
}

// near compares numbers to 1e-9.
func near(got, want string) bool {
	a, err1 := strconv.ParseFloat(got, 64)
	b, err2 := strconv.ParseFloat(want, 64)
	return err1 == nil && err2 == nil && math.Abs(a-b) <= 1e-9
}

// positions are a miner's live and archived positions.
func (p *player) positions(t *testing.T, minerID int64) (live, archived []ledger.Position) {
	t.Helper()
	ctx := context.Background()
	live, err := p.l.Positions(ctx, minerID, ledger.PositionFilter{}, ledger.Page[ledger.Position]{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	archived, err = p.l.Positions(ctx, minerID, ledger.PositionFilter{Archived: true}, ledger.Page[ledger.Position]{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return live, archived
}

// placedTrade is a trade with its closes, live and archived.
type placedTrade struct {
	ledger.Trade
	archived bool
	closes   []ledger.Close
}

// trades are a miner's trades, live and archived, in the order of recording.
func (p *player) trades(t *testing.T, minerID int64) []placedTrade {
	t.Helper()
	ctx := context.Background()
	live, err := p.l.Trades(ctx, minerID, ledger.TradeFilter{}, ledger.Page[ledger.Trade]{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	archived, err := p.l.Trades(ctx, minerID, ledger.TradeFilter{Archived: true}, ledger.Page[ledger.Trade]{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	var trades []placedTrade
	for i, trade := range slices.Concat(live, archived) {
		closes, err := p.l.ClosesOfTrade(ctx, trade.TradeID, ledger.Page[ledger.Close]{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		trades = append(trades, placedTrade{trade, i >= len(live), closes})
	}
	slices.SortFunc(trades, func(a, b placedTrade) int { return cmp.Compare(a.TradeID, b.TradeID) })
	return trades
}
