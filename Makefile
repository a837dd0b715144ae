# What a developer types. CI runs `make check` through .ci/run.
SHELL := /bin/bash

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME    ?= 5s

.DEFAULT_GOAL := build
.PHONY: run build test check format vet staticcheck race invariants fuzz clients

run: ## start the server
	go run ./cmd/dlm server

build: ## make bin/dlm
	go build -o bin/dlm ./cmd/dlm

test: ## every test once
	go test ./...

check: format vet staticcheck test race invariants fuzz ## everything a change must pass

format:
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt -w these files:"; echo "$$unformatted"; exit 1; }

vet:
	go vet ./...
	go vet -tags invariants ./...
	cd cmd/dlm/testdata/clients/goredis && GOWORK=off go vet .

staticcheck:
	go run $(STATICCHECK) ./...
	go run $(STATICCHECK) -tags invariants ./...

race:
	go test -race ./...

# The second run checks the table after every command while connections race.
invariants:
	go test -tags invariants ./...
	go test -race -tags invariants ./engine/...

# Go fuzzes one target at a time, so each is started by its name. Only the
# packages that have one are built for it.
fuzz:
	@set -eo pipefail; \
	for package in $$(go list -f '{{.ImportPath}} {{.Dir}}' ./... | while read -r path dir; do \
			grep -lqs '^func Fuzz' "$$dir"/*_test.go && echo "$$path" || true; done); do \
		for target in $$(go test -list '^Fuzz' "$$package" | grep '^Fuzz'); do \
			echo "fuzz $$package $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x "$$package"; \
		done; \
	done

clients: ## get the client libraries that the end-to-end tests speak through
	cd cmd/dlm/testdata/clients/goredis && GOWORK=off go mod download
	cd cmd/dlm/testdata/clients/ioredis && npm install --no-audit --no-fund --no-package-lock
