# Everything a contributor runs. Needs Go, a C compiler, GNU make and bash; all
# else comes through the Go module proxy at the versions of go.mod and tools/*.mod.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

GO ?= go
export GO
tool = $(GO) tool -modfile=$(CURDIR)/tools/$(1).mod $(1)
stakeledger := bin/stakeledger
demo_db := demo/ledger.db

# Tested under the race detector: where goroutines share state. Of the ledger,
# whose tests take six times as long with it, those that have goroutines; make
# torture runs all of them so.
RACE := . ./manager/...
ledger_race := AtOnce|Beside|Sixteen|VerifyIsQuiet
# What of the ledger's tests runs on a throw-away PostgreSQL too: the rules, the model, the orders, the reports. Those
# left out take a minute each there, a transaction being slower than SQLite's; make torture runs all of them, and what
# cannot be there is skipped with its reason.
ledger_postgres := Sentences|ReasonsHave|WeightsByHand|WorkedExamples|PickedExamples|FollowsTheModel|GoesOnAfterAny|MinimumBlocks|Scores|Snapshot|VerifyIsQuiet|ReplayReads|AddPosition|DirectCallsRefuse|UnknownMiner|RepeatedEvents|OverflowIsRefused|PositionList|SelfTrade|LenientWithout|EnteredLater|TiesOfTime|ClosedAt|SixteenClose|RegisterMiner|UIDsPass|Deregister|Blacklisted|UpdateMinerStatus|ListsArePaged|ListsRefuse|MissingRows|SyncMetagraph(Statuses|Refuses|$$)|TransactionWithAKey|ArchiveTakes|ArchiveOfOne|ArchiveRefuses
postgres_found := [[ -n "$${PG_BIN:-}" ]] || command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null

torture_race := ./isolation ./limits ./contention

# Modules of their own, so that the library's go.mod does not carry what they need.
MODULES := bench torture manager/otelmanager

# Examples that stand on packages of others, a hundred modules together: only
# what make test-extended downloads.
foreign := examples/web examples/outbox

# The goose command supports a dozen databases; without those that are not ours it builds in
# a fifth of the time.
goose_tags := no_clickhouse no_libsql no_mssql no_mysql no_vertica no_ydb

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: toolchain
toolchain:
	@tools/toolchain

.PHONY: build
build: toolchain ## compile the command to bin/stakeledger (SQLite's C takes a minute, once)
	$(GO) build -o $(stakeledger) ./cmd/stakeledger

# Where to: make install PREFIX=/usr/local; DESTDIR stages it for a package.
PREFIX ?= $(HOME)/.local
share := $(DESTDIR)$(PREFIX)/share

.PHONY: install
install: build ## copy the command to PREFIX/bin (default ~/.local), with the completions of bash, zsh and fish
	install -D -m 755 $(stakeledger) $(DESTDIR)$(PREFIX)/bin/stakeledger
	install -d $(share)/bash-completion/completions $(share)/zsh/site-functions $(share)/fish/vendor_completions.d
	$(stakeledger) completion bash > $(share)/bash-completion/completions/stakeledger
	$(stakeledger) completion zsh > $(share)/zsh/site-functions/_stakeledger
	$(stakeledger) completion fish > $(share)/fish/vendor_completions.d/stakeledger.fish

.PHONY: demo
demo: build ## simulate events, ingest them into a SQLite file, print the leaderboard and what to try next
	@rm -rf $(dir $(demo_db)) && mkdir -p $(dir $(demo_db))
	$(stakeledger) simulate --events 5000 --miners 20 --seed 1 --start 90d | $(stakeledger) --db $(demo_db) ingest -
	$(stakeledger) --db $(demo_db) report
	@echo "The data is synthetic; the ledger is in $(demo_db). Worth trying:"
	@echo "  $(stakeledger) --db $(demo_db) report --html $(dir $(demo_db))report.html  # then open it in a browser"
	@echo "  $(stakeledger) --db $(demo_db) scores --limit 5"
	@echo "  $(stakeledger) --db $(demo_db) verify"

.PHONY: test
test: toolchain ## run every test, the concurrent packages with -race, and list what was skipped
	@$(GO) build -o bin/gotest ./tools/gotest
	bin/gotest $$($(GO) list ./... | grep -vxFf <($(GO) list $(RACE)))
	bin/gotest -race $(RACE)
	bin/gotest -tags stakeledger_nostep -run 'Defer|Group|Constraint|Rows|Statement|Query|Argument|Cancel|Context|Column|Fault' ./manager ./manager/internal/csqlite
	bin/gotest -race -run '$(ledger_race)' ./ledger
	@if $(postgres_found); then LEDGER_ENGINE=postgres bin/gotest -run '$(ledger_postgres)' ./ledger; else echo 'PostgreSQL is not installed (PG_BIN names its programs): the ledger is not tested on it'; fi
	bin/gotest -C bench ./...
	bin/gotest -C manager/otelmanager ./...
	bin/gotest -C torture $$($(GO) list -C torture ./... | grep -vxFf <($(GO) list -C torture $(torture_race)))
	bin/gotest -C torture -race $(torture_race)

