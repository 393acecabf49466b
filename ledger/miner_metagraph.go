package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/dbgen/write"
	"github.com/stakeledger/stakeledger/manager"
)

// MetagraphRow is a UID of the subnet with its holder, as the chain has it.
type MetagraphRow struct {
	UID     chain.UID
	Hotkey  chain.Address
	Coldkey chain.Address
}

// SyncResult is what a SyncMetagraph changed.
type SyncResult struct {
	Started     int64 `json:"started"`     // registrations
	Ended       int64 `json:"ended"`       // registrations
	NewMiners   int64 `json:"new_miners"`  // registered by their first UID
	Deactivated int64 `json:"deactivated"` // miners that lost their last UID
	Reactivated int64 `json:"reactivated"` // inactive miners that hold a UID
}

// SyncMetagraph makes the current registrations exactly those of the rows, in one transaction: registrations
// that are not among the rows end, new ones start, and those on both sides stay as they are. at is the time
// of the change; 0 means now. Unknown coldkeys become miners. A miner that loses its last UID becomes
// inactive, an inactive one that gets a UID becomes active, a blacklisted one stays blacklisted. History
// stays with the miner. Without rows every registration ends. Rows that change nothing write nothing.
//
// Error: ErrInvalid, naming the row, for a bad address, for a UID or a hotkey that occurs twice, and for a
// time before the start of a registration that would end then. Nothing is changed in that case.
func (l *Ledger) SyncMetagraph(ctx context.Context, rows []MetagraphRow, at chain.Time) (SyncResult, error) {
	if at == 0 {
		at = l.now()
	}
	if at < 0 || at > maxTime {
		return SyncResult{}, &Error{Op: "sync metagraph", Err: invalid("at", at, "want a time after 1970-01-01T00:00:00Z and before the year 10000")}
	}
	if err := checkMetagraph(rows); err != nil {
		return SyncResult{}, err
	}
	return commit(ctx, l, func(ctx context.Context, tx Tx, was *SyncResult) (SyncResult, error) {
		s := metagraphSync{tx: tx, at: at, now: l.now(), miners: map[chain.Address]*syncedMiner{}}
		err := s.run(ctx, rows)
		if was != nil && s.result == (SyncResult{}) {
			s.result = *was
		}
		return s.result, err
	}, manager.Label("ledger.SyncMetagraph"))
}

// checkMetagraph validates each row, and that no UID or hotkey occurs twice.
func checkMetagraph(rows []MetagraphRow) error {
	byUID := make(map[chain.UID]int, len(rows))
	byHotkey := make(map[chain.Address]int, len(rows))
	known := map[chain.Address]bool{} // a coldkey may hold many UIDs
	for i, r := range rows {
		fail := func(err error) error {
			return &Error{Op: "sync metagraph", Subject: fmt.Sprintf("row %d (UID %d)", i+1, r.UID), Err: err}
		}
		if _, err := chain.ParseAddress(string(r.Hotkey)); err != nil {
			return fail(inField("hotkey", err))
		}
		if !known[r.Coldkey] {
			if _, err := chain.ParseAddress(string(r.Coldkey)); err != nil {
				return fail(inField("coldkey", err))
			}
			known[r.Coldkey] = true
		}
		if first, twice := byUID[r.UID]; twice {
			return fail(invalid("uid", r.UID, fmt.Sprintf("row %d holds it already", first+1)))
		}
		if first, twice := byHotkey[r.Hotkey]; twice {
			return fail(invalid("hotkey", r.Hotkey, fmt.Sprintf("row %d holds it already", first+1)))
		}
		byUID[r.UID], byHotkey[r.Hotkey] = i, i
	}
	return nil
}

// syncedMiner is a miner in a sync; holds is the number of UIDs that it will
// hold.
type syncedMiner struct {
	minerID int64
	status  chain.MinerStatus
	holds   int
	lostUID bool
}

// metagraphSync is a sync inside its transaction.
type metagraphSync struct {
	tx      Tx
	at, now chain.Time
	miners  map[chain.Address]*syncedMiner
	result  SyncResult
}

