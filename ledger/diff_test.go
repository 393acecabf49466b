package ledger_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

func divergences(t testing.TB, here, there *ledger.Ledger) (found []ledger.Divergence) {
	t.Helper()
	if err := here.Diff(context.Background(), there, func(d ledger.Divergence) error {
		found = append(found, d)
		return nil
	}); err != nil {
		t.Fatalf("diff: %v", err)
	}
	return found
}

// TestDiffOfTheSame: ids, order of arrival and archiving are no difference.
func TestDiffOfTheSame(t *testing.T) {
	const seed = 81
	type key struct {
		coldkey   chain.Address
		extrinsic string
		index     int64
	}
	known := map[key]bool{}
	events := slices.DeleteFunc(history(seed, 900), func(e ledger.Event) bool { // of two contents the first to come stands
		k := key{e.Coldkey, e.ExtrinsicID, e.EventIndex}
		twice := known[k]
		known[k] = true
		return twice
	})
	here, there := open(t), open(t)
	apply(t, here, events)
	shuffled := append([]ledger.Event(nil), events...)
	rand.New(rand.NewPCG(seed, 1)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	half := len(shuffled) / 2
	apply(t, there, shuffled[:half])
	apply(t, there, shuffled[half:])
	archive(t, there, after(1_000_000))
	if got := divergences(t, here, there); len(got) != 0 {
		t.Errorf("seed %d: got %+v, want no difference", seed, got)
	}
}

// TestDiffNamesTheFirst: each kind of difference, with one of its consequences, is named once, and with its values.
func TestDiffNamesTheFirst(t *testing.T) {
	ctx := context.Background()
	events := []ledger.Event{stake("1-1", 0, 10*tao, 10*tao), unstake("2-1", 1000, 2*tao, tao), unstake("3-1", 2000, 2*tao, tao), of(2, stake("1-2", 0, tao, tao))}
	begin := func(t *testing.T, events []ledger.Event) *ledger.Ledger {
		l := open(t)
		apply(t, l, events)
		return l
	}
	for _, c := range []struct {
		name   string
		change func(l *ledger.Ledger) error
		events func(e []ledger.Event) []ledger.Event
		want   string
	}{
		{"the policy", func(l *ledger.Ledger) error {
			_, err := l.SetPolicy(ctx, ledger.Policy{MinBlocks: 1, SelfTrade: "zero", Transfers: "include", LookbackDays: 21})
			return err
		}, nil, "policy min_blocks 360, self_trades zero, transfers include, lookback_days 21 | min_blocks 1, self_trades zero, transfers include, lookback_days 21"},
		{"a UID", func(l *ledger.Ledger) error {
			_, _, err := l.EnsureMiner(ctx, at(1, 1, 5, 0))
			return err
		}, nil, fmt.Sprintf("UID 5  | %s with hotkey %s", coldkey(1), hotkey(1))},
		{"a status", func(l *ledger.Ledger) error {
			_, err := l.UpdateMinerStatus(ctx, coldkey(2), chain.MinerBlacklisted)
			return err
		}, nil, fmt.Sprintf("%s status active | blacklisted", coldkey(2))},
		{"a miner", func(l *ledger.Ledger) error {
			_, _, err := l.EnsureMiner(ctx, ledger.Registration{Coldkey: coldkey(3)})
			return err
		}, nil, fmt.Sprintf("%s miner  | active", coldkey(3))},
		{"an amount", nil, func(e []ledger.Event) []ledger.Event { e[1].TAO++; return e }, fmt.Sprintf("%s 2-1 tao 2000000000 | 2000000001", coldkey(1))},
		{"what no counter shows", nil, func(e []ledger.Event) []ledger.Event { e[1].Hotkey = hotkey(7); return e }, fmt.Sprintf("%s 2-1 hotkey %s | %s", coldkey(1), hotkey(1), hotkey(7))},
		{"an event more", nil, func(e []ledger.Event) []ledger.Event { return append(e, unstake("2-5", 1500, tao, tao)) },
			fmt.Sprintf("%s 2-5 event | unstake 1 %s ", coldkey(1), hotkey(1))},
		{"the last event more", nil, func(e []ledger.Event) []ledger.Event { return append(e, of(2, stake("9-5", 5000, tao, tao))) },
			fmt.Sprintf("%s 9-5 event  | stake 1 %s ", coldkey(2), hotkey(1))},
	} {
		t.Run(c.name, func(t *testing.T) {
			here, changed := begin(t, events), append([]ledger.Event(nil), events...)
			if c.events != nil {
				changed = c.events(changed)
			}
			there := begin(t, changed)
			if c.change != nil {
				if err := c.change(there); err != nil {
					t.Fatal(err)
				}
			}
			text := func(found []ledger.Divergence, here func(ledger.Divergence) (string, string)) string {
				var parts []string
				for _, d := range found {
					a, b := here(d)
					parts = append(parts, strings.TrimSpace(strings.Join([]string{string(d.Coldkey), d.ExtrinsicID}, " "))+" "+d.Field+" "+a+" | "+b)
				}
				return strings.Join(strings.Fields(strings.Join(parts, "; ")), " ")
			}
			want := strings.Join(strings.Fields(c.want), " ")
			if got := text(divergences(t, here, there), func(d ledger.Divergence) (string, string) { return d.Here, d.There }); !strings.HasPrefix(got, want) || strings.Contains(got, ";") && !strings.Contains(got, ",") {
				t.Errorf("got %s, want %s", got, want)
			}
			if got := text(divergences(t, there, here), func(d ledger.Divergence) (string, string) { return d.There, d.Here }); !strings.HasPrefix(got, want) {
				t.Errorf("the other way round: got %s, want %s", got, want)
			}
		})
	}
}

// TestDiffOfResults: of the same events, one of which came late and was not replayed, the first result that differs.
func TestDiffOfResults(t *testing.T) {
	first, rest := stake("0-9", -10, 3*tao, tao), []ledger.Event{stake("1-1", 0, 10*tao, 10*tao), unstake("2-1", 1000, 2*tao, tao)}
	here, there := open(t), open(t)
	apply(t, here, append([]ledger.Event{first}, rest...))
	apply(t, there, rest)
	apply(t, there, []ledger.Event{first}, ledger.LeaveLate())
	want := []ledger.Divergence{{Coldkey: coldkey(1), ExtrinsicID: "0-9", Field: "remaining_alpha", Here: "0", There: "1000000000"}}
	if got := divergences(t, here, there); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if err := there.RebuildMarked(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if got := divergences(t, here, there); len(got) != 0 {
		t.Errorf("replayed: got %+v, want none", got)
	}
}

// A status that differs does not hide a start of tracking that does.
func TestDiffNamesStatusAndStartOfTracking(t *testing.T) {
	here, there := open(t), open(t)
	for _, l := range []*ledger.Ledger{here, there} {
		var opts []ledger.MinerOption
		if l == there {
			opts = append(opts, ledger.TrackingStart(noon))
		}
		if _, err := l.RegisterMiner(t.Context(), ledger.Registration{Coldkey: coldkey(1)}, opts...); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := there.UpdateMinerStatus(t.Context(), coldkey(1), chain.MinerBlacklisted); err != nil {
		t.Fatal(err)
	}
	var fields []string
	for _, d := range divergences(t, here, there) {
		fields = append(fields, d.Field)
	}
	if want := []string{"status", "tracking_start"}; !slices.Equal(fields, want) {
		t.Errorf("got %v, want %v", fields, want)
	}
}
