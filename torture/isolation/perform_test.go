package isolation_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// A message reports that an operation was called, or how it was answered.
type message struct {
	Client   int    `json:"client"`
	Op       op     `json:"op"`
	Called   int64  `json:"called"`
	Answered int64  `json:"answered,omitempty"` // 0: not yet
	Saw      cells  `json:"saw"`
	Verdict  string `json:"verdict,omitempty"`
	Error    string `json:"error,omitempty"`
	Over     bool   `json:"over,omitempty"` // the process has done what it was told
}

// What an answer means.
const (
	happened = "happened" // also when the closure failed by itself: what it saw counts
	nothing  = "nothing"
	unknown  = "unknown"
	wrong    = "wrong" // an error that nothing in the scenario explains
)

// verdict reads an answer. With faults, an error may come from one of them.
func verdict(o op, err error, faults bool) string {
	switch {
	case o.Stray != "" && !o.Fails && err == nil && o.Stray != settings:
		return wrong // it left a row without its parent
	case o.Stray != "" && errors.Is(err, manager.ErrForeignKey):
		return nothing
	case err == nil && !o.Fails, o.Fails && errors.Is(err, errOwn):
		return happened
	case errors.Is(err, manager.ErrCommitUnknown):
		return unknown
	case o.Cancel != "" && errors.Is(err, context.Canceled), faults && provoked(err):
		return nothing
	}
	return wrong
}

// perform runs one client's script, and reports every call and answer.
func perform(ctx context.Context, c client, id int, script []op, now func() int64, faults bool, tell func(message) error) error {
	for _, o := range script {
		m := message{Client: id, Op: o, Called: now()}
		if err := tell(m); err != nil {
			return err
		}
		var err error
		m.Saw, err = c.do(ctx, o)
		m.Answered = now()
		if m.Verdict = verdict(o, err, faults); err != nil {
			m.Error = err.Error()
		}
		if err := tell(m); err != nil {
			return err
		}
	}
	return nil
}

// A tally counts what histories were made of.
type tally struct {
	histories, operations, nothing, unknown, faults int
	groups                                          uint64
}

func (n tally) String() string {
	return fmt.Sprintf("%d histories of %d operations, %d answered with an error, %d unknown, %d groups, %d faults", n.histories, n.operations, n.nothing, n.unknown, n.groups, n.faults)
}

// A notary builds a history from the messages of clients. It is for one goroutine.
type notary struct {
	t       *testing.T
	history *history
	tally   *tally
	pending map[int]message
}

func newNotary(t *testing.T, start cells, n *tally) *notary {
	n.histories++
	return &notary{t, &history{start: start}, n, map[int]message{}}
}

func (n *notary) hear(m message) {
	if m.Answered == 0 {
		n.pending[m.Client] = m
		return
	}
	delete(n.pending, m.Client)
	n.tally.operations++
	switch m.Verdict {
	case happened, unknown:
		if m.Verdict == unknown {
			n.tally.unknown++
		}
		n.history.add(m.Client, m.Op, outcome{Saw: m.Saw, Unknown: m.Verdict == unknown}, m.Called, m.Answered)
	case nothing:
		n.tally.nothing++
	default:
		n.t.Errorf("%s: unexpected answer: %s", m.Op, m.Error)
	}
}

// close notes the operations without an answer: their process is dead.
func (n *notary) close() *history {
	for _, m := range n.pending {
		n.tally.operations++
		n.tally.unknown++
		n.history.add(m.Client, m.Op, outcome{Unknown: true}, m.Called, 0)
	}
	return n.history
}
