package main

import (
	"context"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/parley-api/parley/internal/conns"
	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/postgres"
	"github.com/parley-api/parley/internal/tracing"
)

// newMetrics is the registry of what the operator is told at /metrics, with what is known of the process itself.
func newMetrics() *prometheus.Registry {
	r := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "parley_build_info", Help: "1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": programVersion(), "goversion": runtime.Version()},
	})
	build.Set(1)
	r.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// registerConns tells how the connections of clients stand.
func registerConns(r prometheus.Registerer, l *conns.Listener) {
	figure := func(name, help, state string, value func(conns.Counts) int64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: prometheus.Labels{"state": state}}, func() float64 { return float64(value(l.Counts())) }))
	}
	const about = "Connections of clients: at work, or idle."
	figure("parley_connections", about, "active", func(n conns.Counts) int64 { return n.Active })
	figure("parley_connections", about, "idle", func(n conns.Counts) int64 { return n.Idle })
	counter := func(reason string, value func(conns.Counts) int64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "parley_connections_closed_total", Help: "Connections that were closed to make room, or because their client did not read.", ConstLabels: prometheus.Labels{"reason": reason},
		}, func() float64 { return float64(value(l.Counts())) }))
	}
	counter("room", func(n conns.Counts) int64 { return n.Shut })
	counter("stalled", func(n conns.Counts) int64 { return n.Cut })
}

// startTracing sends traces where the environment says (OTEL_…); nil: it says nothing of that.
func startTracing(e *env) (*tracing.Tracing, error) {
	if err := tracing.Check(os.Getenv); err != nil || !tracing.Wanted(os.Getenv) {
		return nil, err
	}
	t, err := tracing.New(e.ctx, programVersion(), e.log)
	if err == nil {
		e.log.Info("tracing", "by", "OpenTelemetry, OTLP over HTTP")
	}
	return t, err
}

// stopTracing sends the last spans.
func stopTracing(e *env, t *tracing.Tracing) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := t.Close(ctx); err != nil {
		e.log.Warn("the last traces are not sent", "error", err)
	}
}

// statementTracer makes the spans of statements, without their values; nil where there is no tracing.
func statementTracer(t *tracing.Tracing) pgx.QueryTracer {
	if t == nil {
		return nil
	}
	return otelpgx.NewTracer(otelpgx.WithTracerProvider(t.Provider()), otelpgx.WithDisableConnectionDetailsInAttributes())
}

// schemaCheck finds out whether the schema is that of this program. Once it is, it is not asked again.
func schemaCheck(pool *pgxpool.Pool) func(context.Context) error {
	var known atomic.Bool
	return func(ctx context.Context) error {
		if known.Load() {
			return nil
		}
		m, err := postgres.NewMigrator(pool)
		if err != nil {
			return err
		}
		defer m.Close()
		switch pending, err := m.Pending(ctx); {
		case err != nil:
			return err
		case pending:
			return &httpapi.NotReady{Reason: "the schema of the database lacks migrations that this version of the program needs: run parley migrate up"}
		}
		known.Store(true)
		return nil
	}
}

// operatorRoutes are what only the operator sees: metrics and profiles, beside the health checks of the public address.
func operatorRoutes(public http.Handler, metrics *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", public)
	mux.Handle("GET /readyz", public)
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{Timeout: 10 * time.Second, MaxRequestsInFlight: 4}))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	return mux
}
