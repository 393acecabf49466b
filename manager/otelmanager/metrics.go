package otelmanager

import (
	"context"
	"fmt"

	"github.com/stakeledger/stakeledger/manager"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// pageSize is that of every database the manager makes, in bytes.
const pageSize = 4096

// Observe reports a manager's Stats through meter whenever OpenTelemetry
// collects, until stop is called, which should be before the manager is closed.
// The attributes are added to every metric. The error is the meter's.
func Observe(meter metric.Meter, stats func() manager.Stats, attributes ...attribute.KeyValue) (stop func() error, err error) {
	o := observer{meter: meter, stats: stats, with: metric.WithAttributes(append([]attribute.KeyValue{system}, attributes...)...), attributes: attributes}
	o.gauge("sqlite.queue.length", "{writer}", "Writers waiting now.", func(s manager.Stats) int64 { return int64(s.Queue) })
	o.gauge("sqlite.wal.size", "By", "The write-ahead log when it was last looked at.", func(s manager.Stats) int64 { return int64(s.WALFrames) * pageSize })
	o.count("sqlite.commits", "{transaction}", "Write transactions committed.", func(s manager.Stats) int64 { return int64(s.Commits) })
	o.count("sqlite.groups", "{commit}", "Commits made ready for several waiting writers at once.", func(s manager.Stats) int64 { return int64(s.Groups) })
	o.count("sqlite.retries", "{attempt}", "Attempts repeated because the database was busy.", func(s manager.Stats) int64 { return int64(s.Retries) })
	o.count("sqlite.reads", "{transaction}", "Read transactions.", func(s manager.Stats) int64 { return int64(s.Reads) })
	o.count("sqlite.checkpoints", "{checkpoint}", "Checkpoints of the write-ahead log.", func(s manager.Stats) int64 { return int64(s.Checkpoints) })
	o.seconds("sqlite.queue.wait", "Time that writers waited for their turn, summed.", func(s manager.Stats) float64 { return s.QueueWait.Seconds() })
	o.seconds("sqlite.reader.wait", "Time spent waiting for a reader, summed.", func(s manager.Stats) float64 { return s.ReadWait.Seconds() })
	o.queries()
	if o.err != nil {
		return nil, fmt.Errorf("make the metrics of a manager: %w", o.err)
	}
	registration, err := meter.RegisterCallback(o.collect, o.instruments...)
	if err != nil {
		return nil, fmt.Errorf("register the metrics of a manager: %w", err)
	}
	return registration.Unregister, nil
}

// observer collects the instruments, and reads Stats once for all of them.
type observer struct {
	meter       metric.Meter
	stats       func() manager.Stats
	with        metric.MeasurementOption
	attributes  []attribute.KeyValue
	instruments []metric.Observable
	observe     []func(metric.Observer, manager.Stats)
	err         error
}

func (o *observer) gauge(name, unit, about string, value func(manager.Stats) int64) {
	i, err := o.meter.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(about))
	o.add(i, err, func(m metric.Observer, s manager.Stats) { m.ObserveInt64(i, value(s), o.with) })
}

func (o *observer) count(name, unit, about string, value func(manager.Stats) int64) {
	i, err := o.meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(about))
	o.add(i, err, func(m metric.Observer, s manager.Stats) { m.ObserveInt64(i, value(s), o.with) })
}

func (o *observer) seconds(name, about string, value func(manager.Stats) float64) {
	i, err := o.meter.Float64ObservableCounter(name, metric.WithUnit("s"), metric.WithDescription(about))
	o.add(i, err, func(m metric.Observer, s manager.Stats) { m.ObserveFloat64(i, value(s), o.with) })
}

// queries observes the counts by the name of the sqlc query.
func (o *observer) queries() {
	count, err := o.meter.Int64ObservableCounter("sqlite.query.count", metric.WithUnit("{query}"), metric.WithDescription("Uses of an sqlc query."))
	o.add(count, err, nil)
	failed, err := o.meter.Int64ObservableCounter("sqlite.query.errors", metric.WithUnit("{query}"), metric.WithDescription("Uses of an sqlc query that failed."))
	o.add(failed, err, nil)
	elapsed, err := o.meter.Float64ObservableCounter("sqlite.query.time", metric.WithUnit("s"), metric.WithDescription("Time of an sqlc query to the closing of its rows, summed."))
	o.add(elapsed, err, func(m metric.Observer, s manager.Stats) {
		for name, q := range s.Queries {
			of := metric.WithAttributes(append([]attribute.KeyValue{system, attribute.String("db.query.summary", name)}, o.attributes...)...)
			m.ObserveInt64(count, int64(q.Count), of)
			m.ObserveInt64(failed, int64(q.Errors), of)
			m.ObserveFloat64(elapsed, q.Time.Seconds(), of)
		}
	})
}

func (o *observer) add(i metric.Observable, err error, observe func(metric.Observer, manager.Stats)) {
	if err != nil && o.err == nil {
		o.err = err
	}
	o.instruments = append(o.instruments, i)
	if observe != nil {
		o.observe = append(o.observe, observe)
	}
}

func (o *observer) collect(_ context.Context, m metric.Observer) error {
	s := o.stats()
	for _, observe := range o.observe {
		observe(m, s)
	}
	return nil
}
