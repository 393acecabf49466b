package ledger

import "cmp"

// The orders of the lists, which must be those of their queries.

func byMinerID(a, b Miner) int { return cmp.Compare(a.MinerID, b.MinerID) }

func byRegistrationID(a, b RecordedRegistration) int {
	return cmp.Compare(a.RegistrationID, b.RegistrationID)
}

func byUID(a, b RecordedRegistration) int { return cmp.Compare(a.UID, b.UID) }

func byRun(a, b ArchiveRun) int {
	return cmp.Or(cmp.Compare(a.RunID, b.RunID), cmp.Compare(a.MinerID, b.MinerID))
}

func byPositionKey(a, b Position) int { return cmp.Compare(a.EventKey, b.EventKey) }

func bySubnet(a, b Position) int {
	return cmp.Or(cmp.Compare(a.Netuid, b.Netuid), cmp.Compare(a.EventKey, b.EventKey))
}

func byTradeKey(a, b Trade) int { return cmp.Compare(a.EventKey, b.EventKey) }

func byStep(a, b Close) int { return cmp.Compare(a.Step, b.Step) }

func byCloseKey(a, b Close) int { return cmp.Compare(a.EventKey, b.EventKey) }

func byKey(a, b RecordedEvent) int { return cmp.Compare(a.EventKey, b.EventKey) }

func byRejectedID(a, b RejectedEvent) int { return cmp.Compare(a.RejectedID, b.RejectedID) }

func byMoment(a, b Snapshot) int { return cmp.Compare(a.At, b.At) }

func byMiner(a, b Snapshot) int { return cmp.Compare(a.MinerID, b.MinerID) }

func newestPosition(a, b RecentPosition) int { return cmp.Compare(b.EventKey, a.EventKey) }

func newestClose(a, b RecentClose) int {
	return cmp.Or(cmp.Compare(b.EventKey, a.EventKey), cmp.Compare(b.Step, a.Step))
}

func byListedClose(a, b ListedClose) int {
	return cmp.Or(cmp.Compare(a.EventKey, b.EventKey), cmp.Compare(a.Step, b.Step))
}

func byLot(a, b Lot) int {
	return cmp.Or(cmp.Compare(a.EventKey, b.EventKey), cmp.Compare(a.Step, b.Step))
}

func byKeyThen(a, b PositionThen) int { return cmp.Compare(a.EventKey, b.EventKey) }

func byClosedAt(a, b Position) int {
	return cmp.Or(cmp.Compare(*a.ClosedAt, *b.ClosedAt), cmp.Compare(a.PositionID, b.PositionID))
}

// inOrder reverses an order if the newest come first.
func inOrder[T any](order func(a, b T) int, newest bool) func(a, b T) int {
	if !newest {
		return order
	}
	return func(a, b T) int { return order(b, a) }
}
