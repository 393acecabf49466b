package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

// scoreFlags are the time of scores and the number of days.
type scoreFlags struct {
	at       *option[chain.Time]
	lookback *option[int64]
}

func addScoring(cmd *cobra.Command) scoreFlags {
	return scoreFlags{
		at:       addOption(cmd, "at", "TIME", "score on the UTC day of this time (default now)", parseMoment),
		lookback: addOption(cmd, "lookback", "DAYS", "how many days before count as well (default the policy's)", parseCount),
	}
}

// scoreResult are scores with their basis, in JSON.
type scoreResult struct {
	At        chain.Time     `json:"at"`
	Lookback  int64          `json:"lookback_days"`
	UIDsAsOf  chain.Time     `json:"uids_as_of"` // who holds a UID and who is blacklisted is of then
	UIDsKnown bool           `json:"uids_known"` // false: everybody is scored
	Scores    []ledger.Score `json:"scores"`
	ledger.Basis
}

// read reads scores in one snapshot.
func (s scoreFlags) read(ctx context.Context, l *ledger.Ledger, opts ...ledger.ScoreOption) (result scoreResult, err error) {
	now, err := chain.TimeOf(time.Now().Truncate(time.Microsecond))
	if err != nil {
		return result, err
	}
	err = l.ReadOnly(ctx, func(ctx context.Context, q *ledger.Reader) error {
		result = scoreResult{At: s.at.valueOr(now), UIDsAsOf: now}
		if result.Basis, err = l.Basis(ctx); err != nil {
			return err
		}
		result.Lookback = s.lookback.valueOr(int64(result.Policy.LookbackDays))
		last, err := q.LastRegistrationID(ctx)
		if err != nil {
			return err
		}
		result.UIDsKnown = last > 0
		result.Scores, err = l.Scores(ctx, result.At, int(result.Lookback), opts...)
		return impossibleIsUsage(err)
	}, manager.MayBeStale())
	return result, err
}

func newScores(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "scores",
		Short: "Score miners by their gains of late",
		Long: `Score the miners that the chain can give weight to, those that hold a UID and are not blacklisted,
by the gains of the positions they closed on the UTC day of a moment and on the days before, which
count less the longer ago they are. Who holds a UID is always as of now, whatever --at says.

RAW is the mean over the days with a close, decayed; NORMALIZED runs from 0 to 1 over the positive
ones; WEIGHT is the part of their sum. UID is the lowest that a miner holds. With --all the other
miners are listed too, without weight. A ledger that was never synced with a metagraph knows no UID;
it scores everybody, and says so. stakeledger weights prints what the chain takes.`,
		Example: `  stakeledger scores
  stakeledger scores --at 2026-01-31T00:00:00Z --lookback 7 --json`,
		Args: exactArgs(0, false),
	}
	scoring, out := addScoring(cmd), addOutput(cmd)
	all := cmd.Flags().Bool("all", false, "list the miners too that the chain gives no weight to")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var opts []ledger.ScoreOption
		if *all {
			opts = append(opts, ledger.AllMiners())
		}
		return a.withReadOnly(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			result, err := scoring.read(ctx, l, opts...)
			if err != nil {
				return err
			}
			return errors.Join(unlessQuiet(result.write(out)), checkBasis(cmd, result.Basis, time.Now()))
		})
	}
	return cmd
}

func (s scoreResult) write(out output) error {
	w := out.cmd.OutOrStdout()
	if *out.json {
		if most := out.rows.valueOr(0); most > 0 && most < int64(len(s.Scores)) {
			s.Scores = s.Scores[:most]
		}
		return writeObject(w, s)
	}
	if err := (listOutput[ledger.Score]{out, scoreHeader, scoreCells, "No miners.", timeSpan{}}).write(sequenceOf(s.Scores)); err != nil || out.forPrograms() {
		return err
	}
	who := fmt.Sprintf("Miners that hold a UID and are not blacklisted, as of %s UTC.", s.UIDsAsOf.Time().Format(minute))
	if !s.UIDsKnown {
		who = "Everybody is scored: no UID is known; stakeledger sync takes a metagraph in."
	}
	from, until := s.At.Time().AddDate(0, 0, -int(s.Lookback)), s.At.Time()
	return writeNote(w, fmt.Sprintf("%s\nClosed from %s to %s.\n%s", who, from.Format(time.DateOnly), until.Format(time.DateOnly), policyText(s.Policy)))
}

var scoreHeader = columns{
	[]string{"UID", "MINER", "HOTKEY", "STATUS", "DAYS", "RAW", "NORMALIZED", "WEIGHT"},
	[]string{"HOTKEY", "STATUS", "DAYS", "NORMALIZED", "RAW"},
}

func scoreCells(s ledger.Score) []any {
	uid, hotkey := any(none), any(none)
	if s.UID != nil {
		uid, hotkey = *s.UID, *s.Hotkey
	}
	return []any{uid, s.Coldkey, hotkey, string(s.Status), len(s.Days), formatFloat(s.Raw), formatFloat(s.Normalized), formatFloat(s.Weight)}
}

// formatFloat prints a number that is derived and therefore inexact.
func formatFloat(f float64) string {
	if f != 0 && (f >= 1e9 || f <= -1e9) {
		return fmt.Sprintf("%.6g", f)
	}
	return strconv.FormatFloat(f, 'f', 6, 64)
}
