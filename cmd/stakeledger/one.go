package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

func newPosition(a *app) *cobra.Command {
	return newOne(a, "position", "what was sold of it", 1, readPosition)
}

func newTrade(a *app) *cobra.Command {
	return newOne(a, "trade", "the positions that it closed", 2, readTrade)
}

// newOne is the command that prints one position or trade with its closes.
func newOne[T interface{ write(io.Writer) error }](a *app, what, closes string, example int64, read func(context.Context, *ledger.Ledger, int64) (T, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use:   what + " ID",
		Short: "Print one " + what + " with its closes",
		Long: fmt.Sprintf(`Print one %s, archived or not, with its event and its closes: %s.
The id is the one that lists print.`, what, closes),
		Example: fmt.Sprintf("  stakeledger %s %d\n  stakeledger %[1]s %[2]d --json", what, example),
		Args:    exactArgs(1, false),
	}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := parseID(args[0])
		if err != nil {
			return usagef("%s %s: %w", what, chain.Quote(args[0]), err)
		}
		return a.withList(cmd, func(ctx context.Context, l *ledger.Ledger) error {
			one, err := read(ctx, l, id)
			if errors.Is(err, ledger.ErrNotFound) {
				return fmt.Errorf("%w; stakeledger %ss --archived lists their ids", err, what)
			}
			if err != nil {
				return err
			}
			if *asJSON {
				return writeObject(cmd.OutOrStdout(), one)
			}
			return one.write(cmd.OutOrStdout())
		})
	}
	return cmd
}

// onePosition is a position with its event and closes.
type onePosition struct {
	positionRow
	Event    eventRow    `json:"event"`
	ClosedBy []closeLine `json:"closed_by"`
}

// oneTrade is a trade with its event and closes.
type oneTrade struct {
	tradeRow
	Event  eventRow    `json:"event"`
	Closed []closeLine `json:"closed"`
}

func readPosition(ctx context.Context, l *ledger.Ledger, id int64) (one onePosition, err error) {
	p, err := l.Position(ctx, id)
	if err != nil {
		return one, err
	}
	m, event, err := readEvent(ctx, l, p.MinerID, id)
	if err != nil {
		return one, err
	}
	closes, err := closesOf(ctx, l, m, p)
	return onePosition{newPositionRow(m, p), event, closes}, err
}

// closesOf are the closes of a position.
func closesOf(ctx context.Context, l *ledger.Ledger, m ledger.Miner, p ledger.Position) ([]closeLine, error) {
	lines := []closeLine{}
	for c, err := range allPages(func(page ledger.Page[ledger.Close]) ([]ledger.Close, error) {
		return l.ClosesOfPosition(ctx, p.PositionID, page)
	}) {
		if err != nil {
			return nil, err
		}
		t, err := l.Trade(ctx, c.TradeID)
		if err != nil {
			return nil, err
		}
		lines = append(lines, newCloseLine(m, listedClose(c, t, p)))
	}
	return lines, nil
}

func readTrade(ctx context.Context, l *ledger.Ledger, id int64) (one oneTrade, err error) {
	t, err := l.Trade(ctx, id)
	if err != nil {
		return one, err
	}
	m, event, err := readEvent(ctx, l, t.MinerID, id)
	if err != nil {
		return one, err
	}
	sums, err := sumCloses(ctx, l, []ledger.Trade{t})
	if err != nil {
		return one, err
	}
	one = oneTrade{newTradeRow(m, t, sumsOf(t, sums)), event, []closeLine{}}
	for c, err := range allPages(func(page ledger.Page[ledger.Close]) ([]ledger.Close, error) { return l.ClosesOfTrade(ctx, id, page) }) {
		if err != nil {
			return one, err
		}
		p, err := l.Position(ctx, c.PositionID)
		if err != nil {
			return one, err
		}
		one.Closed = append(one.Closed, newCloseLine(m, listedClose(c, t, p)))
	}
	return one, nil
}

func readEvent(ctx context.Context, l *ledger.Ledger, minerID, eventID int64) (ledger.Miner, eventRow, error) {
	m, err := l.Miner(ctx, minerID)
	if err != nil {
		return m, eventRow{}, err
	}
	e, err := l.Event(ctx, eventID)
	return m, newEventRow(m, e), err
}

