package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// ledgerInfo describes a ledger, in JSON.
type ledgerInfo struct {
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
	ledger.Info
	ledger.Basis
	Upkeep upkeepLog `json:"upkeep"`
}

func newInfo(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "info",
		Short: "Print what the ledger holds and when it was looked after",
		Long: `Print what the ledger holds: its size, its rows, the newest event and its age, what waits for a
replay or was rejected, the policy, and when it was archived, backed up and verified last. Backups
and verifications are those made by this command beside this file. Of a ledger on PostgreSQL none
are known; what the server says of its archive of WAL and of its standbys stands in their place.`,
		Example: `  stakeledger info
  stakeledger info --json | jq .newest_event`,
		Args: exactArgs(0, false),
	}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.withSnapshot(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			about, err := a.readAbout(ctx, l)
			if err != nil {
				return err
			}
			if *asJSON {
				return writeObject(cmd.OutOrStdout(), about)
			}
			return about.write(cmd.OutOrStdout())
		})
	}
	return cmd
}

func (a *app) readAbout(ctx context.Context, l *ledger.Ledger) (ledgerInfo, error) {
	info, err := l.Info(ctx)
	if err != nil {
		return ledgerInfo{}, err
	}
	basis, err := l.Basis(ctx)
	size := a.fileBytes()
	if info.Server != nil {
		size = info.Server.Bytes
	}
	return ledgerInfo{a.name(), size, info, basis, a.readUpkeep()}, err
}

func (b ledgerInfo) write(w io.Writer) error {
	f := textFields{}
	if b.Server != nil {
		f.add("database", b.File, bytesText(b.Bytes))
		f.add("server", serverText(b.Server))
	} else {
		f.add("file", b.File, bytesText(b.Bytes), "free "+bytesText(b.FreePages*b.PageSize))
	}
	f.add("schema", fmt.Sprint(b.SchemaVersion))
	f.add("miners", fmt.Sprint(b.Rows["miners"]), plural(b.Rows["registrations"], "registration", "registrations"))
	f.add("events", fmt.Sprint(b.Rows["events"]), fmt.Sprintf("%d rejected", b.Rows["rejected_events"]))
	f.add("positions", fmt.Sprint(b.Rows["positions"]), fmt.Sprintf("%d archived", b.Archived))
	f.add("trades", fmt.Sprint(b.Rows["trades"]), plural(b.Rows["closes"], "close", "closes"), plural(b.Rows["snapshots"], "snapshot", "snapshots"))
	f.add("newest event", b.newestEvent())
	if len(b.Marked) > 0 {
		f.add("waiting", plural(int64(len(b.Marked)), "miner", "miners")+" for a replay; stakeledger rebuild --marked")
	}
	if b.Interrupted > 0 {
		f.add("interrupted", plural(b.Interrupted, "input", "inputs")+"; ingest the same files again")
	}
	f.add("policy", strings.ReplaceAll(policyText(b.Policy), "\n", " "))
	f.add("last archive", momentText(b.LastArchive))
	if b.Server == nil {
		f.add("last backup", b.Upkeep.Backup.describe())
		f.add("last verify", b.Upkeep.Verify.describe())
	} else {
		f.add("last backup", backupText(b.Server))
		f.add("last verify", unknownVerify)
		f.add("standbys", plural(b.Server.Standbys, "follows", "follow"), "synchronous_standby_names = '"+b.Server.SynchronousStandbys+"'")
	}
	return writeText(w, f.String())
}

// newestEvent is the time of the newest event and its age.
func (b ledgerInfo) newestEvent() string {
	if b.NewestEvent == nil {
		return "none"
	}
	return momentText(b.NewestEvent) + ", " + agoText(*b.NewestEvent)
}

func agoText(t chain.Time) string {
	return heldFor(max(0, clockNow().Sub(t.Time())).Microseconds()) + " ago"
}

func (d *upkeepRun) describe() string {
	if d == nil {
		return "never, as far as is known here"
	}
	text := momentText(&d.At) + ", " + agoText(d.At)
	if d.File != "" {
		text += ", to " + d.File
	}
	switch {
	case d.OK:
	case d.File != "":
		text += ", unchecked"
	default:
		text += ", with differences"
	}
	return text
}

// elapsed is how long ago something was done.
func (d *upkeepRun) elapsed() time.Duration { return clockNow().Sub(d.At.Time()) }
