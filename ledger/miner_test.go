package ledger_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// at is a registration of a miner on a UID, with the hotkey of the same number as given.
func at(minerNumber, hotkeyNumber byte, uid chain.UID, minutes int) ledger.Registration {
	return ledger.Registration{Coldkey: coldkey(minerNumber), Hotkey: hotkey(hotkeyNumber), UID: uid, At: after(minutes)}
}

func ensure(t *testing.T, l *ledger.Ledger, r ledger.Registration) {
	t.Helper()
	if _, _, err := l.EnsureMiner(context.Background(), r); err != nil {
		t.Fatalf("ensure: %v", err)
	}
}

// holder fails unless the miner with this number holds the UID, with the hotkey; 0 stands for nobody.
func holder(t *testing.T, l *ledger.Ledger, uid chain.UID, minerNumber, hotkeyNumber byte) {
	t.Helper()
	m, err := l.MinerByUID(context.Background(), uid)
	if minerNumber == 0 {
		if !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("UID %d: got miner %s, error %v, want ErrNotFound", uid, m.Coldkey, err)
		}
		return
	}
	if err != nil || m.Coldkey != coldkey(minerNumber) {
		t.Errorf("UID %d: got miner %s, error %v, want %s", uid, m.Coldkey, err, coldkey(minerNumber))
	}
	m, err = l.MinerByHotkey(context.Background(), hotkey(hotkeyNumber))
	if err != nil || m.Coldkey != coldkey(minerNumber) {
		t.Errorf("hotkey %d: got miner %s, error %v, want %s", hotkeyNumber, m.Coldkey, err, coldkey(minerNumber))
	}
}

func status(t *testing.T, l *ledger.Ledger, n byte, want chain.MinerStatus) {
	t.Helper()
	if got := miner(t, l, n).Status; got != want {
		t.Errorf("status of miner %d: got %s, want %s", n, got, want)
	}
}

func TestRegisterMiner(t *testing.T) {
	l := open(t)
	ctx := context.Background()
	m, err := l.RegisterMiner(ctx, at(1, 1, 0, 0), ledger.TrackingStart(after(-5)))
	if err != nil {
		t.Fatal(err)
	}
	if m.Coldkey != coldkey(1) || m.Status != chain.MinerActive || m.TrackingStart == nil || *m.TrackingStart != after(-5) {
		t.Errorf("got %+v", m)
	}
	holder(t, l, 0, 1, 1)

	if _, err := l.RegisterMiner(ctx, at(1, 2, 7, 1)); !errors.Is(err, ledger.ErrMinerExists) {
		t.Errorf("again: got %v, want ErrMinerExists", err)
	}
	holder(t, l, 7, 0, 0)
	if _, isNew, err := l.EnsureMiner(ctx, ledger.Registration{Coldkey: coldkey(1)}); isNew || err != nil {
		t.Errorf("ensure a known one: got isNew %v, error %v", isNew, err)
	}
	second, isNew, err := l.EnsureMiner(ctx, ledger.Registration{Coldkey: coldkey(2)})
	if !isNew || err != nil || second.MinerID == m.MinerID {
		t.Errorf("ensure a new one: got id %d, isNew %v, error %v", second.MinerID, isNew, err)
	}
}

