package simulate

import (
	"strconv"
	"time"

	"github.com/stakeledger/stakeledger/chain"
)

// Config says what to make up. Of every field but Seed, zero is the default.
type Config struct {
	Seed       uint64
	Miners     int           // coldkeys; default 100, at most 1,000,000
	Validators int           // hotkeys; default 8, at most 10,000
	Subnets    int           // netuids from 1 to this; default 16, at most 65,535
	Events     int           // rows, those that come twice included; default 10,000
	Start      chain.Time    // of the first block; default 2025-01-01T00:00:00Z
	Span       time.Duration // over which the events spread; default 90 days, at least one block
}

const blockTime = 12 * time.Second

// withDefaults fills in the defaults. The error is a *chain.InvalidError.
func (c Config) withDefaults() (Config, error) {
	for _, n := range []struct {
		name        string
		value       *int
		normal, max int
	}{
		{"miners", &c.Miners, 100, 1_000_000},
		{"validators", &c.Validators, 8, 10_000},
		{"subnets", &c.Subnets, 16, 65_535},
		{"events", &c.Events, 10_000, 1_000_000_000},
	} {
		if *n.value == 0 {
			*n.value = n.normal
		}
		if *n.value < 0 || *n.value > n.max {
			return c, &chain.InvalidError{Field: n.name, Value: strconv.Itoa(*n.value), Reason: "want 1 to " + strconv.Itoa(n.max) + ", or 0 for " + strconv.Itoa(n.normal)}
		}
	}
	if c.Start == 0 {
		c.Start = 1735689600000000
	}
	if c.Span == 0 {
		c.Span = 90 * 24 * time.Hour
	}
	if c.Span < blockTime {
		return c, &chain.InvalidError{Field: "span", Value: c.Span.String(), Reason: "want at least one block, " + blockTime.String()}
	}
	// One second of room for the milliseconds by which a block may be late.
	_, err := chain.TimeOf(c.Start.Add(c.Span).Add(time.Second).Time())
	if c.Start < 0 || err != nil {
		return c, &chain.InvalidError{Field: "start", Value: c.Start.String(), Reason: "want a time after 1970 whose span ends before the year 10000"}
	}
	return c, nil
}
