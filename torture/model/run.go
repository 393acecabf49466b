package model

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

// setting is how a history's ledger is opened.
type setting struct {
	Batch int  `json:"batch,omitempty"` // events per transaction of Apply; 0: the default
	Twice bool `json:"twice,omitempty"` // every closure runs twice
}

// A Run has a fresh ledger and a fresh model side by side.
type Run struct {
	*reader
	Ledger *ledger.Ledger // may be replaced by another that holds the same
	Model  *Model
	ctx    context.Context
	dir    string
	tally  Tally
}

// NewRun pairs an empty ledger with a new model.
func NewRun(ctx context.Context, l *ledger.Ledger) *Run {
	return &Run{reader: newReader(), ctx: ctx, Ledger: l, Model: New(), tally: Tally{}}
}

// Known reports whether the ids of the positions that an operation lists are known,
// or no such positions exist.
func (r *Run) Known(o Op) bool {
	for _, at := range o.List {
		if _, ok := r.idOf[at]; !ok && r.Model.positionAt(at) != nil {
			return false
		}
	}
	return true
}

// startRun opens a ledger below dir, with syncs off.
func startRun(dir string, s setting) (*Run, error) {
	dir, err := os.MkdirTemp(dir, "history-")
	if err != nil {
		return nil, err
	}
	options := []manager.Option{manager.WithSynchronousNormal(), manager.WithoutLockFile(), manager.WithSlowWarnings(time.Minute, time.Minute, time.Hour)}
	if s.Twice {
		options = append(options, manager.WithRunTwice())
	}
	list := []ledger.Option{ledger.WithManager(options...), ledger.WithClock(func() time.Time { return time.Unix(1_800_000_000, 0) })}
	if s.Batch > 0 {
		list = append(list, ledger.WithBatchSize(s.Batch))
	}
	ctx, path := context.Background(), filepath.Join(dir, "ledger.db")
	file, err := EmptyLedger()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		return nil, err
	}
	l, err := ledger.Open(ctx, path, list...)
	if err != nil {
		return nil, err
	}
	return &Run{reader: newReader(), ctx: ctx, Ledger: l, Model: New(), dir: dir, tally: Tally{}}, nil
}

