# demo: a whole cut-over on simulated platforms · test: everything CI runs · check: what to run before a commit · bench: the figures · dist: the program for every system
# soak: an hour of serving, and a thousand weekends whose processes are killed at random · fuzz: every fuzz target for FUZZTIME · mutants: takes each defence away and asks its test (docs/defences.md); ONLY=pattern for some
GO ?= go
export GOTOOLCHAIN = local
# Programs without which a test fails instead of being skipped.
REQUIRE = sshd,openssl,nft,ip,chromium,tmpfs

.PHONY: demo test check bench mutants fuzz needs dist soak

demo:
	$(GO) run ./cmd/skift demo

needs:
	@.ci/needs

# The demo runs in real time and is tested by itself: nothing else competes for the processor then. So are the figures, which
# mean nothing while looking for races, and the life of a whole plan, which SQLite would make thirteen times as long.
test: needs
	SKIFT_REQUIRE=$(REQUIRE) $(GO) test -race -shuffle=on -timeout 30m $$($(GO) list ./... | grep -v internal/demo)
	SKIFT_REQUIRE=$(REQUIRE) $(GO) test -race -shuffle=on -timeout 25m ./internal/demo
	$(GO) test -p 1 -timeout 10m ./internal/sweeper ./internal/forecast ./internal/ledger
	$(GO) test -p 1 -timeout 20m -run 'IsFast$$|CostsItsLength$$|WholePlan$$' ./internal/runner ./internal/app

check: needs
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "hint: gofmt -w on the files above"; exit 1; }
	$(GO) vet ./...
	$(GO) tool -modfile=.ci/tools.mod staticcheck ./...
	SKIFT_RACE_SCRIPTS=1 $(MAKE) test

# One package at a time: two that measure beside each other measure each other.
bench:
	$(GO) test -p 1 -run '^$$' -bench . -benchtime 1x -timeout 30m ./...

mutants: needs
	$(GO) run ./internal/mutants $(if $(ONLY),-only '$(ONLY)')

SEEDS ?= 1000
soak: needs
	GO=$(GO) .ci/soak $(SEEDS)

# The program for every system it is offered on, with SHA256SUMS: the same bytes wherever it is built.
dist:
	@GO=$(GO) .ci/dist dist

FUZZTIME ?= 10s
fuzz:
	GO=$(GO) .ci/fuzz $(FUZZTIME)
