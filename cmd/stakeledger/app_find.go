package main

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// minerName is what a person calls a miner: an address, its coldkey or current hotkey, or else its current UID.
type minerName struct {
	address chain.Address // empty: it is the UID
	uid     chain.UID
}

func parseMinerName(s string) (minerName, error) {
	if uid, err := chain.ParseUID(s); err == nil {
		return minerName{uid: uid}, nil
	}
	address, err := chain.ParseAddress(s)
	if err != nil {
		return minerName{}, fmt.Errorf("%w; a miner is named by its coldkey, its hotkey or its UID", err)
	}
	return minerName{address: address}, nil
}

func addMiner(cmd *cobra.Command) *option[minerName] {
	return addOption(cmd, "miner", "MINER", "only those of this miner: its coldkey, or its current hotkey or UID", parseMinerName)
}

// find returns the miner. Error: ledger.ErrNotFound.
func (n minerName) find(ctx context.Context, l *ledger.Ledger) (ledger.Miner, error) {
	if n.address == "" {
		return l.MinerByUID(ctx, n.uid)
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

// selected is the named miner, or every miner when no name was given.
func selected(ctx context.Context, l *ledger.Ledger, name *option[minerName]) iter.Seq2[ledger.Miner, error] {
	if name.value == nil {
		return pages(func(p ledger.Page[ledger.Miner]) ([]ledger.Miner, error) { return l.Miners(ctx, p) })
	}
	return func(yield func(ledger.Miner, error) bool) { yield(name.value.find(ctx, l)) }
}

// ofEach goes through the rows of one miner after the other, and gives each row with its miner.
func ofEach[T, R any](miners iter.Seq2[ledger.Miner, error], rows func(ledger.Miner) iter.Seq2[T, error], made func(ledger.Miner, T) (R, error)) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		for miner, err := range miners {
			if err != nil {
				yield(*new(R), err)
				return
			}
			for row, err := range rows(miner) {
				var out R
				if err == nil {
					out, err = made(miner, row)
				}
				if !yield(out, err) || err != nil {
					return
				}
			}
		}
	}
}
