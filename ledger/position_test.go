package ledger_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

func TestAddPosition(t *testing.T) {
	l := open(t)
	register(t, l, 1)
	e := stake("1-0001", 10, 5*tao, 7*tao)
	p, isNew, err := l.AddPosition(context.Background(), e)
	if err != nil || !isNew {
		t.Fatalf("got isNew %v, error %v", isNew, err)
	}
	want := ledger.Position{
		PositionID: p.PositionID, MinerID: 1, Netuid: 1, Hotkey: hotkey(1), ExtrinsicID: "1-0001", EntryBlock: e.Block,
		EventKey: chain.NewEventKey(after(10), e.Block, "1-0001", 0), EntryTime: after(10), EntryTAO: 5 * tao, EntryAlpha: 7 * tao, RemainingAlpha: 7 * tao, Status: chain.PositionOpen,
	}
	if p != want {
		t.Errorf("got  %+v\nwant %+v", p, want)
	}
	stored, err := l.Position(context.Background(), p.PositionID)
	if err != nil || stored != want {
		t.Errorf("stored: got %+v, error %v\nwant %+v", stored, err, want)
	}
	if m := miner(t, l, 1); m.LastActive == nil || *m.LastActive != after(10) {
		t.Errorf("last active: got %v, want %v", m.LastActive, after(10))
	}
	addPosition(t, l, stake("0-0001", 3, tao, tao)) // earlier: last active stays
	if m := miner(t, l, 1); *m.LastActive != after(10) {
		t.Errorf("last active after an earlier stake: got %v, want %v", *m.LastActive, after(10))
	}
	if p, isNew, err := l.AddPosition(context.Background(), ledger.Event{ // an empty kind is a stake
		Coldkey: coldkey(1), Hotkey: hotkey(1), Netuid: 1, ExtrinsicID: "2", Time: after(1), TAO: 1, Alpha: 1,
	}); err != nil || !isNew || p.EntryBlock != 0 {
		t.Errorf("without kind and block: got %+v, isNew %v, error %v", p, isNew, err)
	}
}

func TestDirectCallsRefuseBadValues(t *testing.T) {
	l := open(t)
	register(t, l, 1)
	addPosition(t, l, stake("p", 0, tao, tao))
	before := report(t, l)
	for field, spoil := range map[string]func(*ledger.Event){
		"coldkey":      func(e *ledger.Event) { e.Coldkey = "5abc" },
		"hotkey":       func(e *ledger.Event) { e.Hotkey = "" },
		"netuid":       func(e *ledger.Event) { e.Netuid = 0 },
		"extrinsic_id": func(e *ledger.Event) { e.ExtrinsicID = "" },
		"event_index":  func(e *ledger.Event) { e.EventIndex = -1 },
		"block":        func(e *ledger.Event) { e.Block = -1 },
		"time":         func(e *ledger.Event) { e.Time = 0 },
		"tao":          func(e *ledger.Event) { e.TAO = 0 },
		"alpha":        func(e *ledger.Event) { e.Alpha = -1 },
		"kind":         func(e *ledger.Event) { e.Kind = "transfer" },
		"excluded":     func(e *ledger.Event) { e.Excluded = true },
	} {
		open, sell := stake("x", 1, tao, tao), unstake("y", 1, tao, tao)
		spoil(&open)
		spoil(&sell)
		_, _, openErr := l.AddPosition(context.Background(), open)
		_, sellErr := l.ProcessClose(context.Background(), sell)
		for _, err := range []error{openErr, sellErr} {
			var bad *chain.InvalidError
			if !errors.Is(err, ledger.ErrInvalid) || !errors.As(err, &bad) || bad.Field != field {
				t.Errorf("%s: got %v, want ErrInvalid with that field", field, err)
			}
		}
	}
	for name, id := range map[string]string{"long": strings.Repeat("1", 129), "newline": "a\nb", "not ASCII": "é", "NUL": "a\x00b"} {
		e := stake(id, 1, tao, tao)
		if _, _, err := l.AddPosition(context.Background(), e); !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("extrinsic id, %s: got %v, want ErrInvalid", name, err)
		}
	}
	if _, _, err := l.AddPosition(context.Background(), unstake("x", 1, tao, tao)); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("an unstake as a position: got %v, want ErrInvalid", err)
	}
	if after := report(t, l); !reflect.DeepEqual(after, before) {
		t.Errorf("report changed:\ngot  %+v\nwant %+v", after, before)
	}
	longest := stake(strings.Repeat("~", 128), 2, tao, tao)
	addPosition(t, l, longest)
}

