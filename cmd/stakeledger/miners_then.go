package main

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// minerThen is a miner as of an instant, the events at it included, as JSON has it. OpenTAO is what of the TAO that it
// paid was still in the open alpha. Hotkeys are in the order of UIDs.
type minerThen struct {
	At            chain.Time        `json:"at"`
	MinerID       int64             `json:"miner_id"`
	Coldkey       chain.Address     `json:"coldkey"`
	Status        chain.MinerStatus `json:"status"` // of now
	UIDs          []chain.UID       `json:"uids"`
	Hotkeys       []chain.Address   `json:"hotkeys"`
	OpenPositions int64             `json:"open_positions"`
	OpenAlpha     chain.Rao         `json:"open_alpha"`
	OpenTAO       chain.Rao         `json:"open_tao"`
}

var thenHeader = columns{
	[]string{"ID", "MINER", "UID", "HOTKEY", "STATUS", "OPEN", "OPEN ALPHA", "OPEN TAO"},
	[]string{"STATUS", "HOTKEY", "OPEN", "ID"},
}

func (r minerThen) cells() []any {
	hotkey := any(none)
	if len(r.Hotkeys) > 0 {
		hotkey = r.Hotkeys[0]
	}
	return []any{r.MinerID, r.Coldkey, minerRow{UIDs: r.UIDs}.uidText(), hotkey, string(r.Status), r.OpenPositions, r.OpenAlpha, r.OpenTAO}
}

// runThen prints the miners as of an instant, on a subnet or all.
func runThen(a *app, cmd *cobra.Command, p periodFlags, at chain.Time, name *option[minerName], status *option[chain.MinerStatus]) error {
	return a.withList(cmd, func(ctx context.Context, l *ledger.Ledger) error {
		list := listOutput[minerThen]{p.output, thenHeader, minerThen.cells, "No miner held a UID or had anything open.", p.span}
		if err := list.write(minersThen(ctx, l, at, p.netuid.value, name, status)); unlessQuiet(err) != nil {
			return err
		}
		basis, err := l.Basis(ctx)
		var noted error
		if err == nil && !p.forPrograms() {
			noted = unlessQuiet(writeNote(cmd.OutOrStdout(), "As of "+at.String()+"."))
		}
		return cmp.Or(err, errors.Join(noted, checkBasis(cmd, basis, time.Now())))
	})
}

func minersThen(ctx context.Context, l *ledger.Ledger, at chain.Time, netuid *chain.Netuid, name *option[minerName], status *option[chain.MinerStatus]) iter.Seq2[minerThen, error] {
	return func(yield func(minerThen, error) bool) {
		for m, err := range selectedMiners(ctx, l, name) {
			var row minerThen
			if err == nil {
				row, err = readThen(ctx, l, m, at, netuid)
			}
			if err != nil {
				yield(row, err)
				return
			}
			isThere := len(row.UIDs) > 0 || row.OpenPositions > 0
			if isThere && m.Status == status.valueOr(m.Status) && !yield(row, nil) {
				return
			}
		}
	}
}

func readThen(ctx context.Context, l *ledger.Ledger, m ledger.Miner, at chain.Time, netuid *chain.Netuid) (minerThen, error) {
	row := minerThen{At: at, MinerID: m.MinerID, Coldkey: m.Coldkey, Status: m.Status, UIDs: []chain.UID{}, Hotkeys: []chain.Address{}}
	registrations, _, err := readRegistrations(ctx, l, m.MinerID)
	if err != nil {
		return row, err
	}
	slices.SortFunc(registrations, func(x, y registrationRow) int { return cmp.Compare(x.UID, y.UID) })
	for _, r := range registrations {
		if r.StartedAt <= at && (r.EndedAt == nil || *r.EndedAt > at) {
			row.UIDs, row.Hotkeys = append(row.UIDs, r.UID), append(row.Hotkeys, r.Hotkey)
		}
	}
	for _, archived := range []bool{true, false} {
		filter := ledger.PositionFilter{Netuid: netuid, Archived: archived}
		for p, err := range allPages(func(page ledger.Page[ledger.PositionThen]) ([]ledger.PositionThen, error) {
			return l.PositionsAsOf(ctx, m.MinerID, at, filter, page)
		}) {
			if err != nil {
				return row, err
			}
			row.OpenPositions++
			row.OpenAlpha += p.AlphaThen
			row.OpenTAO += p.CostThen
		}
	}
	return row, nil
}
