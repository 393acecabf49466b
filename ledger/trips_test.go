package ledger_test

import (
	"testing"

	"github.com/stakeledger/stakeledger/internal/pgtest"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

// Far from the server time goes by round trips, so they are counted, by a proxy, once every statement is prepared.
func TestOperationsTakeFewRoundTrips(t *testing.T) {
	proxy := pgtest.NewProxy(t, pgtest.Migrated(t, "ledger", migratePostgres))
	l := openAt(t, proxy.URL, ledger.WithManager(quiet, manager.WithWriters(2)))
	register(t, l, 1)
	trips := func(name string, most float64, per int, run func()) {
		t.Helper()
		before := proxy.Trips()
		run()
		if got := float64(proxy.Trips()-before) / float64(per); got > most {
			t.Errorf("%s takes %.2f round trips, want at most %.2f", name, got, most)
		} else {
			t.Logf("%s takes %.2f round trips", name, got)
		}
	}
	addPosition(t, l, stake("1-1", 1, tao, 20*tao))
	processClose(t, l, unstake("1-2", 2, tao, tao))
	trips("AddPosition", 3, 1, func() { addPosition(t, l, stake("1-3", 3, tao, tao)) })
	trips("ProcessClose", 5, 1, func() { processClose(t, l, unstake("1-4", 4, tao, tao)) })

	apply(t, l, history(1, 200))
	events := history(2, 1200)
	trips("an event in Apply", 2, len(events), func() { apply(t, l, events, ledger.LeaveLate()) })
}