// EmptyLedger is the file of a ledger without a row. Migrating one for every
// history would take longer than a short history does.
var EmptyLedger = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "empty-ledger-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "ledger.db")
	l, err := ledger.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	if err := l.Close(context.Background()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func (r *Run) stop() error {
	return errors.Join(r.Ledger.Close(r.ctx), os.RemoveAll(r.dir))
}

// Answer is the ledger's answer to an operation.
type Answer struct {
	Err      error
	IsNew    bool
	position *ledger.Position
	close    *ledger.CloseResult
	Summary  ledger.Summary
	Moved    ledger.ArchiveSummary
	changed  bool
	synced   [5]int64
	taken    int64
}

// Do runs an operation on the ledger. It may be called from several goroutines,
// while nothing else of the Run is.
func (r *Run) Do(ctx context.Context, o Op) (a Answer) {
	l := r.Ledger
	switch o.Do {
	case "register":
		_, a.Err = l.RegisterMiner(ctx, o.registration(), o.minerOptions()...)
	case "ensure":
		_, a.IsNew, a.Err = l.EnsureMiner(ctx, o.registration(), o.minerOptions()...)
	case "status":
		_, a.Err = l.UpdateMinerStatus(ctx, ColdkeyOf(o.Miner), chain.MinerStatus(o.Status))
	case "deregister":
		a.Err = l.Deregister(ctx, ColdkeyOf(o.Miner), registrationEnd)
	case "stake":
		var p ledger.Position
		p, a.IsNew, a.Err = l.AddPosition(ctx, o.Events[0].asLedger())
		a.position = &p
	case "unstake":
		var result ledger.CloseResult
		result, a.Err = l.ProcessClose(ctx, o.Events[0].asLedger(), r.closeOptions(o)...)
		a.IsNew, a.close = result.IsNew, &result
	case "apply":
		a.Summary, a.Err = l.Apply(ctx, func(yield func(ledger.Event, error) bool) {
			for _, e := range o.Events {
				if !yield(e.asLedger(), nil) {
					return
				}
			}
		}, o.applyOptions()...)
	case "archive":
		a.Moved, a.Err = l.ArchiveClosedPositions(ctx, chain.Time(o.Before), o.archiveOptions()...)
	case "sync":
		var result ledger.SyncResult
		result, a.Err = l.SyncMetagraph(ctx, o.metagraph(), registrationEnd)
		a.synced = syncedOf(result)
	case "snapshot":
		_, a.IsNew, a.Err = l.TakeSnapshot(ctx, ColdkeyOf(o.Miner), chain.Time(o.At), time.Duration(o.Window)*time.Microsecond)
	case "snapshots":
		var s ledger.SnapshotSummary
		s, a.Err = l.TakeSnapshots(ctx, chain.Time(o.At), time.Duration(o.Window)*time.Microsecond)
		a.taken = s.Taken
	case "rebuild":
		var result ledger.RebuildResult
		result, a.Err = l.Rebuild(ctx, ColdkeyOf(o.Miner))
		a.changed = result.Changed()
	case "replay":
		a.Err = l.RebuildMarked(ctx, nil)
	}
	return a
}

const (
	registrationStart = 1_000_000
	registrationEnd   = 2_000_000
)

func (o Op) registration() ledger.Registration {
	reg := ledger.Registration{Coldkey: ColdkeyOf(o.Miner)}
	if o.UID {
		reg.Hotkey, reg.UID, reg.At = hotkeyOfUID(o.Miner), chain.UID(o.Miner), registrationStart
	}
	return reg
}

func (o Op) minerOptions() (list []ledger.MinerOption) {
	if o.Tracking != 0 {
		list = append(list, ledger.TrackingStart(chain.Time(o.Tracking)))
	}
	return list
}

func (o Op) applyOptions() (list []ledger.ApplyOption) {
	if o.LeaveLate {
		list = append(list, ledger.LeaveLate())
	}
	if o.Tracking != 0 {
		list = append(list, ledger.TrackingStart(chain.Time(o.Tracking)))
	}
	if o.NoRegister {
		list = append(list, ledger.NoRegister())
	}
	if o.MinBlocks != nil {
		list = append(list, ledger.MinBlocks(*o.MinBlocks), ledger.OverridePolicy())
	}
	if o.Policy != "" {
		list = append(list, ledger.SelfTrade(chain.SelfTradePolicy(o.Policy)), ledger.OverridePolicy())
	}
	return list
}

func (r *Run) closeOptions(o Op) (list []ledger.CloseOption) {
	if o.Mode != "" {
		list = append(list, ledger.Mode(chain.CloseMode(o.Mode)))
	}
	if o.MinBlocks != nil {
		list = append(list, ledger.MinBlocks(*o.MinBlocks), ledger.OverridePolicy())
	}
	if o.Policy != "" {
		list = append(list, ledger.SelfTrade(chain.SelfTradePolicy(o.Policy)), ledger.OverridePolicy())
	}
	if o.List != nil {
		var ids []int64
		for _, p := range o.List {
			id, ok := r.idOf[p]
			if !ok {
				id = 1 << 40 // of no position
			}
			ids = append(ids, id)
		}
		list = append(list, ledger.PositionIDs(ids...))
	}
	return list
}

func (o Op) archiveOptions() (list []ledger.ArchiveOption) {
	if o.Miner != 0 {
		list = append(list, ledger.OfMiner(ColdkeyOf(o.Miner)))
	}
	if o.Rows != 0 {
		list = append(list, ledger.ArchiveRows(o.Rows))
	}
	return list
}

// KindOf is the model's name for an error of the ledger.
func KindOf(err error) string {
	if err == nil {
		return ""
	}
	for _, k := range []struct {
		is   error
		kind string
	}{
		{ledger.ErrInvalid, errInvalid}, {ledger.ErrSnapshotExists, errSnapshotExists}, {ledger.ErrMinerExists, errExists}, {ledger.ErrDuplicateEvent, errDuplicate}, {ledger.ErrIgnored, errIgnored},
		{ledger.ErrNoOpenPosition, errNoOpen}, {ledger.ErrInsufficientAlpha, errInsufficient}, {ledger.ErrNotFound, errNotFound},
	} {
		if errors.Is(err, k.is) {
			return k.kind
		}
	}
	return fmt.Sprintf("another error: %v", err)
}
