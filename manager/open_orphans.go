package manager

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
)

// maxOrphanCheck bounds the size of a file that every Open searches for rows
// without their parent, which takes a quarter of a second per million rows.
const maxOrphanCheck = 16 << 20

// reportOrphans warns of rows that other programs left without their parent: the
// manager turns foreign keys on, and statements would fail on such rows one by
// one. A larger file is searched only if it was not in WAL mode, so no manager
// has opened it before. The caller must own the writer's connection.
func (co *core) reportOrphans(ctx context.Context) error {
	c := co.writer.conn.Load()
	if on, err := readPragma(c.raw, "foreign_keys"); err != nil || on != "1" {
		return wrap("read PRAGMA foreign_keys", "", "", err)
	}
	pages, err := readPragma(c.raw, "page_count")
	if err != nil {
		return wrap("read PRAGMA page_count", "", "", err)
	}
	if n, _ := strconv.Atoi(pages); n*co.file.pageSize > maxOrphanCheck && !co.adopted {
		return nil
	}
	defer c.suspendGuard()()
	err = checkForeignKeys(ctx, "open "+co.path, c.raw)
	e := (*Error)(nil)
	switch {
	case err == nil:
	case ctx.Err() != nil || isBusy(err):
		return err
	case errors.As(err, &e) && e.Kind == ErrForeignKey:
		co.cfg.logger.Warn("database has rows whose parent is missing; they stay, and statements that touch them may be refused: list them with PRAGMA foreign_key_check in ReadOnly, and correct or delete them in WithTx",
			slog.String("path", co.path), slog.String("table", e.Table), slog.String("first", e.Detail))
	default: // a parent key that is not unique, for one
		co.cfg.logger.Warn("foreign keys of the database cannot be checked", slog.String("path", co.path), slog.Any("error", err))
	}
	return nil
}

// noteAdoption remembers whether another program made the file.
func (co *core) noteAdoption(c DriverConn) {
	mode, err := readPragma(c, "journal_mode")
	co.adopted = co.adopted || err == nil && !strings.EqualFold(mode, "wal")
}
