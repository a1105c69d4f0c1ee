# What one can do here; `make help` lists it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO ?= go
# Overridden where there is no repository: in the image, in a source archive.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# Time zones are part of the binary: the image has no files of its own.
BUILD = CGO_ENABLED=0 $(GO) build -trimpath -tags timetzdata -ldflags '-s -w -X main.version=$(VERSION)'
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0
LAB = $(GO) run ./test/cmd/lab
IMAGE ?= proxbox-api
FUZZTIME ?= 10s
# The race detector needs a C compiler.
RACE ?= $(if $(shell command -v gcc || command -v clang),-race,$(warning no C compiler: without the race detector))
# More for go test: make test-e2e ARGS='-run TestName -v'
ARGS ?=

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## The binary: bin/proxbox-api
	$(BUILD) -o bin/proxbox-api ./cmd/proxbox-api

.PHONY: test
test: test-race test-e2e ## All tests, with what they need: PostgreSQL, Redis and Python 3.12 (installed when root)

.PHONY: test-fast
test-fast: ## The tests that need nothing but Go
	$(GO) test -timeout 5m $(ARGS) ./...

.PHONY: test-race
test-race: ## The same, and the race detector where there is a C compiler
	$(GO) test $(RACE) -timeout 15m $(ARGS) ./...

.PHONY: test-e2e
test-e2e: ## The tests against the real NetBox and a fake Proxmox VE
	$(LAB) run -- $(GO) test $(RACE) -tags e2e -p 1 -count 1 -timeout 25m $(ARGS) ./test/...

.PHONY: lab
lab: ## A real NetBox with the plugin, empty, until Ctrl-C
	$(LAB) up

.PHONY: test-dump
test-dump: ## Bring the stored database of the tests up to test/requirements.txt (SCRATCH=1: from nothing, 15 minutes)
	$(LAB) dump $(if $(SCRATCH),-scratch) test/netbox/empty.pgdump

.PHONY: test-dump-python
test-dump-python: ## Have the Python service fill the stored database of the tests for taking over (10 minutes)
	$(LAB) fill python test/netbox/python-0.0.28.pgdump

.PHONY: lint
lint: ## gofmt, go vet, staticcheck, shellcheck where it is installed
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	if [[ -n $$unformatted ]]; then echo "gofmt -w these: $$unformatted"; exit 1; fi
	$(GO) vet -tags e2e ./...
	$(GO) tool staticcheck -tags e2e ./...
	@if command -v shellcheck >/dev/null; then shellcheck $$(git ls-files '*.sh' .ci); else for f in $$(git ls-files '*.sh' .ci); do bash -n "$$f"; done; fi

.PHONY: generate
generate: ## Everything that is generated from the code
	$(GO) generate ./...

.PHONY: check-generated
check-generated: ## Fail when generated files are not what the code says
	.ci/check-generated

.PHONY: vuln
vuln: ## Known vulnerabilities in what is linked (asks a database on the network)
	$(GO) run $(GOVULNCHECK) ./...

.PHONY: fuzz
fuzz: ## Every fuzz test for FUZZTIME (10s)
	@$(GO) list -f '{{$$d := .Dir}}{{$$p := .ImportPath}}{{range .TestGoFiles}}{{$$p}} {{$$d}}/{{.}}{{"\n"}}{{end}}{{range .XTestGoFiles}}{{$$p}} {{$$d}}/{{.}}{{"\n"}}{{end}}' ./... | \
	while read -r package file; do \
		for name in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$$file"); do \
			echo "$$package $$name"; \
			$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$package"; \
		done; \
	done

.PHONY: bench
bench: ## The measures of docs/performance.md, against the real NetBox
	$(LAB) run -- $(GO) test -tags e2e -run '^$$' -bench 'FirstRun|Unchanged|Service' -benchtime 1x -timeout 60m $(ARGS) ./test/bench

.PHONY: bench-plugin
bench-plugin: ## The plugin's Full Update, beside the Python service (some minutes)
	$(LAB) run -- $(GO) test -tags e2e -run '^$$' -bench Plugin -benchtime 1x -timeout 90m $(ARGS) ./test/bench

.PHONY: demo
demo: build ## The whole thing with a simulated Proxmox VE and NetBox (PORT=8000)
	bin/proxbox-api demo

.PHONY: image
image: ## The container image, with Docker
	docker build --build-arg VERSION=$(VERSION) --tag $(IMAGE) .

.PHONY: image-check
image-check: build ## The same without Docker: the image's files in a read-only root, as its user
	.ci/image-check bin/proxbox-api

.PHONY: clean
clean: ## Remove what was built here
	rm -rf bin
