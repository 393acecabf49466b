package ledger_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
)

// lawStreams sets how many random streams the law is tried on.
const lawStreams = "LAW_STREAMS"

// The law: the ledger is a function of its recorded events, in whatever order, inputs and calls they came.
func TestTheLedgerIsAFunctionOfItsEvents(t *testing.T) {
	streams := lawStreamsOr(t, 60)
	base := uint64(time.Now().UnixNano())
	for i := range uint64(streams) {
		seed := base + i
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { law(t, seed) })
		if t.Failed() {
			return
		}
	}
}

// lawStreamsOr is how many streams are asked for, or a number.
func lawStreamsOr(t *testing.T, streams int) int {
	t.Helper()
	text := os.Getenv(lawStreams)
	if text == "" {
		return streams
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s=%q: want a number", lawStreams, text)
	}
	return n
}

func law(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 7))
	events := ties(r, 20+r.IntN(60))
	inTime := open(t)
	register(t, inTime, 0, 1)
	apply(t, inTime, events) // staged, and so applied in order

	l := open(t, ledger.WithBatchSize(1+r.IntN(20)))
	register(t, l, 0, 1)
	came := slices.Clone(events)
	switch r.IntN(3) {
	case 0:
		r.Shuffle(len(came), func(i, j int) { came[i], came[j] = came[j], came[i] })
	case 1:
		slices.Reverse(came)
	default: // pages, newest first
		slices.Reverse(came)
		for page := range slices.Chunk(came, 7) {
			slices.Reverse(page)
		}
	}
	for len(came) > 0 {
		n := min(len(came), 1+r.IntN(12))
		part := came[:n]
		came = came[n:]
		switch r.IntN(4) {
		case 0:
			for _, e := range part {
				lawCall(t, l, e)
			}
		case 1:
			apply(t, l, part, ledger.LeaveLate())
		default:
			apply(t, l, append(slices.Clone(part), part[r.IntN(n)])) // with a repeat
		}
		if r.IntN(3) == 0 {
			archive(t, l, after(r.IntN(40)), ledger.ArchiveRows(1+r.IntN(5)))
		}
		if r.IntN(8) == 0 {
			rebuild(t, l, byte(r.IntN(2)))
		}
	}
	if err := l.RebuildMarked(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	diff(t, byKey(t, l), byKey(t, inTime))
	if got, want := report(t, l), report(t, inTime); !reflect.DeepEqual(got, want) {
		t.Errorf("report: got %+v, want %+v", got, want)
	}
	for _, of := range []*ledger.Ledger{l, inTime} {
		healthy(t, of)
		for n := range byte(2) {
			if again := rebuild(t, of, n); again.Changed() {
				t.Errorf("a rebuild of miner %d changed something: %+v", n, again)
			}
		}
		if v := verify(t, of); !v.Healthy() {
			t.Errorf("verify: %v", v.Differences)
		}
	}
}

// lawCall records an event by a call of its own, as Apply would have.
func lawCall(t *testing.T, l *ledger.Ledger, e ledger.Event) {
	t.Helper()
	if e.Kind == chain.Stake {
		addPosition(t, l, e)
		return
	}
	processClose(t, l, e, ledger.Mode(chain.Lenient))
}

// ties are events of two miners of which many share time, block or extrinsic, or have no block.
func ties(r *rand.Rand, n int) []ledger.Event {
	var events []ledger.Event
	for i := range n {
		minute := r.IntN(12)
		id := fmt.Sprintf("%d-%0*d", 5000+minute/2, 1+r.IntN(3), r.IntN(4))
		if r.IntN(10) == 0 {
			id = string(rune('a' + r.IntN(3)))
		}
		e := stake(id, minute, chain.Rao(1+r.IntN(500)), chain.Rao(1+r.IntN(500)))
		if r.IntN(5) < 2 {
			e.Kind = chain.Unstake
		}
		e.Coldkey, e.Netuid, e.EventIndex, e.Block = coldkey(byte(r.IntN(2))), chain.Netuid(1+r.IntN(2)), int64(i), int64(5000+minute/2+r.IntN(2))
		if r.IntN(4) == 0 {
			e.Block = 0
		}
		events = append(events, e)
	}
	return events
}

