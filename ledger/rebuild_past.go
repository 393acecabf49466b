package ledger

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/dbgen/read"
)

// past is the miner's state before the first event of a replay. What the events from there on closed is undone in
// memory; other positions are read when a trade needs them. The past of a replay of all events is empty.
type past struct {
	q        *read.Queries // nil: all events are replayed
	minerID  int64
	before   chain.EventKey // key of the first event
	recorded minerRows      // the rows as recorded: those after before, and older positions that were read
	progress map[chain.Netuid]readProgress
}

// readProgress is the key up to which the open positions of a subnet have been
// read, or all.
type readProgress struct {
	key chain.EventKey
	all bool
}

// readPast reads the rows from an event on, and undoes them: the book holds the older positions that they touched,
// as they were before.
func readPast(ctx context.Context, q *read.Queries, m Miner, from chain.EventKey) (p *past, b *book, err error) {
	p = &past{minerID: m.MinerID, before: from, recorded: newMinerRows(), progress: map[chain.Netuid]readProgress{}}
	b = newBook(p)
	after := chain.EventKey("")
	if from != "" {
		p.q = q
		if after, err = q.KeyBefore(ctx, m.MinerID, from); err != nil {
			return nil, nil, err
		}
	}
	if err := p.recorded.readAll(ctx, q, m.MinerID, after); err != nil || from == "" {
		return p, b, err
	}
	return p, b, p.undoCloses(ctx, b)
}

// undoCloses restores the older positions that the closes took from.
func (p *past) undoCloses(ctx context.Context, b *book) error {
	touched := map[int64]bool{}
	for _, c := range p.recorded.closes {
		if _, ok := p.recorded.positions[c.PositionID]; !ok {
			touched[c.PositionID] = true
		}
	}
	ids := make([]int64, 0, len(touched))
	for id := range touched {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	was := map[int64]*Position{}
	for part := range slices.Chunk(ids, maxPage) {
		rows, err := p.q.ListedPositions(ctx, idList(part))
		if err != nil {
			return err
		}
		for _, row := range rows {
			p.recorded.positions[row.PositionID] = row
			was[row.PositionID] = &row
		}
	}
	for _, c := range p.recorded.closes {
		if of := was[c.PositionID]; of != nil {
			of.RemainingAlpha += c.Alpha
			of.Gain -= c.Gain
		}
	}
	for _, of := range was {
		of.ArchiveRun, of.ClosedAt, of.LastExitTime, of.Status = nil, nil, nil, chain.PositionOpen
		if of.RemainingAlpha < of.EntryAlpha {
			exit, err := p.q.LastExitBefore(ctx, of.PositionID, p.before)
			if err != nil {
				return nameMissing(err, "rebuild", "the close of position %d before %s", of.PositionID, p.before)
			}
			of.Status, of.LastExitTime = chain.PositionPartial, &exit
		}
		b.addPosition(*of)
	}
	b.sortLists()
	return nil
}

// undoneCounters is what the undone rows had added to the counters.
func (p *past) undoneCounters(events []RecordedEvent) counters {
	var c counters
	for _, e := range events {
		if e.Reason != nil && *e.Reason == chain.NoOpenPosition {
			c.unmatchedAlpha += e.Alpha
			c.unmatchedTAO += e.TAO
		}
	}
	for _, of := range p.recorded.positions {
		if of.EventKey >= p.before {
			c.positions++
			c.openPositions++
			c.entryTAO += of.EntryTAO
			c.entryAlpha += of.EntryAlpha
		}
		if of.RemainingAlpha == 0 { // by one of the trades
			c.openPositions--
		}
	}
	for _, t := range p.recorded.trades {
		c.trades++
		c.unmatchedAlpha += t.UnmatchedAlpha
		c.unmatchedTAO += t.UnmatchedTAO
	}
	for _, close := range p.recorded.closes {
		c.closes++
		c.closedAlpha += close.Alpha
		c.exitTAO += close.TAO
		c.rawGain += close.RawGain
		c.gain += close.Gain
		if close.MinBlocksMet {
			c.countedCloses++
			c.countedDurations += close.DurationUs
			c.winningCloses += zeroOrOne(close.Gain > 0)
		}
	}
	return c
}

// latestHandled is the key of the last event before the replay, and the time of the last one that
// was applied.
func (p *past) latestHandled(ctx context.Context) (key *chain.EventKey, lastActive *chain.Time, err error) {
	if p.q == nil {
		return nil, nil, nil
	}
	k, err := p.q.LatestKey(ctx, p.minerID, p.before)
	if errors.Is(err, ErrNotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	at, err := p.q.LastActive(ctx, p.minerID, p.before)
	if errors.Is(err, ErrNotFound) {
		return &k, nil, nil
	}
	return &k, &at, err
}

// readNextOpen adds the next open positions of a subnet to the book. It reports whether there may be more.
func (p *past) readNextOpen(ctx context.Context, b *book, netuid chain.Netuid) (bool, error) {
	at := p.progress[netuid]
	if p.q == nil || at.all {
		return false, nil
	}
	const size = 256
	page, err := p.q.OpenBetween(ctx, read.OpenBetweenParams{MinerID: p.minerID, Netuid: netuid, AfterKey: at.key, BeforeKey: p.before, PageSize: size})
	if err != nil {
		return false, err
	}
	at.all = len(page) < size
	if len(page) > 0 {
		if last := page[len(page)-1].EventKey; last > at.key {
			at.key = last
		} else {
			return false, unorderedRows("open positions")
		}
	}
	p.progress[netuid] = at
	p.addToBook(b, page)
	return true, nil
}

// isReadUpTo reports whether the book holds every open position of a subnet up to a key.
func (p *past) isReadUpTo(netuid chain.Netuid, key chain.EventKey) bool {
	at := p.progress[netuid]
	return p.q == nil || at.all || key <= at.key
}

// readOwn adds the open positions that a trade's own extrinsic opened to the
// book.
func (p *past) readOwn(ctx context.Context, b *book, e Event) error {
	if p.q == nil {
		return nil
	}
	own, err := p.q.SelfTradeCandidates(ctx, read.SelfTradeCandidatesParams{MinerID: p.minerID, ExtrinsicID: e.ExtrinsicID, Netuid: e.Netuid, BeforeKey: p.before})
	if err != nil || len(own) == 0 {
		return err
	}
	ids := make([]int64, len(own))
	for i, c := range own {
		ids[i] = c.PositionID
	}
	return p.readListed(ctx, b, ids)
}

// readListed adds to the book those positions of a list that were opened before the replay.
func (p *past) readListed(ctx context.Context, b *book, ids []int64) error {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return b.positions[id] != nil })
	if p.q == nil || len(ids) == 0 {
		return nil
	}
	rows, err := p.q.ListedPositions(ctx, idList(ids))
	if err != nil {
		return err
	}
	p.addToBook(b, slices.DeleteFunc(rows, func(row Position) bool { return row.EventKey >= p.before }))
	return nil
}

