package main

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// minerRow is a miner as JSON has it. Fields that the report has too have the same
// names.
type minerRow struct {
	MinerID         int64             `json:"miner_id"`
	Coldkey         chain.Address     `json:"coldkey"`
	Status          chain.MinerStatus `json:"status"`
	UIDs            []chain.UID       `json:"uids"` // held now
	TrackingStart   *chain.Time       `json:"tracking_start"`
	RegisteredAt    chain.Time        `json:"registered_at"`
	LastActive      *chain.Time       `json:"last_active"`
	Marked          bool              `json:"marked"` // the figures wait for a replay
	Trades          int64             `json:"trades"`
	Positions       int64             `json:"positions"`
	OpenPositions   int64             `json:"open_positions"`
	Closes          int64             `json:"closes"`
	EntryTAO        chain.Rao         `json:"entry_tao"`
	EntryAlpha      chain.Rao         `json:"entry_alpha"`
	OpenAlpha       chain.Rao         `json:"open_alpha"`
	ClosedAlpha     chain.Rao         `json:"closed_alpha"`
	ExitTAO         chain.Rao         `json:"exit_tao"`
	CostTAO         chain.Rao         `json:"cost_tao"`
	RawGainTAO      chain.Rao         `json:"raw_gain_tao"`
	GainTAO         chain.Rao         `json:"gain_tao"`
	Wins            int64             `json:"wins"`
	CountedCloses   int64             `json:"counted_closes"`
	CountedDuration int64             `json:"counted_duration_us"`
	UnmatchedAlpha  chain.Rao         `json:"unmatched_alpha"`
	UnmatchedTAO    chain.Rao         `json:"unmatched_tao"`
}

func newMinerRow(m ledger.Miner, uids []chain.UID) minerRow {
	if uids == nil {
		uids = []chain.UID{}
	}
	return minerRow{
		MinerID: m.MinerID, Coldkey: m.Coldkey, Status: m.Status, UIDs: uids,
		TrackingStart: m.TrackingStart, RegisteredAt: m.RegisteredAt, LastActive: m.LastActive, Marked: m.OldestLateKey != nil,
		Trades: m.Trades, Positions: m.Positions, OpenPositions: m.OpenPositions, Closes: m.Closes,
		EntryTAO: m.EntryTAO, EntryAlpha: m.EntryAlpha, OpenAlpha: m.EntryAlpha - m.ClosedAlpha, ClosedAlpha: m.ClosedAlpha,
		ExitTAO: m.ExitTAO, CostTAO: m.ExitTAO - m.RawGain, RawGainTAO: m.RawGain, GainTAO: m.Gain,
		Wins: m.WinningCloses, CountedCloses: m.CountedCloses, CountedDuration: m.CountedDurationUs,
		UnmatchedAlpha: m.UnmatchedAlpha, UnmatchedTAO: m.UnmatchedTAO,
	}
}

var minerHeader = columns{
	[]string{"ID", "MINER", "UID", "STATUS", "LAST ACTIVE", "OPEN", "TRADES", "ENTRY TAO", "GAIN TAO"},
	[]string{"ENTRY TAO", "TRADES", "LAST ACTIVE", "OPEN", "ID"},
}

func (r minerRow) cells() []any {
	return []any{r.MinerID, r.Coldkey, r.uidText(), string(r.Status), r.LastActive, r.OpenPositions, r.Trades, r.EntryTAO, r.GainTAO}
}

// uidText lists the UIDs that a miner holds, usually one; a narrow table shows only the first of
// several.
func (r minerRow) uidText() briefText {
	all := uidText(r.UIDs)
	first, _, _ := strings.Cut(all, ",")
	return briefText{all, len(first) + 2}
}

func uidText(uids []chain.UID) string {
	if len(uids) == 0 {
		return none
	}
	names := make([]string, len(uids))
	for i, uid := range uids {
		names[i] = uid.String()
	}
	return strings.Join(names, ",")
}

