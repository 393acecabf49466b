package stakeledger_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stakeledger/stakeledger"
	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/dbgen/write"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/migrate"
)

// The real migrations, the generated queries and the manager together, without the ledger's own code: what
// these tests do to positions is the simplest that uses every kind of query.
type (
	txReads  = read.Queries
	txWrites = write.Queries
	tx       struct {
		*txReads
		*txWrites
		raw manager.DBTX
	}
	ledgerDB = manager.DB[*read.Queries, tx]
)

func newTx(db manager.DBTX) tx { return tx{read.New(db), write.New(db), db} }

const applicationID = 0x534b4c47

func openLedger(t testing.TB, path string, opts ...manager.Option) *ledgerDB {
	t.Helper()
	schema, err := fs.Sub(stakeledger.Schema, "schema")
	if err != nil {
		t.Fatal(err)
	}
	opts = append([]manager.Option{manager.WithMigration(migrate.Up(schema)), manager.WithApplicationID(applicationID)}, opts...)
	db, err := manager.Open(t.Context(), path, read.New, newTx, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return db
}

// account makes an address from a number.
func account(n int) chain.Address {
	return chain.AddressFromPublicKey(sha256.Sum256(fmt.Append(nil, "account ", n)))
}

const (
	firstMoment = chain.Time(1_700_000_000_000_000)
	subnet      = chain.Netuid(7)
	day         = chain.Time(86_400_000_000)
)

func insertMiner(ctx context.Context, tx tx, n int) (int64, error) {
	return tx.InsertMiner(ctx, write.InsertMinerParams{Coldkey: account(n), Status: chain.MinerActive, RegisteredAt: firstMoment})
}

// keyOf is the key of an event whose block is not known.
func keyOf(extrinsic string, at chain.Time) chain.EventKey {
	return chain.NewEventKey(at, 0, extrinsic, 0)
}

// insertEvent records one event whose extrinsic nobody else uses.
func insertEvent(ctx context.Context, tx tx, miner int64, extrinsic string, at chain.Time, kind chain.EventKind, tao, alpha chain.Rao) (int64, error) {
	e := write.InsertEventParams{
		MinerID: miner, ExtrinsicID: extrinsic, EventKey: keyOf(extrinsic, at), Kind: kind, Netuid: subnet, Hotkey: account(0),
		Time: at, TAO: tao, Alpha: alpha, Outcome: chain.Applied,
	}
	if kind == chain.Unstake {
		mode, blocks, policy := chain.Lenient, int64(0), chain.SelfTradeZero
		e.Mode, e.MinBlocks, e.SelfTrade = &mode, &blocks, &policy
	}
	result, err := tx.InsertEvent(ctx, e)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

// openPosition stakes, and counts that in.
func openPosition(ctx context.Context, tx tx, miner int64, extrinsic string, at chain.Time, tao, alpha chain.Rao) error {
	id, err := insertEvent(ctx, tx, miner, extrinsic, at, chain.Stake, tao, alpha)
	if err != nil {
		return err
	}
	err = tx.InsertPosition(ctx, write.InsertPositionParams{
		PositionID: id, MinerID: miner, Netuid: subnet, Hotkey: account(0), ExtrinsicID: extrinsic,
		EventKey: keyOf(extrinsic, at), EntryTime: at, EntryTAO: tao, EntryAlpha: alpha, RemainingAlpha: alpha, Status: chain.PositionOpen,
	})
	if err != nil {
		return err
	}
	key := keyOf(extrinsic, at)
	return tx.AddToMiner(ctx, write.AddToMinerParams{
		MinerID: miner, LatestKey: &key, LastActive: &at, Positions: 1, OpenPositions: 1, EntryTAO: tao, EntryAlpha: alpha,
	})
}

// closeSome unstakes up to alpha from the miner's two oldest positions, rows that all of its writers share.
func closeSome(ctx context.Context, tx tx, miner int64, extrinsic string, at chain.Time, tao, alpha chain.Rao) (closed chain.Rao, err error) {
	candidates, err := tx.FIFOCandidates(ctx, read.FIFOCandidatesParams{MinerID: miner, Netuid: subnet, BeforeKey: keyOf(extrinsic, at), PageSize: 2})
	if err != nil {
		return 0, err
	}
	var open chain.Rao
	for _, c := range candidates {
		open += c.RemainingAlpha
	}
	if alpha = min(alpha, open); alpha == 0 {
		return 0, nil
	}
	id, err := insertEvent(ctx, tx, miner, extrinsic, at, chain.Unstake, tao, alpha)
	if err != nil {
		return 0, err
	}
	err = tx.InsertTrade(ctx, write.InsertTradeParams{
		TradeID: id, MinerID: miner, Netuid: subnet, Hotkey: account(0), ExtrinsicID: extrinsic,
		EventKey: keyOf(extrinsic, at), ExitTime: at, ExitTAO: tao, ExitAlpha: alpha,
	})
	if err != nil {
		return 0, err
	}
	key := keyOf(extrinsic, at)
	added := write.AddToMinerParams{MinerID: miner, LatestKey: &key, LastActive: &at, Trades: 1, ExitTAO: tao}
	for step, c := range candidates {
		part := min(c.RemainingAlpha, alpha-closed)
		if part == 0 {
			break
		}
		sold := c.EntryAlpha - c.RemainingAlpha
		share, taoErr := chain.Share(tao, alpha, closed, closed+part)
		cost, costErr := chain.Share(c.EntryTAO, c.EntryAlpha, sold, sold+part)
		if err := errors.Join(taoErr, costErr); err != nil {
			return 0, err
		}
		duration := int64(at - c.EntryTime)
		err := tx.InsertClose(ctx, write.InsertCloseParams{
			TradeID: id, Step: int64(step), PositionID: c.PositionID, MinerID: miner, EventKey: key, Alpha: part, TAO: share, Cost: cost,
			RawGain: share - cost, Gain: share - cost, DurationUs: duration, MinBlocksMet: true,
		})
		if err != nil {
			return 0, err
		}
		shrink := write.ShrinkPositionParams{PositionID: c.PositionID, Alpha: part, Gain: share - cost, Status: chain.PositionPartial, LastExitTime: &at}
		if part == c.RemainingAlpha {
			shrink.Status, shrink.ClosedAt = chain.PositionClosed, &at
			added.OpenPositions--
		}
		if err := tx.ShrinkPosition(ctx, shrink); err != nil {
			return 0, fmt.Errorf("shrink position %d: %w", c.PositionID, err)
		}
		closed += part
		added.Closes++
		added.CountedCloses++
		added.CountedDurationUs += duration
		added.ClosedAlpha += part
		added.RawGain += share - cost
		added.Gain += share - cost
		if share > cost {
			added.WinningCloses++
		}
	}
	return closed, tx.AddToMiner(ctx, added)
}

func TestManyWritersAndReadersShareTheLedger(t *testing.T) {
	const (
		miners     = 8
		goroutines = 64
		each       = 200
		readers    = 4
	)
	path := filepath.Join(t.TempDir(), "ledger.db")
	db := openLedger(t, path)
	ids := make([]int64, miners)
	err := db.WithTx(t.Context(), func(ctx context.Context, tx tx) (err error) {
		for n := range ids {
			if ids[n], err = insertMiner(ctx, tx, n+1); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var reading sync.WaitGroup
	var reads atomic.Int64
	for r := range readers {
		reading.Go(func() {
			for n := r; ctx.Err() == nil; n++ {
				if err := readMiner(t, db, ids[n%miners]); err != nil {
					t.Errorf("reader: %v", err)
				}
				reads.Add(1)
				time.Sleep(time.Millisecond) // without it four readers take the processors for themselves
			}
		})
	}

	began := time.Now()
	var clock atomic.Int64
	var writing sync.WaitGroup
	var positions, trades, entryTAO, entryAlpha, exitTAO, closedAlpha atomic.Int64
	for g := range goroutines {
		random := rand.New(rand.NewPCG(uint64(g), 1))
		writing.Go(func() {
			for i := range each {
				miner, extrinsic := ids[random.IntN(miners)], fmt.Sprintf("%d-%04d", i, g)
				at := firstMoment + chain.Time(clock.Add(1))*day/86_400
				tao, alpha := chain.Rao(1+random.Int64N(1e12)), chain.Rao(1+random.Int64N(1e12))
				if i%2 == 0 {
					err := db.WithTx(t.Context(), func(ctx context.Context, tx tx) error {
						return openPosition(ctx, tx, miner, extrinsic, at, tao, alpha)
					})
					if err != nil {
						t.Errorf("open position: %v", err)
						continue
					}
					positions.Add(1)
					entryTAO.Add(int64(tao))
					entryAlpha.Add(int64(alpha))
					continue
				}
				closed, err := manager.Write(t.Context(), db, func(ctx context.Context, tx tx) (chain.Rao, error) {
					return closeSome(ctx, tx, miner, extrinsic, at, tao, alpha)
				})
				if err != nil {
					t.Errorf("close: %v", err)
					continue
				}
				if closed > 0 {
					trades.Add(1)
					exitTAO.Add(int64(tao))
					closedAlpha.Add(int64(closed))
				}
			}
		})
	}
	writing.Wait()
	elapsed := time.Since(began)
	stop()
	reading.Wait()
	stats := db.Stats()
	t.Logf("%d transactions in %v beside %d reads; %d groups, %d retries", goroutines*each, elapsed.Round(time.Millisecond), reads.Load(), stats.Groups, stats.Retries)

	want := fmt.Sprint(positions.Load(), trades.Load(), entryTAO.Load(), entryAlpha.Load(), exitTAO.Load(), closedAlpha.Load(), entryAlpha.Load()-closedAlpha.Load())
	for name, query := range totals {
		var got [7]int64
		err := db.WithTx(t.Context(), func(ctx context.Context, tx tx) error {
			return tx.raw.QueryRowContext(ctx, query).Scan(&got[0], &got[1], &got[2], &got[3], &got[4], &got[5], &got[6])
		})
		if got := strings.Trim(fmt.Sprint(got), "[]"); err != nil || got != want {
			t.Errorf("positions, trades, entry TAO and alpha, exit TAO, closed and open alpha by the %s: got %s, %v, want %s", name, got, err, want)
		}
	}
	checkGains(t, db)
}

// totals are the same sums by three ways. Those of callers who got nil must agree with each.
var totals = map[string]string{
	"counters of the miners": `SELECT SUM(positions), SUM(trades), SUM(entry_tao), SUM(entry_alpha), SUM(exit_tao), SUM(closed_alpha), SUM(entry_alpha - closed_alpha) FROM miners`,
	"positions and trades": `SELECT (SELECT COUNT(*) FROM positions), (SELECT COUNT(*) FROM trades), (SELECT SUM(entry_tao) FROM positions), (SELECT SUM(entry_alpha) FROM positions),
		(SELECT SUM(exit_tao) FROM trades), (SELECT SUM(exit_alpha) FROM trades), (SELECT SUM(remaining_alpha) FROM positions)`,
	"events and closes": `SELECT (SELECT COUNT(*) FROM events WHERE kind = 'stake'), (SELECT COUNT(*) FROM events WHERE kind = 'unstake'), (SELECT SUM(tao) FROM events WHERE kind = 'stake'),
		(SELECT SUM(alpha) FROM events WHERE kind = 'stake'), (SELECT SUM(tao) FROM closes), (SELECT SUM(alpha) FROM closes),
		(SELECT SUM(alpha) FROM events WHERE kind = 'stake') - (SELECT SUM(alpha) FROM events WHERE kind = 'unstake')`,
}

// checkGains compares what the miners' counters say of gains and open positions with the rows.
func checkGains(t *testing.T, db *ledgerDB) {
	t.Helper()
	var wrong string
	err := db.WithTx(t.Context(), func(ctx context.Context, tx tx) error {
		return tx.raw.QueryRowContext(ctx, `SELECT
			(SELECT COUNT(*) FROM miners m WHERE m.gain <> (SELECT SUM(c.gain) FROM closes c WHERE c.miner_id = m.miner_id)
				OR m.gain <> (SELECT SUM(p.gain) FROM positions p WHERE p.miner_id = m.miner_id)
				OR m.closes <> (SELECT COUNT(*) FROM closes c WHERE c.miner_id = m.miner_id)
				OR m.open_positions <> (SELECT COUNT(*) FROM positions p WHERE p.miner_id = m.miner_id AND p.remaining_alpha > 0)
				OR m.latest_key <> (SELECT MAX(e.event_key) FROM events e WHERE e.miner_id = m.miner_id))
			|| ' miners, ' ||
			(SELECT COUNT(*) FROM trades t WHERE t.exit_tao <> (SELECT SUM(c.tao) FROM closes c WHERE c.trade_id = t.trade_id))
			|| ' trades, ' ||
			(SELECT COUNT(*) FROM positions p WHERE p.entry_alpha - p.remaining_alpha <> (SELECT COALESCE(SUM(c.alpha), 0) FROM closes c WHERE c.position_id = p.position_id))
			|| ' positions, ' || (SELECT group_concat(integrity_check) FROM pragma_integrity_check)
			|| ', ' || (SELECT COUNT(*) FROM pragma_foreign_key_check)`).Scan(&wrong)
	})
	if want := "0 miners, 0 trades, 0 positions, ok, 0"; err != nil || wrong != want {
		t.Errorf("rows that do not add up: got %s, %v, want %s", wrong, err, want)
	}
}

// readMiner checks in one snapshot that a miner's counters agree with its open positions.
func readMiner(t *testing.T, db *ledgerDB, id int64) error {
	return db.ReadOnly(t.Context(), func(ctx context.Context, q *read.Queries) error {
		miner, err := q.MinerByID(ctx, id)
		if err != nil {
			return err
		}
		var count int64
		var alpha chain.Rao
		page := read.OpenPositionsParams{MinerID: id, PageSize: 500}
		for {
			positions, err := q.OpenPositions(ctx, page)
			if err != nil {
				return err
			}
			for _, p := range positions {
				count++
				alpha += p.RemainingAlpha
				page.AfterNetuid, page.AfterKey = p.Netuid, p.EventKey
			}
			if len(positions) < int(page.PageSize) {
				break
			}
		}
		if count != miner.OpenPositions || alpha != miner.EntryAlpha-miner.ClosedAlpha {
			t.Errorf("miner %d: saw %d open positions with %v alpha beside counters that say %d and %v", id, count, alpha, miner.OpenPositions, miner.EntryAlpha-miner.ClosedAlpha)
		}
		return nil
	})
}

func TestSchemaErrorsComeThroughTheManager(t *testing.T) {
	db := openLedger(t, filepath.Join(t.TempDir(), "ledger.db"))
	var miner int64
	err := db.WithTx(t.Context(), func(ctx context.Context, tx tx) (err error) {
		if miner, err = insertMiner(ctx, tx, 1); err != nil {
			return err
		}
		return openPosition(ctx, tx, miner, "1-0001", firstMoment, 10, 20)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		run   func(ctx context.Context, tx tx) error
		kind  error
		query string
		text  string
	}{
		{"repeated miner", func(ctx context.Context, tx tx) error { _, err := insertMiner(ctx, tx, 1); return err },
			manager.ErrCheck, "InsertMiner", "already recorded"},
		{"unknown miner", func(ctx context.Context, tx tx) error {
			_, err := insertEvent(ctx, tx, miner+1, "2-0001", firstMoment, chain.Stake, 10, 20)
			return err
		}, manager.ErrForeignKey, "InsertEvent", ""},
		{"amount below zero", func(ctx context.Context, tx tx) error {
			_, err := insertEvent(ctx, tx, miner, "2-0001", firstMoment, chain.Stake, -1, 20)
			return err
		}, manager.ErrCheck, "InsertEvent", "events_tao_in_range"},
		{"more closed than is open", func(ctx context.Context, tx tx) error {
			return tx.ShrinkPosition(ctx, write.ShrinkPositionParams{PositionID: 1, Alpha: 21, Status: chain.PositionPartial})
		}, manager.ErrCheck, "ShrinkPosition", "positions_"},
		{"missing row", func(ctx context.Context, tx tx) error { _, err := tx.MinerByID(ctx, 99); return err }, manager.ErrNotFound, "", ""},
	} {
		err := db.WithTx(t.Context(), c.run, manager.Label(c.name))
		if !errors.Is(err, c.kind) || !strings.Contains(fmt.Sprint(err), c.text) {
			t.Errorf("%s: got %v, want %v with %q in it", c.name, err, c.kind, c.text)
		}
		var e *manager.Error
		if c.query != "" && (!errors.As(err, &e) || e.Query != c.query || e.Label != c.name) {
			t.Errorf("%s: got %+v, want its query %s and label", c.name, err, c.query)
		}
	}
}

func TestLedgerFileIsKnownByItsApplicationID(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	db := openLedger(t, path)
	if err := db.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	openLedger(t, path)
	_, err := manager.Open(t.Context(), path, read.New, newTx, manager.WithApplicationID(applicationID+1))
	if !errors.Is(err, manager.ErrWrongFile) {
		t.Errorf("Open as another program: got %v, want ErrWrongFile", err)
	}
	first, err := stakeledger.Schema.ReadFile("schema/00101_words.sql")
	if err != nil {
		t.Fatal(err)
	}
	older := fstest.MapFS{"00101_words.sql": &fstest.MapFile{Data: first}}
	_, err = manager.Open(t.Context(), path, read.New, newTx, manager.WithMigration(migrate.Up(older)))
	if !errors.Is(err, manager.ErrTooNew) {
		t.Errorf("Open as an older program: got %v, want ErrTooNew", err)
	}
}
