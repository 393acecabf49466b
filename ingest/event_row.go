package ingest

import (
	"strconv"
	"strings"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// Row is an event in our own form. Transfer is whether it is a transfer of stake from one account to another, as far
// as that is known; Excluded and IsTransfer are not part of the form.
type Row struct {
	ledger.Event
	Transfer bool
}

// isTransfer are the values that IsTransfer of events points to.
var isTransfer = map[bool]*bool{true: new(true), false: new(false)}

// rowReader fills a row from the texts of its fields.
type rowReader struct {
	row   Row
	known addressBook
}

func (r *rowReader) setColdkey(s string) (err error) {
	r.row.Coldkey, err = r.known.parse(s)
	return err
}

func (r *rowReader) setHotkey(s string) (err error) {
	r.row.Hotkey, err = r.known.parse(s)
	return err
}

// setKind takes our words and the chain's.
func (r *rowReader) setKind(s string) error {
	if kind := chain.EventKind(s); kind.Valid() {
		r.row.Kind = kind
		return nil
	}
	if r.setAction(s) != nil {
		return &chain.InvalidError{Field: "kind", Value: s, Reason: "unknown; want stake, unstake or one of " + actions}
	}
	return nil
}

const actions = "DELEGATE, STAKE_ADDED, UNDELEGATE, STAKE_REMOVED"

// setAction takes the chain's words.
func (r *rowReader) setAction(s string) error {
	switch s {
	case "DELEGATE", "STAKE_ADDED":
		r.row.Kind = chain.Stake
	case "UNDELEGATE", "STAKE_REMOVED":
		r.row.Kind = chain.Unstake
	default:
		return &chain.InvalidError{Field: "action", Value: s, Reason: "unknown; want one of " + actions}
	}
	return nil
}

func (r *rowReader) setNetuid(s string) (err error) {
	r.row.Netuid, err = chain.ParseNetuid(s)
	return err
}

func (r *rowReader) setExtrinsicID(s string) error {
	id, err := chain.ParseExtrinsicID(s)
	r.row.ExtrinsicID = strings.Clone(id) // an event that is kept must not keep its whole line
	return err
}

func (r *rowReader) setEventIndex(s string) (err error) {
	r.row.EventIndex, err = parseCount(s)
	return err
}

// setIndexOfID takes the number that ends the id of a row, which tells apart the events of an extrinsic.
func (r *rowReader) setIndexOfID(s string) error {
	if r.setEventIndex(s[strings.LastIndexByte(s, '-')+1:]) != nil {
		return &chain.InvalidError{Field: "id", Value: s, Reason: "does not end in the number of the event"}
	}
	return nil
}

func (r *rowReader) setBlock(s string) (err error) {
	r.row.Block, err = parseCount(s)
	return err
}

// setTime refuses what the ledger would: a time so early is one that nobody set.
func (r *rowReader) setTime(s string) (err error) {
	if r.row.Time, err = chain.ParseTime(s); err == nil && r.row.Time <= 0 {
		err = &chain.InvalidError{Field: "time", Value: s, Reason: "want a time after 1970-01-01T00:00:00Z"}
	}
	return err
}

func (r *rowReader) setTAO(s string) (err error) {
	r.row.TAO, err = chain.ParseRao(s)
	return err
}

func (r *rowReader) setAlpha(s string) (err error) {
	r.row.Alpha, err = chain.ParseRao(s)
	return err
}

func (r *rowReader) setTAOInRao(s string) (err error) {
	r.row.TAO, err = chain.ParseRaoInt(s)
	return err
}

func (r *rowReader) setAlphaInRao(s string) (err error) {
	r.row.Alpha, err = chain.ParseRaoInt(s)
	return err
}

// setTransfer and those below take the empty text for what is not known.
func (r *rowReader) setTransfer(s string) error {
	switch s {
	case "":
		return nil
	case "true", "false":
	default:
		return &chain.InvalidError{Field: "flag", Value: s, Reason: "want true or false"}
	}
	r.row.Transfer = s == "true"
	r.row.IsTransfer = isTransfer[r.row.Transfer]
	return nil
}

func (r *rowReader) setFee(s string) error { return r.setFeeAs(chain.ParseRao, s) }

func (r *rowReader) setFeeInRao(s string) error { return r.setFeeAs(chain.ParseRaoInt, s) }

func (r *rowReader) setFeeAs(parse func(string) (chain.Rao, error), s string) error {
	if s == "" {
		return nil
	}
	fee, err := parse(s)
	if err != nil {
		return err
	}
	r.row.Fee = &fee
	return nil
}

func (r *rowReader) setUSD(s string) error {
	if s == "" {
		return nil
	}
	usd, err := chain.ParseUSD(strings.Clone(s)) // must not keep its whole line
	if err != nil {
		return err
	}
	r.row.USD = &usd
	return nil
}

// ignore is for fields that our own lists print and that are no part of the event.
func (r *rowReader) ignore(string) error { return nil }

// parseCount reads a block number or an index.
func parseCount(s string) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return 0, &chain.InvalidError{Field: "number", Value: s, Reason: "want a whole number from 0 to 9223372036854775807"}
	}
	return int64(n), nil
}
