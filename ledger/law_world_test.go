package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// Whatever happens to a ledger between its events (other policies, archives, backups that are restored, UIDs that move,
// rebuilds, inputs that are interrupted, a second process), in the end it is what its recorded events make in order.
func TestTheLedgerIsAFunctionWhateverHappens(t *testing.T) {
	onlySQLite(t, "it restores backups")
	base := uint64(1) // the same streams each time, unless LAW_STREAMS asks for others
	if os.Getenv("LAW_STREAMS") != "" {
		base = uint64(time.Now().UnixNano())
	}
	for i := range uint64(lawStreamsOr(t, 12)) {
		seed := base + i
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { newLawWorld(t, seed).live() })
		if t.Failed() {
			return
		}
	}
}

// lawMiners is how many miners have events; the last of them is never registered but by its events.
const lawMiners = 4

// lawWorld is a ledger to which anything happens.
type lawWorld struct {
	*rand.Rand
	*testing.T
	path    string
	l       *ledger.Ledger
	second  *ledger.Ledger // another handle on the file
	events  []ledger.Event
	batch   int
	on      map[string]string // contents on record by key
	backups []string
	trail   []string
}

func newLawWorld(t *testing.T, seed uint64) *lawWorld {
	r := rand.New(rand.NewPCG(seed, 13))
	w := &lawWorld{Rand: r, T: t, path: filepath.Join(t.TempDir(), "ledger.db"), batch: 1 + r.IntN(12)}
	w.open()
	for _, e := range strange(r, 40+r.IntN(60)) {
		e.Coldkey = coldkey(byte(r.IntN(lawMiners)))
		if r.IntN(3) > 0 {
			e.IsTransfer = new(r.IntN(4) == 0)
		}
		w.events = append(w.events, e)
	}
	return w
}

func (w *lawWorld) open() {
	w.l, w.second = openAt(w.T, w.path, ledger.WithBatchSize(w.batch), ledger.WithManager(quiet)), openAt(w.T, w.path, ledger.WithBatchSize(3), ledger.WithManager(quiet))
	w.on = map[string]string{}
}

func (w *lawWorld) live() {
	defer func() {
		if w.Failed() {
			w.Log(strings.Join(w.trail, "\n"))
		}
	}()
	for range 25 + w.IntN(25) {
		w.step()
		w.recordedStands()
	}
	apply(w.T, w.l, w.events, ledger.NoRegister())
	apply(w.T, w.second, w.events)
	w.recordedStands()
	if err := w.l.RebuildMarked(context.Background(), nil); err != nil && !errors.Is(err, ledger.ErrInvalid) {
		w.Fatal(err)
	}
	w.noticesCleared()
	w.isWhatItsEventsMake()
	w.isAsInOrder()
}

// step is one thing that happens.
func (w *lawWorld) step() {
	ctx := context.Background()
	n := byte(w.IntN(lawMiners))
	switch what := w.IntN(13); what {
	case 0:
		w.note("rebuild %d", n)
		if _, err := w.l.Rebuild(ctx, coldkey(n)); err != nil && !errors.Is(err, ledger.ErrInvalid) && !errors.Is(err, ledger.ErrNotFound) {
			w.Fatal(err)
		}
	case 1:
		w.note("archive")
		archive(w.T, w.l, after(w.IntN(5)), ledger.ArchiveRows(1+w.IntN(5)))
	case 2:
		w.policy()
	case 3:
		w.register(n)
	case 4:
		w.backup()
	case 5:
		for _, e := range w.some(6) {
			w.call(e)
		}
	case 6:
		events := w.some(30)
		w.note("interrupted input of %d", len(events))
		_, _ = w.l.Apply(endsAfter(1+w.IntN(60)), sequence(events), w.applyOptions()...)
	case 7:
		w.note("replay")
		if err := w.second.RebuildMarked(ctx, nil); err != nil && !errors.Is(err, ledger.ErrInvalid) {
			w.Fatal(err)
		}
	default:
		events := w.some(25)
		w.note("input of %d", len(events))
		l := []*ledger.Ledger{w.l, w.second}[w.IntN(2)]
		apply(w.T, l, events, w.applyOptions()...)
	}
}

