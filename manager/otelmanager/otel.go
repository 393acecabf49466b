// Package otelmanager shows a manager to OpenTelemetry: a span for every transaction
// and every statement, and metrics of the queue, the commits, the reads and the
// write-ahead log. It is a module of its own, so that who does not use it does
// not carry it.
//
//	db, err := manager.Open(ctx, path, read.New, newTx, manager.WithTracer(otelmanager.Tracer(otelmanager.Spans{})))
//	…
//	stop, err := otelmanager.Observe(meter, db.Stats)
//	defer stop()
//
// Names follow OpenTelemetry's conventions for databases where these know the
// thing: db.system.name, db.operation.name, db.query.summary.
package otelmanager

import (
	"context"

	"github.com/stakeledger/stakeledger/manager"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// scope names this instrumentation in what it produces.
const scope = "github.com/stakeledger/stakeledger/manager/otelmanager"

var system = attribute.String("db.system.name", "sqlite")

// Spans sets which spans [Tracer] makes. The zero value is what most programs want.
type Spans struct {
	// Provider makes the spans. Default: OpenTelemetry's global one.
	Provider trace.TracerProvider
	// WithoutStatements leaves out the spans of statements.
	WithoutStatements bool
	// Attributes are added to every span; one that names the database, say.
	Attributes []attribute.KeyValue
}

// Tracer makes the function for [manager.WithTracer]. A transaction's span
// begins with the call, so that it shows the wait for its turn too, and is
// named after its label; a statement's, inside it, after its sqlc query. Where
// a closure ran again, its statements show as often. SQL and arguments are not
// recorded.
func Tracer(s Spans) manager.Tracer {
	if s.Provider == nil {
		s.Provider = otel.GetTracerProvider()
	}
	tracer := s.Provider.Tracer(scope)
	return func(ctx context.Context, op manager.Operation) (context.Context, func(error)) {
		if s.WithoutStatements && op.Kind == manager.OperationStatement {
			return ctx, func(error) {}
		}
		ctx, span := tracer.Start(ctx, spanName(op), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes(op, s.Attributes)...))
		return ctx, func(err error) {
			if err != nil {
				span.RecordError(err)
				span.SetStatus(codes.Error, err.Error())
			}
			span.End()
		}
	}
}

func spanName(op manager.Operation) string {
	switch {
	case op.Kind != manager.OperationStatement:
		return op.Label
	case op.Query != "":
		return op.Query
	}
	return "SQL"
}

func attributes(op manager.Operation, more []attribute.KeyValue) []attribute.KeyValue {
	list := append(make([]attribute.KeyValue, 0, 4+len(more)), system, attribute.String("db.operation.name", string(op.Kind)))
	if op.Kind == manager.OperationStatement {
		list = append(list, attribute.String("db.query.summary", spanName(op)), attribute.String("stakeledger.label", op.Label))
	}
	return append(list, more...)
}
