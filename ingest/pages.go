package ingest

import "strings"

// page is what a page says of itself and the whole that it is a part of. What it does not say is 0.
type page struct {
	file    int // its place among the inputs
	number  int64
	next    int64
	hasNext bool
	items   int64 // in the whole
	pages   int64 // in the whole
	perPage int64
	rows    int64  // in it
	hash    uint64 // of its rows
}

// readPagination reads the object beside the rows of a page. Something else in its place says nothing.
func (d *document) readPagination(p *page) error {
	text, line, err := d.in.value()
	if err != nil {
		return err
	}
	s := scanner{text: text}
	if s.peek() == '{' {
		err = p.read(&s)
	} else if err = s.skip(); err == nil {
		err = s.end()
	}
	if err != nil {
		e := asError(err)
		e.Line = line + strings.Count(text[:s.pos], "\n")
		return e
	}
	return nil
}

func (p *page) read(s *scanner) error {
	var previous int64
	err := s.object(func(name string) error {
		to := map[string]*int64{
			"current_page": &p.number, "next_page": &p.next, "prev_page": &previous,
			"total_items": &p.items, "total_pages": &p.pages, "per_page": &p.perPage,
		}[name]
		if to == nil || s.null() {
			if to == nil {
				return s.skip()
			}
			return nil
		}
		text, err := s.rao()
		if err == nil {
			*to, err = parseCount(text)
		}
		if err != nil && name != "next_page" {
			return wrong(name, err)
		}
		p.hasNext = p.hasNext || name == "next_page"
		return nil
	})
	if err == nil {
		err = s.end()
	}
	switch {
	case p.number > 0:
	case p.next > 1:
		p.number = p.next - 1
	case previous > 0:
		p.number = previous + 1
	}
	return err
}

// last is the number of the last page of the whole, as far as the page knows.
func (p page) last() int64 {
	last := max(p.pages, p.number, p.next)
	if p.pages == 0 && p.items > 0 && p.perPage > 0 {
		last = max(last, (p.items-1)/p.perPage+1)
	}
	if p.hasNext && p.next == 0 { // named by other means than a number
		last = max(last, p.number+1)
	}
	return min(last, maxPageNumber)
}

// maxPageNumber is more than any response has, and not the last number there is.
const maxPageNumber = 1 << 62
