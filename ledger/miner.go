package ledger

import (
	"context"
	"errors"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/write"
	"github.com/stakeledger/stakeledger/manager"
)

// MinerOption sets how RegisterMiner and EnsureMiner create a miner.
type MinerOption interface{ setMiner(*minerConfig) }

type minerConfig struct{ trackingStart *chain.Time }

// MinerApplyOption is an option of RegisterMiner, EnsureMiner and Apply.
type MinerApplyOption interface {
	MinerOption
	ApplyOption
}

// TrackingStart sets from when on a miner's events count: Apply ignores older ones. It is kept with the miner
// when it is created, and never changed. Default: none, every event counts.
func TrackingStart(t chain.Time) MinerApplyOption { return trackingStartOption(t) }

type trackingStartOption chain.Time

func (o trackingStartOption) setMiner(c *minerConfig) { c.trackingStart = (*chain.Time)(&o) }

func (o trackingStartOption) setApply(c *applyConfig) error {
	o.setMiner(&c.miner)
	return nil
}

// RegisterMiner records a new miner and, if a hotkey is given, the UID that it holds from then on; a
// previous holder of the UID or the hotkey loses it. Errors: ErrInvalid, ErrMinerExists.
func (l *Ledger) RegisterMiner(ctx context.Context, r Registration, opts ...MinerOption) (Miner, error) {
	r, err := r.validated(l.now())
	if err != nil {
		return Miner{}, &Error{Op: "register miner", Err: err}
	}
	return commit(ctx, l, func(ctx context.Context, tx Tx, was *Miner) (Miner, error) {
		m, err := tx.MinerByColdkey(ctx, r.Coldkey)
		if err == nil && was != nil && was.MinerID == m.MinerID {
			return m, nil
		}
		if err == nil {
			return Miner{}, &Error{Op: "register miner", Subject: string(r.Coldkey), Err: ErrMinerExists,
				Detail: "EnsureMiner finds or creates"}
		}
		if !errors.Is(err, ErrNotFound) {
			return Miner{}, err
		}
		return createMiner(ctx, tx, r, l.now(), newMinerConfig(opts))
	}, manager.Label("ledger.RegisterMiner"))
}

// EnsureMiner returns the miner of a coldkey, and creates it if there is none. If a hotkey is given, the
// miner holds the UID with it afterwards, as with RegisterMiner; an inactive miner becomes active, a
// blacklisted one stays blacklisted. Options only apply to a miner that is created. Error: ErrInvalid.
func (l *Ledger) EnsureMiner(ctx context.Context, r Registration, opts ...MinerOption) (m Miner, isNew bool, err error) {
	r, err = r.validated(l.now())
	if err != nil {
		return Miner{}, false, &Error{Op: "ensure miner", Err: err}
	}
	ensured, err := commit(ctx, l, func(ctx context.Context, tx Tx, was *ensured) (e ensured, err error) {
		e.miner, err = tx.MinerByColdkey(ctx, r.Coldkey)
		if errors.Is(err, ErrNotFound) {
			e.isNew = true
			e.miner, err = createMiner(ctx, tx, r, l.now(), newMinerConfig(opts))
			return e, err
		}
		if was != nil && was.miner.MinerID == e.miner.MinerID {
			e.isNew = was.isNew
		}
		if err != nil || r.Hotkey == "" {
			return e, err
		}
		if err := takeUID(ctx, tx, e.miner.MinerID, r); err != nil {
			return e, err
		}
		e.miner, err = tx.MinerByID(ctx, e.miner.MinerID)
		return e, err
	}, manager.Label("ledger.EnsureMiner"))
	return ensured.miner, ensured.isNew, err
}

type ensured struct {
	miner Miner
	isNew bool
}

// UpdateMinerStatus sets a miner's status. It is the only way to blacklist a miner, and to end that.
// Errors: ErrInvalid, ErrNotFound.
func (l *Ledger) UpdateMinerStatus(ctx context.Context, coldkey chain.Address, status chain.MinerStatus) (Miner, error) {
	if !status.Valid() {
		return Miner{}, &Error{Op: "update status of miner", Subject: string(coldkey), Err: invalid("miner status", status, "want active, inactive or blacklisted")}
	}
	return commit(ctx, l, func(ctx context.Context, tx Tx, _ *Miner) (Miner, error) {
		m, err := tx.MinerByColdkey(ctx, coldkey)
		if err != nil {
			return Miner{}, nameMissing(err, "update status of", "miner %s", coldkey)
		}
		m.Status = status
		_, err = tx.write.SetMinerStatus(ctx, status, m.MinerID)
		return m, err
	}, manager.Label("ledger.UpdateMinerStatus"))
}

func newMinerConfig(opts []MinerOption) minerConfig {
	var c minerConfig
	for _, o := range opts {
		o.setMiner(&c)
	}
	return c
}

// createMiner inserts a miner, with its registration if it has one.
func createMiner(ctx context.Context, tx Tx, r Registration, now chain.Time, c minerConfig) (Miner, error) {
	id, err := tx.write.InsertMiner(ctx, write.InsertMinerParams{
		Coldkey: r.Coldkey, Status: chain.MinerActive, TrackingStart: c.trackingStart, RegisteredAt: now,
	})
	if err != nil {
		return Miner{}, err
	}
	if r.Hotkey != "" {
		if err := takeUID(ctx, tx, id, r); err != nil {
			return Miner{}, err
		}
	}
	return tx.MinerByID(ctx, id)
}
