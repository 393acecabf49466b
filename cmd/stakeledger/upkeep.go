package main

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
)

// upkeepSuffix is the suffix of the file beside the ledger that records the last maintenance. It is not part of the
// ledger, since a backup must not contain that it was backed up.
const upkeepSuffix = "-upkeep"

// upkeepLog is the last maintenance of the ledger on this machine. A server's ledger has none.
type upkeepLog struct {
	Backup  *upkeepRun `json:"backup"`
	Verify  *upkeepRun `json:"verify"`
	Compact *upkeepRun `json:"compact"`
}

// upkeepRun is something that was done.
type upkeepRun struct {
	At   chain.Time `json:"at"`
	File string     `json:"file,omitempty"` // of a backup
	OK   bool       `json:"ok"`             // a verification found nothing, a backup was checked
}

// readUpkeep reads what was noted; nothing where there is none.
func (a *app) readUpkeep() (u upkeepLog) {
	if a.onServer() {
		return u
	}
	if text, err := os.ReadFile(a.db + upkeepSuffix); err == nil {
		_ = json.Unmarshal(text, &u) // a file of another version counts as missing
	}
	return u
}

// recordUpkeep records that something was done. If that fails it is only logged, since
// the work is done.
func (a *app) recordUpkeep(cmd *cobra.Command, note func(*upkeepLog, *upkeepRun), d upkeepRun) {
	if a.readOnly || a.onServer() {
		return
	}
	err := func() (err error) {
		u := a.readUpkeep()
		if d.At, err = chain.TimeOf(clockNow().UTC().Truncate(microsecond)); err != nil {
			return err
		}
		if d.File != "" {
			d.File, _ = filepath.Abs(d.File)
		}
		note(&u, &d)
		text, err := json.Marshal(u)
		if err != nil {
			return err
		}
		return replaceFile(a.db+upkeepSuffix, append(text, '\n'), false)
	}()
	if err != nil {
		a.logger(cmd).Info("not noted for info and doctor", slog.Any("error", err))
	}
}
