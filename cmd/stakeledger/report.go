package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"math/big"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

func newReport(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Print the leaderboard",
		Long: `Print the leaderboard: every miner's lifetime figures, the highest gain first. It reads one
snapshot of the ledger, also while another process takes events in, and changes nothing.

GAIN TAO is what counts: closes that did not meet the minimum of blocks, and self-trades, are left
out of it. WIN % is the part of the counted closes with a gain. --json has every figure, with the
miners by coldkey.

With --from, --until, --during or --netuid it is the leaderboard of a period or a subnet: what was
entered by the time of the entry, what was gained by that of the exit, so that months sum to the
whole.

--html writes a page for a browser instead: one file that needs no network, with winners and losers,
gains over time, what is open by subnet, win rates, the leaderboard and a section for each miner, of
all time or of a period that is chosen on the page. Each of its tables can be saved as CSV.`,
		Example: `  stakeledger report
  stakeledger report --during 2026-01 --top 10
  stakeledger report --html report.html
  stakeledger report --json | jq '.miners[] | {coldkey, gain_tao}'`,
		Args: exactArgs(0, false),
	}
	p := addPeriod(cmd, addOutput(cmd))
	status := addOption(cmd, "status", "active|inactive|blacklisted", "only miners of this status", chain.ParseMinerStatus)
	maxAge := addOption(cmd, "max-age", "DURATION", "exit with code 6 when the newest event is older, as 36h or 2d", parseAge)
	page := cmd.Flags().String("html", "", "write a page for a browser to `FILE`")
	for _, flag := range []string{"json", "jsonl", "csv", "from", "until", "during", "netuid", "status", "sort", "limit", "top"} {
		markExclusive(cmd, "html", flag)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		isPage := cmd.Flags().Changed("html")
		if isPage {
			if *page == "" {
				return usagef("--html is empty; give the path of the page's file")
			}
			if err := a.notTheLedger("write report", *page); err != nil {
				return err
			}
		}
		if !isPage && (p.isSet() || status.value != nil || *p.csv || *p.jsonl || p.rows.value != nil || cmd.Flags().Changed("sort")) {
			return runPeriod(a, cmd, p, &option[minerName]{}, status, func(b ledger.Basis) error { return checkReport(cmd, b, maxAge) })
		}
		return a.withReadOnly(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			if isPage {
				basis, err := writeHTMLReport(ctx, cmd, l, a.name(), *page)
				return cmp.Or(err, checkReport(cmd, basis, maxAge))
			}
			return printReport(ctx, cmd, l, *p.json, maxAge)
		})
	}
	return cmd
}

// printReport prints the lifetime figures, which a standby may serve.
func printReport(ctx context.Context, cmd *cobra.Command, l *ledger.Ledger, asJSON bool, maxAge *option[time.Duration]) error {
	var report ledger.Report
	err := l.ReadOnly(ctx, func(ctx context.Context, _ *ledger.Reader) (err error) {
		report, err = l.Report(ctx)
		return err
	}, manager.MayBeStale())
	if err != nil {
		return err
	}
	return errors.Join(unlessQuiet(writeReport(cmd.OutOrStdout(), report, asJSON)), checkReport(cmd, report.Basis, maxAge))
}

// checkReport is checkBasis, and staleError if the newest event is older than the user allows.
func checkReport(cmd *cobra.Command, b ledger.Basis, most *option[time.Duration]) error {
	now := time.Now()
	err := checkBasis(cmd, b, now)
	if err != nil || most.value == nil {
		return err
	}
	if b.NewestEvent == nil {
		return &staleError{"the ledger has no events"}
	}
	if text := newestEventAge(b.NewestEvent, now, *most.value); text != "" {
		return &staleError{text}
	}
	return nil
}

func writeReport(w io.Writer, r ledger.Report, asJSON bool) error {
	if asJSON {
		return writeObject(w, r)
	}
	if err := writeLeaderboard(w, r.Miners); err != nil || len(r.Miners) == 0 {
		return err
	}
	return writeNote(w, policyText(r.Policy))
}

// writeLeaderboard prints miners by gain; equal ones by coldkey, so that the order never changes by itself.
func writeLeaderboard(w io.Writer, miners []ledger.ReportRow) error {
	if len(miners) == 0 {
		return writeNote(w, "The ledger holds no miners yet; stakeledger ingest takes events in.")
	}
	slices.SortFunc(miners, func(x, y ledger.ReportRow) int {
		return cmp.Or(cmp.Compare(y.GainTAO, x.GainTAO), cmp.Compare(x.Coldkey, y.Coldkey))
	})
	t := newTableOf(columns{
		[]string{"#", "MINER", "OPEN", "TRADES", "WIN %", "ENTRY TAO", "EXIT TAO", "GAIN TAO"},
		[]string{"EXIT TAO", "TRADES", "OPEN", "WIN %"},
	})
	var all minerTotals
	for i, m := range miners {
		t.add(i+1, m.Coldkey, m.OpenPositions, m.Trades, percent{m.Wins, m.CountedCloses}, m.EntryTAO, m.ExitTAO, m.GainTAO)
		all.add(m)
	}
	t.footer = []any{"", plural(int64(len(miners)), "miner", "miners"), all.open, all.trades, percent{all.wins, all.counted},
		&all.entry, &all.exit, &all.gain}
	return t.write(w)
}

// minerTotals sum up over miners.
type minerTotals struct {
	open, trades, wins, counted int64
	entry, exit, gain           amountSum
}

func (t *minerTotals) add(m ledger.ReportRow) {
	t.open += m.OpenPositions
	t.trades += m.Trades
	t.wins += m.Wins
	t.counted += m.CountedCloses
	t.entry.add(m.EntryTAO)
	t.exit.add(m.ExitTAO)
	t.gain.add(m.GainTAO)
}

// amountSum is an exact sum of amounts, which may be more than one amount can be.
type amountSum struct{ total big.Int }

func (s *amountSum) add(r chain.Rao) { s.total.Add(&s.total, big.NewInt(int64(r))) }

func (s *amountSum) float() float64 {
	f, _ := s.total.Float64()
	return f
}

// format is the sum with so many places, rounded.
func (s *amountSum) format(places int) string {
	if s.total.IsInt64() {
		return formatAmount(chain.Rao(s.total.Int64()), places)
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(allPlaces-places)), nil)
	size := new(big.Int).Abs(&s.total)
	digits := size.Add(size, new(big.Int).Rsh(unit, 1)).Quo(size, unit).String()
	if places > 0 {
		digits = digits[:len(digits)-places] + "." + digits[len(digits)-places:]
	}
	if s.total.Sign() < 0 {
		digits = "-" + digits
	}
	return digits
}
