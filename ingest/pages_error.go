package ingest

import (
	"fmt"
	"strconv"
	"strings"
)

// PageRange are the pages from one number to another, both included.
type PageRange struct{ From, To int64 }

// IncompleteSeries says what is missing of one response that came in pages.
type IncompleteSeries struct {
	Names     []string    // of the inputs that hold some of its pages
	Have      []PageRange // the numbers of the pages that are there
	Missing   []PageRange // the numbers of those that are not; none if rows are missing within the pages
	Rows      int64       // how many rows are there
	TotalRows int64       // how many there are in all, as the pages say; 0 if they do not
}

// IncompleteError says that of a response in pages some are missing. What is there was read.
type IncompleteError struct {
	Series []IncompleteSeries // at least one
}

// Error names the inputs, the pages that are there and those that are missing.
func (e *IncompleteError) Error() string {
	const most = 3
	var parts []string
	for i, s := range e.Series {
		if i == most {
			parts = append(parts, fmt.Sprintf("and %d more responses", len(e.Series)-most))
			break
		}
		parts = append(parts, s.String())
	}
	return strings.Join(parts, "; ")
}

// String is the series in one line.
func (s IncompleteSeries) String() string {
	names := make([]string, 0, 3)
	for i, name := range s.Names {
		if i == 2 && len(s.Names) > 3 {
			names = append(names, fmt.Sprintf("%d more", len(s.Names)-i))
			break
		}
		names = append(names, printable(name))
	}
	text := strings.Join(names, ", ") + ": "
	if len(s.Missing) > 0 {
		text += fmt.Sprintf("%s missing, %s there", pageNumbers(s.Missing, "is", "are"), pageNumbers(s.Have, "is", "are"))
	} else {
		text += "rows are missing"
	}
	if s.TotalRows > 0 {
		text += fmt.Sprintf(" (%d of %d rows)", s.Rows, s.TotalRows)
	}
	return text
}

// pageNumbers is the ranges as text, with the verb that fits.
func pageNumbers(ranges []PageRange, one, many string) string {
	const most = 8
	var list []string
	for i, r := range ranges {
		if i == most {
			list = append(list, "…")
			break
		}
		text := strconv.FormatInt(r.From, 10)
		if r.To > r.From {
			text += "-" + strconv.FormatInt(r.To, 10)
		}
		list = append(list, text)
	}
	if len(ranges) == 1 && ranges[0].From == ranges[0].To {
		return "page " + list[0] + " " + one
	}
	return "pages " + strings.Join(list, ", ") + " " + many
}
