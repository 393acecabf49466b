package model_test

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

// A run has a fresh ledger and a fresh model side by side.
type run struct {
	*reader
	ctx    context.Context
	ledger *ledger.Ledger
	model  *model
	dir    string
	tally  tally
}

// startRun opens a ledger below dir. Nothing here needs to survive a power cut.
func startRun(dir string, s setting) (*run, error) {
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
	file, err := emptyLedger()
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
	return &run{reader: newReader(), ctx: ctx, ledger: l, model: newModel(), dir: dir, tally: tally{}}, nil
}

// emptyLedger is the file of a ledger without a row. Migrating one for every
// history would take longer than a short history does.
var emptyLedger = sync.OnceValues(func() ([]byte, error) {
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

func (r *run) stop() error {
	return errors.Join(r.ledger.Close(r.ctx), os.RemoveAll(r.dir))
}

// answer is what the ledger said to an operation.
type answer struct {
	err      error
	isNew    bool
	position *ledger.Position
	close    *ledger.CloseResult
	summary  ledger.Summary
	moved    ledger.ArchiveSummary
	changed  bool
}

// do runs an operation on the ledger.
func (r *run) do(o op) (a answer) {
	ctx, l := r.ctx, r.ledger
	switch o.Do {
	case "register":
		_, a.err = l.RegisterMiner(ctx, o.registration(), o.minerOptions()...)
	case "ensure":
		_, a.isNew, a.err = l.EnsureMiner(ctx, o.registration(), o.minerOptions()...)
	case "status":
		_, a.err = l.UpdateMinerStatus(ctx, coldkeyOf(o.Miner), chain.MinerStatus(o.Status))
	case "deregister":
		a.err = l.Deregister(ctx, coldkeyOf(o.Miner), registrationEnd)
	case "stake":
		var p ledger.Position
		p, a.isNew, a.err = l.AddPosition(ctx, o.Events[0].asLedger())
		a.position = &p
	case "unstake":
		var result ledger.CloseResult
		result, a.err = l.ProcessClose(ctx, o.Events[0].asLedger(), r.closeOptions(o)...)
		a.isNew, a.close = result.IsNew, &result
	case "apply":
		a.summary, a.err = l.Apply(ctx, func(yield func(ledger.Event, error) bool) {
			for _, e := range o.Events {
				if !yield(e.asLedger(), nil) {
					return
				}
			}
		}, o.applyOptions()...)
	case "archive":
		a.moved, a.err = l.ArchiveClosedPositions(ctx, chain.Time(o.Before), o.archiveOptions()...)
	case "rebuild":
		var result ledger.RebuildResult
		result, a.err = l.Rebuild(ctx, coldkeyOf(o.Miner))
		a.changed = result.Changed()
	}
	return a
}

const (
	registrationStart = 1_000_000
	registrationEnd   = 2_000_000
)

func (o op) registration() ledger.Registration {
	reg := ledger.Registration{Coldkey: coldkeyOf(o.Miner)}
	if o.UID {
		reg.Hotkey, reg.UID, reg.At = hotkeyOfUID(o.Miner), chain.UID(o.Miner), registrationStart
	}
	return reg
}

func (o op) minerOptions() (list []ledger.MinerOption) {
	if o.Tracking != 0 {
		list = append(list, ledger.TrackingStart(chain.Time(o.Tracking)))
	}
	return list
}

func (o op) applyOptions() (list []ledger.ApplyOption) {
	if o.Tracking != 0 {
		list = append(list, ledger.TrackingStart(chain.Time(o.Tracking)))
	}
	if o.NoRegister {
		list = append(list, ledger.NoRegister())
	}
	if o.MinBlocks != nil {
		list = append(list, ledger.MinBlocks(*o.MinBlocks))
	}
	if o.Policy != "" {
		list = append(list, ledger.SelfTrade(chain.SelfTradePolicy(o.Policy)))
	}
	return list
}

func (r *run) closeOptions(o op) (list []ledger.CloseOption) {
	if o.Mode != "" {
		list = append(list, ledger.Mode(chain.CloseMode(o.Mode)))
	}
	if o.MinBlocks != nil {
		list = append(list, ledger.MinBlocks(*o.MinBlocks))
	}
	if o.Policy != "" {
		list = append(list, ledger.SelfTrade(chain.SelfTradePolicy(o.Policy)))
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

func (o op) archiveOptions() (list []ledger.ArchiveOption) {
	if o.Miner != 0 {
		list = append(list, ledger.OfMiner(coldkeyOf(o.Miner)))
	}
	if o.Rows != 0 {
		list = append(list, ledger.ArchiveRows(o.Rows))
	}
	return list
}

// kindOf is an error of the ledger as the model says it.
func kindOf(err error) string {
	if err == nil {
		return ""
	}
	for _, k := range []struct {
		is   error
		kind string
	}{
		{ledger.ErrInvalid, errInvalid}, {ledger.ErrMinerExists, errExists}, {ledger.ErrDuplicateEvent, errDuplicate}, {ledger.ErrIgnored, errIgnored},
		{ledger.ErrNoOpenPosition, errNoOpen}, {ledger.ErrInsufficientAlpha, errInsufficient}, {ledger.ErrNotFound, errNotFound},
	} {
		if errors.Is(err, k.is) {
			return k.kind
		}
	}
	return fmt.Sprintf("another error: %v", err)
}
