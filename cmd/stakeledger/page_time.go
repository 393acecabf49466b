package main

import (
	"slices"
	"time"

	"github.com/stakeledger/stakeledger/chain"
)

const (
	secondsOfDay = 24 * 60 * 60
	hourlyDays   = 8      // up to how many days are divided by the hour
	finePoints   = 1000   // of the curve of all miners, at most
	sharedPoints = 24_000 // of the curves of single miners together, about
)

// timeline is how the page divides the time in which anybody sold. Stretches are numbered from 1970 on, in UTC.
type timeline struct {
	Length  int64        `json:"length"` // of a stretch in seconds: an hour or a day
	Periods []pagePeriod `json:"periods"`
	Fine    []int64      `json:"fine"`   // stretches at whose end the curve of all miners has a point
	Coarse  []int64      `json:"coarse"` // the same of the curve of one miner
}

// pagePeriod is what the page's chooser offers, from a stretch up to another, which is not in it.
type pagePeriod struct {
	Name  string `json:"name"`
	From  int64  `json:"from"`
	Until int64  `json:"until"`
}

// newTimeline divides the time between the first and the last trade; there is none without trades.
func newTimeline(first, last chain.Time, miners int) timeline {
	t := timeline{Length: secondsOfDay}
	if last == 0 {
		return t
	}
	firstDay, lastDay := first.Time().Unix()/secondsOfDay, last.Time().Unix()/secondsOfDay
	if lastDay-firstDay < hourlyDays {
		t.Length = 60 * 60
	}
	t.Periods = newPeriods(firstDay, lastDay)
	for i := range t.Periods {
		t.Periods[i].From *= secondsOfDay / t.Length
		t.Periods[i].Until *= secondsOfDay / t.Length
	}
	t.Fine = t.chartPoints(first, last, finePoints)
	t.Coarse = t.chartPoints(first, last, min(finePoints, max(48, sharedPoints/max(1, miners))))
	return t
}

// curveRange is which of the fine points a period's curves have: those at the end of a stretch of it, and the one
// before, where they begin.
func (t timeline) curveRange(p pagePeriod) (from, until int) {
	from, _ = slices.BinarySearch(t.Fine, p.From-1)
	until, _ = slices.BinarySearch(t.Fine, p.Until)
	return from, until
}

func (t timeline) stretchLength() time.Duration { return time.Duration(t.Length) * time.Second }

// newPeriods is the whole time first, then what is shorter: up to the last day, the years, the last months.
func newPeriods(first, last int64) []pagePeriod {
	list := []pagePeriod{{"All time", first, last + 1}}
	for _, n := range []int64{1, 7, 30, 90, 365} {
		if from := last + 1 - n; from > first {
			list = append(list, pagePeriod{plural(n, "day", "days") + " to " + dayName(last), from, last + 1})
		}
	}
	add := func(layout string, years, months, most int) {
		var parts []pagePeriod
		day := time.Unix(last*secondsOfDay, 0).UTC()
		day = time.Date(day.Year(), time.Month(1+(int(day.Month())-1)*months), 1, 0, 0, 0, 0, time.UTC)
		for len(parts) < most && day.AddDate(years, months, 0).Unix()/secondsOfDay > first {
			parts = append(parts, pagePeriod{day.Format(layout), max(first, day.Unix()/secondsOfDay), min(last+1, day.AddDate(years, months, 0).Unix()/secondsOfDay)})
			day = day.AddDate(-years, -months, 0)
		}
		if len(parts) > 1 {
			list = append(list, parts...)
		}
	}
	add("2006", 1, 0, 4)
	add("2006-01", 0, 1, 12)
	return list
}

func dayName(day int64) string { return time.Unix(day*secondsOfDay, 0).UTC().Format(time.DateOnly) }

// chartPoints are at most so many of the stretches, or few more: the one before the first, at whose end nothing was
// gained yet, where the periods begin and end, the newest of all, and some of the others, evenly.
func (t timeline) chartPoints(first, last chain.Time, most int) []int64 {
	from, to := first.Time().Unix()/t.Length-1, last.Time().Unix()/t.Length
	var list []int64
	if to-from < int64(most) {
		for p := from; p <= to; p++ {
			list = append(list, p)
		}
		return list
	}
	list = append(list, from, to)
	for _, p := range t.Periods {
		list = append(list, max(from, p.From-1), min(to, p.Until-1))
	}
	slices.Sort(list)
	list = slices.Compact(list)
	left := max(2, int64(most-len(list)))
	for p := to - left/2; p < to; p++ {
		list = append(list, p)
	}
	step := (to-from)/(left/2) + 1
	for p := to; p > from; p -= step {
		list = append(list, p)
	}
	slices.Sort(list)
	return slices.Compact(list)
}
