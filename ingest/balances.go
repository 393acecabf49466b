package ingest

import (
	"strconv"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// ReadBalances reads what stakes hold on the chain, from files that together are one list: Taostats' response of
// stake balances, or JSON objects or CSV with "block_number", "timestamp", "hotkey", "coldkey", "netuid" and "balance",
// rao of alpha, in the same forms as events come in; see the package. Other fields are not looked at. No rows are no
// error.
//
// Errors: an *[Error] that names file, line and field; an *[IncompleteError] when pages are missing, unless
// opts.Partial is set.
func ReadBalances(opts Options, files ...File) ([]ledger.Balance, error) {
	opened, err := openAll(files)
	if err != nil {
		return nil, err
	}
	pages, r := newPageLog(), balanceReader{}
	_, err = readFiles(opened, pages, func(int, *input) rows { return &r })
	if err == nil && !opts.Partial {
		err = incompleteIn(opened, pages)
	}
	if err != nil {
		return nil, err
	}
	return r.rows, nil
}

// balanceReader reads the rows of a list of balances.
type balanceReader struct {
	row     ledger.Balance
	known   addressBook
	columns []*field[balanceReader]
	rows    []ledger.Balance
}

var balanceForm = form[balanceReader]{
	{"block_number", false, (*scanner).number, func(r *balanceReader, s string) (err error) {
		r.row.Block, err = strconv.ParseInt(s, 10, 64)
		if err != nil || r.row.Block < 0 {
			return malformed("want a block's number")
		}
		return nil
	}},
	{"timestamp", false, (*scanner).string, func(r *balanceReader, s string) (err error) {
		r.row.Time, err = chain.ParseTime(s)
		return err
	}},
	{"hotkey", false, (*scanner).account, func(r *balanceReader, s string) (err error) {
		r.row.Hotkey, err = r.known.parse(s)
		return err
	}},
	{"coldkey", false, (*scanner).account, func(r *balanceReader, s string) (err error) {
		r.row.Coldkey, err = r.known.parse(s)
		return err
	}},
	{"netuid", false, (*scanner).number, func(r *balanceReader, s string) (err error) {
		r.row.Netuid, err = chain.ParseNetuid(s)
		return err
	}},
	{"balance", false, (*scanner).rao, func(r *balanceReader, s string) (err error) {
		r.row.Alpha, err = chain.ParseRaoInt(s)
		return err
	}},
}

func (r *balanceReader) object(s *scanner) error {
	r.row = ledger.Balance{}
	if err := balanceForm.readObject(s, r, skipped); err != nil {
		return err
	}
	r.rows = append(r.rows, r.row)
	return nil
}

func (r *balanceReader) header(names []string) (err error) {
	r.columns, err = balanceForm.columns(names, skipped)
	return err
}

func (r *balanceReader) cells(cells []string) error {
	r.row = ledger.Balance{}
	if err := readCells(r.columns, cells, r); err != nil {
		return err
	}
	r.rows = append(r.rows, r.row)
	return nil
}
