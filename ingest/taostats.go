package ingest

import (
	"io"
	"strings"

	"github.com/stakeledger/stakeledger/chain"
)

// responseForm is a row of a delegation response; what else it has is ignored.
var responseForm = form{
	{"id", false, (*scanner).string, (*rowReader).setIndexOfID},
	{"block_number", false, (*scanner).number, (*rowReader).setBlock},
	{"timestamp", false, (*scanner).string, (*rowReader).setTime},
	{"action", false, (*scanner).string, (*rowReader).setAction},
	{"nominator", false, (*scanner).account, (*rowReader).setColdkey},
	{"delegate", false, (*scanner).account, (*rowReader).setHotkey},
	{"amount", false, (*scanner).rao, (*rowReader).setTAOInRao},
	{"alpha", false, (*scanner).rao, (*rowReader).setAlphaInRao},
	{"netuid", false, (*scanner).number, (*rowReader).setNetuid},
	{"extrinsic_id", false, (*scanner).string, (*rowReader).setExtrinsicID},
	{"is_transfer", true, (*scanner).booleanOrNull, (*rowReader).setTransfer},
}

// readResponse reads a delegation response of Taostats, or the bare array of its rows.
func readResponse(in *input, take func(Row) bool) error {
	first, err := in.peekByte()
	if err != nil {
		return err
	}
	if first == '[' {
		err = readResponseRows(in, take)
	} else {
		err = readResponseObject(in, take)
	}
	if err != nil {
		return err
	}
	switch _, err := in.nextByte(); err {
	case io.EOF:
		return nil
	case nil:
		return malformed("text after the end of the response; want one response in one input")
	default:
		return err
	}
}

// readResponseObject reads the object around the rows; everything but "data" is skipped.
func readResponseObject(in *input, take func(Row) bool) error {
	hasData := false
	err := in.members('{', '}', func() error {
		name, err := in.memberName()
		switch {
		case err != nil:
			return err
		case name != "data":
			return in.skipValue()
		case hasData:
			return wrong(name, errDuplicate)
		}
		hasData = true
		return readResponseRows(in, take)
	})
	if err == nil && !hasData {
		err = wrong("data", errMissing)
	}
	return err
}

func readResponseRows(in *input, take func(Row) bool) error {
	var r rowReader
	return in.members('[', ']', func() error {
		value, line, err := in.value()
		if err != nil {
			return err
		}
		s := scanner{text: value}
		if err := r.readObject(&s, responseForm, false); err != nil {
			e := asError(err)
			e.Line = line + strings.Count(value[:s.pos], "\n")
			return e
		}
		if !take(r.row) {
			return errStopped
		}
		return nil
	})
}

// account reads an object with an address in it as "ss58", and returns that.
func (s *scanner) account() (address string, err error) {
	found := false
	err = s.object(func(name string) error {
		if name != "ss58" {
			return s.skip()
		}
		if found {
			return malformed("ss58 given twice")
		}
		found = true
		address, err = s.string()
		return err
	})
	if err == nil && !found {
		err = malformed("no ss58 in it")
	}
	return address, err
}

// rao reads an amount in whole rao, which is exact as a string and as a number.
func (s *scanner) rao() (string, error) {
	if s.peek() == '"' {
		return s.string()
	}
	return s.number()
}

// booleanOrNull takes null for false.
func (s *scanner) booleanOrNull() (string, error) {
	if s.null() {
		return "false", nil
	}
	return s.boolean()
}

func (r *rowReader) setTAOInRao(s string) (err error) {
	r.row.TAO, err = chain.ParseRaoInt(s)
	return err
}

func (r *rowReader) setAlphaInRao(s string) (err error) {
	r.row.Alpha, err = chain.ParseRaoInt(s)
	return err
}

// setIndexOfID takes the number that ends the id of a row, which tells apart the events of an extrinsic.
func (r *rowReader) setIndexOfID(s string) error {
	if r.setEventIndex(s[strings.LastIndexByte(s, '-')+1:]) != nil {
		return &chain.InvalidError{Field: "id", Value: s, Reason: "does not end in the number of the event"}
	}
	return nil
}
