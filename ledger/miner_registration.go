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

// Registration names a miner and the UID that it holds on the subnet.
type Registration struct {
	Coldkey chain.Address
	Hotkey  chain.Address // empty: the miner holds no UID; UID and At are ignored then
	UID     chain.UID
	At      chain.Time // since when; 0: now
}

// validated validates a registration and fills in its time.
func (r Registration) validated(now chain.Time) (Registration, error) {
	if _, err := chain.ParseAddress(string(r.Coldkey)); err != nil {
		return r, inField("coldkey", err)
	}
	if r.Hotkey == "" {
		return r, nil
	}
	if _, err := chain.ParseAddress(string(r.Hotkey)); err != nil {
		return r, inField("hotkey", err)
	}
	if r.At == 0 {
		r.At = now
	}
	if r.At < 0 || r.At > maxTime {
		return r, invalid("at", r.At, "want a time after 1970-01-01T00:00:00Z and before the year 10000")
	}
	return r, nil
}

// Deregister ends registrations of a miner: those of the given UIDs, or all. at is the time of it, 0 means
// now. An active miner that is left without a UID becomes inactive; its history stays. Errors: ErrNotFound
// for an unknown miner or a UID it does not hold, ErrInvalid for a time before a registration's start.
func (l *Ledger) Deregister(ctx context.Context, coldkey chain.Address, at chain.Time, uids ...chain.UID) error {
	if at == 0 {
		at = l.now()
	}
	return l.idempotent(ctx, func(ctx context.Context, tx Tx) error {
		m, err := tx.MinerByColdkey(ctx, coldkey)
		if err != nil {
			return nameMissing(err, "deregister", "miner %s", coldkey)
		}
		held, err := tx.CurrentRegistrationsOfMiner(ctx, m.MinerID)
		if err != nil {
			return err
		}
		for _, uid := range uids {
			if !manager.CommitUnknown(ctx) && !slices.ContainsFunc(held, func(r read.Registration) bool { return r.UID == uid }) {
				return &Error{Op: "deregister", Subject: string(coldkey), Err: ErrNotFound, Detail: fmt.Sprintf("the miner does not hold UID %d", uid)}
			}
		}
		for _, r := range held {
			if len(uids) == 0 || slices.Contains(uids, r.UID) {
				if err := endRegistration(ctx, tx, r, at); err != nil {
					return err
				}
			}
		}
		return deactivateWithoutUID(ctx, tx, m.MinerID)
	}, manager.Label("ledger.Deregister"))
}

// takeUID makes a miner the holder of a UID with a hotkey, and ends the registrations that hold either, of any
// miner: on the chain a UID passes from miner to miner.
func takeUID(ctx context.Context, tx Tx, minerID int64, r Registration) error {
	byUID, err := registrationOrNil(tx.CurrentRegistrationByUID(ctx, r.UID))
	if err != nil {
		return err
	}
	byHotkey, err := registrationOrNil(tx.CurrentRegistrationByHotkey(ctx, r.Hotkey))
	if err != nil {
		return err
	}
	if byUID != nil && byHotkey != nil && byUID.RegistrationID == byHotkey.RegistrationID {
		if byUID.MinerID == minerID {
			return reactivate(ctx, tx, minerID)
		}
		byHotkey = nil
	}
	for _, held := range []*read.Registration{byUID, byHotkey} {
		if held == nil {
			continue
		}
		if err := endRegistration(ctx, tx, *held, r.At); err != nil {
			return err
		}
		if err := deactivateWithoutUID(ctx, tx, held.MinerID); err != nil {
			return err
		}
	}
	_, err = tx.write.InsertRegistration(ctx, write.InsertRegistrationParams{MinerID: minerID, UID: r.UID, Hotkey: r.Hotkey, StartedAt: r.At})
	if err != nil {
		return err
	}
	return reactivate(ctx, tx, minerID)
}

// registrationOrNil turns ErrNotFound into nil.
func registrationOrNil(r read.Registration, err error) (*read.Registration, error) {
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return &r, err
}

func endRegistration(ctx context.Context, tx Tx, r read.Registration, at chain.Time) error {
	if at < r.StartedAt || at > maxTime {
		return &Error{Op: "end registration", Subject: fmt.Sprintf("of UID %d", r.UID),
			Err: invalid("at", at, fmt.Sprintf("the registration began at %s", r.StartedAt))}
	}
	_, err := tx.write.EndRegistration(ctx, &at, r.RegistrationID)
	return err
}

// deactivateWithoutUID makes an active miner inactive if it holds no UID.
func deactivateWithoutUID(ctx context.Context, tx Tx, minerID int64) error {
	held, err := tx.CurrentRegistrationsOfMiner(ctx, minerID)
	if err != nil || len(held) > 0 {
		return err
	}
	return changeStatus(ctx, tx, minerID, chain.MinerActive, chain.MinerInactive)
}

func reactivate(ctx context.Context, tx Tx, minerID int64) error {
	return changeStatus(ctx, tx, minerID, chain.MinerInactive, chain.MinerActive)
}

// changeStatus changes a miner's status if it is from, so a blacklisted miner stays blacklisted.
func changeStatus(ctx context.Context, tx Tx, minerID int64, from, to chain.MinerStatus) error {
	m, err := tx.MinerByID(ctx, minerID)
	if err != nil || m.Status != from {
		return err
	}
	_, err = tx.write.SetMinerStatus(ctx, to, minerID)
	return err
}
