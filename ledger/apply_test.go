package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

func of(n byte, e ledger.Event) ledger.Event {
	e.Coldkey = coldkey(n)
	return e
}

func TestApplyGivesEveryEventAnOutcome(t *testing.T) {
	l := open(t)
	if _, _, err := l.EnsureMiner(context.Background(), ledger.Registration{Coldkey: coldkey(1)}, ledger.TrackingStart(after(0))); err != nil {
		t.Fatal(err)
	}
	early, rootNet, noTAO, noAlpha, excluded := stake("0-1", -1, 5, 5), stake("1-2", 2, 5, 5), stake("1-3", 3, 0, 5), unstake("1-4", 4, 5, 0), stake("1-5", 5, 5, 5)
	rootNet.Netuid = 0
	excluded.Excluded = true
	input := []ledger.Event{
		unstake("1-8", 8, 30, 20), // sells more than is open
		excluded, noAlpha, noTAO, rootNet, early,
		stake("1-1", 0, 10, 10), // at the tracking start: counts
		unstake("1-0", 0, 4, 2), // before the stake, by its number
		stake("1-1", 0, 10, 10), // the same again
		stake("1-1", 0, 11, 10), // and with other contents
	}
	got := apply(t, l, input)
	want := ledger.Summary{
		IntakeID: 1, Events: 10, Applied: 2, Duplicates: 1,
		Ignored: map[chain.IgnoreReason]int64{
			chain.BeforeTrackingStart: 1, chain.InvalidNetuid: 1, chain.ZeroAmounts: 2, chain.Excluded: 1, chain.NoOpenPosition: 1,
		},
		Rejected: map[ledger.RejectReason]int64{ledger.DuplicateConflict: 1},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	m := miner(t, l, 1)
	if m.Positions != 1 || m.Trades != 1 || m.ClosedAlpha != 10 || m.UnmatchedAlpha != 12 || m.UnmatchedTAO != 19 {
		t.Errorf("miner: got %+v", m)
	}
	rejected, err := l.RejectedEvents(context.Background(), coldkey(1), ledger.Page[ledger.RejectedEvent]{})
	if err != nil || len(rejected) != 1 || rejected[0].ExtrinsicID != "1-1" || !strings.Contains(rejected[0].Payload, `"tao":"0.000000011"`) {
		t.Errorf("rejected: got %+v, error %v", rejected, err)
	}

	before := report(t, l)
	again := apply(t, l, input)
	if again.Duplicates != 9 || again.Rejected[ledger.DuplicateConflict] != 1 || again.Applied != 0 {
		t.Errorf("again: got %+v, want 9 duplicates and 1 conflict", again)
	}
	if after := report(t, l); !reflect.DeepEqual(after, before) {
		t.Errorf("again: report changed:\ngot  %+v\nwant %+v", after, before)
	}
	if rejected, _ := l.RejectedEvents(context.Background(), "", ledger.Page[ledger.RejectedEvent]{}); len(rejected) != 1 {
		t.Errorf("again: got %d rejected events, want 1", len(rejected))
	}
}

func TestApplyOrdersByNumbers(t *testing.T) {
	l := open(t)
	input := []ledger.Event{
		stake("10-0001", 0, 1, 1), stake("9-0010", 0, 2, 1), stake("9-0009", 0, 3, 1), stake("9-9", 0, 4, 1), stake("x", 0, 5, 1), stake("9-10-1", 0, 6, 1),
		stake("100-1", 0, 7, 1),
	}
	input[6].Block-- // the block comes before the extrinsic
	apply(t, l, input)
	positions, err := l.Positions(context.Background(), 1, ledger.PositionFilter{}, ledger.Page[ledger.Position]{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range positions {
		got = append(got, p.ExtrinsicID)
	}
	want := []string{"100-1", "9-0009", "9-9", "9-0010", "10-0001", "9-10-1", "x"}
	if !slices.Equal(got, want) {
		t.Errorf("order: got %v, want %v", got, want)
	}
}

func TestApplyFlagsWhatComesOutOfOrder(t *testing.T) {
	l := open(t)
	apply(t, l, []ledger.Event{stake("5-1", 5, 10, 10), unstake("7-1", 7, 5, 5)})
	ignored := stake("9-9", 90, 0, 1)
	apply(t, l, []ledger.Event{ignored}) // without effect, so nothing is older than it
	got := apply(t, l, []ledger.Event{stake("6-1", 6, 10, 10), stake("8-1", 8, 1, 1), stake("8-0", 8, 1, 1)}, ledger.LeaveLate())
	if got.OutOfOrder != 1 || got.Applied != 3 {
		t.Errorf("got %+v, want 1 of 3 out of order", got)
	}
	events, err := l.Events(context.Background(), 1, ledger.EventFilter{}, ledger.Page[ledger.RecordedEvent]{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if want := e.ExtrinsicID == "6-1"; e.OutOfOrder != want {
			t.Errorf("%s: got out of order %v, want %v", e.ExtrinsicID, e.OutOfOrder, want)
		}
	}
	if got := apply(t, l, []ledger.Event{unstake("8-0", 8, 1, 1)}); got.OutOfOrder != 1 {
		t.Errorf("same time, smaller extrinsic: got %+v, want it out of order", got)
	}
}

func TestApplyNoRegister(t *testing.T) {
	l := open(t)
	register(t, l, 1)
	input := []ledger.Event{stake("a", 0, 1, 1), of(2, stake("a", 0, 1, 1))}
	got := apply(t, l, input, ledger.NoRegister())
	if got.Applied != 1 || got.Rejected[ledger.UnknownMiner] != 1 || got.RegisteredMiners != 0 {
		t.Errorf("got %+v, want 1 applied and 1 of an unknown miner", got)
	}
	if n := len(report(t, l).Miners); n != 1 {
		t.Errorf("miners: got %d, want 1", n)
	}
	got = apply(t, l, input) // now the miner may be registered, and its event counts
	if got.Applied != 1 || got.Duplicates != 1 || got.RegisteredMiners != 1 {
		t.Errorf("then: got %+v", got)
	}
}

func TestApplyTrackingStart(t *testing.T) {
	l := open(t)
	register(t, l, 1)
	got := apply(t, l, []ledger.Event{stake("a", 0, 1, 1), of(2, stake("a", 0, 1, 1)), of(2, stake("b", 10, 1, 1))}, ledger.TrackingStart(after(10)))
	if got.Applied != 2 || got.Ignored[chain.BeforeTrackingStart] != 1 {
		t.Errorf("got %+v, want the option to hold for the miner it registers alone", got)
	}
	if m := miner(t, l, 2); m.TrackingStart == nil || *m.TrackingStart != after(10) {
		t.Errorf("tracking start: got %v", m.TrackingStart)
	}
}

func TestApplyRejectsWhatOverflows(t *testing.T) {
	l := open(t)
	got := apply(t, l, []ledger.Event{stake("1-1", 0, math.MaxInt64-1, 5), stake("1-2", 1, 2, 5), stake("1-3", 2, 1, 5)})
	if got.Applied != 2 || got.Rejected[ledger.Overflow] != 1 {
		t.Errorf("got %+v, want 2 applied and 1 overflow", got)
	}
	if m := miner(t, l, 1); m.EntryTAO != math.MaxInt64 || m.Positions != 2 {
		t.Errorf("miner: got %+v", m)
	}
}

func TestApplyBadInputLeavesNothing(t *testing.T) {
	bad := stake("z", 9, 1, 1)
	bad.Hotkey = "5abc"
	broken := errors.New("line 7: broken")
	for name, c := range map[string]struct {
		last error
		e    ledger.Event
		want error
	}{
		"bad event":      {nil, bad, ledger.ErrInvalid},
		"error in input": {broken, ledger.Event{}, broken},
	} {
		t.Run(name, func(t *testing.T) {
			l := open(t)
			before := tables(t, l)
			_, err := l.Apply(context.Background(), func(yield func(ledger.Event, error) bool) {
				for i := range 4500 {
					if !yield(of(byte(i%5), stake(fmt.Sprint(i), i, 1, 1)), nil) {
						return
					}
				}
				yield(c.e, c.last)
			})
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), "event 4501") {
				t.Errorf("got %v, want %v and the place in the input", err, c.want)
			}
			if after := tables(t, l); after != before {
				t.Errorf("left behind:\n%s", after)
			}
			if got := apply(t, l, []ledger.Event{stake("a", 0, 1, 1)}); got.Applied != 1 || got.Resumed != 0 {
				t.Errorf("then: got %+v", got)
			}
		})
	}
}

func TestApplyEmptyInput(t *testing.T) {
	got := apply(t, open(t), nil)
	if got.Events != 0 || got.Applied != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestApplyRefusesBadOptions(t *testing.T) {
	l := open(t)
	for _, o := range []ledger.ApplyOption{ledger.MinBlocks(-1), ledger.SelfTrade("most")} {
		if _, err := l.Apply(context.Background(), sequence(nil), o); !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("%v: got %v, want ErrInvalid", o, err)
		}
	}
}

func TestApplyReportsProgress(t *testing.T) {
	l := open(t, ledger.WithBatchSize(10))
	var events []ledger.Event
	for i := range 2500 {
		events = append(events, of(byte(i%3), stake(fmt.Sprint(i), i, 1, 1)))
	}
	var last ledger.Progress
	calls := 0
	apply(t, l, events, ledger.OnProgress(func(p ledger.Progress) {
		if p.Phase == last.Phase && p.Done < last.Done || p.Phase == ledger.Staging && last.Phase == ledger.Applying {
			t.Errorf("went back from %+v to %+v", last, p)
		}
		last = p
		calls++
	}))
	if last != (ledger.Progress{Phase: ledger.Applying, Done: 2500, Total: 2500}) || calls < 250 {
		t.Errorf("ended at %+v after %d calls", last, calls)
	}
}

// dying is an input whose process dies after some events: the panic leaves Apply no time to clean up.
func dying(events []ledger.Event) iter.Seq2[ledger.Event, error] {
	return func(yield func(ledger.Event, error) bool) {
		for _, e := range events {
			yield(e, nil)
		}
		panic("killed")
	}
}

func TestApplyCollectsWhatTheDeadLeft(t *testing.T) {
	now := noon.Time()
	l := open(t, ledger.WithClock(func() time.Time { return now }))
	var events []ledger.Event
	for i := range 3000 {
		events = append(events, stake(fmt.Sprint(i), i, 1, 1))
	}
	func() {
		defer func() { recover() }()
		_, _ = l.Apply(context.Background(), dying(events))
		t.Error("did not die")
	}()
	if got := count(t, l, "staged_events"); got != 2000 {
		t.Fatalf("staged by the dead: got %d, want a chunk of 2000", got)
	}
	now = now.Add(9 * time.Minute)
	apply(t, l, nil)
	if got := count(t, l, "staged_events"); got != 2000 {
		t.Errorf("after 9 minutes: got %d staged, want them left alone", got)
	}
	now = now.Add(2 * time.Minute)
	if got := apply(t, l, []ledger.Event{stake("a", 0, 1, 1)}); got.Applied != 1 || got.Resumed != 0 {
		t.Errorf("got %+v", got)
	}
	if got := count(t, l, "staged_events"); got != 0 {
		t.Errorf("after 11 minutes: got %d staged, want 0", got)
	}
	if m := miner(t, l, 1); m.Positions != 1 {
		t.Errorf("positions: got %d, want none of the dead input's", m.Positions)
	}
}

func TestApplyNoticesThatItWasTakenForDead(t *testing.T) {
	now := noon.Time()
	l := open(t, ledger.WithClock(func() time.Time { return now }))
	_, err := l.Apply(context.Background(), func(yield func(ledger.Event, error) bool) {
		for i := range 5000 {
			if i == 2500 { // asleep for long, while another comes by
				now = now.Add(time.Hour)
				apply(t, l, nil)
			}
			if !yield(stake(fmt.Sprint(i), i, 1, 1), nil) {
				return
			}
		}
	})
	if !errors.Is(err, ledger.ErrNotFound) || !strings.Contains(err.Error(), "run it again") {
		t.Errorf("got %v, want ErrNotFound that says what to do", err)
	}
	if got := count(t, l, "staged_events") + count(t, l, "events"); got != 0 {
		t.Errorf("left behind: got %d rows, want 0", got)
	}
}

// Two processes that apply at once do each event once.
func TestTwoApplyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	a := openAt(t, path, ledger.WithBatchSize(20))
	b := openAt(t, path, ledger.WithBatchSize(20))
	events := history(7, 3000)
	type result struct {
		summary ledger.Summary
		err     error
	}
	results := make(chan result, 2)
	for _, l := range []*ledger.Ledger{a, b} {
		go func() {
			s, err := l.Apply(context.Background(), sequence(events))
			results <- result{s, err}
		}()
	}
	var applied, outcomes int64
	for range 2 {
		r := <-results
		if r.err != nil {
			t.Fatal(r.err)
		}
		applied += r.summary.Applied
		outcomes += r.summary.Applied + r.summary.Duplicates
		for _, n := range r.summary.Ignored {
			outcomes += n
		}
		for _, n := range r.summary.Rejected {
			outcomes += n
		}
	}
	once := open(t)
	want := apply(t, once, events)
	if applied != want.Applied || outcomes != int64(2*len(events)) {
		t.Errorf("got %d applied of %d outcomes, want %d of %d", applied, outcomes, want.Applied, 2*len(events))
	}
	if got, want := report(t, a), report(t, once); !reflect.DeepEqual(got, want) {
		t.Errorf("report:\ngot  %+v\nwant %+v", got, want)
	}
}
