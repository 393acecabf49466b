package otelmanager_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/otelmanager"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// A query set of the form that sqlc generates.
type queries struct{ db manager.DBTX }

func newQueries(db manager.DBTX) queries { return queries{db} }

func (q queries) addNote(ctx context.Context, title string) error {
	_, err := q.db.ExecContext(ctx, "-- name: AddNote :exec\nINSERT INTO notes (title) VALUES (?)", title)
	return err
}

func open(t *testing.T, opts ...manager.Option) *manager.DB[queries, queries] {
	t.Helper()
	create := manager.WithMigration(func(ctx context.Context, db *sql.DB) error {
		_, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS notes (title TEXT NOT NULL UNIQUE)")
		return err
	})
	db, err := manager.Open(t.Context(), filepath.Join(t.TempDir(), "notes.db"), newQueries, newQueries, append(opts, create)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestSpansOfTransactionsAndStatements(t *testing.T) {
	for _, c := range []struct {
		name  string
		spans otelmanager.Spans
		want  []string
	}{
		{"all", otelmanager.Spans{}, []string{"AddNote in add", "add in ", "AddNote! in again", "again! in "}},
		{"without statements", otelmanager.Spans{WithoutStatements: true}, []string{"add in ", "again! in "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			recorder := tracetest.NewSpanRecorder()
			c.spans.Provider = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
			db := open(t, manager.WithTracer(otelmanager.Tracer(c.spans)))
			add := func(ctx context.Context, tx queries) error { return tx.addNote(ctx, "a") }
			if err := db.WithTx(t.Context(), add, manager.Label("add")); err != nil {
				t.Fatal(err)
			}
			if err := db.WithTx(t.Context(), add, manager.Label("again")); !errors.Is(err, manager.ErrUnique) {
				t.Fatalf("got %v, want ErrUnique", err)
			}
			if got := lines(recorder.Ended()); !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// lines say of each span its name, a ! where it failed, and its parent's name.
func lines(spans []sdktrace.ReadOnlySpan) (list []string) {
	names := map[string]string{}
	for _, s := range spans {
		names[s.SpanContext().SpanID().String()] = s.Name()
	}
	for _, s := range spans {
		mark := map[bool]string{true: "!"}[s.Status().Code == codes.Error]
		list = append(list, s.Name()+mark+" in "+names[s.Parent().SpanID().String()])
	}
	return list
}

func TestMetricsFollowStats(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	meter := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)).Meter("test")
	db := open(t)
	stop, err := otelmanager.Observe(meter, db.Stats)
	if err != nil {
		t.Fatal(err)
	}
	for _, title := range []string{"a", "b"} {
		if err := db.WithTx(t.Context(), func(ctx context.Context, tx queries) error { return tx.addNote(ctx, title) }); err != nil {
			t.Fatal(err)
		}
	}
	got := sums(t, reader)
	for name, want := range map[string]int64{"sqlite.commits": 2, "sqlite.query.count": 2, "sqlite.query.errors": 0} {
		if got[name] != want {
			t.Errorf("%s: got %d, want %d", name, got[name], want)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := sums(t, reader); len(got) != 0 {
		t.Errorf("after stop: got %v, want nothing", got)
	}
}

func sums(t *testing.T, reader *sdkmetric.ManualReader) map[string]int64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if sum, ok := m.Data.(metricdata.Sum[int64]); ok {
				for _, p := range sum.DataPoints {
					got[m.Name] += p.Value
				}
			}
		}
	}
	return got
}
