package simulate

import (
	"iter"

	"github.com/stakeledger/stakeledger/ingest"
)

// Events returns the rows of a configuration, oldest first but for those that come late. The sequence can
// be ranged over any number of times and gives the same rows each time; it holds the miners in memory, not
// the rows. The error is a *chain.InvalidError for a configuration out of range.
func Events(cfg Config) (iter.Seq[ingest.Row], error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return func(yield func(ingest.Row) bool) {
		g := newGenerator(cfg)
		post := delivery{chance: newChance(cfg.Seed, 4)}
		for made := 0; made < cfg.Events; {
			for _, row := range g.next(made) {
				if made == cfg.Events { // the last extrinsic is cut
					break
				}
				made++
				twice := made < cfg.Events && post.chance.perMille(twicePerMille)
				if twice {
					made++
				}
				if !post.deliver(row, twice, yield) {
					return
				}
			}
		}
		post.deliverRest(yield)
	}, nil
}

// How many rows in a thousand come late, how many come twice, and how many rows may come before them.
const (
	latePerMille  = 10
	twicePerMille = 5
	maxDelay      = 200
)

// delivery yields rows, some of them late or twice.
type delivery struct {
	chance    chance
	delivered int64
	held      []heldRow
}

// heldRow is a row that is yielded after a number of others.
type heldRow struct {
	row ingest.Row
	at  int64
}

// deliver yields a row and those that are due, or holds it back. It returns false
// when yield does.
func (d *delivery) deliver(row ingest.Row, twice bool, yield func(ingest.Row) bool) bool {
	late := d.chance.perMille(latePerMille)
	if late {
		d.hold(row)
	}
	if twice {
		d.hold(row)
	}
	if !late {
		if !yield(row) {
			return false
		}
		d.delivered++
	}
	for i := 0; i < len(d.held); {
		if d.held[i].at > d.delivered {
			i++
			continue
		}
		due := d.held[i].row
		d.held = append(d.held[:i], d.held[i+1:]...)
		if !yield(due) {
			return false
		}
		d.delivered++
	}
	return true
}

func (d *delivery) hold(row ingest.Row) {
	d.held = append(d.held, heldRow{row, d.delivered + d.chance.between(1, maxDelay)})
}

// deliverRest yields what is still held.
func (d *delivery) deliverRest(yield func(ingest.Row) bool) {
	for _, h := range d.held {
		if !yield(h.row) {
			return
		}
	}
}
