package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

func moment(t *testing.T, s string) chain.Time {
	t.Helper()
	at, err := chain.ParseTime(s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// gained fills an overview as reading a ledger would, from the gains of its miners.
func gained(t *testing.T, o *pageOverview, line timeline, gains map[int64][]ledger.GainStretch) {
	t.Helper()
	o.prepareGains(line)
	for _, m := range o.miners {
		o.addGains(m.MinerID, gains[m.MinerID], o.history[m.MinerID])
	}
	if err := o.readLines(func(id int64) ([]ledger.GainStretch, error) { return gains[id], nil }); err != nil {
		t.Fatal(err)
	}
}

func TestPeriods(t *testing.T) {
	for _, c := range []struct{ name, first, last, want string }{
		{"one day", "2025-04-09T01:00:00Z", "2025-04-09T23:00:00Z", "All time 1"},
		{"a week", "2025-04-03T01:00:00Z", "2025-04-09T23:00:00Z", "All time 7, 1 day to 2025-04-09 1"},
		{"over a new year", "2025-12-30T00:00:00Z", "2026-01-07T00:00:00Z",
			"All time 9, 1 day to 2026-01-07 1, 7 days to 2026-01-07 7, 2026 7, 2025 2, 2026-01 7, 2025-12 2"},
		{"a quarter", "2025-01-31T00:00:00Z", "2025-03-31T00:00:00Z",
			"All time 60, 1 day to 2025-03-31 1, 7 days to 2025-03-31 7, 30 days to 2025-03-31 30, 2025-03 31, 2025-02 28, 2025-01 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			line := newTimeline(moment(t, c.first), moment(t, c.last), 5)
			var got []string
			for _, p := range line.Periods {
				got = append(got, fmt.Sprintf("%s %d", p.Name, (p.Until-p.From)*line.Length/secondsOfDay))
			}
			if got := strings.Join(got, ", "); got != c.want {
				t.Errorf("got periods (with their days) %s, want %s", got, c.want)
			}
		})
	}
	if line := newTimeline(0, 0, 5); line.Periods != nil || line.Fine != nil {
		t.Errorf("without trades: got %+v, want no periods and no points", line)
	}
}

func TestTimelinePoints(t *testing.T) {
	week := newTimeline(moment(t, "2025-04-03T01:00:00Z"), moment(t, "2025-04-09T23:00:00Z"), 500)
	if n := len(week.Fine); week.Length != 3600 || n != 6*24+22+2 {
		t.Errorf("a week: got %d points of %d seconds, want one an hour and one before", n, week.Length)
	}
	for _, span := range [][2]string{{"2024-04-03T01:00:00Z", "2026-04-09T23:00:00Z"}, {"1970-01-01T00:00:01Z", "9999-12-31T23:59:59Z"}} {
		line := newTimeline(moment(t, span[0]), moment(t, span[1]), 500)
		if len(line.Fine) > finePoints+10 || len(line.Coarse) > 70 {
			t.Errorf("%s: got %d and %d points", span, len(line.Fine), len(line.Coarse))
		}
		for _, points := range [][]int64{line.Fine, line.Coarse} {
			at := map[int64]bool{}
			for i, p := range points {
				if at[p] = true; i > 0 && p <= points[i-1] {
					t.Errorf("%s: point %d is not after %d", span, p, points[i-1])
				}
			}
			for _, p := range line.Periods {
				if !at[p.From-1] || !at[p.Until-1] {
					t.Errorf("%s: no point where %q begins or ends", span, p.Name)
				}
			}
		}
	}
}

// TestPeriodsAddUp: gains, closes and wins of all time are the miner's counters, those of the months their sum,
// and a curve ends with what was gained.
func TestPeriodsAddUp(t *testing.T) {
	db := simulated(t)
	ctx := context.Background()
	l, err := ledger.OpenReadOnly(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(ctx)
	o, err := readOverview(ctx, l, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-6 }
	for _, m := range o.miners {
		h := o.history[m.MinerID]
		all := h.periods[0]
		if !near(all.gain, inTAO(m.Gain)) || all.closes != m.Closes || all.counted != m.CountedCloses || all.won != m.WinningCloses {
			t.Errorf("miner %d, all time: got %+v, want the counters of %+v", m.MinerID, all, m)
		}
		var months gainTotal
		for i, p := range o.timeline.Periods {
			if len(p.Name) == len("2025-01") {
				months.add(h.periods[i])
			}
		}
		if !near(months.gain, all.gain) || months.closes != all.closes || months.counted != all.counted || months.won != all.won {
			t.Errorf("miner %d: the months sum to %+v, want %+v", m.MinerID, months, all)
		}
		if got := h.curve[len(h.curve)-1]; h.curve[0] != 0 || !near(got, all.gain) {
			t.Errorf("miner %d: the curve goes from %v to %v, want 0 to %v", m.MinerID, h.curve[0], got, all.gain)
		}
		if len(h.positions) == 0 || len(h.positions) > mostRows || len(h.closes) > mostRows {
			t.Errorf("miner %d: got %d positions and %d closes", m.MinerID, len(h.positions), len(h.closes))
		}
	}
	if got := o.curve[len(o.curve)-1]; !near(got, o.periods[0].gain) {
		t.Errorf("all miners: the curve ends with %v, want %v", got, o.periods[0].gain)
	}
	for i, lines := range o.lines {
		for _, line := range lines {
			if got, want := line.values[len(line.values)-1], o.history[line.minerID].periods[i].gain; line.values[0] != 0 || !near(got, want) {
				t.Errorf("%s, miner %d: the line goes from %v to %v, want 0 to %v", o.timeline.Periods[i].Name, line.minerID, line.values[0], got, want)
			}
		}
	}
}

func TestCurves(t *testing.T) {
	gains := []ledger.GainStretch{{Stretch: 3, Gain: tenTAO}, {Stretch: 4, Gain: -3 * tenTAO}, {Stretch: 9, Gain: tenTAO}}
	if got, want := accumulate([]int64{2, 3, 5, 8, 9}, gains), []float64{0, 10, -20, -20, -10}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := roundedAll([]float64{0.12345678, -1.5}), []float64{0.123, -1.5}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := roundedAll([]float64{0.12345678, -9_223_372_036.8}), []float64{0, -9_223_000_000}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestStandings(t *testing.T) {
	var miners []ledger.Miner
	for i := range int64(12) {
		miners = append(miners, ledger.Miner{MinerID: i, Coldkey: chain.Address(fmt.Sprint("miner", i)), Gain: chain.Rao(10-2*i) * tenTAO})
	}
	winners, losers := newStandings(miners, 0)
	var got []string
	for _, s := range append(winners, losers...) {
		got = append(got, s.Short+" "+s.Gain+" "+s.Percent)
	}
	if got, want := strings.Join(got, ", "), "miner0 100 83.3, miner1 80 66.7, miner2 60 50.0, miner3 40 33.3, miner4 20 16.7, "+
		"miner11 -120 100.0, miner10 -100 83.3, miner9 -80 66.7, miner8 -60 50.0, miner7 -40 33.3"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestNoticesOfOthersAreOnThePage: what others wrote comes with its licence, or is not on the page.
func TestNoticesOfOthersAreOnThePage(t *testing.T) {
	ours := map[string]bool{"report.html": true, "report.css": true}
	for _, name := range pageScripts {
		ours[strings.TrimPrefix(name, "web/")] = true
	}
	files, err := webFiles.ReadDir("web")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := webFiles.ReadFile("web/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		foreign := !ours[f.Name()] || strings.Contains(string(text), "Copyright") || strings.Contains(string(text), "/*!")
		if _, err := webFiles.ReadFile("web/" + f.Name() + ".LICENSE"); foreign && err != nil && !strings.HasSuffix(f.Name(), ".LICENSE") {
			t.Errorf("web/%s is not ours, and there is no %s.LICENSE, which the page would carry", f.Name(), f.Name())
		}
	}
	got, err := joinFiles(fstest.MapFS{
		"a.js": {Data: []byte("a();\n")}, "b.js": {Data: []byte("b();\n")}, "b.js.LICENSE": {Data: []byte("Copyright Somebody */ alert(1)")},
	}, []string{"a.js", "b.js"})
	if want := "a();\n/*!\nCopyright Somebody * / alert(1)\n*/\nb();\n"; err != nil || got != want {
		t.Errorf("got %q and %v, want %q", got, err, want)
	}
}

// TestHTMLReportStaysSmall: 500 miners and two years, each of them busy every day.
func TestHTMLReportStaysSmall(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	line := newTimeline(moment(t, "2024-01-01T00:00:00Z"), moment(t, "2025-12-31T00:00:00Z"), 500)
	o, gains := pageOverview{}, map[int64][]ledger.GainStretch{}
	rao := func(tao int64) chain.Rao { return chain.Rao(random.Int64N(tao * chain.RaoPerTAO)) }
	signed := func(tao int64) chain.Rao { return rao(2*tao) - chain.Rao(tao*chain.RaoPerTAO) }
	o.history = map[int64]minerHistory{}
	at := moment(t, "2025-12-31T00:00:00Z")
	histories := map[int64]minerHistory{}
	for i := range int64(500) {
		id := 1000 + i
		for day := line.Periods[0].From; day < line.Periods[0].Until; day++ {
			gains[id] = append(gains[id], ledger.GainStretch{Stretch: day, Gain: signed(100), Closes: 17, CountedCloses: 13, WinningCloses: 11})
		}
		var h minerHistory
		for range sharedRows / 500 {
			h.positions = append(h.positions, ledger.RecentPosition{PositionID: 1_234_567, Netuid: 64, EntryTime: at, EntryTAO: rao(1000), EntryAlpha: rao(10_000), RemainingAlpha: rao(1000), Gain: -rao(1000)})
			h.closes = append(h.closes, ledger.RecentClose{TradeID: 1_234_567, PositionID: 1_234_567, Netuid: 64, ExitTime: at, Alpha: rao(10_000), TAO: rao(1000), Gain: -rao(1000), DurationUs: 1e12})
		}
		histories[id] = h
		o.miners = append(o.miners, ledger.Miner{MinerID: id, Coldkey: alice, Status: chain.MinerBlacklisted, Gain: signed(10_000), EntryTAO: rao(100_000),
			ExitTAO: rao(100_000), LastActive: &at, Trades: 12_345, Closes: 12_345, OpenPositions: 123, CountedCloses: 9, WinningCloses: 5})
		for n := range chain.Netuid(128) {
			o.open = append(o.open, ledger.Exposure{MinerID: id, Netuid: n, Positions: 1, Alpha: tenTAO, TAO: tenTAO})
		}
	}
	o.prepareGains(line)
	for id, h := range histories {
		o.addGains(id, gains[id], h)
	}
	if err := o.readLines(func(id int64) ([]ledger.GainStretch, error) { return gains[id], nil }); err != nil {
		t.Fatal(err)
	}
	text, err := renderReport(newReportPage(o, "ledger.db", time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 1_000_000 {
		t.Errorf("got %d bytes, want no more than a million", len(text))
	}
	t.Logf("%d bytes", len(text))
}
