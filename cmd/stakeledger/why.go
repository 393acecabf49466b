package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// scoreReason is a miner's score taken apart, as JSON has it.
type scoreReason struct {
	ledger.Score
	At       chain.Time    `json:"at"`
	Lookback int64         `json:"lookback_days"`
	SumRaw   float64       `json:"sum_of_positive_raw"` // of the miners that may have weight
	Parts    []reasonDay   `json:"parts"`
	Partial  []positionRow `json:"partial"` // gained already, but are not closed, and so count nothing yet
	Unmarked bool          `json:"complete"`
	ledger.Basis
}

// reasonDay is a day of a score: Part is what of the raw score comes from it.
type reasonDay struct {
	Day       ledger.Day       `json:"day"`
	DaysAgo   int64            `json:"days_ago"`
	Decay     float64          `json:"decay"`
	GainTAO   chain.Rao        `json:"gain_tao"`
	Part      float64          `json:"part"`
	Positions []reasonPosition `json:"positions"`
}

// reasonPosition is a position that was closed on the day, with its closes. What they gained and does not count is
// LeftOut.
type reasonPosition struct {
	positionRow
	ClosedBy []closeLine `json:"closed_by"`
	LeftOut  chain.Rao   `json:"left_out_tao"`
	Why      string      `json:"left_out_because"`
}

func newWhy(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "why MINER",
		Short: "Take a miner's score apart",
		Long: `Take a miner's score and weight apart: the days that count, by how much, and the positions that were
closed on each of them. LEFT OUT is what they gained and does not count, since they were held for
less than the minimum of blocks, or are self-trades. Positions that are sold in part gain nothing
until the rest is; they are named too. The id of a position is the id of its event.`,
		Example: `  stakeledger why 7
  stakeledger why 7 --at 2026-01-31 --json`,
		Args: exactArgs(1, false),
	}
	scoring, asJSON := addScoring(cmd), addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name, err := parseMinerName(args[0])
		if err != nil {
			return usagef("%w", err)
		}
		return a.withList(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			r, err := readReason(ctx, l, name, scoring)
			if err != nil {
				return err
			}
			if *asJSON {
				err = writeObject(cmd.OutOrStdout(), r)
			} else {
				err = r.write(cmd.OutOrStdout())
			}
			return errors.Join(unlessQuiet(err), checkBasis(cmd, r.Basis, time.Now()))
		})
	}
	return cmd
}

func readReason(ctx context.Context, l *ledger.Ledger, name minerName, scoring scoreFlags) (r scoreReason, err error) {
	m, err := name.find(ctx, l)
	if err != nil {
		return r, err
	}
	scores, err := scoring.read(ctx, l, ledger.AllMiners())
	if err != nil {
		return r, err
	}
	r = scoreReason{At: scores.At, Lookback: scores.Lookback, Basis: scores.Basis, Parts: []reasonDay{}, Partial: []positionRow{}, Unmarked: m.OldestLateKey == nil}
	for _, s := range scores.Scores {
		if s.Eligible && s.Raw > 0 {
			r.SumRaw += s.Raw
		}
		if s.MinerID == m.MinerID {
			r.Score = s
		}
	}
	for _, d := range r.Days {
		part, err := readDay(ctx, l, m, d, int64(ledger.DayOf(r.At)-d.Day), len(r.Days))
		if err != nil {
			return r, err
		}
		r.Parts = append(r.Parts, part)
	}
	for p, err := range openPositions(ctx, l, m.MinerID, func(p ledger.Position) bool { return p.Status == chain.PositionPartial }) {
		if err != nil {
			return r, err
		}
		r.Partial = append(r.Partial, newPositionRow(m, p))
	}
	return r, nil
}

// readDay reads the positions of a day, archived or not.
func readDay(ctx context.Context, l *ledger.Ledger, m ledger.Miner, d ledger.DayGain, ago int64, days int) (reasonDay, error) {
	decay := ledger.Decay(ago)
	day := reasonDay{Day: d.Day, DaysAgo: ago, Decay: decay, GainTAO: d.Gain, Part: decay * float64(d.Gain) / chain.RaoPerTAO / float64(days)}
	for _, archived := range []bool{true, false} {
		for p, err := range allPages(func(page ledger.Page[ledger.Position]) ([]ledger.Position, error) {
			return l.PositionsClosed(ctx, m.MinerID, d.Day.Start(), (d.Day+1).Start()-1, archived, page)
		}) {
			if err != nil {
				return day, err
			}
			closes, err := closesOf(ctx, l, m, p)
			if err != nil {
				return day, err
			}
			row := reasonPosition{positionRow: newPositionRow(m, p), ClosedBy: closes}
			for _, c := range closes {
				if c.GainTAO != c.RawGainTAO {
					row.LeftOut += c.RawGainTAO - c.GainTAO
					row.Why = c.whyCounted()
				}
			}
			day.Positions = append(day.Positions, row)
		}
	}
	return day, nil
}

func (r scoreReason) write(w io.Writer) error {
	f := textFields{}
	f.add("miner", string(r.Coldkey), string(r.Status))
	if r.UID != nil {
		f.add("UID", r.UID.String())
	}
	f.add("raw", formatFloat(r.Raw)+fmt.Sprintf(" TAO, the sum of the parts of %s", plural(int64(len(r.Days)), "day", "days")))
	f.add("weight", fmt.Sprintf("%s, raw of %s over all", formatFloat(r.Weight), formatFloat(r.SumRaw)))
	switch {
	case r.Status == chain.MinerBlacklisted:
		f.add("no weight", "it is blacklisted")
	case !r.Eligible:
		f.add("no weight", "it holds no UID now")
	case r.Raw <= 0:
		f.add("no weight", "raw is not above 0")
	}
	if !r.Unmarked {
		f.add("waits", "events came late; stakeledger rebuild replays them")
	}
	if err := writeText(w, f.String()); err != nil {
		return err
	}
	t := newTableOf(columns{
		[]string{"DAY", "AGO", "COUNTS", "GAIN TAO", "PART", "POSITION", "NETUID", "POSITION'S GAIN", "LEFT OUT", "SINCE"},
		[]string{"AGO", "NETUID", "COUNTS", "GAIN TAO", "SINCE", "LEFT OUT"},
	})
	for _, d := range r.Parts {
		for i, p := range d.Positions {
			cells := []any{d.Day.String(), d.DaysAgo, formatFloat(d.Decay), d.GainTAO, formatFloat(d.Part)}
			if i > 0 {
				cells = []any{"", "", "", "", ""}
			}
			t.add(append(cells, p.PositionID, p.Netuid, p.GainTAO, p.LeftOut, p.Why)...)
		}
	}
	if err := writeSection(w, "Days that count", t, len(t.rows), ""); err != nil {
		return err
	}
	partial := newTableOf(positionHeader)
	for _, p := range r.Partial {
		partial.add(p.cells()...)
	}
	return writeSection(w, "Sold in part, which counts nothing yet", partial, len(partial.rows), "")
}