func TestRegisterMinerRefusesBadValues(t *testing.T) {
	l := open(t)
	for name, r := range map[string]ledger.Registration{
		"no coldkey":    {},
		"short coldkey": {Coldkey: "5abc"},
		"bad checksum":  {Coldkey: coldkey(1)[:47] + "1"},
		"bad hotkey":    {Coldkey: coldkey(1), Hotkey: "5abc"},
		"negative time": {Coldkey: coldkey(1), Hotkey: hotkey(1), At: -1},
	} {
		if _, err := l.RegisterMiner(context.Background(), r); !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
	if got := len(report(t, l).Miners); got != 0 {
		t.Errorf("miners: got %d, want 0", got)
	}
}

func TestUIDsPassAndSwap(t *testing.T) {
	l := open(t)
	ctx := context.Background()
	ensure(t, l, at(1, 1, 1, 0))
	ensure(t, l, at(2, 2, 2, 0))
	err := l.WithTx(ctx, func(ctx context.Context, tx ledger.Tx) error {
		if _, _, err := l.EnsureMiner(ctx, at(1, 1, 2, 10)); err != nil {
			return err
		}
		_, _, err := l.EnsureMiner(ctx, at(2, 2, 1, 10))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	holder(t, l, 1, 2, 2)
	holder(t, l, 2, 1, 1)
	status(t, l, 1, chain.MinerActive)
	status(t, l, 2, chain.MinerActive)

	ensure(t, l, at(3, 3, 1, 20)) // the UID passes on
	holder(t, l, 1, 3, 3)
	status(t, l, 2, chain.MinerInactive)
	ensure(t, l, at(3, 4, 5, 20)) // a miner may hold several
	holder(t, l, 1, 3, 3)
	holder(t, l, 5, 3, 4)
	ensure(t, l, at(3, 4, 5, 30)) // as it is already: nothing ends or begins
	if r, err := l.Registrations(ctx, miner(t, l, 3).MinerID, ledger.Page[ledger.RecordedRegistration]{}); err != nil || len(r) != 2 || r[1].StartedAt != after(20) {
		t.Errorf("registered again as it was: got %+v, error %v, want the two registrations of before", r, err)
	}

	held, err := l.Registrations(ctx, miner(t, l, 2).MinerID, ledger.Page[ledger.RecordedRegistration]{})
	if err != nil {
		t.Fatal(err)
	}
	if len(held) != 2 || held[0].UID != 2 || *held[0].EndedAt != after(10) || held[1].UID != 1 || *held[1].EndedAt != after(20) {
		t.Errorf("history of miner 2: got %+v", held)
	}
	if _, _, err := l.EnsureMiner(ctx, at(4, 9, 5, 15)); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("taking a UID before its holder got it: got %v, want ErrInvalid", err)
	}
}

func TestDeregister(t *testing.T) {
	l := open(t)
	ctx := context.Background()
	ensure(t, l, at(1, 1, 1, 0))
	ensure(t, l, at(1, 2, 2, 0))
	if err := l.Deregister(ctx, coldkey(1), after(5), 3); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("a UID it does not hold: got %v, want ErrNotFound", err)
	}
	if err := l.Deregister(ctx, coldkey(9), after(5)); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("unknown miner: got %v, want ErrNotFound", err)
	}
	if err := l.Deregister(ctx, coldkey(1), after(-5)); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("before the start: got %v, want ErrInvalid", err)
	}
	if err := l.Deregister(ctx, coldkey(1), after(5), 1); err != nil {
		t.Fatal(err)
	}
	holder(t, l, 1, 0, 0)
	holder(t, l, 2, 1, 2)
	status(t, l, 1, chain.MinerActive)
	if err := l.Deregister(ctx, coldkey(1), after(6)); err != nil {
		t.Fatal(err)
	}
	holder(t, l, 2, 0, 0)
	status(t, l, 1, chain.MinerInactive)
	ensure(t, l, at(1, 1, 1, 7))
	status(t, l, 1, chain.MinerActive)
}

func TestBlacklistedStaysBlacklisted(t *testing.T) {
	l := open(t)
	ctx := context.Background()
	ensure(t, l, at(1, 1, 1, 0))
	if _, err := l.UpdateMinerStatus(ctx, coldkey(1), chain.MinerBlacklisted); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"another UID", func() error { _, _, err := l.EnsureMiner(ctx, at(1, 2, 2, 1)); return err }},
		{"apply", func() error {
			_, err := l.Apply(ctx, sequence([]ledger.Event{stake("a", 1, tao, tao)}))
			return err
		}},
		{"one UID taken", func() error { _, _, err := l.EnsureMiner(ctx, at(2, 3, 1, 2)); return err }},
		{"deregister", func() error { return l.Deregister(ctx, coldkey(1), after(3)) }},
		{"back again", func() error { _, _, err := l.EnsureMiner(ctx, at(1, 1, 4, 4)); return err }},
		{"all UIDs taken", func() error { _, _, err := l.EnsureMiner(ctx, at(2, 3, 4, 5)); return err }},
	} {
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		if got := miner(t, l, 1).Status; got != chain.MinerBlacklisted {
			t.Errorf("after %s: got %s, want blacklisted", step.name, got)
		}
	}
	if m, err := l.UpdateMinerStatus(ctx, coldkey(1), chain.MinerActive); err != nil || m.Status != chain.MinerActive {
		t.Errorf("lifting it: got %s, error %v", m.Status, err)
	}
}

func TestUpdateMinerStatusRefuses(t *testing.T) {
	l := open(t)
	register(t, l, 1)
	if _, err := l.UpdateMinerStatus(context.Background(), coldkey(1), "gone"); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("unknown status: got %v, want ErrInvalid", err)
	}
	if _, err := l.UpdateMinerStatus(context.Background(), coldkey(2), chain.MinerActive); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("unknown miner: got %v, want ErrNotFound", err)
	}
}
