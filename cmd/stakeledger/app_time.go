package main

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
)

// timeWords is the help's text about times.
const timeWords = `2026-01-31T15:04:05Z, 2026-01-31, 2026-01, today, yesterday, or 7d (ago)`

// clockNow is the clock for words such as today; tests replace it.
var clockNow = time.Now

const microsecond = time.Microsecond

// parseMoment reads a time of the ledger: after 1970, as RFC 3339, or a word for its first instant in UTC.
func parseMoment(s string) (chain.Time, error) {
	start, _, err := parsePeriod(s)
	return start, err
}

// parsePeriod reads a word for a span of time in UTC, from its first instant until before that of the next. A time
// of RFC 3339 is a span that ends now, as is one that is so long ago.
func parsePeriod(s string) (from, until chain.Time, err error) {
	start, end, err := wordedPeriod(s)
	if err != nil {
		return 0, 0, err
	}
	if from, err = chain.TimeOf(start.UTC()); err == nil {
		until, err = chain.TimeOf(end.UTC())
	}
	if err == nil && from <= 0 {
		err = fmt.Errorf("%s: want a time after 1970-01-01T00:00:00Z", chain.Quote(s))
	}
	return from, until, err
}

func wordedPeriod(s string) (start, end time.Time, err error) {
	moment := clockNow().UTC().Truncate(time.Microsecond)
	today := moment.Truncate(24 * time.Hour)
	switch s {
	case "now":
		return moment, moment, nil
	case "today":
		return today, today.AddDate(0, 0, 1), nil
	case "yesterday":
		return today.AddDate(0, 0, -1), today, nil
	}
	if ago, ok := parseAgo(s); ok {
		return moment.Add(-ago), moment, nil
	}
	for _, unit := range []struct {
		layout              string
		years, months, days int
	}{{"2006", 1, 0, 0}, {"2006-01", 0, 1, 0}, {"2006-01-02", 0, 0, 1}} {
		if len(s) != len(unit.layout) {
			continue
		}
		if start, err := time.Parse(unit.layout, s); err == nil {
			return start, start.AddDate(unit.years, unit.months, unit.days), nil
		}
	}
	t, err := chain.ParseTime(s)
	if err != nil {
		return start, end, fmt.Errorf("%w; or one of %s", err, timeWords)
	}
	return t.Time(), moment, nil
}

var agoPattern = regexp.MustCompile(`^([0-9]{1,5})([smhdw])$`)

// parseAgo reads 90m, 12h, 7d and 4w.
func parseAgo(s string) (time.Duration, bool) {
	parts := agoPattern.FindStringSubmatch(s)
	if parts == nil {
		return 0, false
	}
	n, _ := strconv.Atoi(parts[1])
	unit := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}[parts[2]]
	return time.Duration(n) * unit, time.Duration(n) <= math.MaxInt64/unit
}

// given are the texts that the span was given as.
func (s timeSpan) given() []string {
	return slices.DeleteFunc([]string{s.from.given(), s.until.given(), s.during.given()}, func(word string) bool { return word == "" })
}

// note is a sentence about the span, if one was given.
func (s timeSpan) note() string {
	if len(s.given()) == 0 {
		return ""
	}
	text := s.spellOut()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// announce prints to standard error which instants words stand for, since a program may read
// standard output.
func (s timeSpan) announce(cmd *cobra.Command) {
	for _, word := range s.given() {
		if _, err := chain.ParseTime(word); err != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", cmd.Name(), s.spellOut())
			return
		}
	}
}

// spellOut is the span's instants, if it was given in words.
func (s timeSpan) spellOut() string {
	var parts []string
	if from := s.start(); from > 0 {
		parts = append(parts, "from "+from.String())
	}
	if until := s.end(); until > 0 {
		parts = append(parts, "until before "+until.String())
	}
	return strings.Join(parts, " ")
}
