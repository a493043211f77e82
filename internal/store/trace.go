package store

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// traced has what is done for a request that is traced be a span of its own, until end is called. Where nothing is traced,
// nothing is done.
func traced(ctx context.Context, name, collection string) (_ context.Context, end func(error)) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, func(error) {}
	}
	ctx, span := parent.TracerProvider().Tracer("github.com/parley-api/parley/internal/store").Start(ctx, "store."+name)
	if collection != "" {
		span.SetAttributes(attribute.String("parley.collection", collection))
	}
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}
