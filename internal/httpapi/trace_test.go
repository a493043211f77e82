package httpapi_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/exaring/otelpgx"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/postgres"
	"github.com/parley-api/parley/internal/tracing"
)

// traced is a server under test with its spans, which are there as soon as they end.
func traced(t *testing.T, cache int64) (*testAPI, *tracetest.InMemoryExporter) {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	pool, err := postgres.NewPool(t.Context(), postgres.PoolOptions{
		URL: pgtest.Shared(t).Config().ConnString(), MaxConns: 2,
		Tracer: otelpgx.NewTracer(otelpgx.WithTracerProvider(provider)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	log := &logged{}
	server := httptest.NewServer(httpapi.New(httpapi.Options{
		DB: pool, Cache: cache, Tracing: provider, Log: slog.New(tracing.Logged(slog.NewTextHandler(log, nil))),
	}))
	t.Cleanup(server.Close)
	return &testAPI{server, log}, spans
}

// named finds the spans of a name.
func named(spans tracetest.SpanStubs, name string) (found []tracetest.SpanStub) {
	for _, s := range spans {
		if s.Name == name {
			found = append(found, s)
		}
	}
	return found
}

func attribute(s tracetest.SpanStub, key string) string {
	for _, a := range s.Attributes {
		if string(a.Key) == key {
			return a.Value.String()
		}
	}
	return ""
}

// TestTraces: a request is part of the trace that its client is in; within it stands what the store does, and within that the
// statements, without their values. The log says of which trace its line is.
func TestTraces(t *testing.T) {
	a, spans := traced(t, 0)
	const trace0, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	_, body := a.do(t, http.MethodGet, "/v1/rounds?city=Istanbul&limit=1", "traceparent", "00-"+trace0+"-"+parent+"-01", "X-Request-Id", "mine-1")
	if !strings.Contains(string(body), "istanbul") {
		t.Fatalf("%s", body)
	}
	eventually(t, "the span of the request has ended", func() bool { return len(named(spans.GetSpans(), "GET /v1/rounds")) == 1 })
	all := spans.GetSpans()
	request := named(all, "GET /v1/rounds")[0]
	if got := request.Parent.SpanID().String(); got != parent || request.SpanKind != trace.SpanKindServer {
		t.Errorf("the request is a %v below span %s, not %s", request.SpanKind, got, parent)
	}
	for key, want := range map[string]string{"http.route": "/v1/rounds", "http.response.status_code": "200", "parley.request_id": "mine-1", "parley.cache": "bypass"} {
		if got := attribute(request, key); got != want {
			t.Errorf("%s is %q, not %q", key, got, want)
		}
	}
	page := named(all, "store.Page")
	if len(page) != 1 || page[0].Parent.SpanID() != request.SpanContext.SpanID() || attribute(page[0], "parley.collection") != "rounds" {
		t.Fatalf("the store does %+v", page)
	}
	statements := 0
	for _, s := range all {
		if s.SpanContext.TraceID().String() != trace0 {
			t.Errorf("%s is of another trace", s.Name)
		}
		sql := attribute(s, "db.query.text")
		if strings.Contains(sql, "from rounds") {
			statements++
		}
		if strings.Contains(sql, "Istanbul") {
			t.Errorf("%s shows a value: %s", s.Name, sql)
		}
	}
	if statements == 0 {
		t.Errorf("no span of a statement on rounds among %d", len(all))
	}
	if line := a.log.text(); !strings.Contains(line, "request_id=mine-1") || !strings.Contains(line, "trace_id="+trace0) || !strings.Contains(line, "span_id="+request.SpanContext.SpanID().String()) {
		t.Errorf("the log does not say of which trace it is: %s", line)
	}
}

// TestTracesOfKeptAnswers: an answer from the cache is a span too, and says that it is one.
func TestTracesOfKeptAnswers(t *testing.T) {
	a, spans := traced(t, 1<<20)
	a.do(t, http.MethodGet, "/v1/rounds/istanbul-2025-3")
	eventually(t, "the first has ended", func() bool { return len(named(spans.GetSpans(), "GET /v1/rounds/{id}")) == 1 })
	spans.Reset()
	a.do(t, http.MethodGet, "/v1/rounds/istanbul-2025-3")
	eventually(t, "the second has ended", func() bool { return len(named(spans.GetSpans(), "GET /v1/rounds/{id}")) == 1 })
	if got := attribute(named(spans.GetSpans(), "GET /v1/rounds/{id}")[0], "parley.cache"); got != "hit" {
		t.Errorf("parley.cache is %q", got)
	}
}

// TestTracesOfFaults: what fails on our side is an error in the trace; what the client asked wrongly is none.
func TestTracesOfFaults(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	pool, err := postgres.NewPool(t.Context(), postgres.PoolOptions{URL: "postgres://nobody@127.0.0.1:1/none?sslmode=disable", MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	server := httptest.NewServer(httpapi.New(httpapi.Options{DB: pool, Tracing: provider}))
	defer server.Close()
	a := &testAPI{server, &logged{}}
	a.do(t, http.MethodGet, "/v1/rounds?no=1")
	a.do(t, http.MethodGet, "/v1/rounds?limit=2")
	eventually(t, "both have ended", func() bool { return len(named(spans.GetSpans(), "GET /v1/rounds")) == 2 })
	for _, s := range named(spans.GetSpans(), "GET /v1/rounds") {
		want := map[string]string{"400": "Unset", "503": "Error"}[attribute(s, "http.response.status_code")]
		if got := s.Status.Code.String(); got != want {
			t.Errorf("status %s is %s, not %q", attribute(s, "http.response.status_code"), got, want)
		}
	}
}