.PHONY: test-extended
test-extended: toolchain ## what needs packages of others: sqlc's options, a session store, River's jobs, goqite's tests, Litestream
	@$(GO) build -o bin/gotest ./tools/gotest
	EXTENDED=1 bin/gotest ./tools/sqlcoptions ./tools/foreign
	for module in $(foreign); do $(GO) vet -C $$module ./... && bin/gotest -C $$module -race ./...; done

.PHONY: generate
generate: ## turn queries/*.sql into dbgen/ with sqlc (its first build takes two minutes)
	rm -rf dbgen
	$(call tool,sqlc) generate
	for config in examples/*/sqlc.yaml; do $(call tool,sqlc) generate -f $$config; done

.PHONY: migrate
migrate: toolchain ## migrate DB=file.db or DB=postgres://… with the goose command, under the manager's lock
	@[[ -n "$(DB)" ]] || { echo "make migrate: name the database: make migrate DB=stakeledger.db" >&2; exit 2; }
	@$(GO) build -o bin/withlock ./tools/withlock
	@$(GO) build -modfile=tools/goose.mod -tags='$(goose_tags)' -o bin/goose github.com/pressly/goose/v3/cmd/goose
	@case "$(DB)" in \
	postgres://*|postgresql://*) bin/withlock "$(DB)" bin/goose -dir schema/postgres up;; \
	*) bin/withlock "$(DB)" bin/goose -dir schema sqlite3 "$(DB)" up;; \
	esac

.PHONY: check
check: toolchain check-format check-vet check-systems check-modern check-static check-parameters check-queries check-generated check-schema check-vulnerable ## formatting, vet, other systems, fix, staticcheck, unparam, SQL rules, generated code, migrations, known vulnerabilities

.PHONY: check-format
check-format:
	@unformatted=$$(gofmt -l .); [[ -z $$unformatted ]] || { echo "gofmt: run gofmt -w on:" $$unformatted >&2; exit 1; }

.PHONY: check-vet
check-vet:
	$(GO) vet ./...
	for module in $(MODULES); do $(GO) vet -C $$module ./...; done

# What cannot be compiled here, having no C compiler for it, is type-checked.
.PHONY: check-systems
check-systems:
	$(GO) run ./tools/systems darwin/arm64 darwin/amd64 windows/amd64 freebsd/amd64

# Without stringsbuilder, which turns a text of five lines in a test into one of seven.
.PHONY: check-modern
check-modern:
	for module in . $(MODULES); do $(GO) fix -C $$module -diff -stringsbuilder=false ./...; done

# Its rules are in staticcheck.conf.
.PHONY: check-static
check-static:
	for module in . $(MODULES); do (cd $$module && $(call tool,staticcheck) ./...); done

# Parameters that are always the same and results that nobody uses.
.PHONY: check-parameters
check-parameters:
	for module in . $(MODULES); do (cd $$module && $(call tool,unparam) ./...); done

# sqlc counts bytes where it should count characters: one letter outside ASCII
# in a query file cuts the text of a query short, silently.
.PHONY: check-queries
check-queries:
	@if LC_ALL=C grep -rn '[^[:print:][:space:]]' queries; then echo "queries: the lines above hold characters outside ASCII, which sqlc miscounts" >&2; exit 1; fi
	$(call tool,sqlc) vet

# Generated beside the tree, so that an interrupted or failed check leaves dbgen alone.
.PHONY: check-generated
check-generated:
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && cp -r sqlc.yaml schema queries "$$fresh" \
	&& $(call tool,sqlc) generate -f "$$fresh/sqlc.yaml" \
	&& { diff -r dbgen "$$fresh/dbgen" || { echo "dbgen is not what sqlc makes of queries/: run make generate" >&2; exit 1; } }
	@for config in examples/*/sqlc.yaml; do $(call tool,sqlc) diff -f $$config; done

.PHONY: check-schema
check-schema:
	$(GO) test ./tools/roundtrip

# Exit code 3 of govulncheck is a finding; without the network there is no verdict.
.PHONY: check-vulnerable
check-vulnerable:
	@if found=$$($(call tool,govulncheck) ./... 2>&1); then echo "govulncheck: nothing known"; \
	elif grep -q 'dial tcp\|no such host\|vuln.go.dev.*refused' <<<"$$found"; then echo "govulncheck: skipped, https://vuln.go.dev cannot be reached"; \
	else echo "$$found" >&2; exit 1; fi

