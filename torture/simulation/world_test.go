package simulation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/faultdriver"
	"github.com/stakeledger/stakeledger/torture/model"
)

// A world is one ledger with its model, and everything that disturbs it.
type world struct {
	*model.Run
	*rand.Rand
	generator *model.Generator
	faults    *faultdriver.Injector
	cutter    *cutter
	clock     *clock
	watcher   *watcher
	options   []ledger.Option
	dir, path string
	files     int
	abandoned []*ledger.Ledger // older handles on the file, no longer used
	trail     []string         // the last steps
	tally     tally
}

func newWorld(dir string, seed, number uint64) (*world, error) {
	dir, err := os.MkdirTemp(dir, "life-")
	if err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(seed, number))
	w := &world{
		Rand: r, faults: faultdriver.New(), cutter: &cutter{}, clock: newClock(r.Uint64()),
		dir: dir, path: filepath.Join(dir, "ledger.db"), tally: tally{},
	}
	w.options = w.drawOptions()
	file, err := model.EmptyLedger()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(w.path, file, 0o600); err != nil {
		return nil, err
	}
	l, err := ledger.Open(context.Background(), w.path, w.options...)
	if err != nil {
		return nil, err
	}
	w.Run = model.NewRun(context.Background(), l)
	w.generator = model.NewGenerator(r, w.Model)
	w.generator.Huge = false // sums that do not fit are what package model plays
	w.watcher, err = watch(w.path)
	return w, err
}

// drawOptions draws the options of a life's ledger. The budget is short, since some
// faults never end.
func (w *world) drawOptions() []ledger.Option {
	options := []manager.Option{
		manager.WithDriver(w.faults.Wrap), manager.WithTracer(w.cutter.follow), manager.WithSynchronousNormal(),
		manager.WithRetryBudget(40 * time.Millisecond), manager.WithLogger(slog.New(slog.DiscardHandler)),
		manager.WithCheckpointFrames(20 + w.IntN(400)), manager.WithReaders(1 + w.IntN(3)),
	}
	if w.chance(50) {
		options = append(options, manager.WithoutLockFile())
	}
	if w.chance(15) {
		options = append(options, manager.WithRunTwice())
	}
	if w.chance(20) {
		options = append(options, manager.WithGroupCommit(1+w.IntN(4), time.Millisecond))
	}
	return []ledger.Option{ledger.WithManager(options...), ledger.WithClock(w.clock.now), ledger.WithBatchSize(1 + w.IntN(30))}
}

func (w *world) chance(percent int) bool { return w.IntN(100) < percent }

// note adds a line to what a failure prints.
func (w *world) note(format string, args ...any) {
	if w.trail = append(w.trail, fmt.Sprintf(format, args...)); len(w.trail) > 12 {
		w.trail = w.trail[1:]
	}
}

// lines writes operations in the form of package model's kept cases.
func lines(ops ...model.Op) string {
	text := ""
	for _, o := range ops {
		line, err := json.Marshal(o)
		if err != nil {
			panic(err)
		}
		text += "\n" + string(line)
	}
	return strings.TrimPrefix(text, "\n")
}

func (w *world) lately() string { return strings.Join(w.trail, "\n") }

// compare compares what an operation was about, and answers that came with it.
func (w *world) compare(want model.Outcome) error {
	return w.Ledger.ReadOnly(context.Background(), func(ctx context.Context, q *read.Queries) error { return w.Touched(ctx, q, want) })
}

// end closes everything and looks for what was left open.
func (w *world) end() error {
	err := w.watcher.close()
	for _, l := range append(w.abandoned, w.Ledger) {
		err = errors.Join(err, l.Close(context.Background()))
	}
	if left := w.faults.Connections(); left != 0 {
		err = errors.Join(err, fmt.Errorf("connections left open: %d", left))
	}
	return errors.Join(err, os.RemoveAll(w.dir))
}

// reopen continues with the same file, or with what a crash would leave of it.
func (w *world) reopen() error {
	how := w.IntN(3)
	old := w.Ledger
	w.note("reopen, in way %d", how)
	if err := w.watcher.close(); err != nil { // so that the last one to close may be the ledger
		return err
	}
	switch how {
	case 0:
		w.tally["closed and opened"]++
		if err := w.close(old); err != nil {
			return err
		}
	case 1:
		w.tally["abandoned and opened"]++
		w.abandoned = append(w.abandoned, old)
	default:
		w.tally["crashed and opened"]++
		if err := w.crash(); err != nil {
			return err
		}
		w.abandoned = append(w.abandoned, old)
	}
	for len(w.abandoned) > 2 {
		if err := w.abandoned[0].Close(context.Background()); err != nil {
			return fmt.Errorf("close what was abandoned: %w", err)
		}
		w.abandoned = w.abandoned[1:]
	}
	if err := w.open(); err != nil {
		return err
	}
	var err error
	w.watcher, err = watch(w.path)
	return err
}

// close may meet faults, which must not keep the connections open.
func (w *world) close(l *ledger.Ledger) error {
	var err error
	fired, _ := w.armed(w.drawFaults(20, 20), func() { err = l.Close(context.Background()) })
	if err != nil && len(fired) == 0 {
		return fmt.Errorf("close: %w", err)
	}
	return nil
}

func (w *world) open() error {
	var l *ledger.Ledger
	var err error
	fired, strays := w.armed(w.drawFaults(20, 40), func() { l, err = ledger.Open(context.Background(), w.path, w.options...) })
	if err != nil && len(fired) > 0 {
		l, err = ledger.Open(context.Background(), w.path, w.options...)
	}
	if err != nil {
		return fmt.Errorf("open (faults %v, strays %q): %w", fired, strays, err)
	}
	w.Ledger = l
	return nil
}

// crash copies the file as it is while a transaction is open, in which no
// checkpoint can run.
func (w *world) crash() error {
	w.files++
	from, to := w.path, filepath.Join(w.dir, fmt.Sprintf("ledger-%d.db", w.files))
	w.path = to
	return w.Ledger.WithTx(context.Background(), func(context.Context, ledger.Tx) error {
		for _, suffix := range []string{"-wal", ""} {
			content, err := os.ReadFile(from + suffix)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			if err := os.WriteFile(to+suffix, content, 0o600); err != nil {
				return err
			}
		}
		return nil
	})
}

// idle waits until the manager has done what comes after an answer.
func (w *world) idle() {
	for end := time.Now().Add(10 * time.Second); w.Ledger.Stats().WriterLabel != "" && time.Now().Before(end); {
		runtime.Gosched()
	}
}

// A clock jumps, mostly a little and sometimes for days, in both directions.
type clock struct {
	at     atomic.Int64 // microseconds
	steady atomic.Bool  // it goes on without jumps
	seed   uint64
	asked  atomic.Uint64
}

func newClock(seed uint64) *clock {
	c := &clock{seed: seed}
	c.at.Store(1_800_000_000_000_000)
	return c
}

func (c *clock) now() time.Time {
	step := int64(1)
	if n := c.asked.Add(1); !c.steady.Load() {
		r := rand.New(rand.NewPCG(c.seed, n))
		step = r.Int64N(2_000_001) - 1_000_000
		if r.IntN(20) == 0 {
			step *= 86_400
		}
	}
	return time.UnixMicro(c.at.Add(step))
}
