package model

import (
	"cmp"
	"math"
	"strconv"
	"strings"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// Ref is the key of an event, and so of its position or trade. Miners are numbers.
type Ref struct {
	Miner     int    `json:"m"`
	Extrinsic string `json:"x"`
	Index     int64  `json:"i,omitempty"`
}

// Event is an event as operations and the model have it.
type Event struct {
	Kind string `json:"k"`
	Ref
	Netuid   uint16 `json:"n"`
	Hotkey   int    `json:"h"`
	Block    int64  `json:"b,omitempty"`
	Time     int64  `json:"t"`
	TAO      int64  `json:"tao"`
	Alpha    int64  `json:"alpha"`
	Excluded bool   `json:"excluded,omitempty"`
}

const (
	stake   = "stake"
	unstake = "unstake"
)

// lastMoment is the end of the year 9999.
const lastMoment = 253402300799999999

// valid is what every event must be; effective is what a direct call requires in addition.
func (e Event) valid() bool {
	return e.Time > 0 && e.Time <= lastMoment && e.TAO >= 0 && e.Alpha >= 0 && e.Block >= 0 && e.Index >= 0 &&
		e.Extrinsic != "" && len(e.Extrinsic) <= 128
}

func (e Event) effective() bool { return e.valid() && e.TAO > 0 && e.Alpha > 0 && e.Netuid > 0 }

// same reports whether two events of one key have the same contents.
func (e Event) same(o Event) bool {
	e.Excluded = o.Excluded
	return e == o
}

// block is the event's block in the order of events: an unknown one is that of the extrinsic, or comes last.
func (e Event) block() uint64 {
	if n, ok := numbers(e.Extrinsic); ok && e.Block == 0 {
		return uint64(n[0])
	}
	if e.Block == 0 {
		return math.MaxUint64
	}
	return uint64(e.Block)
}

// key is how the ledger writes the event's place.
func (e Event) key() chain.EventKey {
	return chain.NewEventKey(chain.Time(e.Time), e.Block, e.Extrinsic, e.Index)
}

// compare is the order of events: time, block, extrinsic, index.
func (e Event) compare(o Event) int {
	return cmp.Or(cmp.Compare(e.Time, o.Time), cmp.Compare(e.block(), o.block()), compareExtrinsics(e.Extrinsic, o.Extrinsic), cmp.Compare(e.Index, o.Index))
}

func (e Event) before(o Event) bool { return e.compare(o) < 0 }

// compareContents decides which of several contents of one place comes first.
func (e Event) compareContents(o Event) int {
	return cmp.Or(cmp.Compare(e.Block, o.Block), cmp.Compare(e.Kind, o.Kind), cmp.Compare(e.Netuid, o.Netuid),
		cmp.Compare(hotkeyOf(e.Hotkey), hotkeyOf(o.Hotkey)), cmp.Compare(e.TAO, o.TAO), cmp.Compare(e.Alpha, o.Alpha))
}

// compareExtrinsics compares ids of the form number-number as numbers and all others
// as text. Those come after.
func compareExtrinsics(a, b string) int {
	an, aok := numbers(a)
	bn, bok := numbers(b)
	switch {
	case aok && bok:
		return cmp.Or(cmp.Compare(an[0], bn[0]), cmp.Compare(an[1], bn[1]), cmp.Compare(a, b))
	case aok:
		return -1
	case bok:
		return 1
	}
	return cmp.Compare(a, b)
}

func numbers(extrinsic string) (n [2]int64, ok bool) {
	first, second, ok := strings.Cut(extrinsic, "-")
	if !ok {
		return n, false
	}
	var err1, err2 error
	n[0], err1 = strconv.ParseInt(first, 10, 64)
	n[1], err2 = strconv.ParseInt(second, 10, 64)
	return n, err1 == nil && err2 == nil && n[1] >= 0
}

// ColdkeyOf is the coldkey of a miner by its number.
func ColdkeyOf(miner int) chain.Address { return chain.AddressFromPublicKey([32]byte{1, byte(miner)}) }

// hotkeyOf is what events name; hotkeyOfUID is what a miner is registered with.
func hotkeyOf(n int) chain.Address    { return chain.AddressFromPublicKey([32]byte{2, byte(n)}) }
func hotkeyOfUID(n int) chain.Address { return chain.AddressFromPublicKey([32]byte{3, byte(n)}) }

// asLedger is the event as the ledger takes it.
func (e Event) asLedger() ledger.Event {
	return ledger.Event{
		Kind: chain.EventKind(e.Kind), Coldkey: ColdkeyOf(e.Miner), Hotkey: hotkeyOf(e.Hotkey), Netuid: chain.Netuid(e.Netuid),
		ExtrinsicID: e.Extrinsic, EventIndex: e.Index, Block: e.Block, Time: chain.Time(e.Time),
		TAO: chain.Rao(e.TAO), Alpha: chain.Rao(e.Alpha), Excluded: e.Excluded,
	}
}

// Op is one operation: its kind and what that kind reads.
type Op struct {
	Do     string `json:"do"` // register, ensure, status, deregister, stake, unstake, apply, archive, rebuild, replay, sync, snapshot, snapshots
	Miner  int    `json:"miner,omitempty"`
	UID    bool   `json:"uid,omitempty"`    // register, ensure: with a UID that no other miner ever has
	Status string `json:"status,omitempty"` // status

	Events     []Event `json:"events,omitempty"` // stake and unstake: the one; apply: the input
	Mode       string  `json:"mode,omitempty"`
	MinBlocks  *int64  `json:"min_blocks,omitempty"`
	Policy     string  `json:"policy,omitempty"`
	List       []Ref   `json:"list,omitempty"`
	NoRegister bool    `json:"no_register,omitempty"`
	LeaveLate  bool    `json:"leave_late,omitempty"` // apply
	Tracking   int64   `json:"tracking,omitempty"`   // register, ensure, apply

	Before int64 `json:"before,omitempty"` // archive
	Rows   int   `json:"rows,omitempty"`   // archive

	Miners []int `json:"miners,omitempty"` // sync: who holds a UID, each the one of its number
	At     int64 `json:"at,omitempty"`     // snapshot, snapshots
	Window int64 `json:"window,omitempty"` // snapshot, snapshots
}

// inputs are those of an unstake.
type inputs struct {
	mode, policy string
	minBlocks    int64
	list         []Ref // nil: none given
}

func (o Op) inputs() inputs {
	in := inputs{mode: o.Mode, policy: o.Policy, minBlocks: 360, list: o.List}
	if in.mode == "" {
		in.mode = "strict"
	}
	if o.Do == "apply" {
		in.mode = "lenient"
	}
	if in.policy == "" {
		in.policy = "zero"
	}
	if o.MinBlocks != nil {
		in.minBlocks = *o.MinBlocks
	}
	return in
}
