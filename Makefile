# Two commands are enough: make run, make test. The others are below.

# The newest tag, the commits since then, "-dirty" when files have changed; empty without git.
VERSION = $(shell git describe --tags --always --dirty 2>/dev/null)
COMMIT = $(shell git rev-parse HEAD 2>/dev/null)

# No paths, no build id, no symbols: the same sources give the same bytes.
LDFLAGS = -s -w -buildid= -X main.version=$(VERSION) -X main.commit=$(COMMIT)

# Go itself need not ask git: that fails where another user owns the folder, as in many containers.
export GOFLAGS := $(strip $(GOFLAGS) -buildvcs=false)

FUZZTIME ?= 30s
BENCH ?= .

# Of the measurements: how many exchanges, the folder of their database (on a disk, where the user that runs PostgreSQL
# can get), and what else parley-bench is to be told, such as BENCHFLAGS='--only warm --seconds 1'.
RECORDS ?= 1000000
SIZES ?= 100,10000,$(RECORDS)
BENCH_DIR ?= $(or $(XDG_CACHE_HOME),/var/tmp)/parley-bench
BENCHFLAGS ?=

# Synthetic records are not for the database that DATABASE_URL names. For another server than a private one, call
# parley-bench itself.
PARLEY_BENCH = env -u DATABASE_URL bin/parley-bench

# The Go benchmarks as they are compared: often enough to tell a change from noise.
GO_BENCH = go test -run '^$$' -bench '$(BENCH)' -benchmem -benchtime=200ms -count=6 ./...

# What is misspelt on purpose: examples of the mistakes that the API explains. Separated by commas.
MISSPELT = autor

.DEFAULT_GOAL := help
.PHONY: help run build test test-slow test-clients test-cluster test-faults test-browser test-restart test-upgrade check fmt fuzz bench bench-build bench-data bench-growth bench-go bench-baseline bench-compare cover release release-verify clean

help: ## list what can be made (this list)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## serve on http://127.0.0.1:8080 (uses DATABASE_URL, or else starts a PostgreSQL of its own)
	@[ -n "$$DATABASE_URL" ] || scripts/postgres
	@bin/parley serve

build: ## build bin/parley
	@scripts/go
	CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)" -o bin/parley ./cmd/parley

test: ## run all tests, with the race detector and in random order
	@scripts/test ./...

test-slow: ## let 10,000 slow clients at the program, and ask beside them (needs ulimit -n 12000)
	@scripts/postgres
	PARLEY_TEST_SLOW_CLIENTS=10000 go test -count=1 -v -run '^TestSlowClients$$' ./cmd/parley

test-clients: build ## let readers that others wrote read every form: pandas, R, DuckDB, GDAL … (READERS='pandas r': only those)
	@scripts/postgres
	@clients/install
	@node clients/run.js $(READERS)

test-cluster: ## kill the primary twice and an API process once, under load, in a cluster on this machine; count what is lost
	@scripts/cluster test

test-faults: ## fail the database, the network, disks, clocks and processes under load, and count what comes of it (as root; installs libfaketime)
	@scripts/faults

test-browser: ## run the tests of the pages in chromium (installs it, and fetches axe-core by npm)
	@scripts/browser

test-restart: ## restart two servers in turn behind HAProxy, under load: no request may fail (installs haproxy)
	@scripts/go
	@scripts/postgres
	@command -v haproxy >/dev/null || apt-get install -y --no-install-recommends haproxy >&2
	@env -u DATABASE_URL go test -tags rollout -run '^TestRestartBehindHAProxy$$' -count=1 -v ./cmd/parley

test-upgrade: ## migrate under load, while the version before serves (builds it from the history of this clone)
	@scripts/go
	@scripts/postgres
	@scripts/upgrade

check: ## run all that CI runs: format, analyzers, tidy modules, vulnerabilities, tests
	@scripts/go
	go tool gofumpt -d .
	go vet ./...
	go vet -tags browser ./internal/httpapi
	go vet -tags rollout ./cmd/parley
	GOOS=darwin go vet ./...
	go tool staticcheck ./...
	go tool unparam ./...
	@scripts/gosec
	find . -type f ! -path './.git/*' ! -path './bin/*' ! -path './dist/*' ! -path './clients/node_modules/*' ! -path './clients/package-lock.json' ! -path '*/testdata/*' ! -name '*seed*.sql' -exec go tool misspell -error -i $(MISSPELT) {} +
	go mod tidy -diff
	scripts/contract
	scripts/vulnerabilities
	@scripts/test ./...

fmt: ## format the Go code
	@scripts/go
	go tool gofumpt -w .

fuzz: ## run each fuzz target for FUZZTIME (30s)
	@scripts/fuzz $(FUZZTIME)

bench: bench-data ## measure against RECORDS (1000000) exchanges, and write bench/RESULTS.md
	$(PARLEY_BENCH) run --data-dir '$(BENCH_DIR)' $(BENCHFLAGS)

bench-data: bench-build ## make the RECORDS synthetic exchanges that are measured, in BENCH_DIR, or go on with them
	$(PARLEY_BENCH) data --data-dir '$(BENCH_DIR)' --records $(RECORDS)

bench-growth: bench-build ## measure how reads stand with SIZES (100,10000,RECORDS) exchanges, and write bench/GROWTH.md
	$(PARLEY_BENCH) growth --data-dir '$(BENCH_DIR)-growth' --sizes $(SIZES) $(BENCHFLAGS)

bench-build: build
	@scripts/postgres
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/parley-bench ./cmd/parley-bench

bench-go: ## run the Go benchmarks that match BENCH (.)
	@scripts/go
	@scripts/postgres
	go test -run '^$$' -bench '$(BENCH)' -benchmem ./...

bench-baseline: ## run the Go benchmarks and keep the figures in bench/baseline.txt
	@scripts/go
	@scripts/postgres
	@mkdir -p bench bin
	$(GO_BENCH) >bin/baseline.txt
	mv bin/baseline.txt bench/baseline.txt

bench-compare: ## run the Go benchmarks and compare them with bench/baseline.txt
	@scripts/go
	@scripts/postgres
	@[ -e bench/baseline.txt ] || { echo 'There is no bench/baseline.txt: make bench-baseline writes it, from the version to compare with.' >&2; exit 1; }
	@mkdir -p bin
	$(GO_BENCH) >bin/bench.txt
	go tool benchstat bench/baseline.txt bin/bench.txt

release: ## build the release in dist/: programs for Linux and macOS, checksums, and what they are made of
	@scripts/go
	@VERSION="$(VERSION)" COMMIT="$(COMMIT)" LDFLAGS="$(LDFLAGS)" scripts/release

release-verify: ## build the release twice, and fail if a byte differs
	@scripts/go
	@VERSION="$(VERSION)" COMMIT="$(COMMIT)" LDFLAGS="$(LDFLAGS)" scripts/release --verify

cover: ## run all tests and write cover.out, what they reach
	@scripts/test -coverprofile=cover.out -coverpkg=./... ./...
	@go tool cover -func=cover.out | tail -n 1
	@echo 'To see each line, type: go tool cover -html=cover.out'

clean: ## remove what was made here
	rm -rf bin dist cover.out
