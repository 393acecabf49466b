package manager

import (
	"context"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// A retrier spends one transaction's retry budget. Its clock starts at the
// first busy answer, so that neither queueing nor the closure's own work counts.
type retrier struct {
	env      *env
	label    *label
	op       string
	policy   *backoff.ExponentialBackOff
	attempts int
	began    time.Time
}

func (r *retrier) start() {
	if r.policy != nil {
		return
	}
	r.began = time.Now()
	r.policy = backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(time.Millisecond),
		backoff.WithMultiplier(1.5),
		backoff.WithMaxInterval(5*time.Millisecond),
		backoff.WithRandomizationFactor(0.5),
		backoff.WithMaxElapsedTime(r.env.cfg.retryBudget),
	)
}

// wait sleeps before the next attempt after the busy error err. It returns
// nil when that attempt may be made, ErrBusy when the budget is gone, and the
// context's error when ctx ends first.
func (r *retrier) wait(ctx context.Context, err error) error {
	r.start()
	r.attempts++
	delay := r.policy.NextBackOff()
	if isLost(err) && delay != backoff.Stop {
		delay = max(delay, lostDelay)
	}
	if r.env.cfg.retryBudget <= 0 || delay == backoff.Stop {
		return &Error{Op: r.op, Label: r.label.String(), Attempts: r.attempts, Waited: time.Since(r.began), Kind: ErrBusy, Err: err,
			Detail: busyDetail(err)}
	}
	r.env.stats.retries.Add(1)
	r.env.cfg.logger.Debug("database busy, retrying", slog.String("label", r.label.String()), slog.Int("attempt", r.attempts),
		slog.Duration("delay", delay), slog.Duration("elapsed", time.Since(r.began)), slog.Int("code", resultCode(err)))
	return sleepFor(ctx, delay, r.op, r.label)
}

func busyDetail(err error) string {
	if isLost(err) {
		return "the server could not be reached, or gave the connection up; look at its log, or raise WithRetryBudget"
	}
	return "another process or connection kept the database locked; find it, or raise WithRetryBudget"
}

// lostDelay is the least time between two attempts to reach a server.
const lostDelay = 50 * time.Millisecond

func sleepFor(ctx context.Context, d time.Duration, op string, l *label) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return contextError(ctx, op, "", l.String())
	}
}
