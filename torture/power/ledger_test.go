package power_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/torture/books"
	"github.com/stakeledger/stakeledger/torture/effort"
)

const ledgerFile = "ledger.db"

// The work of a span, and less of it for those who only ask how it begins.
var (
	span      = books.Trading{Seed: 11, Events: 200, Miners: 12, BatchEvents: 30, ArchiveRows: 15}
	shortSpan = books.Trading{Seed: 11, Events: 50, Miners: 3, BatchEvents: 50, ArchiveRows: 50}
)

// all does the whole work: what it has done already it finds done.
func all(ctx context.Context, trading books.Trading, l *ledger.Ledger, said func(books.Progress)) error {
	if err := trading.Apply(ctx, l, said); err != nil {
		return err
	}
	if err := trading.Archive(ctx, l, said); err != nil {
		return err
	}
	return trading.TakeSnapshots(ctx, l, 3, said)
}

// ledgerSurvives checks that the ledger found verifies, holds what was
// acknowledged, and that the same work again ends as it does without a power failure.
func ledgerSurvives(t *testing.T, trading books.Trading, folder string) check {
	want, complete := outcome(t, trading, folder)
	return func(path string, acknowledged []string) (err error) {
		ctx := context.Background()
		l, err := trading.Open(ctx, path, manager.WithReaders(1))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, l.Close(ctx)) }()
		found, err := books.AuditLedger(ctx, l)
		if err != nil {
			return err
		}
		if len(acknowledged) > 0 {
			var last books.Progress
			if err := json.Unmarshal([]byte(acknowledged[len(acknowledged)-1]), &last); err != nil {
				return err
			}
			if behind := found.Behind(last); behind != "" {
				return fmt.Errorf("%w: %s", errLost, behind)
			}
		}
		if err := all(ctx, trading, l, func(books.Progress) {}); err != nil {
			return fmt.Errorf("go on after the power failure: %w", err)
		}
		found, err = books.AuditLedger(ctx, l)
		if err != nil {
			return err
		}
		if found != complete {
			return fmt.Errorf("gone on after the power failure: got %+v, want %+v", found, complete)
		}
		got, err := books.Outcome(ctx, l)
		if err == nil && got != want {
			err = fmt.Errorf("gone on after the power failure: got %s, want %s", got, want)
		}
		return err
	}
}

// outcome is what the ledger in a folder, which lost no power, says when all the work is done.
func outcome(t *testing.T, trading books.Trading, folder string) (text string, complete books.Progress) {
	t.Helper()
	l, err := trading.Open(t.Context(), filepath.Join(folder, ledgerFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := all(t.Context(), trading, l, func(books.Progress) {}); err != nil {
		t.Fatal(err)
	}
	if text, err = books.Outcome(t.Context(), l); err == nil {
		complete, err = books.AuditLedger(t.Context(), l)
	}
	if err := errors.Join(err, l.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	if complete.Events == 0 || complete.Archived == 0 || complete.Snapshots == 0 {
		t.Fatalf("the work makes %+v, want some of each", complete)
	}
	return text, complete
}

func TestFirstOpenMayBeCutOff(t *testing.T) {
	r := effort.Rand(t)
	folder := t.TempDir()
	log := record(t, folder, func(func(string)) error {
		l, err := shortSpan.Open(context.Background(), filepath.Join(folder, ledgerFile))
		if err != nil {
			return err
		}
		return l.Close(context.Background())
	})
	survives(t, r, log, effort.Count(15, 400), ledgerFile, ledgerSurvives(t, shortSpan, folder))
}

func TestLedgerSurvivesApplyArchiveAndSnapshots(t *testing.T) {
	r := effort.Rand(t)
	folder := t.TempDir()
	log := record(t, folder, func(mark func(string)) error {
		ctx := context.Background()
		l, err := span.Open(ctx, filepath.Join(folder, ledgerFile), manager.WithCheckpointFrames(100))
		if err != nil {
			return err
		}
		var marshalErr error
		err = all(ctx, span, l, func(p books.Progress) {
			text, err := json.Marshal(p)
			marshalErr = errors.Join(marshalErr, err)
			mark(string(text))
		})
		return errors.Join(err, marshalErr, l.Close(ctx))
	})
	survives(t, r, log, effort.Count(12, 200), ledgerFile, ledgerSurvives(t, span, folder))
}
