package ledger_test

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

func policy(t testing.TB, l *ledger.Ledger) ledger.Policy {
	t.Helper()
	p, err := l.Policy(context.Background())
	if err != nil {
		t.Fatalf("policy: %v", err)
	}
	return p
}

func setPolicy(t testing.TB, l *ledger.Ledger, change func(*ledger.Policy)) ledger.Policy {
	t.Helper()
	p := policy(t, l)
	change(&p)
	p, err := l.SetPolicy(context.Background(), p)
	if err != nil {
		t.Fatalf("set policy: %v", err)
	}
	return p
}

// TestPolicyOfANewLedger: set when the ledger is made, and found again by whoever opens it.
func TestPolicyOfANewLedger(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "ledger.db")
	if got := policy(t, open(t)); got != ledger.DefaultPolicy() {
		t.Errorf("by itself: got %v, want %v", got, ledger.DefaultPolicy())
	}
	want := ledger.Policy{MinBlocks: 7, SelfTrade: chain.SelfTradeClamp, Transfers: chain.TransfersExclude, LookbackDays: 3}
	l := openAt(t, path, ledger.WithPolicy(want))
	register(t, l, 1)
	addPosition(t, l, stake("p", 0, tao, tao))
	if got := policy(t, l); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := policy(t, openAt(t, path, ledger.WithPolicy(want))); got != want {
		t.Errorf("opened again: got %v, want %v", got, want)
	}
	if _, err := ledger.Open(ctx, path, ledger.WithPolicy(ledger.DefaultPolicy())); !errors.Is(err, ledger.ErrInvalid) || !strings.Contains(err.Error(), "SetPolicy") {
		t.Errorf("opened under another with events on record: got %v, want ErrInvalid that names SetPolicy", err)
	}
	if got := policy(t, openAt(t, path)); got != want {
		t.Errorf("opened without: got %v, want %v", got, want)
	}
}

func TestSetPolicyRefuses(t *testing.T) {
	l := open(t)
	for field, spoil := range map[string]func(*ledger.Policy){
		"min_blocks":    func(p *ledger.Policy) { p.MinBlocks = -1 },
		"self_trades":   func(p *ledger.Policy) { p.SelfTrade = "" },
		"transfers":     func(p *ledger.Policy) { p.Transfers = "some" },
		"lookback_days": func(p *ledger.Policy) { p.LookbackDays = 3651 },
	} {
		p := ledger.DefaultPolicy()
		spoil(&p)
		if _, err := l.SetPolicy(context.Background(), p); !errors.Is(err, ledger.ErrInvalid) || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: got %v, want ErrInvalid that names it", field, err)
		}
		if _, err := ledger.Open(context.Background(), filepath.Join(t.TempDir(), "l.db"), ledger.WithPolicy(p)); !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("%s: open: got %v, want ErrInvalid", field, err)
		}
	}
	if got := policy(t, l); got != ledger.DefaultPolicy() {
		t.Errorf("afterwards: got %v", got)
	}
}