func (w *lawWorld) note(format string, args ...any) {
	w.trail = append(w.trail, fmt.Sprintf(format, args...))
}

// some are events in any order, a few of them twice.
func (w *lawWorld) some(most int) (events []ledger.Event) {
	for range 1 + w.IntN(most) {
		events = append(events, w.events[w.IntN(len(w.events))])
	}
	return events
}

func (w *lawWorld) applyOptions() (opts []ledger.ApplyOption) {
	if w.IntN(3) == 0 {
		opts = append(opts, ledger.LeaveLate())
	}
	if w.IntN(3) == 0 {
		opts = append(opts, ledger.NoRegister())
	}
	if w.IntN(4) == 0 {
		opts = append(opts, ledger.MinBlocks(w.Int64N(3)), ledger.OverridePolicy())
	}
	if w.IntN(6) == 0 {
		opts = append(opts, ledger.TrackingStart(after(w.IntN(2))))
	}
	return opts
}

// call records an event by a call of its own, where it can be.
func (w *lawWorld) call(e ledger.Event) {
	e.Excluded = false
	w.note("call %s", keyOf(e))
	var err error
	if e.Kind == chain.Stake {
		_, _, err = w.l.AddPosition(context.Background(), e)
	} else {
		_, err = w.l.ProcessClose(context.Background(), e, ledger.Mode(chain.Lenient))
	}
	refusals := []error{ledger.ErrInvalid, ledger.ErrDuplicateEvent, ledger.ErrIgnored, ledger.ErrNotFound}
	if err != nil && !slices.ContainsFunc(refusals, func(refusal error) bool { return errors.Is(err, refusal) }) {
		w.Fatal(err)
	}
}

func (w *lawWorld) policy() {
	p := ledger.DefaultPolicy()
	p.MinBlocks = []int64{0, 1, 2, 360}[w.IntN(4)]
	p.SelfTrade = []chain.SelfTradePolicy{chain.SelfTradeZero, chain.SelfTradeClamp}[w.IntN(2)]
	p.Transfers = []chain.TransferPolicy{chain.TransfersInclude, chain.TransfersExclude}[w.IntN(2)]
	w.note("policy %v", p)
	setPolicy(w.T, w.l, func(is *ledger.Policy) { *is = p })
	if w.IntN(2) == 0 {
		return
	}
	for n := range byte(lawMiners) {
		_, err := w.l.Rebuild(context.Background(), coldkey(n), ledger.UnderPolicy())
		if err != nil && !errors.Is(err, ledger.ErrInvalid) && !errors.Is(err, ledger.ErrNotFound) {
			w.Fatal(err)
		}
	}
	if _, err := w.second.RefreshPolicy(context.Background()); err != nil {
		w.Fatal(err)
	}
}

// register moves UIDs, ends them, or changes a miner's status.
func (w *lawWorld) register(n byte) {
	ctx := context.Background()
	n %= lawMiners - 1
	w.note("register %d", n)
	switch w.IntN(3) {
	case 0:
		var rows []ledger.MetagraphRow
		for uid, holder := range w.Perm(lawMiners - 1)[:1+w.IntN(lawMiners-1)] {
			rows = append(rows, ledger.MetagraphRow{UID: chain.UID(uid), Hotkey: hotkey(byte(100 + w.IntN(2)*50 + uid)), Coldkey: coldkey(byte(holder))})
		}
		if _, err := w.l.SyncMetagraph(ctx, rows, after(100)); err != nil {
			w.Fatal(err)
		}
	case 1:
		if _, _, err := w.second.EnsureMiner(ctx, ledger.Registration{Coldkey: coldkey(n)}); err != nil {
			w.Fatal(err)
		}
	default:
		status := []chain.MinerStatus{chain.MinerActive, chain.MinerBlacklisted}[w.IntN(2)]
		if _, err := w.l.UpdateMinerStatus(ctx, coldkey(n), status); err != nil && !errors.Is(err, ledger.ErrNotFound) {
			w.Fatal(err)
		}
	}
}

