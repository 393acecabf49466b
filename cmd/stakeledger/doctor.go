package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

// finding is what doctor says of one thing it looked at.
type finding struct {
	Check string `json:"check"`
	State string `json:"state"` // ok, warns or fails
	Found string `json:"found"`
	Do    string `json:"do"` // empty where there is nothing to do
}

const (
	stateOK    = "ok"
	stateWarns = "warns"
	stateFails = "fails"
)

// Limits of a healthy ledger.
const (
	mostLog    = 256 << 20 // bytes of the write-ahead log
	mostFree   = 64 << 20  // bytes of unused pages
	leastDisk  = 1 << 30
	mostBackup = 7 * 24 * time.Hour
	clockSlack = 5 * time.Minute
)

// doctor looks at a ledger from every side.
type doctor struct {
	app                   *app
	quick, full, restores bool
	maxAge                time.Duration
	hasLog                bool // by the file's header; on read-only media it is read as if it had none
	found                 []finding
}

func newDoctor(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what is wrong, and say what to do",
		Long: `Look at the ledger from every side: engine, file, permissions, disk space, who holds its lock, log
and free pages, schema, SQLite's own check, foreign keys, what waits for a replay, how old the
newest event is, the last backup and verification, the clock. It changes nothing. On PostgreSQL it
looks at the server in place of the file: whether it can be written, what an answered commit
survives, and whether every guard of the schema is in force.

The exit code is 1 where something fails, with --strict also where something warns. stakeledger
verify checks the figures too.`,
		Example: `  stakeledger doctor
  stakeledger doctor --quick --json --strict`,
		Args: exactArgs(0, false),
	}
	d := doctor{app: a}
	quick := cmd.Flags().Bool("quick", false, "leave out SQLite's own check and the foreign keys, which read the whole file: for a monitor that asks every minute")
	full := cmd.Flags().Bool("full", false, "compare indexes with their tables too, which takes three times as long")
	restores := cmd.Flags().Bool("restore", false, "restore the last backup to a temporary file, to see that it can be")
	strict := cmd.Flags().Bool("strict", false, "exit with code 1 on warnings too")
	maxAge := addOption(cmd, "max-age", "DURATION", "how old the newest event may be (default 24h)", parseAge)
	asJSON := addJSON(cmd)
	markExclusive(cmd, "quick", "full")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		d.quick, d.full, d.restores, d.maxAge = *quick, *full, *restores, maxAge.valueOr(24*time.Hour)
		d.examineAll(cmd)
		if err := cmd.Context().Err(); err != nil {
			return err
		}
		return d.report(cmd, *asJSON, *strict)
	}
	return cmd
}

func (d *doctor) addFinding(check, state, found, do string) {
	if state == stateOK {
		do = ""
	}
	d.found = append(d.found, finding{check, state, found, do})
}

// addVerdict adds a finding that is ok, or otherwise has the given state.
func (d *doctor) addVerdict(check string, isWell bool, otherwise, found, do string) {
	state := stateOK
	if !isWell {
		state = otherwise
	}
	d.addFinding(check, state, found, do)
}

func (d *doctor) examineAll(cmd *cobra.Command) {
	if d.app.onServer() {
		d.examineServer(cmd)
		return
	}
	d.addFinding("engine", stateOK, "SQLite "+manager.SQLiteVersion(), "")
	if err := d.app.checkExists(cmd); err != nil {
		d.addFinding("file", stateFails, err.Error(), "stakeledger restore makes the ledger from a backup")
		return
	}
	d.examineFile()
	err := d.app.withReadOnly(cmd, func(ctx context.Context, l *ledger.Ledger) error {
		about, err := d.app.readAbout(ctx, l)
		if err != nil {
			return err
		}
		d.examinePages(about)
		d.examineContents(about)
		d.examineUpkeep(ctx, cmd, about)
		if d.quick {
			return nil
		}
		wrong, err := l.CheckFile(ctx, d.full)
		if err != nil {
			return err
		}
		d.addVerdict("integrity", len(wrong) == 0, stateFails, firstOf(wrong, "nothing wrong, foreign keys too"), "restore a backup; stakeledger backup --unchecked saves what is left")
		return nil
	})
	if err != nil {
		d.addFinding("read", stateFails, d.app.explainError(err), "see above")
	}
}

func firstOf(wrong []string, none string) string {
	switch len(wrong) {
	case 0:
		return none
	case 1:
		return wrong[0]
	}
	return fmt.Sprintf("%s, and %d more", wrong[0], len(wrong)-1)
}

// saysWAL reads from the header of a database whether it has a write-ahead log. Nothing of this process may have it
// open: closing it drops the locks.
func saysWAL(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	header := make([]byte, 20)
	_, err = io.ReadFull(f, header)
	return err == nil && header[18] == 2 && header[19] == 2 // https://www.sqlite.org/fileformat.html
}

