package ingest

import (
	"fmt"
	"slices"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// ReadMetagraph reads the UIDs of a subnet, with the hotkey and coldkey of each, from files that together are one
// metagraph: JSON objects or CSV with "uid", "hotkey" and "coldkey", or Taostats' metagraph response, in the same
// forms as events come in; see the package. Other fields are not looked at, but for "netuid": a metagraph is of one
// subnet. No rows are no error.
//
// Errors: an *[Error] that names file, line and field; an *[IncompleteError] when pages are missing, unless
// opts.Partial is set.
func ReadMetagraph(opts Options, files ...File) ([]ledger.MetagraphRow, error) {
	opened, err := openAll(files)
	if err != nil {
		return nil, err
	}
	pages := newPageLog()
	r := metagraphReader{uids: map[chain.UID]place{}, hotkeys: map[chain.Address]place{}}
	_, err = readFiles(opened, pages, func(file int, in *input) rows {
		r.in, r.at = in, place{name: opened[file].name}
		return &r
	})
	if err == nil && !opts.Partial {
		err = incompleteIn(opened, pages)
	}
	if err != nil {
		return nil, err
	}
	return r.rows, nil
}

// place is where a row was found.
type place struct {
	name string
	line int
}

func (p place) String() string { return fmt.Sprintf("%s:%d", printable(p.name), p.line) }

// metagraphReader reads the rows of a metagraph.
type metagraphReader struct {
	row       ledger.MetagraphRow
	netuid    chain.Netuid
	hasNetuid bool
	known     addressBook
	columns   []*field[metagraphReader]

	in      *input
	at      place
	rows    []ledger.MetagraphRow
	uids    map[chain.UID]place
	hotkeys map[chain.Address]place
	subnet  chain.Netuid // of the rows before
	named   *place       // which named it
}

var metagraphForm = form[metagraphReader]{
	{"uid", false, (*scanner).number, func(r *metagraphReader, s string) (err error) {
		r.row.UID, err = chain.ParseUID(s)
		return err
	}},
	{"hotkey", false, (*scanner).account, func(r *metagraphReader, s string) (err error) {
		r.row.Hotkey, err = r.known.parse(s)
		return err
	}},
	{"coldkey", false, (*scanner).account, func(r *metagraphReader, s string) (err error) {
		r.row.Coldkey, err = r.known.parse(s)
		return err
	}},
	{"netuid", true, (*scanner).number, func(r *metagraphReader, s string) (err error) {
		r.hasNetuid = true
		r.netuid, err = chain.ParseNetuid(s)
		return err
	}},
}

func (r *metagraphReader) object(s *scanner) error {
	r.row, r.hasNetuid = ledger.MetagraphRow{}, false
	if err := metagraphForm.readObject(s, r, skipped); err != nil {
		return err
	}
	return r.add()
}

func (r *metagraphReader) header(names []string) (err error) {
	r.columns, err = metagraphForm.columns(names, skipped)
	return err
}

func (r *metagraphReader) cells(cells []string) error {
	r.row, r.hasNetuid = ledger.MetagraphRow{}, false
	if err := readCells(r.columns, cells, r); err != nil {
		return err
	}
	return r.add()
}

// add checks the row against those before it.
func (r *metagraphReader) add() error {
	at := place{r.at.name, r.in.line}
	if r.hasNetuid {
		if r.named != nil && r.subnet != r.netuid {
			return wrong("netuid", malformed(fmt.Sprintf("%s, but %s in %s; a metagraph is of one subnet", r.netuid, r.subnet, r.named)))
		}
		r.subnet, r.named = r.netuid, &at
	}
	if first, twice := r.uids[r.row.UID]; twice {
		if slices.Contains(r.rows, r.row) {
			return nil // of a page that was given twice
		}
		return wrong("uid", malformed(fmt.Sprintf("%s stands in %s already", r.row.UID, first)))
	}
	if first, twice := r.hotkeys[r.row.Hotkey]; twice {
		return wrong("hotkey", malformed(fmt.Sprintf("%s stands in %s already", r.row.Hotkey, first)))
	}
	r.uids[r.row.UID], r.hotkeys[r.row.Hotkey] = at, at
	r.rows = append(r.rows, r.row)
	return nil
}