// TestPolicyHandlesEvents: each kind of call takes the ledger's policy, refuses another, and stores one that overrides
// it. Mixed is what a scan of the events says.
func TestPolicyHandlesEvents(t *testing.T) {
	ctx := context.Background()
	other := []ledger.CloseApplyOption{ledger.MinBlocks(1), ledger.SelfTrade(chain.SelfTradeZero)}
	for name, sell := range map[string]func(*ledger.Ledger, ledger.Event, ...ledger.CloseApplyOption) error{
		"ProcessClose": func(l *ledger.Ledger, e ledger.Event, opts ...ledger.CloseApplyOption) error {
			var given []ledger.CloseOption
			for _, o := range opts {
				given = append(given, o)
			}
			_, err := l.ProcessClose(ctx, e, given...)
			return err
		},
		"Apply": func(l *ledger.Ledger, e ledger.Event, opts ...ledger.CloseApplyOption) error {
			var given []ledger.ApplyOption
			for _, o := range opts {
				given = append(given, o)
			}
			_, err := l.Apply(ctx, sequence([]ledger.Event{e}), given...)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := open(t, ledger.WithPolicy(ledger.Policy{MinBlocks: 5, SelfTrade: chain.SelfTradeClamp, Transfers: chain.TransfersInclude}))
			register(t, l, 1)
			addPosition(t, l, stake("1-1", 0, 10*tao, 10*tao))
			check := func(call string, id int64, minBlocks int64, selfTrade chain.SelfTradePolicy, mixed bool) {
				t.Helper()
				e, err := l.Event(ctx, id)
				if err != nil || *e.MinBlocks != minBlocks || *e.SelfTrade != selfTrade {
					t.Errorf("%s: got %+v, error %v, want %d blocks and %s", call, e, err, minBlocks, selfTrade)
				}
				if got := policy(t, l); got.Mixed != mixed {
					t.Errorf("%s: got %v, mixed %v, want mixed %v", call, got, got.Mixed, mixed)
				}
			}
			if err := sell(l, unstake("2-1", 1, tao, tao)); err != nil {
				t.Fatal(err)
			}
			check("the ledger's", 2, 5, chain.SelfTradeClamp, false)
			if err := sell(l, unstake("3-1", 2, tao, tao), ledger.MinBlocks(5), ledger.SelfTrade(chain.SelfTradeClamp)); err != nil {
				t.Fatal(err)
			}
			check("the same asked for", 3, 5, chain.SelfTradeClamp, false)
			for _, o := range other {
				if err := sell(l, unstake("4-1", 3, tao, tao), o); !errors.Is(err, ledger.ErrInvalid) || !strings.Contains(err.Error(), "OverridePolicy") {
					t.Errorf("another: got %v, want ErrInvalid that names OverridePolicy", err)
				}
			}
			if _, err := l.Event(ctx, 4); !errors.Is(err, ledger.ErrNotFound) {
				t.Errorf("another: got %v, want nothing recorded", err)
			}
			if err := sell(l, unstake("4-1", 3, tao, tao), other[0], ledger.OverridePolicy()); err != nil {
				t.Fatal(err)
			}
			check("overridden", 4, 1, chain.SelfTradeClamp, true)

			setPolicy(t, l, func(p *ledger.Policy) { p.LookbackDays = 9 })
			check("set, with one event under another", 4, 1, chain.SelfTradeClamp, true)
			if err := sell(l, unstake("5-1", 4, tao, tao)); err != nil {
				t.Fatal(err)
			}
			check("after it was set", 5, 5, chain.SelfTradeClamp, true)
		})
	}
}

// TestSetPolicySeesWhatIsRecorded: back under the policy that all events were handled under, nothing is mixed.
func TestSetPolicySeesWhatIsRecorded(t *testing.T) {
	l := open(t)
	register(t, l, 1)
	addPosition(t, l, stake("1-1", 0, 10*tao, 10*tao))
	if p := setPolicy(t, l, func(p *ledger.Policy) { p.MinBlocks = 1 }); p.Mixed {
		t.Errorf("nothing was sold: got %+v", p)
	}
	processClose(t, l, unstake("2-1", 1, tao, tao))
	if p := setPolicy(t, l, func(p *ledger.Policy) { p.MinBlocks = 2 }); !p.Mixed {
		t.Errorf("another minimum: got %+v, want mixed", p)
	}
	if p := setPolicy(t, l, func(p *ledger.Policy) { p.MinBlocks = 1 }); p.Mixed {
		t.Errorf("back: got %+v", p)
	}
	if p := setPolicy(t, l, func(p *ledger.Policy) { p.SelfTrade = chain.SelfTradeClamp }); !p.Mixed {
		t.Errorf("another rule for self-trades: got %+v, want mixed", p)
	}
}

// TestPolicyForTransfers: they are ignored where the policy excludes them, known by what their events say.
func TestPolicyForTransfers(t *testing.T) {
	ctx := context.Background()
	l := open(t)
	register(t, l, 1)
	transfer := func(e ledger.Event) ledger.Event {
		e.IsTransfer = new(true)
		return e
	}
	apply(t, l, []ledger.Event{transfer(stake("1-1", 0, tao, tao))})
	if p := setPolicy(t, l, func(p *ledger.Policy) { p.Transfers = chain.TransfersExclude }); !p.Mixed {
		t.Errorf("a transfer was applied: got %+v, want mixed", p)
	}
	if p := setPolicy(t, l, func(p *ledger.Policy) { p.Transfers = chain.TransfersInclude }); p.Mixed {
		t.Errorf("back: got %+v", p)
	}

	l = open(t)
	register(t, l, 1)
	setPolicy(t, l, func(p *ledger.Policy) { p.Transfers = chain.TransfersExclude })
	unknown := stake("3-1", 2, tao, tao)
	got := apply(t, l, []ledger.Event{transfer(stake("1-1", 0, tao, tao)), transfer(unstake("2-1", 1, tao, tao)), unknown})
	if got.Ignored[chain.Excluded] != 2 || got.Applied != 1 || policy(t, l).Mixed {
		t.Errorf("got %+v, mixed %v, want two excluded and one applied", got, policy(t, l).Mixed)
	}
	if _, _, err := l.AddPosition(ctx, transfer(stake("4-1", 3, tao, tao))); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("AddPosition of a transfer: got %v, want ErrInvalid", err)
	}
	if _, err := l.ProcessClose(ctx, transfer(unstake("5-1", 4, 1, 1))); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("ProcessClose of a transfer: got %v, want ErrInvalid", err)
	}
	apply(t, l, []ledger.Event{transfer(unknown)}) // known to be one only now
	if !policy(t, l).Mixed {
		t.Error("an event that was applied turned out to be a transfer: want mixed")
	}
	processClose(t, l, transfer(unstake("5-1", 4, 1, 1)), ledger.OverridePolicy())
}

