package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ingest"
	"github.com/stakeledger/stakeledger/ledger"
)

// shownRejected bounds how many rejected events a summary lists.
const shownRejected = 20

// ingestResult is the outcome of an input.
type ingestResult struct {
	Inputs []ingest.Count `json:"inputs"`
	ledger.Summary
	New  []rejectedKey `json:"rejected_events"` // rejected now and never before, bounded
	more bool          // there are more of them
}

// rejectedKey names a rejected event, and the recorded values in conflict with
// it.
type rejectedKey struct {
	Coldkey     chain.Address     `json:"coldkey"`
	ExtrinsicID string            `json:"extrinsic_id"`
	EventIndex  int64             `json:"event_index"`
	Reason      string            `json:"reason"`
	Conflicts   []ledger.Conflict `json:"conflicts"`
}

// write prints the summary: a line, and one more for each thing that a reader may have to look into.
func (r ingestResult) write(w io.Writer, name string) error {
	var b strings.Builder
	ignored, why := countReasons(r.Ignored)
	rejected, whyNot := countReasons(r.Rejected)
	fmt.Fprintf(&b, "%s: %s: %d applied, %s, %d ignored, %d rejected\n", escapeControls(name), plural(r.Events, "event", "events"),
		r.Applied, plural(r.Duplicates, "duplicate", "duplicates"), ignored, rejected)
	line := func(name, text string) { fmt.Fprintf(&b, "  %-12s %s\n", name, text) }
	if r.RegisteredMiners > 0 {
		line("registered", plural(r.RegisteredMiners, "miner", "miners"))
	}
	if r.OutOfOrder > 0 {
		line("out of order", plural(r.OutOfOrder, "event", "events")+" older than one applied before")
	}
	if r.Resumed > 0 {
		line("resumed", plural(r.Resumed, "event", "events")+" of an input that had been interrupted")
	}
	if ignored > 0 {
		line("ignored", why)
	}
	if rejected > 0 {
		line("rejected", whyNot)
	}
	for _, e := range r.New {
		fmt.Fprintf(&b, "    %s  %s #%d  %s\n", escapeControls(string(e.Coldkey)), cutText(e.ExtrinsicID, 13), e.EventIndex, escapeControls(e.Reason))
		for _, c := range e.Conflicts {
			fmt.Fprintf(&b, "      %s %s, on record %s\n", c.Field, escapeControls(c.Rejected), escapeControls(c.Recorded))
		}
	}
	if r.more || int64(len(r.New)) < rejected {
		b.WriteString("    stakeledger rejected lists all\n")
	}
	return writeText(w, b.String())
}

// rejectionError is the error for rejected events, unless all rejected events are acknowledged. Events of unknown
// miners do not count: they disappear once the miner is registered and the event ingested.
func (r ingestResult) rejectionError(ctx context.Context, l *ledger.Ledger) error {
	rejected, _ := countReasons(r.Rejected)
	if rejected -= r.Rejected[ledger.UnknownMiner]; rejected == 0 {
		return nil
	}
	for e, err := range rejectedAfter(ctx, l, 0) {
		if err != nil {
			return err
		}
		if e.AcknowledgedAt == nil && e.Reason != string(ledger.UnknownMiner) {
			return &rejectedError{rejected}
		}
	}
	return nil
}

// countReasons is the sum over the reasons, and a text with the number of each.
func countReasons[R ~string](byReason map[R]int64) (total int64, text string) {
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(byReason)) {
		total += byReason[reason]
		parts = append(parts, fmt.Sprintf("%s %d", reason, byReason[reason]))
	}
	return total, strings.Join(parts, ", ")
}

// lastRejected is the id of the latest rejected event, 0 if there is none.
func lastRejected(ctx context.Context, l *ledger.Ledger) (id int64, err error) {
	for r, err := range rejectedAfter(ctx, l, 0) {
		if err != nil {
			return 0, err
		}
		id = r.RejectedID
	}
	return id, nil
}

// rejectedSince lists the first rejected events after an id, and tells whether there are more.
func rejectedSince(ctx context.Context, l *ledger.Ledger, after int64) (keys []rejectedKey, more bool, err error) {
	keys = []rejectedKey{}
	for r, err := range rejectedAfter(ctx, l, after) {
		if err != nil {
			return nil, false, err
		}
		if len(keys) == shownRejected {
			return keys, true, nil
		}
		conflicts, err := conflictsOf(ctx, l, r)
		if err != nil {
			return nil, false, err
		}
		keys = append(keys, rejectedKey{r.Coldkey, r.ExtrinsicID, r.EventIndex, r.Reason, conflicts})
	}
	return keys, false, nil
}

func rejectedAfter(ctx context.Context, l *ledger.Ledger, after int64) iter.Seq2[ledger.RejectedEvent, error] {
	return allPages(func(p ledger.Page[ledger.RejectedEvent]) ([]ledger.RejectedEvent, error) {
		if p.After == nil && after > 0 {
			p.After = &ledger.RejectedEvent{RejectedID: after}
		}
		return l.RejectedEvents(ctx, "", p)
	})
}
