package ledger_test

import (
	"bytes"
	"iter"
	"path/filepath"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ingest"
	"github.com/stakeledger/stakeledger/internal/pgtest"
	"github.com/stakeledger/stakeledger/ledger"
)

// told is all that a ledger says of its events, but for ids.
func told(t *testing.T, l *ledger.Ledger) []string {
	t.Helper()
	r := report(t, l)
	basis, err := l.Basis(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{answer(t, r), answer(t, basis)}
	scores, err := l.Scores(t.Context(), *basis.NewestEvent, 21, ledger.AllMiners())
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range r.Miners {
		m, err := l.MinerByColdkey(t.Context(), row.Coldkey)
		if err != nil {
			t.Fatal(err)
		}
		page := ledger.Page[ledger.RecordedEvent]{Limit: 1000}
		events, err := l.Events(t.Context(), m.MinerID, ledger.EventFilter{}, page)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, answer(t, events))
		for _, s := range scores {
			if s.MinerID == m.MinerID {
				texts = append(texts, answer(t, s))
			}
		}
	}
	return texts
}

func TestBothEnginesSayTheSame(t *testing.T) {
	export := func(t *testing.T) iter.Seq2[ledger.Event, error] {
		return ingest.Read(bytes.NewReader(shared(t, "data/stake_events.json")), "stake_events.json", ingest.Options{})
	}
	random := func(seed uint64) func(*testing.T) iter.Seq2[ledger.Event, error] {
		return func(*testing.T) iter.Seq2[ledger.Event, error] { return sequence(history(seed, 600)) }
	}
	for name, events := range map[string]func(*testing.T) iter.Seq2[ledger.Event, error]{"the real export": export, "random, 1": random(1), "random, 2": random(2)} {
		t.Run(name, func(t *testing.T) {
			file := openAt(t, filepath.Join(t.TempDir(), "ledger.db"))
			server := openAt(t, pgtest.Migrated(t, "ledger", migratePostgres), ledger.WithManager(quiet))
			var said [2][]string
			for i, l := range []*ledger.Ledger{file, server} {
				if _, err := l.Apply(t.Context(), events(t)); err != nil {
					t.Fatal(err)
				}
				if _, err := l.ArchiveClosedPositions(t.Context(), chain.Time(1_760_000_000_000_000)); err != nil {
					t.Fatal(err)
				}
				said[i] = told(t, l)
			}
			if len(said[0]) < 4 {
				t.Fatalf("a ledger says only %q", said[0])
			}
			for i := range said[0] {
				if said[0][i] != said[1][i] {
					t.Errorf("on SQLite    %s\non PostgreSQL %s", said[0][i], said[1][i])
				}
			}
		})
	}
}
