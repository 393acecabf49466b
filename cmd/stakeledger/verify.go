package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

func newVerify(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check that the ledger agrees with itself",
		Long: `Compute anew everything that the ledger says twice, from live and archived rows, and compare:
positions, trades and closes with their events, what they share and sum up to, the miners' figures,
and the file itself by SQLite's own check. It changes nothing of the ledger, and others may read and
write meanwhile; the write-ahead log beside the ledger grows until it ends. When it was verified is
noted in a file beside it, for info and doctor, unless --read-only is given.

The exit code is 1 where anything differs. Rebuild makes positions, trades, closes and figures anew
from the events; a file that SQLite finds damaged is better restored from a backup.`,
		Example: `  stakeledger verify
  stakeledger verify --max 0 --json | jq '.differences[] | .table'`,
		Args: exactArgs(0, false),
	}
	most := addOption(cmd, "max", "ROWS", fmt.Sprintf("differences listed at most, 0 for all (default %d); all are counted", tableRows), parseCount)
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.withReadOnly(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			report, err := runVerify(ctx, cmd, l, most.valueOr(tableRows))
			if err != nil && report.Healthy() {
				return err
			}
			if err == nil {
				a.recordUpkeep(cmd, func(u *upkeepLog, d *upkeepRun) { u.Verify = d }, upkeepRun{OK: report.Healthy()})
			}
			basis, basisErr := l.Basis(ctx)
			if basisErr != nil && err == nil {
				return basisErr
			}
			basis.Marked = report.Marked
			printed := writeVerified(cmd.OutOrStdout(), report, basis, *asJSON)
			if isBrokenPipe(printed) && !report.Healthy() {
				printed = nil // the exit code still has to report differences
			}
			// Differences found before it failed may be the reason that it
			// failed.
			if err = errors.Join(err, printed, unhealthyError(report)); err != nil {
				return err
			}
			return checkBasis(cmd, basis, time.Now())
		})
	}
	return cmd
}

// runVerify runs the verification, with progress on a terminal. Most bounds the differences; 0 stands for all.
func runVerify(ctx context.Context, cmd *cobra.Command, l *ledger.Ledger, most int64) (ledger.VerifyReport, error) {
	if most == 0 || most > math.MaxInt32 {
		most = math.MaxInt32
	}
	p := newProgress(cmd.ErrOrStderr(), "verify")
	defer p.finish()
	return l.Verify(ctx, ledger.MaxDifferences(int(most)), ledger.OnVerified(func(now ledger.VerifyProgress) {
		if now.Phase != ledger.VerifyingRecords {
			now.Total = 0 // not told, or not in what Done counts
		}
		p.show(ledger.Progress{Phase: ledger.Phase(now.Phase), Done: now.Done, Total: now.Total})
	}))
}

// unhealthyError is the error of a report that is not healthy.
func unhealthyError(r ledger.VerifyReport) error {
	if r.Healthy() {
		return nil
	}
	return fmt.Errorf("verify: the ledger differs from itself in %s", plural(r.Found, "place", "places"))
}

// verifyResult is a report with its basis.
type verifyResult struct {
	ledger.VerifyReport
	Policy      ledger.Policy `json:"policy"`
	NewestEvent *chain.Time   `json:"newest_event"`
}

func writeVerified(w io.Writer, r ledger.VerifyReport, b ledger.Basis, asJSON bool) error {
	if asJSON {
		if r.Differences == nil {
			r.Differences = []ledger.Difference{}
		}
		return writeObject(w, verifyResult{r, b.Policy, b.NewestEvent})
	}
	if len(r.Differences) > 0 {
		if err := writeDifferences(w, r); err != nil {
			return err
		}
	}
	verdict := "nothing differs"
	if r.Found > 0 {
		verdict = plural(r.Found, "difference", "differences")
	}
	return writeNote(w, fmt.Sprintf("verified %s, %s, %s, %s and %s: %s", plural(r.Events, "event", "events"),
		plural(r.Positions, "position", "positions"), plural(r.Trades, "trade", "trades"),
		plural(r.Closes, "close", "closes"), plural(r.Miners, "miner", "miners"), verdict))
}

func writeDifferences(w io.Writer, r ledger.VerifyReport) error {
	t := newTable("TABLE", "ROW", "FIELD", "WANT", "GOT")
	for _, d := range r.Differences {
		row := d.Row
		if row == "" {
			row = none
		}
		t.add(d.Table, row, d.Field, d.Want, d.Got)
	}
	cut := t.squeeze(w, 3, 4)
	if err := t.write(w); err != nil {
		return err
	}
	if cut {
		if err := writeNote(w, "Long values are cut in the middle; --wide has them whole."); err != nil {
			return err
		}
	}
	if more := r.Found - int64(len(r.Differences)); more > 0 {
		return writeNote(w, fmt.Sprintf("There are %d more; --max 0 lists all.", more))
	}
	return nil
}
