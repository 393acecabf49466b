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

var trading = books.Trading{Seed: 11, Events: 240, Miners: 12, BatchEvents: 30, ArchiveRows: 15}

// all does the whole work: what it has done already it finds done.
func all(ctx context.Context, l *ledger.Ledger, said func(books.Progress)) error {
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
func ledgerSurvives(want string, complete books.Progress) check {
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
		if err := all(ctx, l, func(books.Progress) {}); err != nil {
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

// outcome is what the ledger in a folder says when all the work is done.
func outcome(t *testing.T, folder string) (text string, complete books.Progress) {
	t.Helper()
	l, err := trading.Open(t.Context(), filepath.Join(folder, ledgerFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := all(t.Context(), l, func(books.Progress) {}); err != nil {
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
		l, err := trading.Open(context.Background(), filepath.Join(folder, ledgerFile))
		if err != nil {
			return err
		}
		return l.Close(context.Background())
	})
	survives(t, r, log, effort.Count(20, 400), ledgerFile, ledgerSurvives(outcome(t, folder)))
}

func TestLedgerSurvivesApplyArchiveAndSnapshots(t *testing.T) {
	r := effort.Rand(t)
	folder := t.TempDir()
	log := record(t, folder, func(mark func(string)) error {
		ctx := context.Background()
		l, err := trading.Open(ctx, filepath.Join(folder, ledgerFile), manager.WithCheckpointFrames(100))
		if err != nil {
			return err
		}
		var marshalErr error
		err = all(ctx, l, func(p books.Progress) {
			text, err := json.Marshal(p)
			marshalErr = errors.Join(marshalErr, err)
			mark(string(text))
		})
		return errors.Join(err, marshalErr, l.Close(ctx))
	})
	survives(t, r, log, effort.Count(20, 200), ledgerFile, ledgerSurvives(outcome(t, folder)))
}
