package ledger

import (
	"encoding/json"
	"fmt"

	"github.com/stakeledger/stakeledger/chain"
)

// Event is a stake or an unstake as it came from the chain. Its key is (Coldkey, ExtrinsicID, EventIndex);
// its contents are Kind, Netuid, Hotkey, Block, Time, TAO and Alpha.
type Event struct {
	Kind        chain.EventKind
	Coldkey     chain.Address // the miner
	Hotkey      chain.Address // the delegate
	Netuid      chain.Netuid
	ExtrinsicID string // 1 to 128 printable ASCII characters
	EventIndex  int64  // >= 0; distinguishes the events of one extrinsic
	Block       int64  // 0: unknown
	Time        chain.Time
	TAO, Alpha  chain.Rao // >= 0 for Apply, > 0 for AddPosition and ProcessClose
	Excluded    bool      // Apply records it as ignored, for the reason excluded, like transfers that the policy excludes

	// Not part of the contents: an event that differs only here is the same event, and the first value given
	// is kept. nil: unknown.
	IsTransfer *bool      // of stake between accounts
	Fee        *chain.Rao // >= 0
	USD        *chain.USD // the value in dollars

	key chain.EventKey // of eventKey, where it was made before; empty: it was not
}

// eventKey is the event's place among those of its miner.
func (e Event) eventKey() chain.EventKey {
	if e.key != "" {
		return e.key
	}
	return chain.NewEventKey(e.Time, e.Block, e.ExtrinsicID, e.EventIndex)
}

// maxTime is the last moment a Time can be written, the end of the year 9999.
const maxTime = chain.Time(253402300799999999)

// Validate checks every value by itself, as Apply does with each event. The error is an *chain.InvalidError
// that names the field as the project's own form does: "coldkey", "tao". A time of 0 is refused: it is a
// field that nobody set.
func (e Event) Validate() error {
	if _, err := chain.ParseAddress(string(e.Coldkey)); err != nil {
		return inField("coldkey", err)
	}
	if _, err := chain.ParseAddress(string(e.Hotkey)); err != nil {
		return inField("hotkey", err)
	}
	return e.validateRest()
}

// validateRest is Validate for an event whose addresses are known to be good.
func (e Event) validateRest() error {
	switch {
	case !e.Kind.Valid():
		return invalid("kind", e.Kind, "want stake or unstake")
	case e.EventIndex < 0:
		return invalid("event_index", e.EventIndex, "is negative")
	case e.Block < 0:
		return invalid("block", e.Block, "is negative; 0 means unknown")
	case e.Time <= 0 || e.Time > maxTime:
		return invalid("time", e.Time, "want a time after 1970-01-01T00:00:00Z and before the year 10000")
	case e.TAO < 0:
		return invalid("tao", e.TAO, "is negative")
	case e.Alpha < 0:
		return invalid("alpha", e.Alpha, "is negative")
	case e.Fee != nil && *e.Fee < 0:
		return invalid("fee", *e.Fee, "is negative")
	}
	if e.USD != nil {
		if _, err := chain.ParseUSD(string(*e.USD)); err != nil {
			return err
		}
	}
	_, err := chain.ParseExtrinsicID(e.ExtrinsicID)
	return inField("extrinsic_id", err)
}

// inField renames the field of a value's error to the event's field.
func inField(field string, err error) error {
	if bad, ok := err.(*chain.InvalidError); ok {
		return &chain.InvalidError{Field: field, Value: bad.Value, Reason: bad.Reason}
	}
	return err
}

// checkedAs validates an event for an operation that takes only one kind, and only events that have an
// effect.
func (e Event) checkedAs(kind chain.EventKind) (Event, error) {
	if e.Kind == "" {
		e.Kind = kind
	}
	if err := e.Validate(); err != nil {
		return e, err
	}
	switch {
	case e.Kind != kind:
		return e, invalid("kind", e.Kind, fmt.Sprintf("want %s", kind))
	case e.Netuid == 0:
		return e, invalid("netuid", e.Netuid, "the root network has no alpha")
	case e.TAO == 0:
		return e, invalid("tao", e.TAO, "want more than 0")
	case e.Alpha == 0:
		return e, invalid("alpha", e.Alpha, "want more than 0")
	case e.Excluded:
		return e, invalid("excluded", e.Excluded, "only Apply records excluded events")
	}
	return e, nil
}

// subject names the event in errors.
func (e Event) subject() string {
	return fmt.Sprintf("%s #%d of %s", e.ExtrinsicID, e.EventIndex, e.Coldkey)
}

// firstDifference describes the first of the contents that the recorded event has otherwise; empty if there is
// none.
func (e Event) firstDifference(r RecordedEvent) string {
	if list := e.conflicts(r); len(list) > 0 {
		return fmt.Sprintf("%s is %s, recorded was %s", list[0].Field, list[0].Rejected, list[0].Recorded)
	}
	return ""
}

// conflicts lists the contents that the recorded event has otherwise.
func (e Event) conflicts(r RecordedEvent) []Conflict {
	list := []Conflict{}
	addConflict(&list, "kind", e.Kind, r.Kind)
	addConflict(&list, "netuid", e.Netuid, r.Netuid)
	addConflict(&list, "hotkey", e.Hotkey, r.Hotkey)
	addConflict(&list, "block", e.Block, r.Block)
	addConflict(&list, "time", e.Time, r.Time)
	addConflict(&list, "tao", e.TAO, r.TAO)
	addConflict(&list, "alpha", e.Alpha, r.Alpha)
	return list
}

func addConflict[T comparable](list *[]Conflict, field string, rejected, recorded T) {
	if rejected != recorded {
		*list = append(*list, Conflict{field, fmt.Sprint(rejected), fmt.Sprint(recorded)})
	}
}

// payload is the event as a line of the project's own JSON format, so that a rejected event can be
// ingested again.
func (e Event) payload() (string, error) {
	text, err := json.Marshal(struct {
		Coldkey     chain.Address   `json:"coldkey"`
		Hotkey      chain.Address   `json:"hotkey"`
		Kind        chain.EventKind `json:"kind"`
		Netuid      chain.Netuid    `json:"netuid"`
		ExtrinsicID string          `json:"extrinsic_id"`
		EventIndex  int64           `json:"event_index"`
		Block       int64           `json:"block"`
		Time        chain.Time      `json:"time"`
		TAO         chain.Rao       `json:"tao"`
		Alpha       chain.Rao       `json:"alpha"`
		Transfer    bool            `json:"transfer"`
	}{e.Coldkey, e.Hotkey, e.Kind, e.Netuid, e.ExtrinsicID, e.EventIndex, e.Block, e.Time, e.TAO, e.Alpha, e.Excluded || e.IsTransfer != nil && *e.IsTransfer})
	return string(text), err
}
