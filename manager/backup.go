package manager

import (
	"context"
	"os"
)

// BackupOption sets one call of [DB.Backup].
type BackupOption func(*backupConfig)

type backupConfig struct {
	overwrite bool
	progress  func(BackupProgress)
	integrity string
}

// Overwrite lets a backup replace the file at its destination, in one step
// once the new one is whole and checked; until then, and after any error, the
// old one stays. Default: an existing file is refused.
func Overwrite() BackupOption { return func(c *backupConfig) { c.overwrite = true } }

// OnBackupProgress calls fn from Backup's own goroutine, after every few
// hundred pages and when the checking begins. fn holds up the backup while it
// runs, and with it the write-ahead log. Default: none.
func OnBackupProgress(fn func(BackupProgress)) BackupOption {
	return func(c *backupConfig) { c.progress = fn }
}

// QuickCheck checks the copy with PRAGMA quick_check, which does not compare
// indexes with their tables, in place of integrity_check: it takes about a
// third of the time. Default: integrity_check.
func QuickCheck() BackupOption { return func(c *backupConfig) { c.integrity = "quick_check" } }

// Unchecked leaves integrity_check and foreign_key_check out, to save what is
// left of a damaged database. Default: a copy that fails them is not kept.
func Unchecked() BackupOption { return func(c *backupConfig) { c.integrity = "" } }

// BackupPhase is what a backup does now.
type BackupPhase string

// The phases of a backup, in their order.
const (
	BackupCopying  BackupPhase = "copying"  // the snapshot is held, the write-ahead log grows
	BackupChecking BackupPhase = "checking" // the copy is read; the database is not touched any more
)

// BackupProgress is how far a backup is.
type BackupProgress struct {
	Phase       BackupPhase
	Done, Total int // pages copied, and to copy; Total stays what it was at the first call
	// WALFrames is the length of the database's write-ahead log, in pages. It
	// grows while pages are copied: their snapshot keeps it from being shortened.
	WALFrames int
}

// Backup copies the database to a new file at dest while writers and readers go on. The copy is one snapshot: every
// transaction that was committed before the call, and none of which it holds a part. It is checked after it was
// written (integrity_check, foreign_key_check, and that header and schema are those of the original), synced to
// disk, and appears at dest in one step, with the database's owner (if the superuser makes it), group and mode. If
// Backup ends before that, by an error, ctx or a kill, there is nothing at dest, or with [Overwrite] the old file; a
// killed one leaves dest.partial-copy, which the next Backup or Restore to the same place removes.
//
// While pages are copied the write-ahead log cannot be shortened and grows
// with every commit: look at BackupProgress.WALFrames. The writer then does
// not try to checkpoint, and catches up afterwards. Close waits for a backup.
// A database opened with OpenReadOnly can be backed up too, also one that
// another process writes.
//
// Errors: fs.ErrExist when dest exists or when another database's log lies
// beside it, ErrReadOnly or ErrIO when dest's folder cannot be written,
// ErrFull, ErrCorrupt or ErrForeignKey when the database is damaged (see
// [Unchecked]), ErrBusy when another backup to dest runs or the database
// stayed locked, ErrClosed, ErrUnsupported, or the context's.
func (db *DB[R, W]) Backup(ctx context.Context, dest string, opts ...BackupOption) error {
	cfg := backupConfig{integrity: "integrity_check"}
	for _, o := range opts {
		o(&cfg)
	}
	return db.core.backup(ctx, dest, cfg)
}

