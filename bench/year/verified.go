package main

import (
	"context"
	"fmt"
	"time"

	"github.com/stakeledger/stakeledger/ledger"
)

// Verified is what Verify looked at, and how fast.
type Verified struct {
	ledger.VerifyReport
	Took      time.Duration `json:"took_ns"`
	PerSecond float64       `json:"events_per_second"`
}

// verify verifies a ledger. The error is Verify's, or the first difference.
func verify(ctx context.Context, l *ledger.Ledger, show *progress) (v Verified, err error) {
	began := time.Now()
	v.VerifyReport, err = l.Verify(ctx, ledger.OnVerified(func(p ledger.VerifyProgress) {
		show.show("verify: "+string(p.Phase), p.Done, p.Total)
	}))
	v.Took = time.Since(began)
	v.PerSecond = float64(v.Events) / v.Took.Seconds()
	if err == nil && !v.Healthy() {
		err = fmt.Errorf("verify: %d differences, the first: %v", v.Found, v.Differences[0])
	}
	return v, err
}

func (v Verified) String() string {
	return fmt.Sprintf("Verify: %d differences in %d events, %d positions, %d trades and %d closes; %s, %.0f events/s",
		v.Found, v.Events, v.Positions, v.Trades, v.Closes, v.Took.Round(10*time.Millisecond), v.PerSecond)
}
