package migrate

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"

	"github.com/stakeledger/stakeledger/manager"
)

// NotNewer returns a check for [manager.WithRestoreCheck] that changes nothing: what [Up] would refuse is
// refused, with the same error. An older file passes, since Open migrates it.
func NotNewer(fsys fs.FS, opts ...Option) func(context.Context, *sql.DB) error {
	c := newConfig(opts)
	return func(ctx context.Context, db *sql.DB) error {
		p, _, err := provider(fsys, c, db)
		if err != nil {
			return err
		}
		v, err := readVersions(ctx, p, c, db)
		if err != nil {
			return err
		}
		return v.check()
	}
}

// versions are those that the program knows and those that the file has, both in order.
type versions struct{ known, applied []int64 }

func readVersions(ctx context.Context, p *goose.Provider, c config, db *sql.DB) (v versions, err error) {
	s, err := storeOf(db, c)
	if err != nil {
		return v, err
	}
	rows, err := s.ListMigrations(ctx, db)
	if err != nil {
		return v, fmt.Errorf("read schema version: %w", err)
	}
	for _, row := range rows {
		if row.Version > 0 { // 0 is goose's own
			v.applied = append(v.applied, row.Version)
		}
	}
	for _, source := range p.ListSources() {
		v.known = append(v.known, source.Version)
	}
	slices.Sort(v.applied)
	slices.Sort(v.known)
	return v, nil
}

func (v versions) has(version int64) bool   { return slices.Contains(v.applied, version) }
func (v versions) knows(version int64) bool { return slices.Contains(v.known, version) }

func newest(list []int64) int64 {
	if len(list) == 0 {
		return 0
	}
	return list[len(list)-1]
}

func (v versions) newestKnown() int64   { return newest(v.known) }
func (v versions) newestApplied() int64 { return newest(v.applied) }

// missing are those up to last that the file lacks.
func (v versions) missing(last int64) (list []int64) {
	for _, version := range v.known {
		if version <= last && !v.has(version) {
			list = append(list, version)
		}
	}
	return list
}

// above are those over last that the file has, the newest first.
func (v versions) above(last int64) (list []int64) {
	for _, version := range slices.Backward(v.applied) {
		if version > last {
			list = append(list, version)
		}
	}
	return list
}

func (v versions) check() error {
	if err := v.checkKnown(); err != nil {
		return err
	}
	return v.checkGaps()
}

// checkKnown refuses a file that has a migration which the program lacks.
func (v versions) checkKnown() error {
	var unknown []int64
	for _, version := range v.applied {
		if !v.knows(version) {
			unknown = append(unknown, version)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	return &manager.Error{Op: "compare schema versions", Kind: manager.ErrTooNew,
		Detail: fmt.Sprintf("the file has version %s, which this program does not know (it knows %s); use a newer program, or the one that migrated the file", words(unknown), words(v.known))}
}

// checkGaps refuses a file that lacks a migration older than its newest: it would come after those that were
// written to follow it.
func (v versions) checkGaps() error {
	gaps := v.missing(v.newestApplied())
	if len(gaps) == 0 {
		return nil
	}
	return &manager.Error{Op: "compare schema versions", Kind: manager.ErrUnsupported,
		Detail: fmt.Sprintf("the file has version %s but not %s, which is older; was that migration added with an old number, or the file changed by hand?", words(v.applied), words(gaps))}
}

// words lists versions, long lists by their ends.
func words(list []int64) string {
	if len(list) > 8 {
		return fmt.Sprintf("%d to %d", list[0], list[len(list)-1])
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(list), " ", ", "), "[]")
}
