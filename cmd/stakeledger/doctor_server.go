package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/ledger"
)

// examineServer looks at a ledger in a server's database.
func (d *doctor) examineServer(cmd *cobra.Command) {
	err := d.app.withReadOnly(cmd, func(ctx context.Context, l *ledger.Ledger) error {
		about, err := d.app.readAbout(ctx, l)
		if err != nil {
			return err
		}
		d.server(about.Server)
		d.addFinding("schema", stateOK, fmt.Sprintf("version %d", about.SchemaVersion), "")
		d.examineContents(about)
		wrong, err := l.CheckFile(ctx, d.full)
		if err != nil {
			return err
		}
		d.addVerdict("guards", len(wrong) == 0, stateFails, firstOf(wrong, "all in force"), "somebody switched them off: enable and validate them, then run stakeledger verify")
		return nil
	})
	if err != nil {
		d.addFinding("read", stateFails, d.app.explainError(err), "see above")
	}
}

// server looks at what the server says of itself.
func (d *doctor) server(s *ledger.ServerInfo) {
	d.addFinding("engine", stateOK, serverText(s), "")
	d.addFinding("size", stateOK, bytesText(s.Bytes), "")
	d.addVerdict("primary", !s.Standby, stateWarns, map[bool]string{true: "a standby, which takes no writes", false: "takes writes"}[s.Standby], "name all hosts in the URL: the one that takes writes is found")
	d.addVerdict("fsync", s.Fsync, stateFails, map[bool]string{true: "on", false: "off"}[s.Fsync], "a crash of the machine will damage the database: set fsync = on and restart the server")
	d.addVerdict("standbys", s.SynchronousStandbys != "", stateWarns, cmp.Or(s.SynchronousStandbys, "none is synchronous"), "what was answered is lost with the primary's disk; see synchronous_standby_names")
	d.addVerdict("backup", !s.ArchivingFails, stateWarns, backupText(s), "what archive_command says is in the server's log")
	d.addFinding("verify", stateOK, unknownVerify, "")
	d.addVerdict("connections", s.Connections*10 < s.MaxConnections*9, stateWarns, fmt.Sprintf("%d of %d", s.Connections, s.MaxConnections), "raise max_connections, or close what is idle")
}

// backupText is what a server knows of its backups: nothing of those that pg_dump made.
func backupText(s *ledger.ServerInfo) string {
	text := "not known here (pg_dump); "
	switch {
	case s.ArchivingFails:
		return text + "archiving WAL fails"
	case s.LastArchivedWAL != nil:
		return text + "WAL was archived " + agoText(*s.LastArchivedWAL)
	}
	return text + "no WAL is archived"
}

const unknownVerify = "not known here; stakeledger verify looks"

// serverText names the server.
func serverText(s *ledger.ServerInfo) string { return "PostgreSQL " + s.Version }
