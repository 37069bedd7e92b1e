# `make help` lists the verbs. Everything works on a fresh machine with Python >= 3.11, git and make.
PORT   ?= 8080
DATA   ?= .data
PYTHON ?= python3

BIN       := .venv/bin
PACKAGES  := chassis auth-service chat-service memory-service files-service analytics-service
INSTALLED := .venv/.installed
SOURCES   := chassis/chassis dev auth-service/auth_service chat-service/chat_service memory-service/memory_service \
             files-service/files_service analytics-service/analytics_service

.DEFAULT_GOAL := help
.PHONY: help up test e2e check lint types imports contracts contracts-check lock secrets clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

up: $(INSTALLED) ## start everything and print the URL; PORT= moves the gateway, DATA= the data; ^C stops
	@$(BIN)/python -m dev.stack --port $(PORT) --data $(DATA)

test: $(INSTALLED) ## unit, API, contract, gateway and house tests
	$(BIN)/python -m pytest -q --ignore=tests/e2e

e2e: $(INSTALLED) ## journeys through the real nginx and the real services
	$(BIN)/python -m pytest -q tests/e2e

check: lint types imports contracts-check test e2e ## everything that CI does

lint: $(INSTALLED) ## style and common mistakes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED) ## type check
	$(BIN)/mypy $(SOURCES)

imports: $(INSTALLED) ## import rules between and inside services
	$(BIN)/lint-imports

contracts: $(INSTALLED) ## write the OpenAPI documents and consumer contracts anew
	$(BIN)/python -m dev.contracts
	CONTRACTS=write $(BIN)/python -m pytest -q -k _contract chat-service memory-service files-service analytics-service

contracts-check: $(INSTALLED) ## fail when a committed OpenAPI document is stale
	$(BIN)/python -m dev.contracts --check

lock: $(INSTALLED) ## resolve the dependencies anew into requirements.lock files
	$(BIN)/python -m dev.lock

secrets: $(INSTALLED) ## add the secrets that .env lacks
	@$(BIN)/python -m dev.development_secrets .env

clean: ## remove the environment and caches, never the data
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(INSTALLED): requirements.lock $(addsuffix /pyproject.toml,$(PACKAGES)) dev/install.sh
	@PYTHON=$(PYTHON) sh dev/install.sh $(PACKAGES)
	@touch $@