// Events that come while a replay is planned are not lost, and nobody reads a half of it: in every snapshot a miner that
// is not marked is what its events on record make.
func TestReplayBesideWriters(t *testing.T) {
	const seed, n = 11, 120
	events := ties(rand.New(rand.NewPCG(seed, 7)), n)
	inTime := open(t)
	register(t, inTime, 0, 1)
	apply(t, inTime, events)

	path := filepath.Join(t.TempDir(), "ledger.db")
	l, second := openAt(t, path), openAt(t, path)
	register(t, l, 0, 1)
	slices.Reverse(events)
	var writers sync.WaitGroup
	writers.Go(func() {
		for _, e := range events[:n/2] {
			var err error
			if e.Kind == chain.Stake {
				_, _, err = l.AddPosition(context.Background(), e)
			} else {
				_, err = l.ProcessClose(context.Background(), e, ledger.Mode(chain.Lenient))
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
	writers.Go(func() {
		for part := range slices.Chunk(events[n/2:], 10) {
			if _, err := second.Apply(context.Background(), sequence(part)); err != nil {
				t.Error(err)
			}
		}
	})
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		for n := range byte(2) {
			lawfulSnapshot(t, l, n)
		}
		if err := l.RebuildMarked(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.RebuildMarked(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	diff(t, byKey(t, l), byKey(t, inTime))
	healthy(t, l)
}

// lawfulSnapshot compares a miner with what its events make, as one snapshot has both.
func lawfulSnapshot(t *testing.T, l *ledger.Ledger, n byte) {
	t.Helper()
	err := l.ReadOnly(context.Background(), func(ctx context.Context, _ *read.Queries) error {
		m, err := l.MinerByColdkey(ctx, coldkey(n))
		if err != nil || m.OldestLateKey != nil {
			return err
		}
		got := standing(ctx, t, l, m)
		diff(t, got, lawful(ctx, t, l, m))
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A late event near the end of a long history costs what follows it: rows read and changed, also where one position has
// all the closes.
func TestReplayReadsTheSuffixAlone(t *testing.T) {
	const trades, late = 3000, 40
	for name, history := range map[string]func(i int) []ledger.Event{
		"one position": func(i int) []ledger.Event {
			return []ledger.Event{unstake(fmt.Sprintf("%d-1", 10+i), 10+i, 2, 1)}
		},
		"a position a trade": func(i int) []ledger.Event {
			return []ledger.Event{stake(fmt.Sprintf("%d-1", 10+i), 10+i, 2, 1), unstake(fmt.Sprintf("%d-2", 10+i), 10+i, 2, 1)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			faults := faultdriver.New()
			l := open(t, ledger.WithManager(manager.WithDriver(faults.Wrap)), ledger.WithPolicy(ledger.Policy{SelfTrade: chain.SelfTradeZero, Transfers: chain.TransfersInclude}))
			events := []ledger.Event{stake("1-1", 0, 1_000_000, 1_000_000)}
			for i := range trades {
				events = append(events, history(i)...)
			}
			apply(t, l, events)
			apply(t, l, []ledger.Event{unstake("5-1", 10+trades-late, 2, 1)}, ledger.LeaveLate())
			rowsRead := func() int { return faults.Count(faultdriver.Step) + faults.Count(faultdriver.Statement) }
			before := rowsRead()
			var replayed ledger.RebuildResult
			if err := l.RebuildMarked(context.Background(), func(r ledger.RebuildResult) { replayed = r }); err != nil {
				t.Fatal(err)
			}
			ofSuffix := rowsRead() - before
			most := int64(late*len(history(0)) + late/2)
			if replayed.Replayed > most || int64(len(replayed.Closes)) > most || len(replayed.Positions) > 1 {
				t.Errorf("got %d events replayed, %d closes and %d positions changed, want those of the last %d minutes", replayed.Replayed, len(replayed.Closes), len(replayed.Positions), late)
			}
			before = rowsRead()
			if again := rebuild(t, l, 1); again.Changed() || again.Replayed != int64(len(events))+1 {
				t.Errorf("a whole rebuild changed something: %+v", again)
			}
			if ofAll := rowsRead() - before; ofSuffix*10 > ofAll {
				t.Errorf("the replay took %d rows and statements, a whole rebuild %d: want less than a tenth", ofSuffix, ofAll)
			} else {
				t.Logf("rows and statements: %d of the replay, %d of a whole rebuild", ofSuffix, ofAll)
			}
		})
	}
}
