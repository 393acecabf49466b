package damage_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/torture/effort"
	"github.com/stakeledger/stakeledger/torture/process"
)

func TestMain(m *testing.M) { process.Main(m, map[string]process.Role{"attack": attack}) }

// order is what a child is to damage and attack: the cases from First on.
type order struct {
	Template    string
	Folder      string
	Seed        uint64
	First, Last int
	Answers     bool // are told
}

// report is what a child says: what it does next, and what failed.
type report struct {
	Case    int
	Damage  string
	Doing   string
	Answer  string
	Failure string
	Missed  *change // a value that was changed, and no Verify found
}

// recounted reports whether Verify computes a column again from the rest of the ledger.
func recounted(c column) bool {
	switch c.Table {
	case "positions", "trades", "closes":
		return true
	case "miners": // what was said of a miner is said once
		return c.Name != "status" && c.Name != "tracking_start" && c.Name != "registered_at"
	}
	return false
}

// In a child, since a crash of SQLite is a crash of the process.
func TestDamagedLedgers(t *testing.T) {
	seed := effort.Seed(t)
	o := order{Template: makeLedger(t, seed), Folder: t.TempDir(), Seed: seed, Last: effort.Count(40, 5000)}
	if text := os.Getenv("CASE"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("CASE=%q: %v", text, err)
		}
		o.First, o.Last, o.Answers = n, n+1, true
	}
	for o.First < o.Last {
		child := process.Start(t, "attack", o)
		var last, r report
		for child.Next(&r) {
			if r.Failure != "" {
				t.Errorf("SEED=%d CASE=%d: %s\n%s: %s", seed, r.Case, r.Damage, r.Doing, r.Failure)
			}
			if r.Answer != "" {
				t.Logf("%s: %s", r.Doing, r.Answer)
			}
			if r.Missed != nil && recounted(r.Missed.column) {
				t.Errorf("SEED=%d CASE=%d: Verify finds nothing: %s", seed, r.Case, r.Missed)
			}
			last, r = r, report{}
		}
		if o.First = last.Case + 1; last.Doing != "" {
			t.Errorf("SEED=%d CASE=%d: %s\n%s: the process ended", seed, last.Case, last.Damage, last.Doing)
		} else {
			o.First = o.Last
		}
		child.End()
	}
}

// attack is the child.
func attack(parent *process.Parent) error {
	var o order
	if err := parent.Order(&o); err != nil {
		return err
	}
	list, err := events(o.Seed, templateEvents)
	if err != nil {
		return err
	}
	for i := o.First; i < o.Last; i++ {
		c := &attempt{parent: parent, report: report{Case: i}, answers: o.Answers, r: rand.New(rand.NewPCG(o.Seed, uint64(i))), list: list}
		if err := c.run(o); err != nil {
			return fmt.Errorf("case %d: %w", i, err)
		}
	}
	return parent.Say(report{Case: o.Last})
}

// attempt is one damaged file.
type attempt struct {
	parent  *process.Parent
	report  report
	answers bool
	r       *rand.Rand
	list    []ledger.Event
	path    string
	changes []change
}

func (c *attempt) run(o order) (err error) {
	folder, err := os.MkdirTemp(o.Folder, "")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	file, err := os.ReadFile(o.Template)
	if err != nil {
		return err
	}
	c.path = filepath.Join(folder, "ledger.db")
	if err := os.WriteFile(c.path, file, 0o600); err != nil {
		return err
	}
	if c.r.IntN(3) == 0 {
		c.report.Damage, err = spoilBytes(c.r, c.path)
	} else {
		c.report.Damage, c.changes, err = spoilRows(c.r, c.path)
	}
	if err != nil {
		return fmt.Errorf("damage (%s): %w", c.report.Damage, err)
	}
	c.verify()
	if c.r.IntN(3) == 0 {
		c.do("OpenReadOnly", func(ctx context.Context, opts ...ledger.Option) error {
			return c.operate(ctx, ledger.OpenReadOnly, opts, 8)
		})
	}
	c.do("Open", func(ctx context.Context, opts ...ledger.Option) error {
		return c.operate(ctx, ledger.Open, opts, len(operations))
	})
	return nil
}

// operate opens the ledger and runs some of the operations, in any order.
func (c *attempt) operate(ctx context.Context, open func(context.Context, string, ...ledger.Option) (*ledger.Ledger, error), opts []ledger.Option, most int) error {
	effort := &bound{}
	l, err := open(ctx, c.path, append(opts, effort.option())...)
	if err != nil {
		return err
	}
	for _, i := range c.r.Perm(len(operations))[:most] {
		op := operations[i]
		c.do(op.name, func(ctx context.Context, _ ...ledger.Option) error {
			ctx, end := effort.begin(ctx)
			defer end()
			return op.do(ctx, l, c.r, c.list)
		})
	}
	return l.Close(ctx)
}

// verify is the first to look at the file: it must see what was changed.
func (c *attempt) verify() {
	c.do("Verify first", func(ctx context.Context, opts ...ledger.Option) error {
		l, err := ledger.OpenReadOnly(ctx, c.path, opts...)
		if err != nil {
			return err
		}
		found, err := l.Verify(ctx)
		if err == nil && found.Healthy() && len(c.changes) == 1 {
			missed := c.report
			missed.Missed = &c.changes[0]
			_ = c.parent.Say(missed)
		}
		return errors.Join(err, l.Close(ctx))
	})
}

// patience is how long anything may take on a ledger this small, on a machine however busy; what goes on asking the
// database is stopped long before, see bound.
const patience = time.Minute

// do runs something and reports what must not be: a panic, and work that does not end.
func (c *attempt) do(name string, fn func(ctx context.Context, opts ...ledger.Option) error) {
	c.report.Doing = name
	_ = c.parent.Say(c.report)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			c.fail(name, fmt.Sprintf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	err := fn(ctx, ledger.WithClock(clock), ledger.WithBatchSize(1+c.r.IntN(30)), ledger.WithManager(manager.WithReaders(2)))
	switch {
	case errors.Is(err, errEndless), errors.Is(err, context.DeadlineExceeded):
		c.fail(name, err.Error())
	case err != nil && strings.Contains(err.Error(), "panic"):
		c.fail(name, err.Error())
	}
	if c.answers {
		_ = c.parent.Say(report{Case: c.report.Case, Damage: c.report.Damage, Doing: name, Answer: fmt.Sprint(err)})
	}
}

func (c *attempt) fail(name, failure string) {
	failed := c.report
	failed.Doing, failed.Failure = name, failure
	_ = c.parent.Say(failed)
}

var errEndless = errors.New("asks the database again and again, and does not end")

// mostStatements is more than twice what any operation asks of a ledger this small.
const mostStatements = 20_000

// bound ends an operation that asks the database too often. One at a time.
type bound struct {
	asked  atomic.Int64
	cancel atomic.Pointer[context.CancelCauseFunc]
}

func (b *bound) option() ledger.Option {
	return ledger.WithManager(manager.WithTracer(func(ctx context.Context, _ manager.Operation) (context.Context, func(error)) {
		if cancel := b.cancel.Load(); cancel != nil && b.asked.Add(1) == mostStatements {
			(*cancel)(errEndless)
		}
		return ctx, func(error) {}
	}))
}

func (b *bound) begin(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	b.asked.Store(0)
	b.cancel.Store(&cancel)
	return ctx, func() {
		b.cancel.Store(nil)
		cancel(nil)
	}
}