.PHONY: bench
bench: toolchain ## compare with other ways to write SQLite from Go, in two minutes (table and JSON)
	cd bench && $(GO) run .

.PHONY: bench-full
bench-full: toolchain ## the same at length: more rounds, a million events
	cd bench && $(GO) run . -full

.PHONY: bench-ratios
bench-ratios: build ## CPU of ingesting newest first by that in order, and of diff by verify; EVENTS=1000000 takes minutes
	tools/ratios $(stakeledger) $(or $(EVENTS),300000)

.PHONY: bench-postgres
bench-postgres: toolchain ## stakes a second by 1, 4 and 16 writers, by distance and with a standby, on servers of its own; with DB=postgres://… in a file and on that empty database
	@if [[ -n "$(DB)" ]]; then cd bench && $(GO) run ./writers -db "$(DB)"; else $(GO) test -run '^$$' -bench Server -benchtime $(or $(BENCHTIME),3s) ./ledger; fi

.PHONY: year
year: toolchain ## a year of a validator, simulated, in about an hour: make year YEAR='-scale 0.01' (YEAR=-help: more)
	cd bench && $(GO) run ./year $(YEAR)

# The same tests as in make test, trying harder; SEED=n replays a printed seed.
.PHONY: torture
torture: toolchain ## two hours of faults, kills, power cuts, histories and random operations
	@$(GO) build -o bin/gotest ./tools/gotest
	bin/gotest -race ./ledger/...
	@if $(postgres_found); then LEDGER_ENGINE=postgres bin/gotest -timeout 120m ./ledger; fi
	LAW_STREAMS=10000 bin/gotest -run 'TestTheLedgerIs|TheOrderOfAnInput' -timeout 180m ./ledger
	LAW_STREAMS=1000 bin/gotest -run TestTheLedgerIs -timeout 60m ./cmd/stakeledger
	TORTURE=1 bin/gotest -C torture -race -run StatementsUnderStress -timeout 60m ./limits
	TORTURE=1 bin/gotest -C torture -skip StatementsUnderStress -timeout 60m ./...

.PHONY: soak
soak: toolchain ## hours of the same and of steady load: make soak SOAK=2h
	@$(GO) build -o bin/gotest ./tools/gotest
	TORTURE=1 SOAK=$(or $(SOAK),1h) bin/gotest -C torture -timeout 0 ./...

# A mistake at a time in the library's code, and the tests must notice: see tools/mutants.
.PHONY: mutants
mutants: toolchain ## break the code, one place at a time: make mutants MUTANTS=regexp
	@$(GO) build -o bin/mutants ./tools/mutants
	bin/mutants -run '$(MUTANTS)'

# Tests of one package reach statements of another, so all of them count together.
cover := manager manager/migrate manager/faultdriver
comma := ,
coverpkg := $(subst $() ,$(comma),$(cover:%=github.com/stakeledger/stakeledger/%))

.PHONY: coverage
coverage: toolchain ## which statements of manager no test reaches, and the share of those that one does
	@mkdir -p bin
	$(GO) test -coverpkg=$(coverpkg) -coverprofile=bin/coverage . ./ledger $(cover:%=./%)
	@awk -F '[: ]' '/^mode:/ { next } { sub(".*/stakeledger/stakeledger/", ""); block = $$1 ":" $$2; size[block] = $$3; runs[block] += $$4 } \
		END { for (block in size) { package = block; sub("/[^/]*$$", "", package); all[package] += size[block]; \
				if (runs[block]) reached[package] += size[block]; else print "not reached: " block | "sort -V" } \
			close("sort -V"); for (package in all) printf "%s: %.1f %% of %d statements\n", package, 100 * reached[package] / all[package], all[package] }' bin/coverage

# Found by their names, so that a new one is run without being listed. What fails
# is kept under testdata/fuzz of its package, and make test runs it from then on. To
# make an input of new coverage smaller is worth a second, not the whole time.
.PHONY: fuzz
fuzz: toolchain ## run every fuzz target for a while, one by one: make fuzz FUZZTIME=10m (default 1m)
	@for dir in $$($(GO) list -f '{{.Dir}}' ./...); do \
		for target in $$({ grep -ohs '^func Fuzz[A-Za-z0-9_]*' "$$dir"/*_test.go || true; } | cut -c6-); do \
			echo "== $${dir#$(CURDIR)/}: $$target"; \
			$(GO) test "$$dir" -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(or $(FUZZTIME),1m) -fuzzminimizetime=1s; \
		done; \
	done

.PHONY: clean
clean: ## remove what make built, simulated and measured
	rm -rf bin demo bench/results
