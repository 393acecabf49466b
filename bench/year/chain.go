package main

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// start is when the simulated time begins; a block takes 12 seconds.
const (
	start      chain.Time = 1_735_689_600_000_000 // 2025-01-01
	startBlock            = 4_600_000
	blockTime             = 12 * time.Second
)

// simulated is a subnet's metagraph and what its miners trade elsewhere.
type simulated struct {
	*rand.Rand
	subnets   int
	rows      []ledger.MetagraphRow
	accounts  int // coldkeys and hotkeys that were handed out
	open      map[holding]chain.Rao
	late      []ledger.Event // held back until the next hour
	seen      []ledger.Event // of the last hour, some come again
	extrinsic int
}

type holding struct {
	coldkey chain.Address
	netuid  chain.Netuid
}

func newSimulated(s Settings) *simulated {
	c := &simulated{Rand: rand.New(rand.NewPCG(s.Seed, 0)), subnets: s.Subnets, open: map[holding]chain.Rao{}}
	for uid := range s.Miners {
		c.rows = append(c.rows, ledger.MetagraphRow{UID: chain.UID(uid), Hotkey: c.account(), Coldkey: c.account()})
	}
	return c
}

// account returns a new address.
func (c *simulated) account() chain.Address {
	c.accounts++
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], uint64(c.accounts))
	return chain.AddressFromPublicKey(key)
}

// turn makes the changes of one hour to the metagraph: three miners a day lose
// their UID to new ones, one returns with another UID, hotkeys change, and UIDs
// are swapped.
func (c *simulated) turn() {
	row := func() *ledger.MetagraphRow { return &c.rows[c.IntN(len(c.rows))] }
	if c.IntN(8) == 0 {
		r := row()
		r.Hotkey, r.Coldkey = c.account(), c.account()
	}
	if c.IntN(24) == 0 { // the miner of one UID takes another too, whose miner goes
		a, b := row(), row()
		a.Coldkey = b.Coldkey
	}
	if c.IntN(24) == 0 {
		row().Hotkey = c.account()
	}
	if c.IntN(12) == 0 {
		a, b := row(), row()
		a.Hotkey, b.Hotkey = b.Hotkey, a.Hotkey
		a.Coldkey, b.Coldkey = b.Coldkey, a.Coldkey
	}
}

// hour returns the events seen in an hour: n new ones but for a few that are held
// back until the next hour, those that were held back before, and a twentieth of
// the last hour's once more, since requests overlap.
func (c *simulated) hour(hour, n int) []ledger.Event {
	list := c.late
	c.late = nil
	for _, e := range c.seen {
		if c.IntN(20) == 0 {
			list = append(list, e)
		}
	}
	c.seen = c.seen[:0]
	for i := range n {
		at := time.Duration(hour)*time.Hour + time.Duration(i)*time.Hour/time.Duration(n)
		e := c.event(at)
		c.seen = append(c.seen, e)
		if c.IntN(200) == 0 {
			c.late = append(c.late, e)
		} else {
			list = append(list, e)
		}
	}
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 { // newest first
		list[i], list[j] = list[j], list[i]
	}
	return list
}

// event is a stake or, if enough is open, an unstake of a part or of all.
func (c *simulated) event(at time.Duration) ledger.Event {
	c.extrinsic++
	block := startBlock + int64(at/blockTime)
	r := c.rows[c.IntN(len(c.rows))]
	e := ledger.Event{
		Kind: chain.Stake, Coldkey: r.Coldkey, Hotkey: r.Hotkey, Netuid: chain.Netuid(1 + c.IntN(c.subnets)),
		ExtrinsicID: fmt.Sprintf("%d-%04d", block, c.extrinsic%10_000), Block: block, Time: start.Add(at),
		TAO: 1_000_000 + chain.Rao(c.Int64N(50_000_000_000)), Excluded: c.IntN(100) == 0,
	}
	price := .02 + .03*c.Float64()
	at1 := holding{e.Coldkey, e.Netuid}
	held := c.open[at1]
	if held > 0 && c.IntN(100) < 48 {
		e.Kind, e.EventIndex = chain.Unstake, 1
		switch c.IntN(4) {
		case 0:
			e.Alpha = held
		case 1:
			e.Alpha = held + held/100 + 1 // emissions with it
		default:
			e.Alpha = 1 + chain.Rao(c.Int64N(int64(held)))
		}
		e.TAO = 1 + chain.Rao(float64(e.Alpha)*price)
		if !e.Excluded {
			c.open[at1] = max(0, held-e.Alpha)
		}
		return e
	}
	e.Alpha = 1 + chain.Rao(float64(e.TAO)/price)
	if !e.Excluded {
		c.open[at1] = held + e.Alpha
	}
	return e
}

func sequence(events []ledger.Event) iter.Seq2[ledger.Event, error] {
	return func(yield func(ledger.Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}
