# Every target has a line behind two hash signs; `make help` shows them.
# `make check` is for every save, `make test` for every push.

GO       ?= go
FUZZTIME ?= 10s
BENCHTIME ?= 1s
CYCLES   ?= 100
CHAOS_SECONDS ?= 300
QUEUE_ITEMS ?= 5000

# What a build says of itself; plain `go build` works too and says "devel".
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS  = -s -w -X main.version=$(VERSION)

# No C compiler is ever asked for.
export CGO_ENABLED = 0

.DEFAULT_GOAL := help
.PHONY: help build fmt fmt-check vet lint law unit check setup-test test test-ui test-go test-rooms test-chaos test-postgres race fuzz bench bench-short bench-peers generate verify cross chaos web ui ui-dist ui-dev ui-api ui-test ui-check ui-main ui-e2e ui-shots ui-bench clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-13s %s\n", $$1, $$2}'

build: ## build bin/fleet (Go alone)
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/fleet ./cmd/fleet

fmt: ## format every Go file
	$(GO) tool golangci-lint fmt

fmt-check: ## fail when a Go file is not formatted
	@bad=$$(git ls-files -co --exclude-standard '*.go' | xargs -r gofmt -l); \
	if [ -n "$$bad" ]; then printf 'not formatted (run make fmt):\n%s\n' "$$bad"; exit 1; fi

vet: ## go vet; `make lint` has its checks too
	$(GO) vet ./...

lint: ## golangci-lint with .golangci.yaml
	$(GO) tool golangci-lint run

law: ## imports, package docs, file sizes, links: the rules of ARCHITECTURE.md
	$(GO) test -count=1 ./internal/law

unit: ## unit tests in their short form
	$(GO) test -short ./...

check: fmt-check vet law lint unit ## minutes, nothing but Go: formatting, vet, law, lint, short tests

setup-test: ## install what the tests need and this machine lacks: PostgreSQL, PgBouncer, Chromium
	scripts/setup-test.sh

test: setup-test fmt-check law verify ## everything, under 12 minutes on two cores
	@$(MAKE) --no-print-directory -j3 --output-sync=line test-ui test-go test-chaos

test-ui: # of the interface, where there is a Node for it
	+@scripts/test-ui.sh

test-go: lint
	@$(MAKE) --no-print-directory test-rooms

# What kills and cuts waits more than it works, so it runs beside the rest.
test-rooms: ## every package but e2e/chaos and law, then what works on either database on PostgreSQL
	STRICT=1 $(GO) test -timeout 10m $$($(GO) list ./... | grep -v -e /e2e/chaos -e /internal/law)
	@$(MAKE) --no-print-directory test-postgres
	STRICT=1 $(GO) test -tags failpoints ./internal/fail

# They build the program themselves, which the cache of tests does not know of.
test-chaos: ## faults in their short form, and a death at every point of the list
	STRICT=1 $(GO) test -count=1 -timeout 10m ./e2e/chaos
	STRICT=1 $(GO) test -count=1 -timeout 10m -tags failpoints -parallel 4 -run TestFailpoints ./e2e/chaos

# The packages whose tests take their store from internal/dbtest.
EITHER = $(shell git grep -l --untracked 'fleet/internal/dbtest"' -- '*_test.go' | xargs -n1 dirname | sort -u | sed 's|^|./|')

test-postgres: ## the tests that work on either database, on PostgreSQL
	FLEET_TEST_STORE=postgres FLEET_GATEWAY_SEQUENCES=100 STRICT=1 $(GO) test -short -timeout 10m $(EITHER)

race: ## short tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -short -timeout 20m ./...

fuzz: ## every fuzz target for FUZZTIME (10s)
	@GO='$(GO)' scripts/fuzz.sh $(FUZZTIME)

bench: ## every benchmark beside the code
	@GO='$(GO)' scripts/bench.sh $(BENCHTIME)

bench-peers: setup-test ## the product beside its peers and PostgreSQL's limit: the long form; see bench/README.md
	cd bench && $(GO) test -count=1 -v -timeout 4h -run TestBench -args -long -floors 1

bench-short: setup-test ## the everyday rows; fails below half of a floor
	cd bench && $(GO) test -count=1 -v -timeout 20m -run TestBench -args -floors 0.5

generate: ## rewrite what is generated: OpenAPI document, reference pages
	$(GO) generate ./...

verify: ## fail when a generated file or go.mod is not current
	@GO='$(GO)' scripts/verify.sh

cross: ## compile for Windows and macOS; `make law` checks the types alone
	GOOS=windows GOARCH=amd64 $(GO) build ./...
	GOOS=darwin GOARCH=arm64 $(GO) build ./...

chaos: setup-test ## long: CYCLES (100) kills on SQLite, CHAOS_SECONDS (300) of faults on PostgreSQL, QUEUE_ITEMS (5000)
	STRICT=1 FLEET_CHAOS_CYCLES=$(CYCLES) FLEET_CHAOS_SECONDS=$(CHAOS_SECONDS) FLEET_QUEUE_ITEMS=$(QUEUE_ITEMS) $(GO) test -count=1 -timeout 90m -v ./e2e/chaos/...
	FLEET_CHAOS_LONG=1 STRICT=1 $(GO) test -count=1 -timeout 20m -tags failpoints -parallel 6 -v -run TestFailpoints ./e2e/chaos

web: ui-dist ## the same as ui-dist

web/node_modules: web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	@touch web/node_modules

ui-dist: web/node_modules ui-api ## build the web interface into web/dist, which is committed (needs Node 20.19)
	cd web && npx tsc --noEmit && npx vite build --logLevel warn
	$(GO) run ./internal/gen/uisum

ui: web/node_modules ## build the web interface into web/build, for --ui-dir
	cd web && npx vite build --logLevel warn --outDir build

ui-dev: web/node_modules ## serve the web interface while it is worked on, beside a running fleet dev
	cd web && npx vite

ui-api: web/node_modules ## the types of the API for the web interface
	cd web && npx openapi-typescript ../api/openapi.json -o src/api/schema.d.ts >/dev/null

ui-test: web/node_modules ## lint, types and unit tests of the web interface
	cd web && npx biome check . && npx tsc --noEmit && npx vitest run

ui-check: web/node_modules ## fail when web/dist is not what the source builds
	rm -rf web/build && cd web && npx vite build --logLevel warn --outDir build && diff -r -x build.sum build dist

ui-main: web/node_modules build ## the main paths of ui-e2e, which are a part of make test
	cd web && npx vitest run --config e2e/vitest.config.ts -t @main

ui-e2e: web/node_modules build ## the web interface in a real browser on the real program (needs Chromium)
	cd web && npx vitest run --config e2e/vitest.config.ts

ui-shots: web/node_modules build ## pictures of every page into web/e2e/shots, to be looked at
	cd web && npx vitest run --config e2e/vitest.config.ts pages demo

ui-bench: web/node_modules build ## what 10,000 robots, 1,000 updates a second and 100,000 jobs cost a page
	cd web && npx vitest run --config e2e/vitest.config.ts speed

clean: ## remove what builds leave behind
	rm -rf bin
