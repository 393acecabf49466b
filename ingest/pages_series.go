package ingest

import "slices"

// series are pages of one whole.
type series struct {
	pages    []page
	items    int64
	last     int64
	rows     int64
	copies   int // of the whole: how many different pages of one number there are
	have     []PageRange
	missing  []PageRange
	distinct map[int64]int // how many different pages have a number
}

// newSeries looks at pages, in the order of their numbers or not. The same page twice counts once; two pages of
// the same number with other rows are of two wholes, of which each needs all its pages.
func newSeries(pages []page) series {
	s := series{pages: pages, copies: 1, distinct: map[int64]int{}}
	seen := map[[2]uint64]bool{}
	for _, p := range pages {
		s.items, s.last = max(s.items, p.items), max(s.last, p.last())
		if key := [2]uint64{uint64(p.number), p.hash}; !seen[key] {
			seen[key] = true
			s.rows += p.rows
			s.distinct[p.number]++
			s.copies = max(s.copies, s.distinct[p.number])
		}
	}
	numbers := make([]int64, 0, len(s.distinct))
	for number := range s.distinct {
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	next := int64(1)
	for _, number := range numbers {
		s.have = extend(s.have, number, number)
		if s.distinct[number] == s.copies {
			s.missing = extend(s.missing, next, number-1)
			next = number + 1
		}
	}
	s.missing = extend(s.missing, next, s.last)
	return s
}

// extend appends the numbers from one to another, if any, to ranges that end before.
func extend(ranges []PageRange, from, to int64) []PageRange {
	if from > to {
		return ranges
	}
	if n := len(ranges); n > 0 && ranges[n-1].To == from-1 {
		ranges[n-1].To = to
		return ranges
	}
	return append(ranges, PageRange{from, to})
}

// complete reports whether all pages are there, and all rows.
func (s series) complete() bool {
	return len(s.missing) == 0 && s.rows/int64(s.copies) >= s.items-s.spread()
}

// spread is by how much the pages differ in what they say of the number of rows in the whole.
func (s series) spread() int64 {
	least := s.items
	for _, p := range s.pages {
		least = min(least, p.items)
	}
	return s.items - least
}

func (s series) report(name func(int) string) IncompleteSeries {
	r := IncompleteSeries{Have: s.have, Missing: s.missing, Rows: s.rows, TotalRows: s.items}
	files := make([]int, len(s.pages))
	for i, p := range s.pages {
		files[i] = p.file
	}
	slices.Sort(files)
	for _, file := range slices.Compact(files) {
		r.Names = append(r.Names, name(file))
	}
	return r
}
