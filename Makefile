# The commands of a developer. CI runs `make check` through .ci/run.
SHELL := /bin/bash

GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME    ?= 20000x
BASE        ?= origin/main
BENCH       ?=
ENGINE      ?= docker

# One static binary: with a C compiler at hand Go links libc to look up names.
# Without the paths of this machine in it, two builds of one commit are equal.
BUILD := CGO_ENABLED=0 go build -trimpath

# For one package. The go command's ten minutes are too few for a slow machine with a checked build.
GOTEST := go test -timeout 90m

.DEFAULT_GOAL := build
.PHONY: help run build test check format vet staticcheck purego race invariants fuzz mutants mutants-few compare clients bench bench-hot bench-forms bench-bounds bench-regress profile release release-check image manifests pictures vulncheck

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

run: ## start the server
	go run ./cmd/dlm server

build: ## make bin/dlm
	$(BUILD) -o bin/dlm ./cmd/dlm

test: ## every test once
	$(GOTEST) ./...

check: format vet staticcheck test purego compare manifests race invariants fuzz mutants-few ## everything a change must pass

format: ## fail if gofmt would change a file
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt -w these files:"; echo "$$unformatted"; exit 1; }

vet: ## go vet, also with the tags invariants and purego, and for arm64
	go vet ./...
	go vet -tags invariants ./...
	go vet -tags purego ./codec ./table/...
	GOARCH=arm64 go vet ./...
	cd cmd/dlm/testdata/clients/goredis && GOWORK=off go vet .
	cd cmd/dlm/testdata/clients/rueidis && GOWORK=off go vet .

staticcheck: ## the linter, with and without the tag invariants
	go run $(STATICCHECK) ./...
	go run $(STATICCHECK) -tags invariants ./...

# The database is on the network. Without it, as in a closed network, the check is left out and
# says so.
vulncheck: ## known vulnerabilities of the modules and of Go, if their database can be reached
	@if curl -fsS -m 20 -o /dev/null https://vuln.go.dev/index/db.json; then \
		go run $(GOVULNCHECK) ./...; \
	else \
		echo "vulncheck is left out: vuln.go.dev can't be reached"; \
	fi

# A module of its own, with the clients of other servers. Its tests leave out servers that are not
# on this machine, and name them.
compare: ## vet and test the comparison with other servers
	cd bench/compare && go vet ./... && go run $(STATICCHECK) ./... && go test ./...

purego: ## the tests of codec and table without assembler
	$(GOTEST) -tags purego ./codec ./table/...

race: ## every test with the race detector
	$(GOTEST) -race ./...

# The second run checks the table after every command while connections race. It has the tests that
# use several loops together; those of one goroutine, or of many locks, would take minutes in it.
RACING := Contenders|TenThousandPlaces|Stop|Watch|Tokens|Quota|Transcripts|Histor
invariants: ## every test with checks of the table after each command
	$(GOTEST) -tags invariants ./...
	$(GOTEST) -race -tags invariants -run '$(RACING)' ./engine
	$(GOTEST) -race -tags invariants ./engine/observe ./engine/events