// TestRebuildUnderPolicy: events re-evaluated are what they are in a ledger that had the policy from the beginning,
// later rebuilds agree, and nothing is mixed any more.
func TestRebuildUnderPolicy(t *testing.T) {
	ctx := context.Background()
	policies := []ledger.Policy{
		ledger.DefaultPolicy(),
		{MinBlocks: 0, SelfTrade: chain.SelfTradeClamp, Transfers: chain.TransfersExclude, LookbackDays: 21},
		{MinBlocks: 30, SelfTrade: chain.SelfTradeZero, Transfers: chain.TransfersInclude, LookbackDays: 21},
		{MinBlocks: 30, SelfTrade: chain.SelfTradeZero, Transfers: chain.TransfersExclude, LookbackDays: 21},
	}
	for seed := uint64(1); seed <= 2; seed++ {
		events := history(seed, 400)
		for i := range events {
			events[i].IsTransfer = new(i%7 == 0)
			events[i].Excluded = false
		}
		l := open(t, ledger.WithPolicy(policies[0]))
		apply(t, l, events)
		for n := 1; n <= len(policies); n++ {
			want := policies[n%len(policies)]
			if p := setPolicy(t, l, func(p *ledger.Policy) { *p = want }); !p.Mixed {
				t.Fatalf("seed %d, policy %d: got %v, want mixed", seed, n, p)
			}
			miners, err := l.Miners(ctx, ledger.Page[ledger.Miner]{})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range miners {
				if _, err := l.Rebuild(ctx, m.Coldkey, ledger.UnderPolicy()); err != nil {
					t.Fatalf("seed %d, policy %d: %v", seed, n, err)
				}
				for _, again := range [][]ledger.RebuildOption{nil, {ledger.UnderPolicy()}} {
					if r, err := l.Rebuild(ctx, m.Coldkey, again...); err != nil || r.Changed() {
						t.Fatalf("seed %d, policy %d: again: got %+v, error %v, want no change", seed, n, r, err)
					}
				}
			}
			if p, err := l.RefreshPolicy(ctx); err != nil || p != want {
				t.Errorf("seed %d, policy %d: got %v, mixed %v, error %v, want %v", seed, n, p, p.Mixed, err, want)
			}
			other := open(t, ledger.WithPolicy(want))
			apply(t, other, events)
			if got, want := report(t, l), report(t, other); !reflect.DeepEqual(got, want) {
				t.Errorf("seed %d, policy %d:\ngot  %+v\nwant %+v", seed, n, got, want)
			}
			if got := verify(t, l); !got.Healthy() {
				t.Errorf("seed %d, policy %d: verify: %+v", seed, n, got.Differences)
			}
		}
	}
}

// TestRebuildUnderPolicyLeavesNothing: a miner of whom nothing counts under the policy of now is as one whose events were
// all ignored.
func TestRebuildUnderPolicyLeavesNothing(t *testing.T) {
	l := open(t)
	register(t, l, 1)
	transfers := []ledger.Event{stake("1-1", 0, tao, tao), unstake("2-1", 1, tao, tao), unstake("3-1", 2, tao, tao)}
	for i := range transfers {
		transfers[i].IsTransfer = new(true)
	}
	apply(t, l, transfers)
	was := miner(t, l, 1)
	for _, c := range []struct {
		transfers chain.TransferPolicy
		positions int64
	}{{chain.TransfersExclude, 0}, {chain.TransfersInclude, 1}} {
		setPolicy(t, l, func(p *ledger.Policy) { p.Transfers = c.transfers })
		if _, err := l.Rebuild(context.Background(), coldkey(1), ledger.UnderPolicy()); err != nil {
			t.Fatalf("%s: %v", c.transfers, err)
		}
		m := miner(t, l, 1)
		if m.Positions != c.positions || (m.LatestKey == nil) != (c.positions == 0) || (m.LastActive == nil) != (c.positions == 0) {
			t.Errorf("%s: got %+v, want %d positions", c.transfers, m, c.positions)
		}
		if got := verify(t, l); !got.Healthy() {
			t.Errorf("%s: verify: %v", c.transfers, got.Differences)
		}
	}
	if m := miner(t, l, 1); !reflect.DeepEqual(m, was) {
		t.Errorf("back: got %+v, want %+v", m, was)
	}
}