// backup takes a copy, or goes on with an older one.
func (w *lawWorld) backup() {
	ctx := context.Background()
	if len(w.backups) > 0 && w.IntN(2) == 0 {
		from := w.backups[w.IntN(len(w.backups))]
		w.note("restore %s", filepath.Base(from))
		w.path = filepath.Join(w.TempDir(), "restored.db")
		if err := ledger.Restore(ctx, from, w.path); err != nil {
			w.Fatal(err)
		}
		w.open()
		return
	}
	w.note("backup %d", len(w.backups))
	to := filepath.Join(w.TempDir(), fmt.Sprint("backup", len(w.backups), ".db"))
	if err := w.l.Backup(ctx, to); err != nil {
		w.Fatal(err)
	}
	w.backups = append(w.backups, to)
}

// recordedStands checks that of what was on record nothing is gone and nothing has other contents.
func (w *lawWorld) recordedStands() {
	var text strings.Builder
	dump(w.T, w.l, &text, "SELECT m.coldkey || e.extrinsic_id || '#' || e.event_index || '|' || e.kind, e.netuid, e.hotkey, e.block, e.time, e.tao, e.alpha FROM events e JOIN miners m USING (miner_id)")
	now := map[string]string{}
	for line := range strings.Lines(text.String()) {
		key, contents, _ := strings.Cut(line, "|")
		now[key] = contents
	}
	for key, contents := range w.on {
		if now[key] != contents {
			w.Fatalf("%s was on record as %q, and is as %q", key, contents, now[key])
		}
	}
	w.on = now
}

// noticesCleared checks that no event that is on record is named as one of an unknown miner.
func (w *lawWorld) noticesCleared() {
	if n := count(w.T, w.l, "rejected_events WHERE reason = 'unknown_miner'"); n != 0 {
		w.Errorf("got %d notices of unknown miners, want none once their events are applied", n)
	}
}

// miners are those that are not marked: what the events of others make in order is more than a counter holds.
func (w *lawWorld) miners(l *ledger.Ledger) (list []ledger.Miner) {
	for n := range byte(lawMiners) {
		if m, err := l.MinerByColdkey(context.Background(), coldkey(n)); err == nil && m.OldestLateKey == nil {
			list = append(list, m)
		}
	}
	return list
}

func (w *lawWorld) isWhatItsEventsMake() {
	for _, m := range w.miners(w.l) {
		diff(w.T, standing(w.Context(), w.T, w.l, m), lawful(w.Context(), w.T, w.l, m))
		if again, err := w.l.Rebuild(context.Background(), m.Coldkey); err != nil || again.Changed() {
			w.Errorf("a whole rebuild of %s: error %v, changed %+v", m.Coldkey, err, again)
		}
	}
	if v := verify(w.T, w.l); !v.Healthy() {
		w.Errorf("verify: %v", v.Differences)
	}
}

// isAsInOrder compares with a ledger to which the recorded events came in order, each under what is stored on it.
func (w *lawWorld) isAsInOrder() {
	ctx := context.Background()
	inTime := open(w.T)
	policy := policy(w.T, w.l)
	setPolicy(w.T, inTime, func(p *ledger.Policy) { *p = policy })
	unmarked := map[chain.Address]ledger.Miner{}
	for _, m := range w.miners(w.l) {
		unmarked[m.Coldkey] = m
		var opts []ledger.MinerOption
		if m.TrackingStart != nil {
			opts = append(opts, ledger.TrackingStart(*m.TrackingStart))
		}
		if _, err := inTime.RegisterMiner(ctx, ledger.Registration{Coldkey: m.Coldkey}, opts...); err != nil {
			w.Fatal(err)
		}
		for _, e := range pages(w.T, 500, func(p ledger.Page[ledger.RecordedEvent]) ([]ledger.RecordedEvent, error) {
			return w.l.Events(ctx, m.MinerID, ledger.EventFilter{}, p)
		}) {
			w.again(inTime, m.Coldkey, e)
		}
		if _, err := inTime.UpdateMinerStatus(ctx, m.Coldkey, m.Status); err != nil {
			w.Fatal(err)
		}
	}
	for _, pair := range [][2]*ledger.Ledger{{w.l, inTime}, {inTime, w.second}} {
		err := pair[0].Diff(ctx, pair[1], func(d ledger.Divergence) error {
			if _, ok := unmarked[d.Coldkey]; ok && !excludedLater(d) {
				w.Errorf("diff: %+v", d)
			}
			return nil
		})
		if err != nil {
			w.Fatal(err)
		}
	}
	w.sameFigures(inTime, unmarked)
}