// listedClose is a close in the form of a miner's list.
func listedClose(c ledger.Close, t ledger.Trade, p ledger.Position) ledger.ListedClose {
	return ledger.ListedClose{
		TradeID: c.TradeID, Step: c.Step, PositionID: c.PositionID, MinerID: c.MinerID, EventKey: c.EventKey, Netuid: t.Netuid, Hotkey: t.Hotkey,
		ExtrinsicID: t.ExtrinsicID, EventIndex: t.EventIndex, ExitBlock: t.ExitBlock, ExitTime: t.ExitTime, EntryBlock: p.EntryBlock,
		EntryTime: p.EntryTime, Alpha: c.Alpha, TAO: c.TAO, Cost: c.Cost, RawGain: c.RawGain, Gain: c.Gain, DurationUs: c.DurationUs,
		MinBlocksMet: c.MinBlocksMet, SelfTrade: c.SelfTrade, ArchiveRun: t.ArchiveRun,
	}
}

func (p onePosition) write(w io.Writer) error {
	f := textFields{}
	f.add("position", fmt.Sprint(p.PositionID), string(p.Status), archivedText(p.Archived))
	f.add("miner", string(p.Coldkey))
	f.add("subnet", p.Netuid.String(), "hotkey "+string(p.Hotkey))
	f.add("entered", p.EntryTime.String(), blockText(p.EntryBlock), "extrinsic "+p.ExtrinsicID, fmt.Sprintf("index %d", p.EventIndex))
	f.add("paid", p.EntryTAO.String()+" TAO for "+p.EntryAlpha.String()+" alpha")
	f.add("left", p.RemainingAlpha.String()+" alpha")
	f.add("gain that counts", p.GainTAO.String()+" TAO")
	return f.writeWith(w, p.Event, p.ClosedBy)
}

func (t oneTrade) write(w io.Writer) error {
	f := textFields{}
	f.add("trade", fmt.Sprint(t.TradeID), archivedText(t.Archived))
	f.add("miner", string(t.Coldkey))
	f.add("subnet", t.Netuid.String(), "hotkey "+string(t.Hotkey))
	f.add("sold", t.ExitTime.String(), blockText(t.ExitBlock), "extrinsic "+t.ExtrinsicID, fmt.Sprintf("index %d", t.EventIndex))
	f.add("for", t.ExitTAO.String()+" TAO", t.ExitAlpha.String()+" alpha")
	if t.UnmatchedAlpha > 0 {
		f.add("without position", t.UnmatchedAlpha.String()+" alpha for "+t.UnmatchedTAO.String()+" TAO")
	}
	if t.GainTAO != nil {
		f.add("gain that counts", t.GainTAO.String()+" TAO", "raw "+t.RawGainTAO.String())
	}
	return f.writeWith(w, t.Event, t.Closed)
}

// textFields are lines of a name and a value.
type textFields struct{ strings.Builder }

func (f *textFields) add(name string, values ...string) {
	var said []string
	for _, v := range values {
		if v != "" {
			said = append(said, v)
		}
	}
	fmt.Fprintf(f, "%-16s  %s\n", name, escapeControls(strings.Join(said, ", ")))
}

// writeWith prints the lines, what else is known of the event, and the closes.
func (f *textFields) writeWith(w io.Writer, e eventRow, closes []closeLine) error {
	if e.OutOfOrder {
		f.add("late", "it came after a later event was handled")
	}
	if e.USD != nil {
		f.add("in dollars", string(*e.USD))
	}
	if err := writeText(w, f.String()); err != nil {
		return err
	}
	t := newTableOf(closeHeader)
	for _, c := range closes {
		t.add(c.cells()...)
	}
	return writeSection(w, "Closes", t, len(closes), "")
}

func archivedText(archived bool) string {
	if archived {
		return "archived"
	}
	return ""
}

func blockText(block int64) string {
	if block == 0 {
		return "block unknown"
	}
	return fmt.Sprintf("block %d", block)
}
