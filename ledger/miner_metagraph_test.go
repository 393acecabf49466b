package ledger_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// held is a row: a UID that a miner holds with a hotkey.
func held(uid chain.UID, minerNumber, hotkeyNumber byte) ledger.MetagraphRow {
	return ledger.MetagraphRow{UID: uid, Hotkey: hotkey(hotkeyNumber), Coldkey: coldkey(minerNumber)}
}

func syncMetagraph(t *testing.T, l *ledger.Ledger, minutes int, rows ...ledger.MetagraphRow) ledger.SyncResult {
	t.Helper()
	result, err := l.SyncMetagraph(context.Background(), rows, after(minutes))
	if err != nil {
		t.Fatalf("sync at %d: %v", minutes, err)
	}
	var got []ledger.MetagraphRow
	for _, r := range pages(t, 3, func(p ledger.Page[ledger.RecordedRegistration]) ([]ledger.RecordedRegistration, error) {
		return l.CurrentRegistrations(context.Background(), p)
	}) {
		m, err := l.Miner(context.Background(), r.MinerID)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, ledger.MetagraphRow{UID: r.UID, Hotkey: r.Hotkey, Coldkey: m.Coldkey})
	}
	want := slices.Clone(rows)
	slices.SortFunc(want, func(a, b ledger.MetagraphRow) int { return int(a.UID) - int(b.UID) })
	if !slices.Equal(got, want) {
		t.Fatalf("sync at %d: holders:\ngot  %v\nwant %v", minutes, got, want)
	}
	return result
}

func TestSyncMetagraph(t *testing.T) {
	for _, c := range []struct {
		name   string
		before []ledger.MetagraphRow
		rows   []ledger.MetagraphRow
		want   ledger.SyncResult
	}{
		{"first", nil, []ledger.MetagraphRow{held(0, 1, 1), held(1, 2, 2)}, ledger.SyncResult{Started: 2, NewMiners: 2}},
		{"unchanged", []ledger.MetagraphRow{held(0, 1, 1), held(1, 2, 2)}, []ledger.MetagraphRow{held(1, 2, 2), held(0, 1, 1)}, ledger.SyncResult{}},
		{"changed hotkey", []ledger.MetagraphRow{held(0, 1, 1)}, []ledger.MetagraphRow{held(0, 1, 2)}, ledger.SyncResult{Started: 1, Ended: 1}},
		{"swapped UIDs", []ledger.MetagraphRow{held(0, 1, 1), held(1, 2, 2)}, []ledger.MetagraphRow{held(0, 2, 2), held(1, 1, 1)}, ledger.SyncResult{Started: 2, Ended: 2}},
		{"swapped hotkeys", []ledger.MetagraphRow{held(0, 1, 1), held(1, 2, 2)}, []ledger.MetagraphRow{held(0, 1, 2), held(1, 2, 1)}, ledger.SyncResult{Started: 2, Ended: 2}},
		{"a circle of three", []ledger.MetagraphRow{held(0, 1, 1), held(1, 2, 2), held(2, 3, 3)},
			[]ledger.MetagraphRow{held(0, 2, 2), held(1, 3, 3), held(2, 1, 1)}, ledger.SyncResult{Started: 3, Ended: 3}},
		{"a reused UID", []ledger.MetagraphRow{held(0, 1, 1)}, []ledger.MetagraphRow{held(0, 2, 2)},
			ledger.SyncResult{Started: 1, Ended: 1, NewMiners: 1, Deactivated: 1}},
		{"a hotkey with another coldkey", []ledger.MetagraphRow{held(0, 1, 1)}, []ledger.MetagraphRow{held(0, 2, 1)},
			ledger.SyncResult{Started: 1, Ended: 1, NewMiners: 1, Deactivated: 1}},
		{"one UID of two lost", []ledger.MetagraphRow{held(0, 1, 1), held(1, 1, 2)}, []ledger.MetagraphRow{held(1, 1, 2)}, ledger.SyncResult{Ended: 1}},
		{"the last UID lost", []ledger.MetagraphRow{held(0, 1, 1)}, nil, ledger.SyncResult{Ended: 1, Deactivated: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := open(t)
			if c.before != nil {
				syncMetagraph(t, l, 0, c.before...)
			}
			if got := syncMetagraph(t, l, 1, c.rows...); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			written := l.Stats().Queries
			if got := syncMetagraph(t, l, 2, c.rows...); got != (ledger.SyncResult{}) {
				t.Errorf("again: got %+v, want nothing", got)
			}
			for name, q := range l.Stats().Queries {
				for _, verb := range []string{"Insert", "End", "Set"} {
					if strings.HasPrefix(name, verb) && q.Count != written[name].Count {
						t.Errorf("an unchanged sync ran %s", name)
					}
				}
			}
		})
	}
}