// again records an event once more in another ledger, as it was handled.
func (w *lawWorld) again(l *ledger.Ledger, miner chain.Address, r ledger.RecordedEvent) {
	e := ledger.Event{
		Kind: r.Kind, Coldkey: miner, Hotkey: r.Hotkey, Netuid: r.Netuid, ExtrinsicID: r.ExtrinsicID, EventIndex: r.EventIndex,
		Block: r.Block, Time: r.Time, TAO: r.TAO, Alpha: r.Alpha, Excluded: r.Reason != nil && *r.Reason == chain.Excluded,
	}
	in := []ledger.CloseApplyOption{ledger.OverridePolicy()}
	if r.Kind == chain.Unstake {
		in = append(in, ledger.MinBlocks(*r.MinBlocks), ledger.SelfTrade(*r.SelfTrade))
	}
	switch {
	case r.Reason != nil && *r.Reason != chain.NoOpenPosition:
		opts := make([]ledger.ApplyOption, len(in))
		for i, o := range in {
			opts[i] = o
		}
		apply(w.T, l, []ledger.Event{e}, opts...)
	case r.Kind == chain.Stake: // a call of its own knows no start of tracking
		addPosition(w.T, l, e)
	default:
		opts := []ledger.CloseOption{ledger.Mode(chain.Lenient)}
		for _, o := range in {
			opts = append(opts, o)
		}
		processClose(w.T, l, e, opts...)
	}
}

// excludedLater reports whether the two ledgers differ in why a transfer is ignored that a call of its own had recorded,
// which knows no start of tracking, and that a policy excluded later. The ledger in order is given it by Apply, which
// looks at the start of tracking first.
func excludedLater(d ledger.Divergence) bool {
	reasons := []string{string(chain.Excluded), string(chain.BeforeTrackingStart)}
	return d.Field == "reason" && d.Here != d.There && slices.Contains(reasons, d.Here) && slices.Contains(reasons, d.There)
}

// sameFigures compares what is computed of the rows: report, scores and snapshots.
func (w *lawWorld) sameFigures(other *ledger.Ledger, miners map[chain.Address]ledger.Miner) {
	ctx := context.Background()
	figures := func(l *ledger.Ledger) (lines []string) {
		for _, r := range report(w.T, l).Miners {
			if _, ok := miners[r.Coldkey]; ok {
				lines = append(lines, fmt.Sprintf("%+v", r))
			}
		}
		scores, err := l.Scores(ctx, after(10), 3, ledger.AllMiners())
		if err != nil {
			w.Fatal(err)
		}
		for _, s := range scores {
			if _, ok := miners[s.Coldkey]; ok {
				lines = append(lines, fmt.Sprintf("%s %v", s.Coldkey, s.Raw))
			}
		}
		for address := range miners {
			s, _, err := l.TakeSnapshot(ctx, address, after(200), 400*time.Minute)
			if err != nil {
				w.Fatal(err)
			}
			value, scored := s.ScoreValue()
			s.MinerID, s.TakenAt, s.Score = 0, 0, nil
			lines = append(lines, fmt.Sprintf("%s %+v, score %v %v", address, s, value, scored))
		}
		slices.Sort(lines)
		return lines
	}
	if got, want := figures(w.l), figures(other); !reflect.DeepEqual(got, want) {
		w.Errorf("figures:\ngot  %s\nwant %s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
