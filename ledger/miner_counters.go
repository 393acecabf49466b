package ledger

import (
	"context"
	"fmt"
	"math"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/write"
)

// counters are a miner's lifetime counters, or what an operation adds to them.
type counters struct {
	positions, openPositions, trades, closes       int64
	entryTAO, entryAlpha                           chain.Rao
	closedAlpha, exitTAO, rawGain, gain            chain.Rao
	countedCloses, winningCloses, countedDurations int64
	unmatchedAlpha, unmatchedTAO                   chain.Rao
}

// plus returns c + d. The error is ErrInvalid, for a sum that does not fit in
// 64 bits.
func (c counters) plus(d counters) (counters, error) {
	var err error
	return counters{
		positions:        addCounter(&err, "positions", c.positions, d.positions),
		openPositions:    addCounter(&err, "open_positions", c.openPositions, d.openPositions),
		trades:           addCounter(&err, "trades", c.trades, d.trades),
		closes:           addCounter(&err, "closes", c.closes, d.closes),
		entryTAO:         addCounter(&err, "entry_tao", c.entryTAO, d.entryTAO),
		entryAlpha:       addCounter(&err, "entry_alpha", c.entryAlpha, d.entryAlpha),
		closedAlpha:      addCounter(&err, "closed_alpha", c.closedAlpha, d.closedAlpha),
		exitTAO:          addCounter(&err, "exit_tao", c.exitTAO, d.exitTAO),
		rawGain:          addCounter(&err, "raw_gain", c.rawGain, d.rawGain),
		gain:             addCounter(&err, "gain", c.gain, d.gain),
		countedCloses:    addCounter(&err, "counted_closes", c.countedCloses, d.countedCloses),
		winningCloses:    addCounter(&err, "winning_closes", c.winningCloses, d.winningCloses),
		countedDurations: addCounter(&err, "counted_duration_us", c.countedDurations, d.countedDurations),
		unmatchedAlpha:   addCounter(&err, "unmatched_alpha", c.unmatchedAlpha, d.unmatchedAlpha),
		unmatchedTAO:     addCounter(&err, "unmatched_tao", c.unmatchedTAO, d.unmatchedTAO),
	}, err
}

// addCounter returns a + b, or sets err when the sum does not fit.
func addCounter[N ~int64](err *error, counter string, a, b N) N {
	if b > 0 && a > math.MaxInt64-b || b < 0 && a < math.MinInt64-b {
		*err = &overflowError{invalid(counter, a, fmt.Sprintf("adding %v overflows the miner's counter", b))}
		return a
	}
	return a + b
}

// overflowError is the ErrInvalid of a valid event that would overflow its miner's counters.
type overflowError struct{ error }

func (e *overflowError) Unwrap() error { return e.error }

// countersOf are the counters of a miner's row.
func countersOf(m Miner) counters {
	return counters{
		positions: m.Positions, openPositions: m.OpenPositions, trades: m.Trades, closes: m.Closes,
		entryTAO: m.EntryTAO, entryAlpha: m.EntryAlpha,
		closedAlpha: m.ClosedAlpha, exitTAO: m.ExitTAO, rawGain: m.RawGain, gain: m.Gain,
		countedCloses: m.CountedCloses, winningCloses: m.WinningCloses, countedDurations: m.CountedDurationUs,
		unmatchedAlpha: m.UnmatchedAlpha, unmatchedTAO: m.UnmatchedTAO,
	}
}

// account is a miner inside one transaction: its row, and what the transaction adds to it. save writes the
// additions, once.
type account struct {
	miner      Miner
	latest     *chain.EventKey // of the events handled; nil: there is none
	oldestLate *chain.EventKey // of those that came after a later one, see Miner.OldestLateKey
	lastActive *chain.Time
	total      counters // the row's and the additions
	added      counters
	changed    bool
}