// run ends registrations before it starts any, since UIDs and hotkeys pass from miner to miner and are
// swapped.
func (s *metagraphSync) run(ctx context.Context, rows []MetagraphRow) error {
	kept, err := s.endRegistrations(ctx, rows)
	if err != nil {
		return err
	}
	for i, r := range rows {
		if err := s.startRegistration(ctx, r, kept[r.UID]); err != nil {
			return &Error{Op: "sync metagraph", Subject: fmt.Sprintf("row %d (UID %d)", i+1, r.UID), Err: err}
		}
	}
	coldkeys := make([]chain.Address, 0, len(s.miners))
	for coldkey := range s.miners {
		coldkeys = append(coldkeys, coldkey)
	}
	slices.Sort(coldkeys)
	for _, coldkey := range coldkeys {
		if err := s.updateStatus(ctx, s.miners[coldkey]); err != nil {
			return err
		}
	}
	return nil
}

// endRegistrations ends the current registrations that are not among the rows, and returns the UIDs of those
// that are.
func (s *metagraphSync) endRegistrations(ctx context.Context, rows []MetagraphRow) (kept map[chain.UID]bool, err error) {
	want := make(map[chain.UID]MetagraphRow, len(rows))
	for _, r := range rows {
		want[r.UID] = r
	}
	kept = make(map[chain.UID]bool, len(rows))
	for page, err := range currentHolders(ctx, s.tx.Reader) {
		if err != nil {
			return nil, err
		}
		for _, r := range page {
			h := s.miners[r.Coldkey]
			if h == nil {
				h = &syncedMiner{minerID: r.MinerID, status: r.Status}
				s.miners[r.Coldkey] = h
			}
			if want[r.UID] == (MetagraphRow{UID: r.UID, Hotkey: r.Hotkey, Coldkey: r.Coldkey}) {
				kept[r.UID] = true
				continue
			}
			if err := endRegistration(ctx, s.tx, read.Registration{RegistrationID: r.RegistrationID, UID: r.UID, StartedAt: r.StartedAt}, s.at); err != nil {
				return nil, err
			}
			h.lostUID = true
			s.result.Ended++
		}
	}
	return kept, nil
}

// startRegistration gives a row's miner its UID, unless it has kept it.
func (s *metagraphSync) startRegistration(ctx context.Context, r MetagraphRow, kept bool) error {
	h, err := s.findOrCreate(ctx, r.Coldkey)
	if err != nil {
		return err
	}
	h.holds++
	if kept {
		return nil
	}
	s.result.Started++
	_, err = s.tx.write.InsertRegistration(ctx, write.InsertRegistrationParams{MinerID: h.minerID, UID: r.UID, Hotkey: r.Hotkey, StartedAt: s.at})
	return err
}

// findOrCreate finds or creates the miner of a coldkey.
func (s *metagraphSync) findOrCreate(ctx context.Context, coldkey chain.Address) (*syncedMiner, error) {
	if h := s.miners[coldkey]; h != nil {
		return h, nil
	}
	m, err := s.tx.MinerByColdkey(ctx, coldkey)
	if errors.Is(err, ErrNotFound) {
		m, err = createMiner(ctx, s.tx, Registration{Coldkey: coldkey}, s.now, minerConfig{})
		s.result.NewMiners++
	}
	if err != nil {
		return nil, err
	}
	h := &syncedMiner{minerID: m.MinerID, status: m.Status}
	s.miners[coldkey] = h
	return h, nil
}

// updateStatus sets the status that follows from the UIDs a miner holds. A miner that held none before and
// holds none now keeps its status: it is known only from its events.
func (s *metagraphSync) updateStatus(ctx context.Context, h *syncedMiner) error {
	var err error
	switch {
	case h.holds > 0 && h.status == chain.MinerInactive:
		s.result.Reactivated++
		_, err = s.tx.write.SetMinerStatus(ctx, chain.MinerActive, h.minerID)
	case h.holds == 0 && h.lostUID && h.status == chain.MinerActive:
		s.result.Deactivated++
		_, err = s.tx.write.SetMinerStatus(ctx, chain.MinerInactive, h.minerID)
	}
	return err
}
