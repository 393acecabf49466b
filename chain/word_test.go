package chain_test

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
)

// checkWords runs one set of words through everything its type can do.
func checkWords[W interface {
	~string
	Valid() bool
	driver.Valuer
}, P interface {
	*W
	sql.Scanner
}](t *testing.T, parse func(string) (W, error), words ...string) {
	t.Helper()
	for _, s := range words {
		w, err := parse(s)
		if err != nil || string(w) != s || !w.Valid() {
			t.Errorf("parse %q: got %q, %v, valid %v", s, w, err, w.Valid())
		}
		if v, err := w.Value(); err != nil || v != s {
			t.Errorf("Value of %q: got %v, %v", s, v, err)
		}
		for _, src := range []any{s, []byte(s)} {
			var got W
			if err := P(&got).Scan(src); err != nil || got != w {
				t.Errorf("Scan of %T %q: got %q, %v", src, s, got, err)
			}
		}
	}
	for _, s := range []string{"", "unknown", words[0] + " ", "\u017f" + words[0][1:], string(words[0][0]-32) + words[0][1:]} {
		if w, err := parse(s); !errors.Is(err, chain.ErrInvalid) || w != "" || W(s).Valid() {
			t.Errorf("parse %q: got %q, %v, want ErrInvalid", s, w, err)
		}
		got := W(words[0])
		if err := P(&got).Scan(s); !errors.Is(err, chain.ErrInvalid) || string(got) != words[0] {
			t.Errorf("Scan of %q: got %q, %v, want ErrInvalid and the value untouched", s, got, err)
		}
	}
	for _, src := range []any{nil, int64(1), true} {
		var got W
		if err := P(&got).Scan(src); !errors.Is(err, chain.ErrInvalid) {
			t.Errorf("Scan of %T: got %v, want ErrInvalid", src, err)
		}
	}
}

func TestWords(t *testing.T) {
	t.Run("MinerStatus", func(t *testing.T) {
		checkWords(t, chain.ParseMinerStatus, "active", "inactive", "blacklisted")
	})
	t.Run("PositionStatus", func(t *testing.T) { checkWords(t, chain.ParsePositionStatus, "open", "partial", "closed") })
	t.Run("EventKind", func(t *testing.T) { checkWords(t, chain.ParseEventKind, "stake", "unstake") })
	t.Run("Outcome", func(t *testing.T) { checkWords(t, chain.ParseOutcome, "applied", "ignored") })
	t.Run("IgnoreReason", func(t *testing.T) {
		checkWords(t, chain.ParseIgnoreReason, "before_tracking_start", "invalid_netuid", "zero_amounts", "no_open_position", "excluded")
	})
	t.Run("CloseMode", func(t *testing.T) { checkWords(t, chain.ParseCloseMode, "strict", "lenient") })
	t.Run("SelfTradePolicy", func(t *testing.T) { checkWords(t, chain.ParseSelfTradePolicy, "zero", "clamp") })
}

func TestWordErrorText(t *testing.T) {
	_, err := chain.ParseMinerStatus("gone")
	if got, want := fmt.Sprint(err), `miner status "gone": want active, inactive, blacklisted; nothing else`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
