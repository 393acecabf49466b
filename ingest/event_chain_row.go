package ingest

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stakeledger/stakeledger/chain"
)

// chainObject reads an event of the chain. Those that are no stakes are skipped.
func (r *eventReader) chainObject(s *scanner) error {
	e, err := readChainEvent(s)
	if err != nil {
		return err
	}
	s.pos = 0 // what is wrong from here on is wrong with the whole
	name, err := e.what()
	if err != nil {
		return err
	}
	r.row = Row{}
	switch {
	case isStakeMove(name):
		x, err := e.where()
		r.held.mark(x)
		r.count.others++
		return err
	case strings.EqualFold(name, "StakeAdded"):
		r.row.Kind = chain.Stake
	case strings.EqualFold(name, "StakeRemoved"):
		r.row.Kind = chain.Unstake
	default:
		r.count.others++
		return nil
	}
	if err := r.setChainEvent(e, name); err != nil {
		return err
	}
	r.count.events++
	return r.held.add(r.row)
}

// setChainEvent fills the row.
func (r *eventReader) setChainEvent(e chainEvent, name string) error {
	x, err := e.where()
	if err != nil {
		return err
	}
	r.row.ExtrinsicID, r.row.Block = x.String(), x.block
	if r.row.EventIndex, err = e.index(); err != nil {
		return err
	}
	text, field := e.field("timestamp", "block_timestamp", "time")
	if text == "" {
		return wrong(field, errMissing)
	}
	if err := r.setTime(fromUnix(text)); err != nil {
		return wrong(field, err)
	}
	for _, field := range []string{"args", "data", "params", "attributes"} {
		if e[field] != "" {
			if err := r.setArguments(elements(e[field]), name); err != nil {
				return wrong(field, err)
			}
			return nil
		}
	}
	return wrong("args", errMissing)
}

// fromUnix writes seconds or milliseconds since 1970 as a time; other text is left as it is. Before 100,000,000,000
// they are seconds (until the year 5138), from there on milliseconds (since 1973).
func fromUnix(text string) string {
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return text
	case n < 100_000_000_000:
		return time.Unix(n, 0).UTC().Format(time.RFC3339)
	}
	return time.UnixMilli(n).UTC().Format(time.RFC3339Nano)
}

// setArguments takes what StakeAdded and StakeRemoved have: coldkey, hotkey, TAO, alpha, netuid and, since later,
// the fee.
func (r *eventReader) setArguments(list []string, name string) error {
	if len(list) != 5 && len(list) != 6 {
		return malformed(fmt.Sprintf("%d values; %s has a list of coldkey, hotkey, TAO, alpha, netuid and perhaps a fee (before there were subnet tokens it had others, which cannot be taken in)", len(list), chain.Quote(name)))
	}
	for i, set := range []func(*rowReader, string) error{
		(*rowReader).setColdkeyOfChain, (*rowReader).setHotkeyOfChain, (*rowReader).setTAOInRao, (*rowReader).setAlphaInRao, (*rowReader).setNetuid, (*rowReader).setFeeInRao,
	}[:len(list)] {
		text := plainText(list[i])
		if i >= 2 {
			text = plainNumber(text)
		}
		if err := set(&r.rowReader, text); err != nil {
			return malformed(fmt.Sprintf("value %d: %s", i+1, err))
		}
	}
	return nil
}

// plainNumber writes a number without the commas and the hexadecimal digits that some write it with; other text is
// left as it is.
func plainNumber(text string) string {
	if digits, isHex := strings.CutPrefix(text, "0x"); isHex {
		if n, err := strconv.ParseUint(digits, 16, 64); err == nil {
			return strconv.FormatUint(n, 10)
		}
		return text
	}
	groups := strings.Split(text, ",")
	for i, group := range groups {
		if i > 0 && len(group) != 3 || i == 0 && len(group) > 3 && len(groups) > 1 {
			return text
		}
	}
	return strings.Join(groups, "")
}

func (r *rowReader) setColdkeyOfChain(s string) (err error) {
	r.row.Coldkey, err = r.account(s)
	return err
}

func (r *rowReader) setHotkeyOfChain(s string) (err error) {
	r.row.Hotkey, err = r.account(s)
	return err
}

// account takes an address, or the public key that is behind it in hexadecimal.
func (r *rowReader) account(s string) (chain.Address, error) {
	digits, isHex := strings.CutPrefix(s, "0x")
	if !isHex {
		return r.known.parse(s)
	}
	var key [32]byte
	if n, err := hex.Decode(key[:], []byte(digits[:min(len(digits), 64)])); err != nil || n != len(key) || len(digits) != 64 {
		return "", &chain.InvalidError{Field: "account", Value: s, Reason: "want 0x and the 64 hexadecimal digits of a public key, or an SS58 address"}
	}
	return chain.AddressFromPublicKey(key), nil
}
