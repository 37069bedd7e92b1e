# `make help` lists the verbs. Everything works on a fresh machine with Python >= 3.11, git and make.
PORT   ?= 8080
DATA   ?= .data
PYTHON ?= python3

BIN       := .venv/bin
PACKAGES  := chassis auth-service chat-service memory-service files-service analytics-service
INSTALLED := .venv/.installed
CLIENTS   := tests/clients/python/.venv/.installed tests/clients/node/node_modules/.installed
SOURCES   := chassis/chassis dev benchmarks auth-service/auth_service chat-service/chat_service \
             memory-service/memory_service files-service/files_service analytics-service/analytics_service

.DEFAULT_GOAL := help
.PHONY: help up test e2e security clients faults check lint types imports contracts contracts-check soak bench-gateway bench-log-ins bench-turns bench-streams bench-long-talk bench-memory lock secrets clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

up: $(INSTALLED) ## start everything and print the URL; PORT= moves the gateway, DATA= the data; ^C stops
	@$(BIN)/python -m dev.stack --port $(PORT) --data $(DATA)

test: $(INSTALLED) ## unit, API, contract, gateway and house tests
	$(BIN)/python -m pytest -q $(addprefix --ignore=tests/,e2e security clients faults)

e2e: $(INSTALLED) ## journeys through the real nginx and the real services
	$(BIN)/python -m pytest -q tests/e2e

security: $(INSTALLED) ## attacks on the real nginx and the real services
	$(BIN)/python -m pytest -q tests/security

clients: $(INSTALLED) $(CLIENTS) ## the OpenAI clients that people use, as they are; those for node where node is
	$(BIN)/python -m pytest -q tests/clients

faults: $(INSTALLED) ## a model that fails, streams that are cut, processes that are killed
	$(BIN)/python -m pytest -q tests/faults

check: lint types imports contracts-check test e2e security clients faults ## everything that CI does

lint: $(INSTALLED) ## style and common mistakes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED) ## type check
	$(BIN)/mypy $(SOURCES)

imports: $(INSTALLED) ## import rules between and inside services
	$(BIN)/lint-imports

contracts: $(INSTALLED) ## write the OpenAPI documents and consumer contracts anew
	$(BIN)/python -m dev.contracts
	CONTRACTS=write $(BIN)/python -m pytest -q -k _contract $(filter %-service,$(PACKAGES))

contracts-check: $(INSTALLED) ## fail when a committed OpenAPI document is stale
	$(BIN)/python -m dev.contracts --check

soak: $(INSTALLED) ## what takes minutes: 1,000 refresh tokens x 50 at once; memory killed, raced, lied to, erased
	PYTHONPATH=. $(BIN)/python tests/soak/refresh_races.py
	$(BIN)/python -m benchmarks.memory.invariants

bench-gateway: $(INSTALLED) ## what the access decision costs; needs wrk and a machine that does nothing else
	$(BIN)/python -m benchmarks.gateway

bench-log-ins: $(INSTALLED) ## what 200 log-ins at once cost auth, and everybody else
	$(BIN)/python -m benchmarks.log_ins

bench-turns: $(INSTALLED) ## what a streamed turn costs above nginx passing straight to the model; a machine that does nothing else
	$(BIN)/python -m benchmarks.turns

bench-streams: $(INSTALLED) ## 1,000 streams for a minute: is every event there, in order
	$(BIN)/python -m benchmarks.streams

bench-long-talk: $(INSTALLED) ## does turn 2,000 of a conversation cost more than turn 10
	$(BIN)/python -m benchmarks.long_talk

bench-memory: $(INSTALLED) ## what memory finds, keeps and costs; LOCOMO_SCORER= names the scorer of LoCoMo, which is not part of this
	$(BIN)/python -m benchmarks.memory

lock: $(INSTALLED) ## resolve the dependencies anew into requirements.lock files
	$(BIN)/python -m dev.lock

secrets: $(INSTALLED) ## add the secrets that .env lacks
	@$(BIN)/python -m dev.development_secrets .env

clean: ## remove the environment and caches, never the data
	rm -rf .venv tests/clients/python/.venv tests/clients/node/node_modules .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(INSTALLED): requirements.lock $(addsuffix /pyproject.toml,$(PACKAGES)) dev/install.sh
	@PYTHON=$(PYTHON) sh dev/install.sh $(PACKAGES)
	@touch $@

# other people's programs: where they cannot be had, their tests say so and skip, and everything else goes on
tests/clients/python/.venv/.installed: tests/clients/python/requirements.lock | $(INSTALLED)
	@$(BIN)/python -m venv --clear $(@D) && \
	$(@D)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r $< && touch $@ || \
	echo "the Python clients could not be installed"

tests/clients/node/node_modules/.installed: tests/clients/node/package-lock.json
	@npm ci --prefix $(<D) --no-audit --no-fund --loglevel=error && touch $@ || \
	echo "the node clients could not be installed"
