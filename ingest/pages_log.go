package ingest

import (
	"cmp"
	"hash/maphash"
	"slices"
)

// pageLog knows the pages of all inputs that are read together, which may come in any order and spread over files.
type pageLog struct {
	file  int // the place of the input that is being read
	pages []page
	seed  maphash.Seed
}

func newPageLog() *pageLog { return &pageLog{seed: maphash.MakeSeed()} }

// count counts a row of a page; nil stands for a row outside of pages.
func (l *pageLog) count(p *page, text string) {
	if p != nil {
		p.rows++
		p.hash = p.hash*1099511628211 ^ maphash.String(l.seed, text)
	}
}

// add adds a page, unless it says nothing of the whole.
func (l *pageLog) add(p page) {
	beyond := p.rows == 0 && p.pages > 0 && p.number > p.pages // the end
	if beyond || p.number == 0 && p.items == 0 && !p.hasNext {
		return
	}
	p.number = min(max(p.number, 1), maxPageNumber)
	p.file = l.file
	l.pages = append(l.pages, p)
}

// incomplete reports what is missing of the wholes, nil if nothing is. name gives the name of an input.
func (l *pageLog) incomplete(name func(int) string) error {
	slices.SortStableFunc(l.pages, func(a, b page) int {
		return cmp.Or(cmp.Compare(a.perPage, b.perPage), cmp.Compare(a.items, b.items), cmp.Compare(a.number, b.number), cmp.Compare(a.hash, b.hash))
	})
	var parts []series // with something missing
	for from := 0; from < len(l.pages); {
		to := from + 1
		for to < len(l.pages) && l.pages[to].perPage == l.pages[from].perPage && l.pages[to].items == l.pages[from].items {
			to++
		}
		if s := newSeries(l.pages[from:to]); !s.complete() {
			parts = append(parts, s)
		}
		from = to
	}
	var failed IncompleteError
	for len(parts) > 0 {
		whole, rest := grown(parts)
		parts = rest
		if !whole.complete() {
			failed.Series = append(failed.Series, whole.report(name))
		}
	}
	if failed.Series == nil {
		return nil
	}
	return &failed
}

// grown takes the first of the series, with those after it that may be the same one: while it was downloaded a few
// rows were added to the whole, and so its later pages count more of them.
func grown(parts []series) (whole series, rest []series) {
	n := 1
	for n < len(parts) && parts[n].pages[0].perPage == parts[0].pages[0].perPage &&
		parts[n].items-parts[n-1].items <= max(1, parts[0].pages[0].perPage/10) {
		n++
	}
	var pages []page
	for _, s := range parts[:n] {
		pages = append(pages, s.pages...)
	}
	whole = newSeries(pages)
	if whole.complete() || whole.copies == 1 {
		return whole, parts[n:]
	}
	return parts[0], parts[1:]
}
