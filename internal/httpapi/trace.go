package httpapi

import (
	"context"
	"net/http"
	"net/url"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
	"go.opentelemetry.io/otel/trace"
)

// traced has each request be a span, which goes on with the trace that the client is in (W3C Trace Context). Where nobody
// wants traces, it is not there at all.
func (s *server) traced(next http.Handler) http.Handler {
	if s.Tracing == nil {
		return next
	}
	tracer := s.Tracing.Tracer("github.com/parley-api/parley/internal/httpapi")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		scheme := "http"
		if r.TLS != nil {
			scheme = "https"
		}
		ctx, span := tracer.Start(ctx, methodLabel(r.Method), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
			semconv.HTTPRequestMethodKey.String(methodLabel(r.Method)),
			semconv.URLScheme(scheme),
			semconv.URLPath(r.URL.Path),
			semconv.URLQuery(r.URL.RawQuery),
			semconv.ServerAddress((&url.URL{Host: r.Host}).Hostname()),
			semconv.UserAgentOriginal(r.UserAgent()),
		))
		defer span.End()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// spanAnswer says in the span of a request what came of it, as far as it is recorded.
func spanAnswer(ctx context.Context, method, route, id string, status, bytes int, cache string) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	if route != "" {
		span.SetName(methodLabel(method) + " " + route)
		span.SetAttributes(semconv.HTTPRoute(route))
	}
	span.SetAttributes(
		semconv.HTTPResponseStatusCode(status),
		semconv.HTTPResponseBodySize(bytes),
		attribute.String("parley.request_id", id),
		attribute.String("parley.cache", cache),
	)
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, http.StatusText(status))
	}
}