// openAccount reads a miner. The error is ErrNotFound when the coldkey is unknown.
func openAccount(ctx context.Context, tx Tx, coldkey chain.Address) (*account, error) {
	m, err := tx.MinerByColdkey(ctx, coldkey)
	if err != nil {
		return nil, err
	}
	return accountOf(m), nil
}

func accountOf(m Miner) *account {
	return &account{
		miner: m, latest: m.LatestKey, oldestLate: m.OldestLateKey, lastActive: m.LastActive, total: countersOf(m),
	}
}

// outOfOrder reports whether an event comes before one that was handled already.
func (a *account) outOfOrder(key chain.EventKey) bool { return a.latest != nil && key < *a.latest }

// addEvent adds a handled event, and marks the miner if the event is late. The caller has computed total before it
// wrote anything, so that an event which overflows it is not written.
func (a *account) addEvent(key chain.EventKey, added, total counters) {
	if !a.outOfOrder(key) {
		a.latest = &key
	} else if a.oldestLate == nil || key < *a.oldestLate {
		a.oldestLate = &key
	}
	a.total = total
	a.added, _ = a.added.plus(added) // cannot overflow, since the total did not
	a.changed = true
}

// markActive moves the miner's last activity to at, unless it is later already.
func (a *account) markActive(at chain.Time) {
	if a.lastActive == nil || *a.lastActive < at {
		a.lastActive = &at
	}
}

// save writes what was added, in one statement.
func (a *account) save(ctx context.Context, tx Tx) error {
	if !a.changed {
		return nil
	}
	d := a.added
	return tx.write.AddToMiner(ctx, write.AddToMinerParams{
		MinerID: a.miner.MinerID, LatestKey: a.latest, OldestLateKey: a.oldestLate, LastActive: a.lastActive,
		Positions: d.positions, OpenPositions: d.openPositions, Trades: d.trades, Closes: d.closes,
		EntryTAO: d.entryTAO, EntryAlpha: d.entryAlpha,
		ClosedAlpha: d.closedAlpha, ExitTAO: d.exitTAO, RawGain: d.rawGain, Gain: d.gain,
		CountedCloses: d.countedCloses, WinningCloses: d.winningCloses, CountedDurationUs: d.countedDurations,
		UnmatchedAlpha: d.unmatchedAlpha, UnmatchedTAO: d.unmatchedTAO,
	})
}

// minus returns c − d. Since d is a part of c, no difference overflows.
func (c counters) minus(d counters) counters {
	return counters{
		positions: c.positions - d.positions, openPositions: c.openPositions - d.openPositions,
		trades: c.trades - d.trades, closes: c.closes - d.closes,
		entryTAO: c.entryTAO - d.entryTAO, entryAlpha: c.entryAlpha - d.entryAlpha,
		closedAlpha: c.closedAlpha - d.closedAlpha, exitTAO: c.exitTAO - d.exitTAO, rawGain: c.rawGain - d.rawGain, gain: c.gain - d.gain,
		countedCloses: c.countedCloses - d.countedCloses, winningCloses: c.winningCloses - d.winningCloses,
		countedDurations: c.countedDurations - d.countedDurations,
		unmatchedAlpha:   c.unmatchedAlpha - d.unmatchedAlpha, unmatchedTAO: c.unmatchedTAO - d.unmatchedTAO,
	}
}

func (c counters) copyTo(m *Miner) {
	m.Positions, m.OpenPositions, m.Trades, m.Closes = c.positions, c.openPositions, c.trades, c.closes
	m.EntryTAO, m.EntryAlpha = c.entryTAO, c.entryAlpha
	m.ClosedAlpha, m.ExitTAO, m.RawGain, m.Gain = c.closedAlpha, c.exitTAO, c.rawGain, c.gain
	m.CountedCloses, m.WinningCloses, m.CountedDurationUs = c.countedCloses, c.winningCloses, c.countedDurations
	m.UnmatchedAlpha, m.UnmatchedTAO = c.unmatchedAlpha, c.unmatchedTAO
}