func newMiners(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "miners",
		Short: "List miners",
		Long: `List miners by id, with the UIDs they hold now and their lifetime figures. A miner is its coldkey;
it is active while it is registered, inactive afterwards, or blacklisted. With --from, --until,
--during or --netuid the figures are those of a period or a subnet: what was entered by the time of
the entry, what was gained by that of the exit. With --at they are those that held a UID or had
something open at an instant, with what they held and had open then; the status is that of now.`,
		Example: `  stakeledger miners --status blacklisted
  stakeledger miners --at 2026-01-31
  stakeledger miners --json | jq '.[] | select(.open_positions > 0) | .coldkey'`,
		Args: exactArgs(0, false),
	}
	miner := addMiner(cmd)
	status := addOption(cmd, "status", "active|inactive|blacklisted", "only those of this status", chain.ParseMinerStatus)
	at := addOption(cmd, "at", "TIME", "who held a UID or had something open at this time, and what", parseMoment)
	p := addPeriod(cmd, addOutput(cmd))
	sort := cmd.Flags().Lookup("sort")
	sort.DefValue, sort.Usage = "", sort.Usage+" (default gain in a period, else the order of their ids)"
	for _, flag := range []string{"from", "until", "during", "sort"} {
		markExclusive(cmd, "at", flag)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch {
		case at.value != nil:
			return runThen(a, cmd, p, *at.value, miner, status)
		case p.isSet():
			return runPeriod(a, cmd, p, miner, status, func(b ledger.Basis) error { return checkBasis(cmd, b, time.Now()) })
		}
		return a.withList(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			held, err := heldUIDs(ctx, l)
			if err != nil {
				return err
			}
			rows := minersOf(ctx, l, miner, status, held)
			if cmd.Flags().Changed("sort") {
				rows = sortedRows(rows, func(all []minerRow) { sortMiners(all, p.sort.text) })
			}
			if err := (listOutput[minerRow]{p.output, minerHeader, minerRow.cells, "No such miners.", timeSpan{}}).write(rows); unlessQuiet(err) != nil {
				return err
			}
			basis, err := l.Basis(ctx)
			return cmp.Or(err, checkBasis(cmd, basis, time.Now()))
		})
	}
	return cmd
}

// runPeriod prints the figures of a period for the miners of that name and status.
func runPeriod(a *app, cmd *cobra.Command, p periodFlags, name *option[minerName], status *option[chain.MinerStatus], check func(ledger.Basis) error) error {
	return p.run(a, cmd, func(ctx context.Context, l *ledger.Ledger) (func(ledger.PeriodRow) bool, error) {
		named := int64(0)
		if name.value != nil {
			m, err := name.value.find(ctx, l)
			if err != nil {
				return nil, err
			}
			named = m.MinerID
		}
		return func(r ledger.PeriodRow) bool {
			return (named == 0 || r.MinerID == named) && r.Status == status.valueOr(r.Status)
		}, nil
	}, check)
}

// sortMiners sorts miners by a lifetime figure, the highest first; equal ones by coldkey.
func sortMiners(rows []minerRow, by string) {
	figure := sortFigures[by]
	if figure == nil {
		figure = func(ledger.PeriodRow) int64 { return 0 }
	}
	of := func(r minerRow) int64 {
		return figure(ledger.PeriodRow{Trades: r.Trades, Closes: r.Closes, EntryTAO: r.EntryTAO, ExitTAO: r.ExitTAO,
			RawGainTAO: r.RawGainTAO, GainTAO: r.GainTAO, Wins: r.Wins})
	}
	slices.SortFunc(rows, func(x, y minerRow) int {
		return cmp.Or(cmp.Compare(of(y), of(x)), cmp.Compare(x.Coldkey, y.Coldkey))
	})
}

// minersOf goes through the miners of that name and status.
func minersOf(ctx context.Context, l *ledger.Ledger, name *option[minerName], status *option[chain.MinerStatus], held map[int64][]chain.UID) iter.Seq2[minerRow, error] {
	miners := selectedMiners(ctx, l, name)
	if name.value == nil && status.value != nil {
		miners = allPages(func(p ledger.Page[ledger.Miner]) ([]ledger.Miner, error) {
			return l.MinersByStatus(ctx, *status.value, p)
		})
	}
	return ofMiner(miners, func(m ledger.Miner) (minerRow, bool) {
		return newMinerRow(m, held[m.MinerID]), m.Status == status.valueOr(m.Status)
	})
}

// heldUIDs returns the UIDs that each miner holds now. There are at most
// 65,536.
func heldUIDs(ctx context.Context, l *ledger.Ledger) (map[int64][]chain.UID, error) {
	held := map[int64][]chain.UID{}
	for r, err := range allPages(func(p ledger.Page[ledger.RecordedRegistration]) ([]ledger.RecordedRegistration, error) {
		return l.CurrentRegistrations(ctx, p)
	}) {
		if err != nil {
			return nil, err
		}
		held[r.MinerID] = append(held[r.MinerID], r.UID)
	}
	return held, nil
}
