# Two commands are enough: make run, make test. The others are below.

# The newest tag, the commits since then, "-dirty" when files have changed; empty without git.
VERSION = $(shell git describe --tags --always --dirty 2>/dev/null)

# Go itself need not ask git: that fails where another user owns the folder, as in many containers.
export GOFLAGS := $(strip $(GOFLAGS) -buildvcs=false)

FUZZTIME ?= 30s
BENCH ?= .

# What is misspelt on purpose: examples of the mistakes that the API explains. Separated by commas.
MISSPELT = autor

.DEFAULT_GOAL := help
.PHONY: help run build test check fmt fuzz bench cover clean

help: ## list what can be made (this list)
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## serve on http://127.0.0.1:8080 (uses DATABASE_URL, or else starts a PostgreSQL of its own)
	@[ -n "$$DATABASE_URL" ] || scripts/postgres
	@bin/parley serve

build: ## build bin/parley
	@scripts/go
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/parley ./cmd/parley

test: ## run all tests, with the race detector and in random order
	@scripts/test ./...

check: ## run all that CI runs: format, analyzers, tidy modules, vulnerabilities, tests
	@scripts/go
	go tool gofumpt -d .
	go vet ./...
	GOOS=darwin go vet ./...
	go tool staticcheck ./...
	go tool unparam ./...
	find . -type f ! -path './.git/*' ! -path './bin/*' ! -path '*/testdata/*' ! -name '*seed*.sql' -exec go tool misspell -error -i $(MISSPELT) {} +
	go mod tidy -diff
	scripts/vulnerabilities
	@scripts/test ./...

fmt: ## format the Go code
	@scripts/go
	go tool gofumpt -w .

fuzz: ## run each fuzz target for FUZZTIME (30s)
	@scripts/fuzz $(FUZZTIME)

bench: ## run the benchmarks that match BENCH (.)
	@scripts/go
	@scripts/postgres
	go test -run '^$$' -bench '$(BENCH)' -benchmem ./...

cover: ## run all tests and write cover.out, what they reach
	@scripts/test -coverprofile=cover.out -coverpkg=./... ./...
	@go tool cover -func=cover.out | tail -n 1
	@echo 'To see each line, type: go tool cover -html=cover.out'

clean: ## remove what was made here
	rm -rf bin cover.out
