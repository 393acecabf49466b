package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
	"github.com/stakeledger/stakeledger/manager"
)

// Divergence is a place where two ledgers differ, with the value of each; empty if a ledger has none.
type Divergence struct {
	Coldkey     chain.Address `json:"coldkey"`      // empty: of the policy or the UIDs
	ExtrinsicID string        `json:"extrinsic_id"` // empty: not of an event
	EventIndex  int64         `json:"event_index"`
	Field       string        `json:"field"`
	Here        string        `json:"here"`
	There       string        `json:"there"`
}

// diffFields names the words of an event's text in queries/read/diff.sql. The closes of a trade come last, each with
// alpha, TAO, cost, gain, duration and whether the minimum of blocks was met, in rao and microseconds. The words
// before the outcome are the event as it was recorded, the others are its result.
var diffFields = []string{
	"kind", "netuid", "hotkey", "block", "time", "tao", "alpha", "mode", "min_blocks", "self_trade",
	"outcome", "reason", "remaining_alpha", "gain", "last_exit_time", "unmatched_alpha", "unmatched_tao", "closes",
}

// Diff calls fn with each difference between two ledgers: their policies, then who holds which UID now, then the miners
// by coldkey. Of a miner it reports that only one ledger has it, that its status or start of tracking differs, or else
// the first event in order that only one ledger has or whose contents or terms differ; if there is none, the first
// event whose result differs. Amounts are in rao, times in microseconds. Ids, archiving, and lists of positions, which
// name ids, are not compared. It reads one snapshot of each ledger. Errors: that of fn, which ends Diff, or one of
// storage.
func (l *Ledger) Diff(ctx context.Context, other *Ledger, fn func(Divergence) error) error {
	return l.db.ReadOnly(ctx, func(ctx context.Context, here *read.Queries) error {
		return other.db.ReadOnly(ctx, func(ctx context.Context, there *read.Queries) error {
			d := diff{here, there, fn}
			if err := d.comparePolicies(ctx); err != nil {
				return err
			}
			if err := d.compareHolders(ctx); err != nil {
				return err
			}
			return d.compareMiners(ctx)
		}, manager.Label("ledger.Diff: the other"))
	}, manager.Label("ledger.Diff"))
}

type diff struct {
	here, there *read.Queries
	found       func(Divergence) error
}

func (d diff) comparePolicies(ctx context.Context) error {
	here, err := readPolicy(ctx, d.here)
	if err != nil {
		return err
	}
	there, err := readPolicy(ctx, d.there)
	if err != nil || here.sameRules(there) {
		return err
	}
	return d.found(Divergence{Field: "policy", Here: here.String(), There: there.String()})
}

func (d diff) compareHolders(ctx context.Context) error {
	text := func(r *read.CurrentHoldersRow) string {
		if r == nil {
			return ""
		}
		return fmt.Sprintf("%s with hotkey %s", r.Coldkey, r.Hotkey)
	}
	return mergePages(currentHolders(ctx, d.here), currentHolders(ctx, d.there), func(a, b read.CurrentHoldersRow) int { return cmp.Compare(a.UID, b.UID) }, func(a, b *read.CurrentHoldersRow) error {
		if text(a) == text(b) {
			return nil
		}
		uid := a
		if uid == nil {
			uid = b
		}
		return d.found(Divergence{Field: fmt.Sprintf("UID %d", uid.UID), Here: text(a), There: text(b)})
	})
}

func (d diff) compareMiners(ctx context.Context) error {
	return mergePages(minersInOrder(ctx, d.here, "", maxPage), minersInOrder(ctx, d.there, "", maxPage), func(a, b Miner) int { return cmp.Compare(a.Coldkey, b.Coldkey) }, func(a, b *Miner) error {
		switch {
		case b == nil:
			return d.found(Divergence{Coldkey: a.Coldkey, Field: "miner", Here: string(a.Status)})
		case a == nil:
			return d.found(Divergence{Coldkey: b.Coldkey, Field: "miner", There: string(b.Status)})
		case a.Status != b.Status:
			if err := d.found(Divergence{Coldkey: a.Coldkey, Field: "status", Here: string(a.Status), There: string(b.Status)}); err != nil {
				return err
			}
		}
		if !equalOptional(a.TrackingStart, b.TrackingStart) {
			return d.found(Divergence{Coldkey: a.Coldkey, Field: "tracking_start", Here: timeText(a.TrackingStart), There: timeText(b.TrackingStart)})
		}
		return d.compareEvents(ctx, *a, *b)
	})
}

func timeText(t *chain.Time) string {
	if t == nil {
		return ""
	}
	return t.String()
}

