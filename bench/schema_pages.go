package main

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	_ "modernc.org/sqlite" // has dbstat, which says to which table or index a page belongs

	"github.com/stakeledger/stakeledger/bench/floor"
)

// pagesWritten books operations one by one, so many of each kind for every miner, and tells for each of writtenOps how
// many pages of each table and index a transaction wrote to the log. After some dozen rounds they are those of the long
// run, since pages are split as often as then.
func pagesWritten(ctx context.Context, t *Template, dir string, rounds int) ([]map[string]float64, error) {
	path := filepath.Join(dir, "pages.db")
	if err := t.Copy(path); err != nil {
		return nil, err
	}
	db, err := floor.Open(path, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0", floor.Texts(texts))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	ops := opsOfAll()
	var kinds []int // of the transactions, by their index in writtenOps
	book := func(kind int) error {
		batch := nextOf(ops)
		for i := range batch {
			batch[i].Alpha = 1e9
		}
		kinds = append(kinds, slices.Repeat([]int{kind}, len(batch))...)
		_, err := db.Book(batch, 1)
		return err
	}
	// One position of each miner is never closed: else the pages of the index of open ones would be given to others.
	if err := book(0); err != nil {
		return nil, err
	}
	for _, o := range ops {
		o.n++
	}
	for range rounds {
		if err := errors.Join(book(0), book(1)); err != nil {
			return nil, err
		}
	}
	owners, err := pageOwners(ctx, path, filepath.Join(dir, "owners.db"))
	if err != nil {
		return nil, err
	}
	return countPages(path+"-wal", owners, kinds)
}

// countPages reads a log of transactions of these kinds.
func countPages(path string, owners map[uint32]string, kinds []int) ([]map[string]float64, error) {
	log, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	header := make([]byte, 32) // see https://www.sqlite.org/fileformat2.html#walformat
	if _, err := log.ReadAt(header, 0); err != nil {
		return nil, fmt.Errorf("read the header of %s: %w", path, err)
	}
	size := int64(binary.BigEndian.Uint32(header[8:]))
	written := make([]map[string]float64, len(writtenOps))
	for i := range written {
		written[i] = map[string]float64{}
	}
	transactions, of := 0, make([]float64, len(written))
	for at := int64(32); ; at += 24 + size {
		if n, _ := log.ReadAt(header[:24], at); n < 24 {
			break
		}
		if transactions == len(kinds) {
			return nil, fmt.Errorf("read %s: it has more than %d transactions", path, transactions)
		}
		kind := kinds[transactions]
		written[kind][cmp.Or(owners[binary.BigEndian.Uint32(header)], "free")]++
		if binary.BigEndian.Uint32(header[4:]) > 0 { // the last page of a transaction
			of[kind]++
			transactions++
		}
	}
	for kind, pages := range written {
		for name := range pages {
			pages[name] /= of[kind]
		}
	}
	return written, nil
}

// pageOwners says which table or index each page of a database belongs to. It reads a copy, with a second SQLite: if
// both had one file open, one would drop the locks of the other.
func pageOwners(ctx context.Context, path, copied string) (map[uint32]string, error) {
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(path + suffix)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(copied+suffix, data, 0o600); err != nil {
			return nil, err
		}
	}
	db, err := sql.Open("sqlite", "file:"+copied)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, "SELECT pageno, name FROM dbstat")
	if err != nil {
		return nil, fmt.Errorf("read whose pages are whose: %w", err)
	}
	defer rows.Close()
	owners := map[uint32]string{}
	for rows.Next() {
		var page uint32
		var name string
		if err := rows.Scan(&page, &name); err != nil {
			return nil, err
		}
		owners[page] = name
	}
	return owners, rows.Err()
}
