package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// registerFlags say how a miner is registered.
type registerFlags struct {
	hotkey   *option[chain.Address]
	uid      *option[chain.UID]
	at       *option[chain.Time]
	tracking *option[chain.Time]
	ensure   *bool
}

func newRegister(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "register COLDKEY",
		Short: "Register a miner",
		Long: `Register a miner, which is its coldkey; with --hotkey and --uid also what it is registered with on
the subnet from now on. Whoever held that UID or hotkey holds it no more. A miner that is known
already is an error, unless --ensure is given: then only its registration is brought up to date.

Ingesting registers unknown miners by itself, without hotkey and UID.`,
		Example: `  stakeledger register 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY
  stakeledger register 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY \
      --hotkey 5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty --uid 7 --ensure`,
		Args: exactArgs(1, false),
	}
	f := registerFlags{
		hotkey:   addOption(cmd, "hotkey", "HOTKEY", "the hotkey that it is registered with", chain.ParseAddress),
		uid:      addOption(cmd, "uid", "UID", "the UID that it holds", chain.ParseUID),
		at:       addOption(cmd, "at", "TIME", "when the registration started (default now)", parseMoment),
		tracking: addOption(cmd, "tracking-start", "TIME", "ignore its events before this time", parseMoment),
		ensure:   cmd.Flags().Bool("ensure", false, "take a miner that is known already as it is"),
	}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		registration, err := f.registration(args[0])
		if err != nil {
			return err
		}
		return a.withWritable(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			m, err := f.register(ctx, l, registration)
			if err != nil {
				return err
			}
			return writeMiner(ctx, cmd, l, m, *asJSON)
		})
	}
	return cmd
}

func (f registerFlags) registration(coldkey string) (ledger.Registration, error) {
	address, err := chain.ParseAddress(coldkey)
	if err != nil {
		return ledger.Registration{}, usagef("coldkey: %w", err)
	}
	if (f.hotkey.value == nil) != (f.uid.value == nil) {
		return ledger.Registration{}, usagef("--hotkey and --uid belong together; give both or none")
	}
	return ledger.Registration{Coldkey: address, Hotkey: f.hotkey.valueOr(""), UID: f.uid.valueOr(0), At: f.at.valueOr(0)}, nil
}

func (f registerFlags) register(ctx context.Context, l *ledger.Ledger, r ledger.Registration) (ledger.Miner, error) {
	var opts []ledger.MinerOption
	if f.tracking.value != nil {
		opts = append(opts, ledger.TrackingStart(*f.tracking.value))
	}
	if *f.ensure {
		m, _, err := l.EnsureMiner(ctx, r, opts...)
		return m, err
	}
	m, err := l.RegisterMiner(ctx, r, opts...)
	if errors.Is(err, ledger.ErrMinerExists) {
		return m, fmt.Errorf("register miner %s: %w; --ensure takes it as it is", r.Coldkey, ledger.ErrMinerExists)
	}
	return m, err
}

// writeMiner says what a miner now is.
func writeMiner(ctx context.Context, cmd *cobra.Command, l *ledger.Ledger, m ledger.Miner, asJSON bool) error {
	_, uids, err := readRegistrations(ctx, l, m.MinerID)
	if err != nil {
		return err
	}
	if asJSON {
		return writeObject(cmd.OutOrStdout(), newMinerRow(m, uids))
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "miner %d, %s: %s, UID %s\n", m.MinerID, escapeControls(string(m.Coldkey)), m.Status, uidText(uids))
	return err
}
