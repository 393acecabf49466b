package ingest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stakeledger/stakeledger/chain"
)

// chainForm is an event as the chain emits it, in the words of one of those who write such events down. It is read
// by a chainEvent, since what its fields hold depends on each other.
var chainForm = eventForm{
	names: []string{
		"pallet", "section", "module", "module_id", "method", "full_name", "name", "event", "args", "attributes", "params", "data",
		"extrinsic_index", "extrinsic_idx", "event_idx", "block_num", "block_timestamp", "phase",
	},
}

// stakePallet emits the events of stakes.
const stakePallet = "SubtensorModule"

// stakeMoves stand beside a StakeRemoved and a StakeAdded that sell and buy nothing: they only mark those of their
// extrinsic as transfers.
var stakeMoves = []string{"StakeMoved", "StakeSwapped", "StakeTransferred", "StakeAndHotkeyTransferred"}

// chainEvent is the JSON of the members of an event.
type chainEvent map[string]string

// readChainEvent reads the object that is a row. The one of a nested "event" or "method" counts as a part of it.
func readChainEvent(s *scanner) (chainEvent, error) {
	e := chainEvent{}
	err := s.object(func(name string) error {
		if _, twice := e[name]; twice {
			return wrong(name, errDuplicate)
		}
		raw, err := s.raw()
		if err != nil {
			return wrong(name, err)
		}
		e[name] = raw
		return nil
	})
	if err == nil {
		err = s.end()
	}
	for _, name := range []string{"event", "method"} {
		if err == nil && strings.HasPrefix(e[name], "{") {
			var inner chainEvent
			inner, err = readChainEvent(&scanner{text: e[name]})
			delete(e, name)
			for _, name := range []string{"pallet", "section", "module", "module_id", "name", "method", "event_id", "data", "attributes", "args"} {
				if inner[name] != "" {
					e[name] = inner[name]
				}
			}
		}
	}
	return e, err
}

// field returns the first of some members that is there and not null, as text, and its name.
func (e chainEvent) field(names ...string) (text, name string) {
	for _, name := range names {
		if raw := e[name]; raw != "" && raw != "null" {
			return plainText(raw), name
		}
	}
	return "", names[0]
}

// plainText is the text of a string or a number. A value may stand alone in an array, as the runtime's wrapped types
// are written, or as the "value" of an object.
func plainText(raw string) string {
	s := scanner{text: raw}
	switch s.peek() {
	case '"':
		text, _ := s.string() // was read before
		return text
	case '[':
		if list := elements(raw); len(list) == 1 {
			return plainText(list[0])
		}
	case '{':
		if inner, err := readChainEvent(&s); err == nil && inner["value"] != "" {
			return plainText(inner["value"])
		}
	}
	return raw
}

// elements are the values in a JSON array, nil for something else.
func elements(raw string) (list []string) {
	s := scanner{text: raw}
	_ = s.array(func() error { // was read before
		element, err := s.raw()
		list = append(list, element)
		return err
	})
	return list
}

// what returns the name of the event, empty for one of another pallet.
func (e chainEvent) what() (string, error) {
	pallet, _ := e.field("pallet", "section", "module", "module_id")
	name, field := e.field("name", "method", "event_id", "event", "full_name")
	if before, after, qualified := strings.Cut(name, "."); qualified {
		pallet, name = before, after
	}
	switch {
	case name == "":
		return "", wrong(field, errMissing)
	case pallet == "":
		return "", wrong("pallet", errMissing)
	case !strings.EqualFold(pallet, stakePallet):
		return "", nil
	}
	return name, nil
}

// isStakeMove reports whether an event of the stake pallet only marks others.
func isStakeMove(name string) bool {
	return slices.ContainsFunc(stakeMoves, func(move string) bool { return strings.EqualFold(move, name) })
}

// extrinsic is a place in the chain.
type extrinsic struct{ block, index int64 }

// String is the id of the extrinsic, as Taostats writes it: one extrinsic has one id, whoever wrote the event down.
func (x extrinsic) String() string { return fmt.Sprintf("%d-%04d", x.block, x.index) }

// parseExtrinsic reads such an id, with however many digits.
func parseExtrinsic(id string) (x extrinsic, err error) {
	block, index, _ := strings.Cut(id, "-")
	if x.block, err = parseCount(block); err == nil {
		x.index, err = parseCount(index)
	}
	return x, err
}

// where returns the extrinsic of the event.
func (e chainEvent) where() (x extrinsic, err error) {
	text, field := e.field("block_number", "block_num", "block", "blockNumber")
	if text != "" {
		if x.block, err = parseCount(plainNumber(text)); err != nil {
			return x, wrong(field, err)
		}
	}
	hasBlock := text != ""
	text, field = e.field("extrinsic_id", "extrinsic_index", "extrinsic_idx")
	if text == "" {
		field = "phase"
		for _, name := range []string{"ApplyExtrinsic", "applyExtrinsic"} {
			if phase, err := readChainEvent(&scanner{text: e["phase"]}); err == nil && phase[name] != "" {
				text = plainText(phase[name])
			}
		}
	}
	if text == "" {
		return x, wrong("extrinsic_id", malformed("missing; what happens outside of extrinsics cannot be recorded"))
	}
	hasBoth := strings.Contains(text, "-")
	id := text
	if !hasBoth {
		id = strconv.FormatInt(x.block, 10) + "-" + text
	}
	given := x.block
	x, err = parseExtrinsic(id)
	switch {
	case err != nil:
		return x, wrong(field, &chain.InvalidError{Field: "extrinsic", Value: text, Reason: "want a block and a number, such as 4947436-0014"})
	case !hasBlock && !hasBoth:
		return x, wrong("block_number", errMissing)
	case hasBlock && given != x.block:
		return x, wrong(field, malformed(fmt.Sprintf("%s is not of block %d", chain.Quote(text), given)))
	}
	return x, nil
}

// index returns the number of the event in its block.
func (e chainEvent) index() (int64, error) {
	text, field := e.field("index", "event_idx", "event_index", "id")
	if text == "" {
		return 0, wrong("index", errMissing)
	}
	i := strings.LastIndexByte(text, '-')
	if i < 0 && field == "id" {
		return 0, wrong("index", errMissing)
	}
	n, err := parseCount(text[i+1:])
	if err != nil {
		return 0, wrong(field, err)
	}
	return n, nil
}