# Go fuzzes one target at a time, so each is started by its name. Only the
# packages that have one are built for it. By count: at the end of a time, the go
# command of before 1.27 can fail for no reason (go.dev/issue/75804).
fuzz: ## each fuzz target for FUZZTIME
	@set -eo pipefail; \
	for package in $$(go list -f '{{.ImportPath}} {{.Dir}}' ./... | while read -r path dir; do \
			grep -lqs '^func Fuzz' "$$dir"/*_test.go && echo "$$path" || true; done); do \
		for target in $$(go test -list '^Fuzz' "$$package" | grep '^Fuzz'); do \
			echo "fuzz $$package $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x "$$package"; \
		done; \
	done

# Each breaks one rule in a file of the product, and the tests named for that rule must fail.
mutants: ## break every rule of the list, one after the other: the tests must notice
	go test -count=1 -timeout 90m ./internal/mutants -mutants

mutants-few: ## break three rules of the list
	go test -count=1 ./internal/mutants -mutants -run 'Caught/(a_reader_overtakes|a_repeat_of_an_ACQUIRE|one_permit)'

clients: ## get the libraries that the end-to-end tests speak and look through
	cd cmd/dlm/testdata/clients/goredis && GOWORK=off go mod download
	cd cmd/dlm/testdata/clients/rueidis && GOWORK=off go mod download
	cd cmd/dlm/testdata/clients/ioredis && npm install --no-audit --no-fund --no-package-lock
	cd cmd/dlm/testdata/browser && npm install --no-audit --no-fund --no-package-lock

# Four minutes: each server, the floor, Redis, etcd and slock take turns, then the forms of
# commands. Servers that are not in PATH are left out and named. Other settings:
# make bench BENCH='--depth 64 --rounds 9 --slock /path/to/slock'; all of them:
# go run ./bench/compare -h
bench: ## compare the server with its floor and with other servers
	cd bench/compare && $(BUILD) -o ../../bin/compare .
	bin/compare --resp --rounds 5 --duration 500ms $(BENCH)
	bin/compare --forms --rounds 5 --depth 64 --duration 400ms

bench-hot: ## compare hand-offs of one lock among 64 owners
	cd bench/compare && $(BUILD) -o ../../bin/compare .
	bin/compare --workload hot --conns 64 --locks 1 --depth 1 --rounds 5 --duration 500ms $(BENCH)

# Commands as clients send them, against bare ones: with options, tags, long names, in RESP.
# BENCH='--base REV' adds bare commands of that commit.
bench-forms: ## compare commands with options, long names and in RESP with bare ones
	cd bench/compare && $(BUILD) -o ../../bin/compare .
	bin/compare --forms --depth 64,256 --rounds 9 --duration 400ms $(BENCH)

# Two minutes. Processor time where it is measured, else time, beside the bound.
bench-bounds: ## what each question of operators costs at ten million locks and a million waiters
	@echo '| question | cost | bound |'; echo '|---|--:|--:|'
	@set -o pipefail; \
	{ go test ./table ./engine -run '^$$' -bench Bounds && \
	  go test ./engine/observe -run '^$$' -bench Bounds -locks 10000000 -waiters 1000000; } | \
	awk '/^Benchmark/ { \
		cost = ""; bound = ""; sub(/^BenchmarkBounds\//, "", $$1); sub(/-[0-9]+$$/, "", $$1); gsub(/_/, " ", $$1); \
		for (i = 3; i < NF; i += 2) \
			if ($$(i+1) ~ /^bound/) bound = $$i; \
			else if ($$(i+1) ~ /^cpu/) cost = $$i " " substr($$(i+1), 5); \
			else if (cost == "") cost = $$i " " $$(i+1); \
		printf "| %s | %s | %s |\n", $$1, cost, bound }'

# Fails if a micro-benchmark of a command takes longer than at BASE, or a command costs the server
# more CPU time, bare or as clients send it, beyond the measured noise. Six minutes;
# BENCH='--micro=false' leaves out micro-benchmarks.
bench-regress: ## compare this tree with BASE
	cd bench/compare && $(BUILD) -o ../../bin/compare .
	bin/compare --base $(BASE) --micro --depth 16,256 --rounds 9 --duration 400ms $(BENCH)

# Tar archive, deb, rpm and SBOM of each of ARCHES, checksums, and the context of the container
# image. VERSION=v1.2.3 names the release.
release: ## make the release of the commit that is checked out, in dist/
	rm -rf dist
	deploy/release/build.sh dist

release-check: ## make the release twice, compare, and let rpm and lintian look at the packages
	deploy/release/check.sh

image: release ## build the container image of this machine's architecture with $(ENGINE)
	$(ENGINE) build --build-arg TARGETARCH=$$(go env GOARCH) -t dlm:latest dist/image

manifests: ## vet and test the Kubernetes manifests
	cd deploy/kubernetes/check && go vet ./... && go run $(STATICCHECK) ./... && go test ./...

# The test lets services work on a server for ten minutes, and then takes the pictures.
pictures: ## make the pictures of README.md anew
	DLM_PICTURES=10m go test ./cmd/dlm -run TestDashboard -timeout 20m

profile: ## make cmd/dlm/default.pgo anew, by which the compiler optimises
	sh bench/profile.sh
