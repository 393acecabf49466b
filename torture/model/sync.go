package model

import (
	"slices"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// sync gives UIDs to exactly the miners that the operation lists.
func (m *Model) sync(o Op) (out Outcome) {
	for _, n := range m.Numbers() {
		mn := m.miners[n]
		if !mn.uid || slices.Contains(o.Miners, n) {
			continue
		}
		out.touchMiner(n)
		mn.uid = false
		out.synced[1]++
		if mn.status == "active" {
			mn.status = "inactive"
			out.synced[3]++
		}
	}
	for _, n := range o.Miners {
		out.touchMiner(n)
		mn := m.miners[n]
		if mn == nil {
			mn = newMiner(n)
			m.miners[n] = mn
			out.synced[2]++
		}
		if !mn.uid {
			mn.uid = true
			out.synced[0]++
		}
		if mn.status == "inactive" {
			mn.status = "active"
			out.synced[4]++
		}
	}
	return out
}

func (o Op) metagraph() (rows []ledger.MetagraphRow) {
	for _, n := range o.Miners {
		rows = append(rows, ledger.MetagraphRow{UID: chain.UID(n), Hotkey: hotkeyOfUID(n), Coldkey: ColdkeyOf(n)})
	}
	return rows
}

func syncedOf(s ledger.SyncResult) [5]int64 {
	return [5]int64{s.Started, s.Ended, s.NewMiners, s.Deactivated, s.Reactivated}
}