func (co *core) backup(ctx context.Context, dest string, cfg backupConfig) error {
	op := "back up to " + dest
	if err := co.onlySQLite(op, "use pg_dump --format=custom --file="+dest+" (one database) or pg_basebackup (the whole server)"); err != nil {
		return err
	}
	if t := co.innermostTxn(ctx); t != nil && !t.root.view {
		return &Error{Op: op, Label: t.label.String(), Kind: ErrUnsupported, Detail: "inside WithTx, whose changes it would not have; call it after the commit"}
	}
	if err := contextError(ctx, op, "", ""); err != nil {
		return err
	}
	path, err := realPath(dest)
	if err != nil {
		return withOp(op, err)
	}
	if co.isOwn(path) {
		return &Error{Op: op, Kind: ErrUnsupported, Detail: "that is the database itself; give another path"}
	}
	l := &label{name: op}
	if !co.backups.admit(l) {
		return &Error{Op: op, Kind: ErrClosed}
	}
	defer co.backups.remove(l)
	if cfg.overwrite && companionOf(path) != "" { // who read the last backup may have been killed
		co.sweepLogOf(path)
	}
	p, err := createPartial(op, path, co.path, cfg.overwrite)
	if err != nil {
		return err
	}
	defer p.discard()
	k := &copier{env: &co.env, op: op, to: p}
	if err := co.copySnapshot(ctx, l, k, cfg); err != nil {
		return err
	}
	if err := k.verifyCopy(ctx, cfg.integrity); err != nil {
		return explainBackup(err)
	}
	if err := contextError(ctx, op, "", ""); err != nil {
		return err
	}
	return p.publish()
}

// isOwn reports whether path is the database or one of the files beside it.
func (co *core) isOwn(path string) bool {
	if path == co.path || path == lockPath(co.path) {
		return true
	}
	for _, suffix := range companionSuffixes {
		if path == co.path+suffix {
			return true
		}
	}
	there, err1 := os.Stat(path)
	here, err2 := os.Stat(co.path)
	return err1 == nil && err2 == nil && os.SameFile(there, here)
}

// copySnapshot copies a snapshot of the database, and holds the snapshot no longer than
// that takes.
func (co *core) copySnapshot(ctx context.Context, l *label, k *copier, cfg backupConfig) error {
	var alone fileTraces // set if the database is read without locks
	err := co.retryBusy(ctx, k.op, func() (err error) {
		if k.from, err = co.openPinned(fileDSN(co.path, "ro")); co.writer == nil && cannotShare(err) {
			k.from, alone, err = co.openStranger()
		}
		if err == nil {
			err = movedAt(k.op, l, co.file.check()) // it was opened by its path
		}
		if err != nil {
			_ = k.from.close()
		}
		return err
	})
	if err != nil {
		return wrap(k.op, "", "", err)
	}
	co.backups.setHolding(l, true)
	defer co.backups.setHolding(l, false)
	defer k.from.close()
	if alone != nil {
		return co.copyAlone(ctx, k, alone, cfg.progress)
	}
	if cfg.progress == nil {
		return k.copyPages(ctx)
	}
	// A connection inside a transaction does not learn how long the log is now.
	observer, err := co.openRaw(fileDSN(co.path, "ro"))
	if err != nil {
		return wrap(k.op, "", "", err)
	}
	defer observer.close()
	now := BackupProgress{Phase: BackupCopying}
	k.progress = func(done, total int) {
		now.Done, now.Total = done, total
		if _, frames, err := walCheckpoint(observer.conn, "NOOP"); err == nil {
			now.WALFrames = frames
		}
		cfg.progress(now)
	}
	if err := k.copyPages(ctx); err != nil {
		return err
	}
	if err := contextError(ctx, k.op, "", ""); err != nil {
		return err
	}
	now.Phase = BackupChecking
	cfg.progress(now)
	return nil
}

// copyAlone copies a database that is read without locks, and fails if it was
// written meanwhile.
func (co *core) copyAlone(ctx context.Context, k *copier, before fileTraces, progress func(BackupProgress)) error {
	now := BackupProgress{Phase: BackupCopying}
	if progress != nil {
		k.progress = func(done, total int) {
			now.Done, now.Total = done, total
			progress(now)
		}
	}
	if err := k.copyPages(ctx); err != nil {
		return err
	}
	if !before.equal(tracesOf(co.path)) {
		return &Error{Op: k.op, Kind: ErrBusy, Detail: co.path + " was written meanwhile by a program that may write its folder; back it up as that program's user"}
	}
	if progress != nil {
		now.Phase = BackupChecking
		progress(now)
	}
	return nil
}

// explainBackup adds to the error of a failed check what it means.
func explainBackup(err error) error {
	e, ok := err.(*Error)
	if ok && (e.Kind == ErrCorrupt || e.Kind == ErrForeignKey) && e.Err == nil {
		e.Detail += "; the database itself is damaged, or dest's disk: no backup was kept (Unchecked keeps one)"
	}
	return err
}