func TestSyncMetagraphStatuses(t *testing.T) {
	l := open(t)
	syncMetagraph(t, l, 0, held(0, 1, 1), held(1, 2, 2), held(2, 3, 3))
	register(t, l, 4) // known from its events alone
	if _, err := l.UpdateMinerStatus(context.Background(), coldkey(2), chain.MinerBlacklisted); err != nil {
		t.Fatal(err)
	}
	if got, want := syncMetagraph(t, l, 1, held(2, 3, 3)), (ledger.SyncResult{Ended: 2, Deactivated: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	status(t, l, 1, chain.MinerInactive)
	status(t, l, 2, chain.MinerBlacklisted)
	status(t, l, 4, chain.MinerActive)
	if got, want := syncMetagraph(t, l, 2, held(7, 1, 1), held(8, 2, 2)), (ledger.SyncResult{Started: 2, Ended: 1, Deactivated: 1, Reactivated: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	status(t, l, 1, chain.MinerActive)
	status(t, l, 2, chain.MinerBlacklisted)
	status(t, l, 3, chain.MinerInactive)

	history, err := l.Registrations(context.Background(), miner(t, l, 1).MinerID, ledger.Page[ledger.RecordedRegistration]{})
	if err != nil || len(history) != 2 {
		t.Fatalf("got %v, %v, want both registrations of miner 1", history, err)
	}
	if got := *history[0].EndedAt; got != after(1) {
		t.Errorf("first registration: ended at %s, want %s", got, after(1))
	}
}

func TestSyncMetagraphRefuses(t *testing.T) {
	l := open(t)
	start := []ledger.MetagraphRow{held(0, 1, 1), held(1, 2, 2)}
	syncMetagraph(t, l, 10, start...)
	for _, c := range []struct {
		name string
		rows []ledger.MetagraphRow
		at   chain.Time
		want string
	}{
		{"a UID twice", []ledger.MetagraphRow{held(3, 1, 1), held(4, 2, 2), held(3, 3, 3)}, after(11), "row 3 (UID 3): uid \"3\": row 1 holds it already"},
		{"a hotkey twice", []ledger.MetagraphRow{held(3, 1, 1), held(4, 2, 1)}, after(11), "row 2 (UID 4): hotkey"},
		{"a bad hotkey", []ledger.MetagraphRow{{UID: 3, Hotkey: "5x", Coldkey: coldkey(1)}}, after(11), "row 1 (UID 3): hotkey"},
		{"a bad coldkey", []ledger.MetagraphRow{held(1, 1, 1), {UID: 3, Hotkey: hotkey(3), Coldkey: "5x"}}, after(11), "row 2 (UID 3): coldkey"},
		{"before what it ends", []ledger.MetagraphRow{held(0, 3, 3)}, after(9), "the registration began at"},
		{"before time", start, -1, "at \"1969-12-31T23:59:59.999999Z\": want"},
	} {
		_, err := l.SyncMetagraph(context.Background(), c.rows, c.at)
		if !errors.Is(err, ledger.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want ErrInvalid with %q", c.name, err, c.want)
		}
	}
	if got := syncMetagraph(t, l, 12, start...); got != (ledger.SyncResult{}) {
		t.Errorf("afterwards: got %+v, want nothing changed", got)
	}
}

func TestSyncMetagraphOf40000Rows(t *testing.T) {
	const n = 40_000
	rows := make([]ledger.MetagraphRow, n)
	for i := range rows {
		rows[i] = ledger.MetagraphRow{
			UID:     chain.UID(i),
			Hotkey:  chain.AddressFromPublicKey([32]byte{3, byte(i), byte(i >> 8)}),
			Coldkey: chain.AddressFromPublicKey([32]byte{4, byte(i / 2), byte(i / 2 >> 8)}),
		}
	}
	l := open(t)
	step := func(name string, want ledger.SyncResult) {
		t.Helper()
		start := time.Now()
		got, err := l.SyncMetagraph(context.Background(), rows, 0)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
		t.Logf("%s: %v", name, time.Since(start).Round(time.Millisecond))
	}
	step("first", ledger.SyncResult{Started: n, NewMiners: n / 2})
	step("unchanged", ledger.SyncResult{})
	for i := range n / 2 {
		j := n - 1 - i
		rows[i].UID, rows[j].UID = rows[j].UID, rows[i].UID
	}
	step("all swapped", ledger.SyncResult{Started: n, Ended: n})
	rows = rows[:n/2]
	step("half gone", ledger.SyncResult{Ended: n / 2, Deactivated: n / 4})
	if got := count(t, l, "registrations WHERE ended_at IS NULL"); got != n/2 {
		t.Errorf("got %d current registrations, want %d", got, n/2)
	}
}
