package ledger_test

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/internal/pgtest"
	"github.com/stakeledger/stakeledger/ledger"
)

// answer is what a method returned, but for ids: a transaction that was rolled back leaves gaps in them.
func answer(t *testing.T, values ...any) string {
	t.Helper()
	text, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	return anID.ReplaceAllString(string(text), "$1:0")
}

var anID = regexp.MustCompile(`("\w*(?:ID|_id|ArchiveRun)"):\d+`)

// writes are the methods that write, one after the other, each with what it returns.
var writes = []struct {
	name string
	call func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any
}{
	{"RegisterMiner", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		m, err := l.RegisterMiner(ctx, ledger.Registration{Coldkey: coldkey(1), Hotkey: hotkey(1), UID: 3})
		return []any{m, err}
	}},
	{"RegisterMiner, again", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		_, err := l.RegisterMiner(ctx, ledger.Registration{Coldkey: coldkey(1)})
		return []any{err.Error()}
	}},
	{"EnsureMiner", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		m, isNew, err := l.EnsureMiner(ctx, ledger.Registration{Coldkey: coldkey(2)})
		return []any{m, isNew, err}
	}},
	{"EnsureMiner, again", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		m, isNew, err := l.EnsureMiner(ctx, ledger.Registration{Coldkey: coldkey(2)})
		return []any{m, isNew, err}
	}},
	{"UpdateMinerStatus", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		m, err := l.UpdateMinerStatus(ctx, coldkey(2), chain.MinerBlacklisted)
		return []any{m, err}
	}},
	{"AddPosition", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		p, isNew, err := l.AddPosition(ctx, stake("1-1", 1, 5*tao, 9*tao))
		return []any{p, isNew, err}
	}},
	{"AddPosition, again", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		p, isNew, err := l.AddPosition(ctx, stake("1-1", 1, 5*tao, 9*tao))
		return []any{p, isNew, err}
	}},
	{"ProcessClose", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		r, err := l.ProcessClose(ctx, unstake("9-1", 900, 4*tao, 9*tao))
		return []any{r, err}
	}},
	{"ProcessClose, again", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		r, err := l.ProcessClose(ctx, unstake("9-1", 900, 4*tao, 9*tao))
		return []any{r, err}
	}},
	{"ProcessClose of more than there is", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		_, err := l.ProcessClose(ctx, unstake("9-2", 901, 4*tao, 9*tao))
		return []any{err.Error()}
	}},
	{"Apply", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		other := stake("8-1", 800, tao, tao)
		other.Coldkey = coldkey(3)
		s, err := l.Apply(ctx, sequence([]ledger.Event{stake("0-1", 0, tao, tao), other, stake("2-1", 2, tao, tao), unstake("9-3", 903, tao, 3*tao)}))
		return []any{s, err}
	}},
	{"Apply, late events left", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		s, err := l.Apply(ctx, sequence([]ledger.Event{stake("0-7", 0, tao, 7*tao)}), ledger.LeaveLate())
		return []any{s, err}
	}},
	{"RebuildMarked", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		var results []any
		err := l.RebuildMarked(ctx, func(r ledger.RebuildResult) { results = append(results, r) })
		return append(results, err)
	}},
	{"SetPolicy", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		p := ledger.DefaultPolicy()
		p.MinBlocks = 5000
		p, err := l.SetPolicy(ctx, p)
		return []any{p, err}
	}},
	{"Rebuild", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		r, err := l.Rebuild(ctx, coldkey(1), ledger.UnderPolicy())
		return []any{r, err}
	}},
	{"RefreshPolicy", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		p, err := l.RefreshPolicy(ctx)
		return []any{p, err}
	}},
	{"ArchiveClosedPositions", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		s, err := l.ArchiveClosedPositions(ctx, after(2000), ledger.ArchiveRows(1))
		return []any{s, err}
	}},
	{"TakeSnapshot", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		s, isNew, err := l.TakeSnapshot(ctx, coldkey(1), after(2000), 24*time.Hour)
		return []any{s, isNew, err}
	}},
	{"TakeSnapshots", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		s, err := l.TakeSnapshots(ctx, after(2001), 24*time.Hour)
		return []any{s, err}
	}},
	{"SyncMetagraph", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		r, err := l.SyncMetagraph(ctx, []ledger.MetagraphRow{{UID: 4, Hotkey: hotkey(1), Coldkey: coldkey(1)}, {UID: 5, Hotkey: hotkey(5), Coldkey: coldkey(5)}}, after(3000))
		return []any{r, err}
	}},
	{"Apply of what conflicts", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		s, err := l.Apply(ctx, sequence([]ledger.Event{stake("1-1", 1, 6*tao, 9*tao)}))
		return []any{s, err}
	}},
	{"AcknowledgeRejected", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		list, err := l.RejectedEvents(ctx, "", ledger.Page[ledger.RejectedEvent]{Limit: 1})
		if err != nil || len(list) != 1 {
			t.Fatalf("rejected events: got %v, %v", list, err)
		}
		n, err := l.AcknowledgeRejected(ctx, list[0].RejectedID)
		return []any{n, err}
	}},
	{"PruneRejected", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		n, err := l.PruneRejected(ctx, after(9000))
		return []any{n, err}
	}},
	{"PruneSnapshots", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		n, err := l.PruneSnapshots(ctx, after(9000))
		return []any{n, err}
	}},
	{"Deregister", func(t *testing.T, ctx context.Context, l *ledger.Ledger) []any {
		return []any{l.Deregister(ctx, coldkey(5), after(4000), 5)}
	}},
}

// Whether the commit whose answer got lost took place or not, every method answers as if it had not got lost.
func TestEveryMethodSettlesACommitOfUnknownOutcome(t *testing.T) {
	clock := ledger.WithClock(func() time.Time { return after(1000).Time() })
	migrated := func() string { return pgtest.Migrated(t, "ledger", migratePostgres) }
	plain := openAt(t, migrated(), clock, ledger.WithManager(quiet))
	want := make([]string, len(writes))
	for i, w := range writes {
		want[i] = answer(t, w.call(t, t.Context(), plain)...)
	}
	for name, cuts := range map[string][]pgtest.Cut{
		"not committed": {pgtest.Unsent, pgtest.Uncut}, "committed": {pgtest.Unanswered, pgtest.Uncut},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := pgtest.NewProxy(t, migrated())
			l := openAt(t, proxy.URL, clock, ledger.WithManager(quiet))
			for i, w := range writes {
				proxy.CutCommits(slices.Repeat(cuts, 20)...)
				if got := answer(t, w.call(t, t.Context(), l)...); got != want[i] {
					t.Errorf("%s: got  %s\nwant %s", w.name, got, want[i])
				}
			}
			if r, err := l.Verify(t.Context()); err != nil || len(r.Differences) > 0 {
				t.Errorf("verify: %v, %v", r, err)
			}
			if got, want := report(t, l), report(t, plain); answer(t, got) != answer(t, want) {
				t.Errorf("the report differs: got %v, want %v", got, want)
			}
		})
	}
}
