package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// minerName identifies a miner: by its coldkey or current hotkey, by the beginning of one, by its shortened form
// in tables, or by its current UID.
type minerName struct {
	address      chain.Address // empty: the name has another form
	begins, ends string        // parts of an address
	uid          chain.UID
	of           func(context.Context, *ledger.Ledger) (minerID int64, err error) // the miner to whom something belongs
}

// addressPart matches the beginning of an address, and the shortened form in tables, which has its end too.
var addressPart = regexp.MustCompile(`^(5[1-9A-HJ-NP-Za-km-z]{1,46})(?:(?:…|\.\.\.?)([1-9A-HJ-NP-Za-km-z]*))?$`)

func parseMinerName(s string) (minerName, error) {
	if uid, err := chain.ParseUID(s); err == nil {
		return minerName{uid: uid}, nil
	}
	if parts := addressPart.FindStringSubmatch(s); parts != nil && strings.Trim(s, "0123456789") != "" {
		return minerName{begins: parts[1], ends: parts[2]}, nil
	}
	address, err := chain.ParseAddress(s)
	if err != nil {
		return minerName{}, fmt.Errorf("%w; a miner is named by its coldkey, its hotkey or its UID, or by how its coldkey begins", err)
	}
	return minerName{address: address}, nil
}

func addMiner(cmd *cobra.Command) *option[minerName] {
	return addOption(cmd, "miner", "MINER", "only those of this miner: its coldkey or how that begins, or its current hotkey or UID", parseMinerName)
}

// find returns the miner. Errors: ledger.ErrNotFound, and wrong usage if several addresses
// begin so.
func (n minerName) find(ctx context.Context, l *ledger.Ledger) (ledger.Miner, error) {
	switch {
	case n.of != nil:
		id, err := n.of(ctx, l)
		if err != nil {
			return ledger.Miner{}, err
		}
		return l.Miner(ctx, id)
	case n.begins != "":
		return n.findBeginning(ctx, l)
	case n.address == "":
		m, err := l.MinerByUID(ctx, n.uid)
		if errors.Is(err, ledger.ErrNotFound) {
			err = fmt.Errorf("%w; stakeledger miners lists them with the UIDs that they hold", err)
		}
		return m, err
	}
	m, err := l.MinerByColdkey(ctx, n.address)
	if !errors.Is(err, ledger.ErrNotFound) {
		return m, err
	}
	if m, hotkeyErr := l.MinerByHotkey(ctx, n.address); !errors.Is(hotkeyErr, ledger.ErrNotFound) {
		return m, hotkeyErr
	}
	return ledger.Miner{}, fmt.Errorf("%w, neither as coldkey nor as hotkey; stakeledger miners lists them", err)
}

func (n minerName) findBeginning(ctx context.Context, l *ledger.Ledger) (ledger.Miner, error) {
	const shown = 3
	found, err := l.MinersNamed(ctx, n.begins, n.ends, shown)
	switch {
	case err != nil:
		return ledger.Miner{}, err
	case len(found) == 0:
		return ledger.Miner{}, fmt.Errorf("find miner %s: %w, neither as the beginning of a coldkey nor of a hotkey; stakeledger miners lists them", n.begins, errNoMiner)
	case len(found) > 1:
		var names []string
		for _, m := range found {
			names = append(names, string(m.Coldkey))
		}
		return ledger.Miner{}, usagef("miner %s: several begin so (%s%s); give more of it", n.begins, strings.Join(names, ", "), map[bool]string{true: ", …"}[len(found) == shown])
	}
	return found[0], nil
}

// errNoMiner is ledger.ErrNotFound with a plain text.
var errNoMiner = notFound("not found")

type notFound string

func (n notFound) Error() string        { return string(n) }
func (n notFound) Is(target error) bool { return target == ledger.ErrNotFound }

// parseID reads the id of a position or trade.
func parseID(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("want a number of 1 or more")
	}
	return n, nil
}

// selectedMiners is the named miner, or every miner when no name was given.
func selectedMiners(ctx context.Context, l *ledger.Ledger, name *option[minerName]) iter.Seq2[ledger.Miner, error] {
	if name.value == nil {
		return allPages(func(p ledger.Page[ledger.Miner]) ([]ledger.Miner, error) { return l.Miners(ctx, p) })
	}
	return func(yield func(ledger.Miner, error) bool) { yield(name.value.find(ctx, l)) }
}
