# The two commands of the README are `make run` and `make test`; `make help` lists the rest.

CARGO ?= cargo
NIXWRIGHT = target/release/nixwright
ARGS ?=

# Where `make deps` puts a node and a Go if the machine has none that will do; the Go that is there is the one that is used.
export PATH := $(CURDIR)/target/node/bin:$(CURDIR)/target/go/bin:$(PATH)
export GOTOOLCHAIN := local

.DEFAULT_GOAL := help
.PHONY: help deps build run test lint bench corpus-cargo corpus-go corpus-npm clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

deps: ## installs what is missing (Debian, as root); elsewhere says what to install
	@sh scripts/deps

build: ## the release binary
	@sh scripts/deps run
	$(CARGO) build --release --locked --package nixwright

run: build ## one full cycle with config/nixwright.toml
	$(NIXWRIGHT) --config config/nixwright.toml run --once $(ARGS)

test: deps ## all tests; NIXWRIGHT_OFFLINE=1 leaves out those that ask a real registry
	$(CARGO) build --workspace --locked
	$(CARGO) test --workspace --locked

lint: ## formatting and clippy, warnings are errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- --deny warnings

bench: deps ## our figures beside cargo's, on real programs (some minutes)
	$(CARGO) bench --locked --package nixwright-tests --bench figures
	$(CARGO) build --release --locked --package nixwright
	$(CARGO) bench --quiet --locked --package nixwright-tests --bench pages

corpus-cargo: deps ## every program of the corpus against cargo's unit graph; the table goes to docs/corpus.md
	$(CARGO) build --release --locked --package nixwright
	$(CARGO) bench --quiet --locked --package nixwright-tests --bench corpus_cargo > docs/corpus.md

corpus-go: deps ## every program of Go's corpus and 2,000 universes against go list; the table goes to docs/corpus-go.md
	$(CARGO) build --release --locked --package nixwright
	$(CARGO) bench --quiet --locked --package nixwright-tests --bench corpus_go > docs/corpus-go.md

corpus-npm: deps ## every program of npm's corpus and 2,000 universes against npm's own locks; the table goes to docs/corpus-npm.md
	$(CARGO) build --release --locked --package nixwright
	$(CARGO) bench --quiet --locked --package nixwright-tests --bench corpus_npm > docs/corpus-npm.md

clean: ## removes what was built and the bot's state
	$(CARGO) clean
	rm -rf var