// compareEvents finds the first event of a miner in which the ledgers differ. It compares the joined texts of many
// events first, and single events only if those differ.
func (d diff) compareEvents(ctx context.Context, here, there Miner) error {
	for after := chain.EventKey(""); ; {
		a, err := d.here.EventsAsText(ctx, read.EventsAsTextParams{MinerID: here.MinerID, AfterKey: after, PageSize: maxPage})
		if err != nil {
			return err
		}
		b, err := d.there.EventsAsText(ctx, read.EventsAsTextParams{MinerID: there.MinerID, AfterKey: after, PageSize: maxPage})
		switch {
		case err != nil:
			return err
		case a != b:
			return d.firstEvent(ctx, here, there, after)
		case a.Events < maxPage && countersOf(here) != countersOf(there):
			return d.firstEvent(ctx, here, there, "")
		case a.Events < maxPage:
			return nil
		case a.LastKey <= after:
			return unorderedRows("events")
		}
		after = a.LastKey
	}
}

// firstEvent reports the first event after a key whose recorded contents differ, or else whose result does.
// Contents come first, since one additional event changes the results of others too.
func (d diff) firstEvent(ctx context.Context, here, there Miner, after chain.EventKey) error {
	texts := func(q *read.Queries, m Miner) iter.Seq2[[]read.EventTextsRow, error] {
		return pages("events", maxPage, after, func(r read.EventTextsRow) chain.EventKey { return r.EventKey }, func(after chain.EventKey) ([]read.EventTextsRow, error) {
			return q.EventTexts(ctx, read.EventTextsParams{MinerID: m.MinerID, AfterKey: after, PageSize: maxPage})
		})
	}
	var result *Divergence
	err := mergePages(texts(d.here, here), texts(d.there, there), func(a, b read.EventTextsRow) int { return cmp.Compare(a.EventKey, b.EventKey) },
		func(a, b *read.EventTextsRow) error {
			found, recorded := firstDivergence(a, b)
			if found.Field == "" {
				return nil
			}
			found.Coldkey = here.Coldkey
			if recorded {
				result = &found
				return errDiverged
			}
			if result == nil {
				result = &found
			}
			return nil
		})
	if err != nil && err != errDiverged {
		return err
	}
	if result == nil {
		result = &Divergence{Coldkey: here.Coldkey, Field: "counters", Here: fmt.Sprint(countersOf(here)), There: fmt.Sprint(countersOf(there))}
	}
	return d.found(*result)
}

// errDiverged ends a merge that has found its answer.
var errDiverged = errors.New("the ledgers differ")

// firstDivergence is the first word in which two events differ, and whether it belongs to what was recorded.
func firstDivergence(a, b *read.EventTextsRow) (d Divergence, recorded bool) {
	switch {
	case b == nil:
		return Divergence{ExtrinsicID: a.ExtrinsicID, EventIndex: a.EventIndex, Field: "event", Here: a.Line}, true
	case a == nil:
		return Divergence{ExtrinsicID: b.ExtrinsicID, EventIndex: b.EventIndex, Field: "event", There: b.Line}, true
	case a.Line == b.Line:
		return Divergence{}, false
	}
	d = Divergence{ExtrinsicID: a.ExtrinsicID, EventIndex: a.EventIndex}
	as, bs := strings.SplitN(a.Line, " ", len(diffFields)), strings.SplitN(b.Line, " ", len(diffFields))
	for i, field := range diffFields {
		if i < len(as) && i < len(bs) && as[i] != bs[i] {
			d.Field, d.Here, d.There = field, as[i], bs[i]
			return d, i < slices.Index(diffFields, "outcome")
		}
	}
	return d, false
}

// mergePages walks two ordered sequences of pages together and calls each with the rows of equal
// order; nil stands for a row that one of them lacks.
func mergePages[T any](here, there iter.Seq2[[]T, error], order func(a, b T) int, each func(a, b *T) error) error {
	next, stop := iter.Pull2(rowsOf(there))
	defer stop()
	b, err, more := next()
	for a, failed := range rowsOf(here) {
		if failed != nil {
			return failed
		}
		for ; more && err == nil && order(*b, *a) < 0; b, err, more = next() {
			if err := each(nil, b); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		match := more && order(*b, *a) == 0
		if !match {
			if err := each(a, nil); err != nil {
				return err
			}
			continue
		}
		if err := each(a, b); err != nil {
			return err
		}
		b, err, more = next()
	}
	for ; more && err == nil; b, err, more = next() {
		if err := each(nil, b); err != nil {
			return err
		}
	}
	return err
}

func rowsOf[T any](pages iter.Seq2[[]T, error]) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for page, err := range pages {
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page {
				if !yield(&page[i], nil) {
					return
				}
			}
		}
	}
}
