package damage_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// An operation is something that a ledger does. Its error is an answer, and only looked at for what the ledger
// itself says never happens.
type operation struct {
	name string
	do   func(ctx context.Context, l *ledger.Ledger, r *rand.Rand, list []ledger.Event) error
}

// listing goes through a list of the ledger, a few rows a page, as a caller would.
func listing[T any](name string, page func(ctx context.Context, l *ledger.Ledger, id int64, p ledger.Page[T]) ([]T, error)) operation {
	return operation{name, func(ctx context.Context, l *ledger.Ledger, r *rand.Rand, _ []ledger.Event) error {
		var errs []error
		size := 1 + r.IntN(20)
		for _, id := range []int64{1, 2, 3, 1 + r.Int64N(templateEvents)} {
			errs = append(errs, through(size, func(p ledger.Page[T]) ([]T, error) { return page(ctx, l, id, p) }))
		}
		return errors.Join(errs...)
	}}
}

func through[T any](size int, page func(ledger.Page[T]) ([]T, error)) error {
	next := ledger.Page[T]{Limit: size}
	for {
		rows, err := page(next)
		if err != nil || len(rows) < size {
			return err
		}
		next.After = &rows[len(rows)-1]
	}
}

var operations = []operation{
	listing("Miners", func(ctx context.Context, l *ledger.Ledger, _ int64, p ledger.Page[ledger.Miner]) ([]ledger.Miner, error) {
		return l.Miners(ctx, p)
	}),
	listing("MinersByStatus", func(ctx context.Context, l *ledger.Ledger, _ int64, p ledger.Page[ledger.Miner]) ([]ledger.Miner, error) {
		return l.MinersByStatus(ctx, chain.MinerActive, p)
	}),
	listing("Registrations", func(ctx context.Context, l *ledger.Ledger, id int64, p ledger.Page[ledger.RecordedRegistration]) ([]ledger.RecordedRegistration, error) {
		return l.Registrations(ctx, id, p)
	}),
	listing("CurrentRegistrations", func(ctx context.Context, l *ledger.Ledger, _ int64, p ledger.Page[ledger.RecordedRegistration]) ([]ledger.RecordedRegistration, error) {
		return l.CurrentRegistrations(ctx, p)
	}),
	listing("Positions", func(ctx context.Context, l *ledger.Ledger, id int64, p ledger.Page[ledger.Position]) ([]ledger.Position, error) {
		return l.Positions(ctx, id, ledger.PositionFilter{}, p)
	}),
	listing("archived Positions", func(ctx context.Context, l *ledger.Ledger, id int64, p ledger.Page[ledger.Position]) ([]ledger.Position, error) {
		return l.Positions(ctx, id, ledger.PositionFilter{Archived: true, From: 5, Until: now}, p)
	}),
	listing("OpenPositions", func(ctx context.Context, l *ledger.Ledger, id int64, p ledger.Page[ledger.Position]) ([]ledger.Position, error) {
		return l.OpenPositions(ctx, id, p)
	}),
	listing("Trades", func(ctx context.Context, l *ledger.Ledger, id int64, p ledger.Page[ledger.Trade]) ([]ledger.Trade, error) {
		return l.Trades(ctx, id, ledger.TradeFilter{Archived: id%2 == 0}, p)
	}),
	listing("ClosesOfTrade", func(ctx context.Context, l *ledger.Ledger, id int64, p ledger.Page[ledger.Close]) ([]ledger.Close, error) {
		return l.ClosesOfTrade(ctx, id, p)
	}),
	listing("ClosesOfPosition", func(ctx context.Context, l *ledger.Ledger, id int64, p ledger.Page[ledger.Close]) ([]ledger.Close, error) {
		return l.ClosesOfPosition(ctx, id, p)
	}),
	listing("Events", func(ctx context.Context, l *ledger.Ledger, id int64, p ledger.Page[ledger.RecordedEvent]) ([]ledger.RecordedEvent, error) {
		return l.Events(ctx, id, ledger.EventFilter{}, p)
	}),
	listing("RejectedEvents", func(ctx context.Context, l *ledger.Ledger, _ int64, p ledger.Page[ledger.RejectedEvent]) ([]ledger.RejectedEvent, error) {
		return l.RejectedEvents(ctx, "", p)
	}),
	listing("ArchiveRuns", func(ctx context.Context, l *ledger.Ledger, _ int64, p ledger.Page[ledger.ArchiveRun]) ([]ledger.ArchiveRun, error) {
		return l.ArchiveRuns(ctx, p)
	}),
	listing("Snapshots", func(ctx context.Context, l *ledger.Ledger, id int64, p ledger.Page[ledger.Snapshot]) ([]ledger.Snapshot, error) {
		list, err := l.Snapshots(ctx, id, ledger.SnapshotFilter{}, p)
		for _, s := range list {
			_, _, _, _ = s.MeanGain(), s.WeightedGain(), s.MeanGainPercent(), s.WinRate()
		}
		return list, err
	}),
	{"Report", func(ctx context.Context, l *ledger.Ledger, _ *rand.Rand, _ []ledger.Event) error {
		_, err := l.Report(ctx)
		return err
	}},
	{"Scores", func(ctx context.Context, l *ledger.Ledger, _ *rand.Rand, _ []ledger.Event) error {
		_, err := l.Scores(ctx, now, 60)
		_, holding := l.Scores(ctx, now, 3, ledger.AllMiners())
		return errors.Join(err, holding)
	}},
	{"overview", func(ctx context.Context, l *ledger.Ledger, r *rand.Rand, _ []ledger.Event) error {
		_, _, err := l.SpanOfTrades(ctx)
		_, exposures := l.OpenExposures(ctx)
		_, gains := l.GainsOverTime(ctx, 1+r.Int64N(3), time.Hour)
		_, positions := l.NewestPositions(ctx, 1+r.Int64N(3), 20)
		_, closes := l.NewestCloses(ctx, 1+r.Int64N(3), 20)
		return errors.Join(err, exposures, gains, positions, closes)
	}},
	{"Verify", func(ctx context.Context, l *ledger.Ledger, _ *rand.Rand, _ []ledger.Event) error {
		_, err := l.Verify(ctx, ledger.MaxDifferences(1))
		return err
	}},
	{"Rebuild", func(ctx context.Context, l *ledger.Ledger, r *rand.Rand, list []ledger.Event) error {
		_, err := l.Rebuild(ctx, list[r.IntN(len(list))].Coldkey)
		return err
	}},
	{"RebuildMarked", func(ctx context.Context, l *ledger.Ledger, _ *rand.Rand, _ []ledger.Event) error {
		return l.RebuildMarked(ctx, nil)
	}},
	{"Apply", func(ctx context.Context, l *ledger.Ledger, r *rand.Rand, list []ledger.Event) error {
		from := r.IntN(len(list))
		_, err := l.Apply(ctx, all(list[from:min(len(list), from+30)]))
		return err
	}},
	{"AddPosition", func(ctx context.Context, l *ledger.Ledger, r *rand.Rand, list []ledger.Event) error {
		_, _, err := l.AddPosition(ctx, further(r, list, chain.Stake))
		return err
	}},
	{"ProcessClose", func(ctx context.Context, l *ledger.Ledger, r *rand.Rand, list []ledger.Event) error {
		e := further(r, list, chain.Unstake)
		e.Alpha = []chain.Rao{1, e.Alpha, 1e13, 1e18}[r.IntN(4)]
		_, err := l.ProcessClose(ctx, e, ledger.Mode(chain.Lenient))
		return err
	}},
	{"ProcessClose of a list", func(ctx context.Context, l *ledger.Ledger, r *rand.Rand, list []ledger.Event) error {
		_, err := l.ProcessClose(ctx, further(r, list, chain.Unstake), ledger.PositionIDs(1+r.Int64N(templateEvents)))
		return err
	}},
	{"ProcessClose again", func(ctx context.Context, l *ledger.Ledger, r *rand.Rand, list []ledger.Event) error {
		e := list[r.IntN(len(list))]
		e.Kind, e.Excluded = chain.Unstake, false
		_, err := l.ProcessClose(ctx, e)
		return err
	}},
	{"ArchiveClosedPositions", func(ctx context.Context, l *ledger.Ledger, r *rand.Rand, _ []ledger.Event) error {
		_, err := l.ArchiveClosedPositions(ctx, now, ledger.ArchiveRows(1+r.IntN(40)))
		return err
	}},
	{"TakeSnapshots", func(ctx context.Context, l *ledger.Ledger, r *rand.Rand, _ []ledger.Event) error {
		_, err := l.TakeSnapshots(ctx, now+1+chain.Time(r.IntN(9)), 2*window)
		return err
	}},
	{"PruneSnapshots", func(ctx context.Context, l *ledger.Ledger, _ *rand.Rand, _ []ledger.Event) error {
		_, err := l.PruneSnapshots(ctx, now-1)
		return err
	}},
	{"SyncMetagraph", func(ctx context.Context, l *ledger.Ledger, r *rand.Rand, list []ledger.Event) error {
		_, err := l.SyncMetagraph(ctx, []ledger.MetagraphRow{{UID: chain.UID(r.IntN(8)), Hotkey: list[0].Hotkey, Coldkey: list[r.IntN(len(list))].Coldkey}}, now)
		return err
	}},
	{"EnsureMiner", func(ctx context.Context, l *ledger.Ledger, r *rand.Rand, list []ledger.Event) error {
		_, _, err := l.EnsureMiner(ctx, ledger.Registration{Coldkey: list[r.IntN(len(list))].Coldkey})
		return err
	}},
	{"UpdateMinerStatus", func(ctx context.Context, l *ledger.Ledger, r *rand.Rand, list []ledger.Event) error {
		_, err := l.UpdateMinerStatus(ctx, list[r.IntN(len(list))].Coldkey, chain.MinerInactive)
		return err
	}},
	{"Backup", func(ctx context.Context, l *ledger.Ledger, _ *rand.Rand, _ []ledger.Event) error {
		path := filepath.Join(filepath.Dir(l.DB().Path()), "backup.db")
		if err := l.Backup(ctx, path); err != nil {
			return err
		}
		return ledger.Restore(ctx, path, filepath.Join(filepath.Dir(path), "restored.db"))
	}},
}

// further is an event of the future, like one of a list.
func further(r *rand.Rand, list []ledger.Event, kind chain.EventKind) ledger.Event {
	e := list[r.IntN(len(list))]
	e.Kind, e.Excluded, e.Netuid = kind, false, chain.Netuid(1+r.IntN(2))
	e.ExtrinsicID = fmt.Sprintf("%d-%04d", 8_000_000+r.IntN(1_000_000), r.IntN(100))
	e.TAO, e.Alpha = max(e.TAO, 1), max(e.Alpha, 1)
	if r.IntN(3) > 0 {
		e.Time = now - 3
	}
	return e
}
