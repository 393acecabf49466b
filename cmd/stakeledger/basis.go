package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// staleAfter is the age of the newest event from which on a terminal gets a notice.
const staleAfter = 24 * time.Hour

// markedError means that printed figures are preliminary, since miners wait for
// a replay.
type markedError struct{ miners int64 }

func (e *markedError) Error() string {
	return "the figures of " + plural(e.miners, "miner", "miners") + " wait for a replay, since events came late; stakeledger rebuild --marked replays them"
}

// staleError means that printed figures are older than the user allows.
type staleError struct{ text string }

func (e *staleError) Error() string { return e.text }

// checkBasis returns, after figures were printed, markedError if they are preliminary. On a terminal it prints a
// notice if they are old.
func checkBasis(cmd *cobra.Command, b ledger.Basis, now time.Time) error {
	if text := newestEventAge(b.NewestEvent, now, staleAfter); text != "" && isTerminal(cmd.ErrOrStderr()) {
		fmt.Fprintln(cmd.ErrOrStderr(), text)
	}
	if len(b.Marked) > 0 {
		return &markedError{int64(len(b.Marked))}
	}
	return nil
}

// newestEventAge says how old the newest event is if that is more than most.
func newestEventAge(newest *chain.Time, now time.Time, most time.Duration) string {
	if newest == nil {
		return ""
	}
	if old := now.Sub(newest.Time()); old > most {
		return fmt.Sprintf("the newest event is of %s UTC, %s ago", newest.Time().Format(minute), heldFor(old.Microseconds()))
	}
	return ""
}

// policyText describes the policy behind figures.
func policyText(p ledger.Policy) string {
	text := fmt.Sprintf("Policy: %s at least, self-trades %s, transfers %s, scores over %s.",
		plural(p.MinBlocks, "block", "blocks"), p.SelfTrade, p.Transfers, plural(int64(p.LookbackDays), "day", "days"))
	if p.Mixed {
		text += "\nSome events were handled under another; stakeledger rebuild --all --policy re-evaluates them."
	}
	return text
}
