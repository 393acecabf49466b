package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
)

// option is a flag whose value is parsed when the command line is, so that a bad value is a usage
// error.
type option[T any] struct {
	kind  string // the name of the value in the help
	parse func(string) (T, error)
	value *T // nil until it is given
	text  string
}

// String is the value as it was given.
func (o *option[T]) String() string { return o.text }

// Type is the name of the value in the help.
func (o *option[T]) Type() string { return o.kind }

// Set parses a value.
func (o *option[T]) Set(text string) error {
	v, err := o.parse(text)
	if err != nil {
		return err
	}
	o.value, o.text = &v, text
	return nil
}

// valueOr is the value, or other if none was given.
func (o *option[T]) valueOr(other T) T {
	if o == nil || o.value == nil {
		return other
	}
	return *o.value
}

// given is the text that was given, or empty.
func (o *option[T]) given() string {
	if o == nil {
		return ""
	}
	return o.text
}

// addOption adds a flag to cmd.
func addOption[T any](cmd *cobra.Command, name, kind, usage string, parse func(string) (T, error)) *option[T] {
	o := &option[T]{kind: kind, parse: parse}
	cmd.Flags().Var(o, name, usage)
	return o
}

// wordOption takes one of a few words, the first of them by default.
func wordOption(words ...string) *option[string] {
	o := &option[string]{kind: strings.Join(words, "|"), value: &words[0], text: words[0]}
	o.parse = func(s string) (string, error) {
		if !slices.Contains(words, s) {
			return "", fmt.Errorf("want %s", strings.Join(words, " or "))
		}
		return s, nil
	}
	return o
}

func addJSON(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("json", false, "print JSON for programs: full addresses, exact amounts, RFC 3339 times")
}

// excludes is the annotation of a flag that names those that cannot be given with it.
const excludes = "stakeledger_excludes"

// markExclusive lets at most one of several flags be given. A variable for one of them gives way to another that is
// given.
func markExclusive(cmd *cobra.Command, flags ...string) {
	for _, flag := range flags {
		f := cmd.Flags().Lookup(flag)
		if f.Annotations == nil {
			f.Annotations = map[string][]string{}
		}
		f.Annotations[excludes] = append(f.Annotations[excludes], flags...)
	}
	before := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		var given []string
		for _, flag := range flags {
			if cmd.Flags().Changed(flag) {
				given = append(given, "--"+flag)
			}
		}
		if len(given) > 1 {
			return usagef("%s exclude each other", strings.Join(given, " and "))
		}
		if before != nil {
			return before(cmd, args)
		}
		return nil
	}
}

// timeSpan is a half-open span of time: from its start, until before its end.
type timeSpan struct {
	from, until *option[chain.Time]
	during      *option[[2]chain.Time]
}

func addSpan(cmd *cobra.Command, what string) timeSpan {
	s := timeSpan{
		from:  addOption(cmd, "from", "TIME", "only those "+what+" at or after this time: "+timeWords, parseMoment),
		until: addOption(cmd, "until", "TIME", "only those "+what+" before this time", parseMoment),
		during: addOption(cmd, "during", "PERIOD", "only those "+what+" in this year, month, day, or since 7d", func(s string) (p [2]chain.Time, err error) {
			p[0], p[1], err = parsePeriod(s)
			return p, err
		}),
	}
	markExclusive(cmd, "during", "from")
	markExclusive(cmd, "during", "until")
	return s
}

// validate refuses a span that ends before it starts.
func (s timeSpan) validate() error {
	if s.from.value != nil && s.until.value != nil && *s.until.value < *s.from.value {
		return usagef("--until %s is before --from %s", s.until, s.from)
	}
	return nil
}

// start is the first instant, 0 if it is unbounded.
func (s timeSpan) start() chain.Time { return s.from.valueOr(s.during.valueOr([2]chain.Time{})[0]) }

// end is the first instant after the span, 0 if it is unbounded.
func (s timeSpan) end() chain.Time { return s.until.valueOr(s.during.valueOr([2]chain.Time{})[1]) }

// narrow leaves of the span what lies in another.
func (s timeSpan) narrow(from, until chain.Time) {
	if s.end() > 0 {
		until = min(until, s.end())
	}
	s.during.value = &[2]chain.Time{max(from, s.start()), until}
}

// last is the last instant of the span, 0 if it is unbounded.
func (s timeSpan) last() chain.Time { return max(0, s.end()-1) }

func (s timeSpan) contains(t chain.Time) bool {
	return t >= s.start() && (s.end() == 0 || t < s.end())
}

func addNetuid(cmd *cobra.Command) *option[chain.Netuid] {
	return addOption(cmd, "netuid", "NETUID", "only those on this subnet", chain.ParseNetuid)
}

// tableRows is how many rows a table has by default. JSON has all rows.
const tableRows = 100

// rowLimit bounds the rows of a list.
type rowLimit struct {
	cmd  *cobra.Command
	rows *option[int64]
}

func addLimit(cmd *cobra.Command) rowLimit {
	return rowLimit{cmd, addOption(cmd, "limit", "ROWS", fmt.Sprintf("rows at most, 0 for all (default %d in a table, all in JSON)", tableRows), parseCount)}
}

// plainFlagError replaces what the flag package says about numbers, which names its functions.
func plainFlagError(err error) error {
	bad, ok := errors.AsType[*strconv.NumError](err)
	if !ok {
		return err
	}
	want := "want a whole number"
	switch bad.Func {
	case "ParseBool":
		want = "want true or false"
	case "ParseUint":
		want += " of 0 or more"
	}
	what, _, _ := strings.Cut(err.Error(), ": strconv.")
	return fmt.Errorf("%s: %s", what, want)
}

func parseCount(s string) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("want a whole number of 0 or more")
	}
	return int64(n), nil
}