func TestUnknownMiner(t *testing.T) {
	l := open(t)
	if _, _, err := l.AddPosition(context.Background(), stake("p", 0, tao, tao)); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("add position: got %v, want ErrNotFound", err)
	}
	if _, err := l.ProcessClose(context.Background(), unstake("p", 0, tao, tao)); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("close: got %v, want ErrNotFound", err)
	}
}

func TestRepeatedEvents(t *testing.T) {
	l := open(t)
	register(t, l, 1)
	ctx := context.Background()
	p := addPosition(t, l, stake("p", 0, 5*tao, 7*tao))
	first := processClose(t, l, unstake("t", 10, 3*tao, 2*tao))
	before := report(t, l)

	again, isNew, err := l.AddPosition(ctx, stake("p", 0, 5*tao, 7*tao))
	if err != nil || isNew || again.PositionID != p.PositionID || again.RemainingAlpha != 5*tao {
		t.Errorf("same stake: got %+v, isNew %v, error %v", again, isNew, err)
	}
	second, err := l.ProcessClose(ctx, unstake("t", 10, 3*tao, 2*tao))
	first.IsNew = false
	if err != nil || !reflect.DeepEqual(second, first) {
		t.Errorf("same unstake: got %+v, error %v\nwant %+v", second, err, first)
	}
	for content, change := range map[string]func(*ledger.Event){
		"netuid": func(e *ledger.Event) { e.Netuid = 2 },
		"hotkey": func(e *ledger.Event) { e.Hotkey = hotkey(9) },
		"block":  func(e *ledger.Event) { e.Block++ },
		"time":   func(e *ledger.Event) { e.Time++ },
		"tao":    func(e *ledger.Event) { e.TAO++ },
		"alpha":  func(e *ledger.Event) { e.Alpha-- },
	} {
		open, sell := stake("p", 0, 5*tao, 7*tao), unstake("t", 10, 3*tao, 2*tao)
		change(&open)
		change(&sell)
		if _, _, err := l.AddPosition(ctx, open); !errors.Is(err, ledger.ErrDuplicateEvent) || !strings.Contains(err.Error(), content) {
			t.Errorf("stake with another %s: got %v, want ErrDuplicateEvent that says so", content, err)
		}
		if _, err := l.ProcessClose(ctx, sell); !errors.Is(err, ledger.ErrDuplicateEvent) {
			t.Errorf("unstake with another %s: got %v, want ErrDuplicateEvent", content, err)
		}
	}
	crossed := unstake("p", 0, 5*tao, 7*tao)
	crossed.EventIndex = 0
	if _, err := l.ProcessClose(ctx, crossed); !errors.Is(err, ledger.ErrDuplicateEvent) {
		t.Errorf("unstake on a stake's index: got %v, want ErrDuplicateEvent", err)
	}
	if after := report(t, l); !reflect.DeepEqual(after, before) {
		t.Errorf("report changed:\ngot  %+v\nwant %+v", after, before)
	}
}

func TestAddPositionOfIgnoredEvent(t *testing.T) {
	l := open(t)
	e := stake("p", 0, tao, tao)
	e.Excluded = true
	apply(t, l, []ledger.Event{e})
	e.Excluded = false
	if _, _, err := l.AddPosition(context.Background(), e); !errors.Is(err, ledger.ErrIgnored) {
		t.Errorf("got %v, want ErrIgnored", err)
	}
}

func TestOverflowIsRefused(t *testing.T) {
	l := open(t)
	register(t, l, 1)
	ctx := context.Background()
	most := chain.Rao(math.MaxInt64)
	addPosition(t, l, stake("a", 0, most-5, 10))
	before := report(t, l)
	if _, _, err := l.AddPosition(ctx, stake("b", 1, 6, 10)); !errors.Is(err, ledger.ErrInvalid) || !strings.Contains(err.Error(), "entry_tao") {
		t.Errorf("entry TAO: got %v, want ErrInvalid that names the counter", err)
	}
	if _, _, err := l.AddPosition(ctx, stake("b", 1, 1, most)); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("entry alpha: got %v, want ErrInvalid", err)
	}
	if after := report(t, l); !reflect.DeepEqual(after, before) {
		t.Errorf("report changed:\ngot  %+v\nwant %+v", after, before)
	}
	addPosition(t, l, stake("b", 1, 5, 10)) // just fits
	if _, isNew, err := l.AddPosition(ctx, stake("b", 1, 5, 10)); err != nil || isNew {
		t.Errorf("repeat at the brim: got isNew %v, error %v, want the earlier position", isNew, err)
	}
	processClose(t, l, unstake("t", 2, most, 10))
	if _, err := l.ProcessClose(ctx, unstake("u", 3, 1, 10)); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("exit TAO: got %v, want ErrInvalid", err)
	}
}