// addToBook adds positions that the replay has not touched yet to the book.
func (p *past) addToBook(b *book, rows []Position) {
	for _, row := range rows {
		if b.positions[row.PositionID] == nil {
			p.recorded.positions[row.PositionID] = row
			b.addPosition(row)
		}
	}
	b.sortLists()
}

// book holds a miner's positions while its events are replayed, each list first in, first out.
type book struct {
	past       *past
	positions  map[int64]*Position
	open       map[chain.Netuid][]*Position // without the closed ones at its beginning
	extrinsics map[string][]*Position
}

func newBook(p *past) *book {
	return &book{past: p, positions: map[int64]*Position{}, open: map[chain.Netuid][]*Position{}, extrinsics: map[string][]*Position{}}
}

// addPosition puts a position at the end of its lists, which is its place if the replay opens it; see
// sortLists.
func (b *book) addPosition(p Position) {
	b.positions[p.PositionID] = &p
	b.open[p.Netuid] = append(b.open[p.Netuid], &p)
	b.extrinsics[p.ExtrinsicID] = append(b.extrinsics[p.ExtrinsicID], &p)
}

// sortLists puts all lists in order after positions of the past were added.
func (b *book) sortLists() {
	inOrder := func(x, y *Position) int { return cmp.Compare(x.EventKey, y.EventKey) }
	for _, list := range b.open {
		slices.SortFunc(list, inOrder)
	}
	for _, list := range b.extrinsics {
		slices.SortFunc(list, inOrder)
	}
}

// candidates returns what gatherCandidates does, from the book, and why parts of an explicit list cannot be
// honoured.
func (b *book) candidates(ctx context.Context, e Event, terms closeTerms) (candidates []candidate, missed []string, err error) {
	if terms.listed {
		if err := b.past.readListed(ctx, b, terms.list); err != nil {
			return nil, nil, err
		}
		listed, missed := b.listedCandidates(e, terms)
		return ownOrAll(listed, e), missed, nil
	}
	if err := b.past.readOwn(ctx, b, e); err != nil {
		return nil, nil, err
	}
	key := e.eventKey()
	for _, p := range b.extrinsics[e.ExtrinsicID] {
		if cannotClose(*p, e, key) == "" {
			candidates = append(candidates, candidateOf(*p))
		}
	}
	if len(candidates) == 0 {
		candidates, err = b.fifoCandidates(ctx, e, key)
	}
	return candidates, nil, err
}

// fifoCandidates are the first open positions of a subnet, as many as cover the
// trade.
func (b *book) fifoCandidates(ctx context.Context, e Event, key chain.EventKey) (candidates []candidate, err error) {
	left := e.Alpha
	for i := 0; left > 0; i++ {
		for more := true; more && (i >= len(b.open[e.Netuid]) || !b.past.isReadUpTo(e.Netuid, b.open[e.Netuid][i].EventKey)); {
			if more, err = b.past.readNextOpen(ctx, b, e.Netuid); err != nil {
				return nil, err
			}
		}
		open := b.open[e.Netuid]
		if i >= len(open) {
			break
		}
		if i == 0 && open[0].Status == chain.PositionClosed {
			b.open[e.Netuid] = open[1:]
			i--
			continue
		}
		if p := open[i]; cannotClose(*p, e, key) == "" {
			candidates = append(candidates, candidateOf(*p))
			left -= min(left, p.RemainingAlpha)
		}
	}
	return candidates, nil
}
