# One static program and nothing else: no shell, no packages, no PostgreSQL. It needs DATABASE_URL.
FROM golang:1.26 AS build
WORKDIR /src
COPY . .
ARG VERSION=
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=${VERSION}" -o /parley ./cmd/parley

FROM scratch
# To trust the certificate of a database elsewhere (sslmode=verify-full).
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /parley /parley
USER 65532:65532
ENV PARLEY_ADDR=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["/parley", "health"]
ENTRYPOINT ["/parley"]
CMD ["serve"]