// examineFile looks at what the file system says.
func (d *doctor) examineFile() {
	path := d.app.db
	info, err := os.Stat(path)
	if err != nil {
		d.addFinding("file", stateFails, err.Error(), "see who owns the folder, and its mode")
		return
	}
	d.addFinding("file", stateOK, bytesText(info.Size()), "")
	d.hasLog = saysWAL(path)
	d.addVerdict("permissions", info.Mode().Perm()&0o022 == 0, stateWarns, info.Mode().Perm().String(), "others may write it: chmod go-w "+path)
	free, known := freeSpace(filepath.Dir(path))
	d.addVerdict("disk", !known || free > max(leastDisk, info.Size()), stateWarns, spaceText(free, known), "free space: a backup or compact needs as much as the ledger")
	holder := manager.LockHolder(path)
	d.addFinding("lock", stateOK, "held by "+cmp.Or(holder, "nobody"), "")
	log := int64(0)
	if wal, err := os.Stat(path + "-wal"); err == nil {
		log = wal.Size()
	}
	d.addVerdict("log", log < mostLog, stateWarns, bytesText(log), "a program reads for long, or was killed: end it, and run stakeledger compact")
}

func spaceText(free int64, known bool) string {
	if !known {
		return "not known on this system"
	}
	return bytesText(free) + " free"
}

func (d *doctor) examinePages(b ledgerInfo) {
	if d.hasLog {
		b.JournalMode = "wal"
	}
	d.addVerdict("journal", b.JournalMode == "wal", stateFails, b.JournalMode, "another program changed it; run stakeledger migrate up")
	free := b.FreePages * b.PageSize
	d.addVerdict("free pages", free < mostFree || b.FreePages*4 < b.Pages, stateWarns, bytesText(free), "stakeledger compact gives it back")
	d.addFinding("schema", stateOK, fmt.Sprintf("version %d", b.SchemaVersion), "")
}

func (d *doctor) examineContents(b ledgerInfo) {
	d.addVerdict("replay", len(b.Marked) == 0, stateWarns, plural(int64(len(b.Marked)), "miner waits", "miners wait"), "stakeledger rebuild --marked")
	d.addVerdict("inputs", b.Interrupted == 0, stateWarns, plural(b.Interrupted, "input was", "inputs were")+" interrupted", "ingest the same files again")
	d.addVerdict("newest event", b.NewestEvent != nil && clockNow().Sub(b.NewestEvent.Time()) <= d.maxAge, stateWarns, b.newestEvent(), "see whether what fetches and ingests events still runs")
	isAhead := b.NewestEvent != nil && b.NewestEvent.Time().Sub(clockNow()) > clockSlack
	d.addVerdict("clock", !isAhead, stateFails, clockNow().UTC().Format(time.RFC3339), "the newest event is of later: set the clock, or look at where the events come from")
}

func (d *doctor) examineUpkeep(ctx context.Context, cmd *cobra.Command, b ledgerInfo) {
	last := b.Upkeep.Backup
	d.addVerdict("backup", last != nil && last.OK && last.elapsed() < mostBackup, stateWarns, last.describe(), "stakeledger backup FILE")
	if last != nil && last.File != "" {
		err := d.tryBackup(ctx, cmd, last.File)
		found := "it can be read"
		if d.restores {
			found = "it was restored"
		}
		if err != nil {
			found = about(last.File, err).Error()
		}
		d.addVerdict("backup's file", err == nil, stateFails, found, "make another: stakeledger backup FILE")
	}
	verified := b.Upkeep.Verify
	d.addVerdict("verify", verified != nil && verified.OK, stateWarns, verified.describe(), "stakeledger verify")
}

// tryBackup opens the last backup, or restores it to a temporary file.
func (d *doctor) tryBackup(ctx context.Context, cmd *cobra.Command, file string) error {
	if !d.restores {
		if _, err := os.Stat(file); err != nil {
			return err
		}
		l, err := ledger.OpenReadOnly(ctx, file, d.app.managerOptions(cmd))
		if err != nil {
			return err
		}
		return l.Close(ctx)
	}
	folder, err := os.MkdirTemp("", "stakeledger-doctor-")
	if err != nil {
		return err
	}
	return errors.Join(ledger.Restore(ctx, file, filepath.Join(folder, "restored.db"), d.app.managerFlags(cmd)...), os.RemoveAll(folder))
}

// report prints the findings, and returns an error if they are not all ok.
func (d *doctor) report(cmd *cobra.Command, asJSON, strict bool) error {
	out := cmd.OutOrStdout()
	var err error
	if asJSON {
		err = writeArray(out, sequenceOf(d.found))
	} else {
		t := newTable("CHECK", "STATE", "FOUND")
		for _, f := range d.found {
			t.add(f.Check, f.State, wrappedText(f.Found))
		}
		if err = t.write(out); err == nil {
			for _, f := range d.found {
				if f.Do != "" && err == nil {
					err = writeNote(out, escapeControls(f.Check+": "+f.Do))
				}
			}
		}
	}
	var fails, warns int64
	for _, f := range d.found {
		switch f.State {
		case stateFails:
			fails++
		case stateWarns:
			warns++
		}
	}
	if fails > 0 || strict && warns > 0 {
		return errors.Join(unlessQuiet(err), fmt.Errorf("doctor %s: %s, %s", d.app.name(), plural(fails, "thing fails", "things fail"), plural(warns, "warning", "warnings")))
	}
	return err
}
