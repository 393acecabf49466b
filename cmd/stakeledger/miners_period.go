package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// sortFigures are the figures that miners can be sorted by.
var sortFigures = map[string]func(ledger.PeriodRow) int64{
	"gain":   func(r ledger.PeriodRow) int64 { return int64(r.GainTAO) },
	"raw":    func(r ledger.PeriodRow) int64 { return int64(r.RawGainTAO) },
	"entry":  func(r ledger.PeriodRow) int64 { return int64(r.EntryTAO) },
	"exit":   func(r ledger.PeriodRow) int64 { return int64(r.ExitTAO) },
	"trades": func(r ledger.PeriodRow) int64 { return r.Trades },
	"closes": func(r ledger.PeriodRow) int64 { return r.Closes },
	"wins":   func(r ledger.PeriodRow) int64 { return r.Wins },
}

// periodFlags is what a list of miners sums up: a span of time, a subnet, or both.
type periodFlags struct {
	output
	span   timeSpan
	netuid *option[chain.Netuid]
	sort   *option[string]
}

func addPeriod(cmd *cobra.Command, out output) periodFlags {
	p := periodFlags{
		output: out, span: addSpan(cmd, "entered and closed"),
		netuid: addOption(cmd, "netuid", "NETUID", "only what was entered and closed on this subnet", chain.ParseNetuid),
		sort:   wordOption("gain", "raw", "entry", "exit", "trades", "closes", "wins", "miner"),
	}
	cmd.Flags().Var(p.sort, "sort", "the figure by which miners are sorted, the highest first, or miner for their coldkey")
	return p
}

// isSet reports whether anything but the lifetime of all subnets is asked for.
func (p periodFlags) isSet() bool {
	return p.span.from.value != nil || p.span.until.value != nil || p.span.during.value != nil || p.netuid.value != nil
}

// periodReport is a period as JSON has it.
type periodReport struct {
	From   *chain.Time        `json:"from"`
	Until  *chain.Time        `json:"until"` // the first instant after it
	Netuid *chain.Netuid      `json:"netuid"`
	Miners []ledger.PeriodRow `json:"miners"`
	ledger.Basis
}

// run prints the figures of a period, of the selected miners, and then checks the basis.
func (p periodFlags) run(a *app, cmd *cobra.Command, who func(context.Context, *ledger.Ledger) (func(ledger.PeriodRow) bool, error), check func(ledger.Basis) error) error {
	if err := p.span.validate(); err != nil {
		return err
	}
	return a.withList(cmd, func(ctx context.Context, l *ledger.Ledger) error {
		rows, err := l.PeriodReport(ctx, ledger.Period{From: p.span.start(), Until: p.span.end(), Netuid: p.netuid.value})
		if err != nil {
			return err
		}
		wanted, err := who(ctx, l)
		if err != nil {
			return err
		}
		basis, err := l.Basis(ctx)
		if err != nil {
			return err
		}
		rows = slices.DeleteFunc(rows, func(r ledger.PeriodRow) bool { return !wanted(r) })
		p.sortRows(rows)
		return errors.Join(unlessQuiet(p.write(rows, basis)), check(basis))
	})
}

func timeOrNil(t chain.Time) *chain.Time {
	if t == 0 {
		return nil
	}
	return &t
}

// sortRows sorts rows by a figure; equal ones by coldkey, so that the order is stable.
func (p periodFlags) sortRows(rows []ledger.PeriodRow) {
	figure := sortFigures[p.sort.text]
	slices.SortFunc(rows, func(x, y ledger.PeriodRow) int {
		if figure == nil {
			return cmp.Compare(x.Coldkey, y.Coldkey)
		}
		return cmp.Or(cmp.Compare(figure(y), figure(x)), cmp.Compare(x.Coldkey, y.Coldkey))
	})
}

var periodHeader = columns{
	[]string{"MINER", "POS", "TRADES", "CLOSES", "WIN %", "ENTRY TAO", "EXIT TAO", "GAIN TAO"},
	[]string{"CLOSES", "TRADES", "EXIT TAO", "POS", "WIN %"},
}

func (p periodFlags) write(rows []ledger.PeriodRow, basis ledger.Basis) error {
	if *p.json {
		rows = rows[:min(int64(len(rows)), cmp.Or(p.rows.valueOr(0), int64(len(rows))))]
		return writeObject(p.cmd.OutOrStdout(), periodReport{timeOrNil(p.span.start()), timeOrNil(p.span.end()), p.netuid.value, rows, basis})
	}
	list := listOutput[ledger.PeriodRow]{p.output, periodHeader, func(r ledger.PeriodRow) []any {
		return []any{r.Coldkey, r.Positions, r.Trades, r.Closes, percent{r.Wins, r.CountedCloses}, r.EntryTAO, r.ExitTAO, r.GainTAO}
	}, "No such miners.", p.span}
	if err := list.write(sequenceOf(rows)); err != nil || p.forPrograms() {
		return err
	}
	note := policyText(basis.Policy)
	if p.netuid.value != nil {
		note = fmt.Sprintf("On subnet %s.\n%s", p.netuid.value, note)
	}
	return writeNote(p.cmd.OutOrStdout(), note)
}
