package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

// TestReplayBesideAnotherProcess: while 50,000 events of a miner are replayed, other processes read its figures, its
// open positions and its closes, each as they were before the replay or as they are after it, and record events of the
// same miner, which make the plan of a replay void twice, and of another one. In the end all of them count.
func TestReplayBesideAnotherProcess(t *testing.T) {
	b := &beside{T: t, db: file(t, "ledger.db")}
	l := b.openLate()
	b.look()

	replayed := make(chan error, 1)
	go func() { replayed <- l.RebuildMarked(context.Background(), nil) }()
	for running := true; running; {
		select {
		case err := <-replayed:
			if err != nil {
				t.Fatal(err)
			}
			running = false
		default:
			b.look()
		}
	}
	for _, p := range b.waiting {
		if err := p.Wait(); err != nil {
			t.Errorf("the process that wrote beside the last attempt: %v", err)
		}
	}
	if b.attempts != 3 {
		t.Errorf("got %d attempts to write the replay, want 3, the last with its plan", b.attempts)
	}
	if err := l.RebuildMarked(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	b.look()
	list, _ := b.read("miners", "--json")
	miners := rows(t, list)
	if a, other := miners[0], miners[1]; a["positions"] != besidePairs+4. || a["trades"] != besidePairs+0. || other["raw_gain_tao"] != "0.000000003" || other["trades"] != 3. {
		t.Errorf("got %v and %v, want the events of three processes in both", a, other)
	}
	if got, _ := b.read("verify"); !strings.Contains(got, "nothing differs") {
		t.Errorf("verify: got %s", got)
	}
	if got, _ := b.read("rebuild", "--all"); !strings.Contains(got, ": 0 changed, ") {
		t.Errorf("rebuild: got %s, want no change", got)
	}
}

// besidePairs is how many stakes and unstakes are replayed.
const besidePairs = 25_000

// beside is a ledger in which a miner waits for a replay, for other processes to use.
type beside struct {
	*testing.T
	db            string
	before, after state
	looks         int
	attempts      int // to write the replay
	waiting       []*exec.Cmd
}

// state is what a replay changes all at once.
type state struct{ gain, open chain.Rao }

// openLate makes the ledger: each unstake gains a rao on the stake before it, until a stake that came late moves all of
// them by one.
func (b *beside) openLate() *ledger.Ledger {
	ctx := context.Background()
	b.before, b.after = state{besidePairs, 1000}, state{3*besidePairs - 1000 - 2*(besidePairs-1), 2}
	quiet := manager.WithLogger(slog.New(slog.DiscardHandler))
	l, err := ledger.Open(ctx, b.db, ledger.WithPolicy(ledger.Policy{SelfTrade: chain.SelfTradeZero, Transfers: chain.TransfersInclude}),
		ledger.WithManager(quiet, manager.WithTracer(func(ctx context.Context, op manager.Operation) (context.Context, func(error)) {
			if op.Kind == manager.OperationWrite && op.Label == "ledger.RebuildMarked" {
				b.write()
			}
			return ctx, func(error) {}
		})))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := l.Close(ctx); err != nil {
			b.Error(err)
		}
	})
	_, err = l.Apply(ctx, func(yield func(ledger.Event, error) bool) {
		for i := range 2 * besidePairs {
			e := b.event(chain.Stake, alice, i, 2)
			if i%2 == 1 {
				e.Kind, e.TAO = chain.Unstake, 3
			}
			if !yield(e, nil) {
				return
			}
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	late := strings.NewReader(ours([]ledger.Event{b.event(chain.Stake, alice, -1, 1000)}))
	if r := runWith(ctx, late, "--db", b.db, "ingest", "--leave-late", "-"); r.code != exitDone {
		b.Fatalf("late stake: %s", r.stderr)
	}
	return l
}

func (b *beside) event(kind chain.EventKind, miner chain.Address, minute int, tao chain.Rao) ledger.Event {
	return ledger.Event{
		Kind: kind, Coldkey: miner, Hotkey: bob, Netuid: 1, ExtrinsicID: fmt.Sprintf("%d-1", 10+minute), Time: chain.Time(1_760_000_000_000_000).Add(time.Duration(minute) * time.Minute),
		TAO: tao, Alpha: 1,
	}
}

// write has another process record events of both miners: a late stake of the one that is replayed, on a subnet of its
// own, and a pair of the other. The first two times it ends before the replay is written, and makes its plan void.
func (b *beside) write() {
	if b.attempts++; b.attempts > 3 {
		return
	}
	again := b.event(chain.Stake, alice, 5000*b.attempts, 7)
	again.Netuid, again.EventIndex = 2, 9
	pair := b.event(chain.Unstake, bob, b.attempts, 2)
	pair.EventIndex = 1
	p := process("--db", b.db, "--timeout", "5m", "ingest", "--leave-late", "-")
	p.Stdin = strings.NewReader(ours([]ledger.Event{again, b.event(chain.Stake, bob, b.attempts, 1), pair}))
	err := p.Start()
	if err == nil && b.attempts < 3 {
		err = p.Wait()
	} else if err == nil {
		b.waiting = append(b.waiting, p)
	}
	if err != nil {
		b.Errorf("the process beside attempt %d: %v", b.attempts, err)
	}
}

// look has other processes read the ledger. What each of them says is of one state, and of the later one where no miner is
// said to wait.
func (b *beside) look() {
	b.Helper()
	report, code := b.read("report", "--json")
	figures, err := json.Marshal(object(b, report)["miners"])
	if err != nil {
		b.Fatal(err)
	}
	gain := b.sum(string(figures), "gain_tao")
	if gain != b.after.gain && (gain != b.before.gain || code != exitMarked) {
		b.Errorf("report: got a gain of %s and exit code %d, want %s, or %s and code %d", gain, code, b.after.gain, b.before.gain, exitMarked)
	}
	open, _ := b.read("positions", "--open", "--netuid", "1", "--json")
	if got := b.sum(open, "entry_tao"); got != b.before.open && got != b.after.open {
		b.Errorf("open positions: got %s, want the stake of %s or %s", got, b.before.open, b.after.open)
	}
	if b.looks++; b.looks%16 != 1 { // they are many
		return
	}
	closes, _ := b.read("closes", "--json")
	if got := b.sum(closes, "gain_tao"); got != b.before.gain && got != b.after.gain {
		b.Errorf("closes: got a gain of %s, want %s or %s", got, b.before.gain, b.after.gain)
	}
}

// read is what another process prints, and its exit code.
func (b *beside) read(args ...string) (string, int) {
	b.Helper()
	p := process(append([]string{"--db", b.db, "--timeout", "5m"}, args...)...)
	text, err := p.Output()
	if code := p.ProcessState.ExitCode(); err != nil && code != exitMarked {
		b.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return string(text), p.ProcessState.ExitCode()
}

// sum adds an amount up over the rows of the miner that is replayed.
func (b *beside) sum(list, amount string) (total chain.Rao) {
	b.Helper()
	for _, row := range rows(b, list) {
		if row["coldkey"] != alice {
			continue
		}
		var n chain.Rao
		if err := n.UnmarshalText([]byte(row[amount].(string))); err != nil {
			b.Fatal(err)
		}
		total += n
	}
	return total
}
