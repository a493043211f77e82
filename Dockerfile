# One static program, a folder for temporary files, and nothing else: no shell, no packages, no PostgreSQL. It needs
# DATABASE_URL, is no root, and runs with a file system that cannot be written to (docker run --read-only).
FROM golang:1.26 AS build
WORKDIR /src
COPY . .
ARG VERSION= COMMIT=
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=${VERSION} -X main.commit=${COMMIT}" -o /parley ./cmd/parley
RUN mkdir /empty

FROM scratch
# To trust the certificate of a database elsewhere (sslmode=verify-full).
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /parley /parley
# Parquet is finished on disk before it is sent.
COPY --from=build --chmod=1777 /empty /tmp
VOLUME /tmp
USER 65532:65532
ENV PARLEY_ADDR=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["/parley", "health"]
ENTRYPOINT ["/parley"]
CMD ["serve"]
