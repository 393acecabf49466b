package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// minerPage is the overview of one miner.
type minerPage struct {
	minerRow
	Registrations []registrationRow `json:"registrations"`
	Open          []positionRow     `json:"open"`
}

// registrationRow is a registration as JSON has it; ended_at is null while it lasts.
type registrationRow struct {
	UID       chain.UID     `json:"uid"`
	Hotkey    chain.Address `json:"hotkey"`
	StartedAt chain.Time    `json:"started_at"`
	EndedAt   *chain.Time   `json:"ended_at"`
}

func newMiner(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "miner MINER",
		Short: "Print a page about one miner",
		Long: `Print a page about one miner, named by its coldkey, its current hotkey or its current UID: its
figures, what it was registered with, and its open positions by subnet, first in first out. The
page is one snapshot.`,
		Example: `  stakeledger miner 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY
  stakeledger miner 7 --json | jq .gain_tao`,
		Args: exactArgs(1, false),
	}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name, err := parseMinerName(args[0])
		if err != nil {
			return usagef("%w", err)
		}
		return a.withReadOnly(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			page, err := readMinerPage(ctx, l, name)
			if err != nil {
				return err
			}
			if *asJSON {
				return writeObject(cmd.OutOrStdout(), page)
			}
			return page.write(cmd.OutOrStdout())
		})
	}
	return cmd
}

// readMinerPage reads the page in one snapshot, so that its parts agree.
func readMinerPage(ctx context.Context, l *ledger.Ledger, name minerName) (page minerPage, err error) {
	err = l.ReadOnly(ctx, func(ctx context.Context, _ *ledger.Reader) error {
		m, err := name.find(ctx, l)
		if err != nil {
			return err
		}
		registrations, uids, err := readRegistrations(ctx, l, m.MinerID)
		if err != nil {
			return err
		}
		open := []positionRow{}
		for p, err := range openPositions(ctx, l, m.MinerID, func(ledger.Position) bool { return true }) {
			if err != nil {
				return err
			}
			open = append(open, newPositionRow(m, p))
		}
		page = minerPage{newMinerRow(m, uids), registrations, open}
		return nil
	})
	return page, err
}

// readRegistrations lists what a miner was registered with, and the UIDs that it holds now.
func readRegistrations(ctx context.Context, l *ledger.Ledger, minerID int64) (rows []registrationRow, uids []chain.UID, err error) {
	rows = []registrationRow{}
	for r, err := range allPages(func(p ledger.Page[ledger.RecordedRegistration]) ([]ledger.RecordedRegistration, error) {
		return l.Registrations(ctx, minerID, p)
	}) {
		if err != nil {
			return nil, nil, err
		}
		rows = append(rows, registrationRow{r.UID, r.Hotkey, r.StartedAt, r.EndedAt})
		if r.EndedAt == nil {
			uids = append(uids, r.UID)
		}
	}
	return rows, uids, nil
}

// pageRows bounds each list of the page.
const pageRows = 20

func (p minerPage) write(w io.Writer) error {
	var b strings.Builder
	line := func(name string, values ...string) {
		fmt.Fprintf(&b, "%-14s  %s\n", name, escapeControls(strings.Join(values, ", ")))
	}
	line("miner", string(p.Coldkey))
	line("status", string(p.Status), "known since "+momentText(&p.RegisteredAt), "last active "+momentText(p.LastActive))
	if p.TrackingStart != nil {
		line("tracked since", momentText(p.TrackingStart))
	}
	line("positions", plural(p.Positions, "entry", "entries"), fmt.Sprintf("%d open", p.OpenPositions))
	line("trades", plural(p.Trades, "exit", "exits"), plural(p.Closes, "close", "closes"))
	line("won", p.winText())
	line("entry TAO", p.EntryTAO.String())
	line("exit TAO", p.ExitTAO.String()+" for what cost "+p.CostTAO.String())
	line("gain TAO", p.GainTAO.String(), "raw "+p.RawGainTAO.String())
	if p.UnmatchedAlpha != 0 || p.UnmatchedTAO != 0 {
		line("unmatched", p.UnmatchedAlpha.String()+" alpha sold for "+p.UnmatchedTAO.String()+" TAO without a position")
	}
	if err := writeText(w, b.String()); err != nil {
		return err
	}
	return p.writeLists(w)
}

// winText says how many of the counted closes gained, and how long they were held on average.
func (p minerPage) winText() string {
	if p.CountedCloses == 0 {
		return "no counted closes"
	}
	hours := (time.Duration(p.CountedDuration/p.CountedCloses) * time.Microsecond).Hours()
	return fmt.Sprintf("%d of %s (%s %%), held %.1f hours on average", p.Wins, plural(p.CountedCloses, "counted close", "counted closes"),
		percent{p.Wins, p.CountedCloses}, hours)
}

func (p minerPage) writeLists(w io.Writer) error {
	registrations := newTable("UID", "HOTKEY", "FROM (UTC)", "TO (UTC)")
	for _, r := range p.Registrations[max(0, len(p.Registrations)-pageRows):] {
		registrations.add(r.UID, r.Hotkey, r.StartedAt, r.EndedAt)
	}
	if err := writeSection(w, "Registrations", registrations, len(p.Registrations), "the latest"); err != nil {
		return err
	}
	open := newTableOf(positionHeader)
	for _, row := range p.Open[:min(len(p.Open), pageRows)] {
		open.add(row.cells()...)
	}
	return writeSection(w, "Open positions", open, len(p.Open), "the first")
}

// writeSection prints a table under a title that says which part of all rows it shows; none without rows.
func writeSection(w io.Writer, title string, t *table, all int, part string) error {
	if all == 0 {
		return nil
	}
	if all > len(t.rows) {
		title += fmt.Sprintf(", %s %d of %d", part, len(t.rows), all)
	}
	if err := writeText(w, "\n"+title+"\n"); err != nil {
		return err
	}
	return t.write(w)
}

func momentText(t *chain.Time) string {
	if t == nil {
		return "never"
	}
	return t.Time().Format(minute) + " UTC"
}
