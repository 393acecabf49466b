package isolation_test

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// checkTime bounds the search for an order. If it is not enough, the test fails.
const checkTime = 2 * time.Minute

// A history is the operations of all clients between two quiet moments. It is
// safe for concurrent use.
type history struct {
	start cells // what the database held before
	mu    sync.Mutex
	list  []porcupine.Operation
}

// unanswered is the time of an answer that never comes.
const unanswered = math.MaxInt64

// add notes an operation that was called and answered at these moments.
func (h *history) add(client int, o op, out outcome, called, answered int64) {
	if out.Unknown {
		if o.leavesNothing() {
			return // it constrains nothing, and each such operation doubles the search
		}
		answered = unanswered
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, porcupine.Operation{ClientId: client, Input: o, Output: out, Call: called, Return: answered})
}

// model is the database as a single thread would see it.
func (h *history) model() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return h.start },
		Step: func(state, input, output any) (bool, any) {
			sees, leaves := input.(op).apply(state.(cells))
			out := output.(outcome)
			return out.Unknown || out.Saw == sees, leaves
		},
		Equal: func(a, b any) bool { return a.(cells) == b.(cells) },
		Hash:  func(a any) uint64 { return a.(cells).hash() },
		DescribeOperation: func(input, output any) string {
			if output.(outcome).Unknown {
				return fmt.Sprint(input.(op), " → unknown")
			}
			return fmt.Sprintf("%s → %+v", input.(op), output.(outcome).Saw)
		},
		DescribeState: func(state any) string { return fmt.Sprintf("%+v", state.(cells)) },
	}
}

// check looks for an order of the operations that explains all of them.
func (h *history) check() porcupine.CheckResult {
	return porcupine.CheckOperationsTimeout(h.model(), h.decisive(), checkTime)
}

// decisive leaves out operations that were not answered and whose name is not in
// the logs of the last look: they may have come after it, and each of them would
// double the search.
func (h *history) decisive() []porcupine.Operation {
	if len(h.list) == 0 {
		return nil
	}
	last := slices.MaxFunc(h.list, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	if last.Input.(op).Kind != look {
		return h.list
	}
	logs := last.Output.(outcome).Saw.Logs
	return slices.DeleteFunc(slices.Clone(h.list), func(o porcupine.Operation) bool {
		in := o.Input.(op)
		return o.Output.(outcome).Unknown && (in.Kind == note || in.Kind == nest) &&
			!slices.Contains(strings.Fields(logs[in.Cell]), in.Name)
	})
}

// mustHold fails the test if there is no such order, or if none was found in time.
// It then writes a drawing of the history.
func (h *history) mustHold(t *testing.T, name string) {
	t.Helper()
	began := time.Now()
	switch h.check() {
	case porcupine.Ok:
		if took := time.Since(began); took > checkTime/3 {
			t.Logf("%s: %d operations took %s to check", name, len(h.list), took)
		}
		return
	case porcupine.Unknown:
		t.Errorf("%s: %d operations are undecided after %s", name, len(h.list), checkTime)
	default:
		t.Errorf("%s: no order of the %d operations explains what they saw", name, len(h.list))
	}
	_, info := porcupine.CheckOperationsVerbose(h.model(), h.decisive(), checkTime)
	path := filepath.Join(os.TempDir(), fmt.Sprintf("isolation-%d.html", time.Now().UnixNano()))
	if err := porcupine.VisualizePath(h.model(), info, path); err == nil {
		t.Logf("the history is drawn in %s", path)
	}
}
