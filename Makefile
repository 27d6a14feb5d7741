# demo: a whole cut-over on simulated platforms · test: everything CI runs · check: what to run before a commit · bench: the figures
GO ?= go
export GOTOOLCHAIN = local
# Programs without which a test fails instead of being skipped.
REQUIRE = sshd,openssl,nft,ip

.PHONY: demo test check bench needs

demo:
	$(GO) run ./cmd/skift demo

needs:
	@.ci/needs

# The demo runs in real time and is tested by itself: nothing else competes for the processor then.
test: needs
	SKIFT_REQUIRE=$(REQUIRE) $(GO) test -race -shuffle=on -timeout 15m $$($(GO) list ./... | grep -v internal/demo)
	SKIFT_REQUIRE=$(REQUIRE) $(GO) test -race -shuffle=on -timeout 15m ./internal/demo

check: needs
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "hint: gofmt -w on the files above"; exit 1; }
	$(GO) vet ./...
	$(GO) tool -modfile=.ci/tools.mod staticcheck ./...
	$(MAKE) test

bench:
	$(GO) test -run '^$$' -bench . -benchtime 1x ./...
