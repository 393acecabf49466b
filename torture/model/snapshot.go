package model

import (
	"context"
	"fmt"
	"math/big"

	"github.com/stakeledger/stakeledger/ledger"
)

// snapshotRow is a snapshot without what is computed from its sums: the means and
// the score.
type snapshotRow struct {
	Window                                                int64
	Positions, Open, Closed, Winning                      int64
	EntryTAO, EntryAlpha, ClosedEntryTAO, Gain, OpenAgeUs int64
	Counted, CountedUs                                    int64
	GainByEntry                                           string
}

// snapshot takes one of a miner, or of all.
func (m *Model) snapshot(o Op) (out Outcome) {
	list := []int{o.Miner}
	if o.Do == "snapshots" {
		list = m.Numbers()
	}
	fresh := map[int]snapshotRow{}
	for _, n := range list {
		out.touchMiner(n)
		mn := m.miners[n]
		if mn == nil {
			out.Err = errNotFound
			return out
		}
		old, ok := mn.snapshots[o.At]
		switch {
		case ok && old.Window != o.Window:
			out.Err = errSnapshotExists
			return out
		case !ok:
			fresh[n] = mn.survey(o.At, o.Window)
		}
	}
	for n, row := range fresh {
		m.miners[n].snapshots[o.At] = row
	}
	out.IsNew = len(fresh) > 0
	out.taken = int64(len(fresh))
	return out
}

func (m *miner) survey(at, window int64) snapshotRow {
	s := snapshotRow{Window: window}
	closed := map[Ref]bool{}
	var gainByEntry, ages big.Int
	for _, p := range m.positions {
		if p.Time > at || p.Time < at-window {
			continue
		}
		s.Positions++
		s.EntryTAO += p.TAO
		s.EntryAlpha += p.Alpha
		if p.left > 0 {
			s.Open++
			ages.Add(&ages, big.NewInt(at-p.Time))
			continue
		}
		closed[p.Ref] = true
		s.Closed++
		s.ClosedEntryTAO += p.TAO
		s.Gain += p.gain
		if p.gain > 0 {
			s.Winning++
		}
		gainByEntry.Add(&gainByEntry, new(big.Int).Mul(big.NewInt(p.gain), big.NewInt(p.TAO)))
	}
	for _, t := range m.trades {
		for _, c := range t.closes {
			if closed[c.position] && c.counts() {
				s.Counted++
				s.CountedUs += c.us
			}
		}
	}
	if s.Open > 0 {
		s.OpenAgeUs = ages.Div(&ages, big.NewInt(s.Open)).Int64()
	}
	s.GainByEntry = gainByEntry.String()
	return s
}

func snapshotOf(s ledger.Snapshot) snapshotRow {
	return snapshotRow{
		s.WindowUs, s.Positions, s.OpenPositions, s.ClosedPositions, s.WinningPositions,
		int64(s.EntryTAO), int64(s.EntryAlpha), int64(s.ClosedEntryTAO), int64(s.Gain), s.OpenAgeUs, s.CountedCloses, s.CountedDurationUs, s.GainByEntry,
	}
}

// compareSnapshots compares all of a miner.
func (r *Run) compareSnapshots(ctx context.Context, n int) error {
	rows, err := every(func(p ledger.Page[ledger.Snapshot]) ([]ledger.Snapshot, error) {
		return r.Ledger.Snapshots(ctx, r.ids[n], ledger.SnapshotFilter{}, p)
	})
	if err != nil {
		return err
	}
	got := map[int64]snapshotRow{}
	for _, s := range rows {
		got[int64(s.At)] = snapshotOf(s)
	}
	return Differ(fmt.Sprintf("snapshots of miner %d", n), got, r.Model.miners[n].snapshots)
}
