# Everything a person does with this repository. `make` alone lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := libs/events libs/chassis services/profiles services/matching services/scheduling services/feedback deploy/local
SOURCES := libs services deploy tests
INSTALLED := $(VENV)/.installed
TEST_PROCESSES ?= 2
TESTS := $(BIN)/pytest --numprocesses $(TEST_PROCESSES) --dist loadfile

.PHONY: help install up down status test faults check format lint types imports schemas generate generated lock

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F '\t' '{printf "  make %-16s %s\n", $$1, $$2}'

$(INSTALLED): requirements.txt requirements-uv.txt pyproject.toml $(addsuffix /pyproject.toml,$(PACKAGES))
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Tandem needs Python 3.11 or newer; set PYTHON=/path/to/python")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the locked dependencies into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(addprefix -e ,$(PACKAGES))
	@touch $@

install: $(INSTALLED) ## Make .venv and install everything, hash-locked

up: install ## Start the whole platform here and show what happened (Ctrl-C stops it)
	@$(BIN)/tandem up

down: install ## Stop the platform that runs here
	@$(BIN)/tandem down

status: install ## What runs here, and how it is
	@$(BIN)/tandem status

test: install ## Run every test on a real PostgreSQL and a real broker (TEST_PROCESSES=n: each has its own)
	@$(TESTS)

faults: install ## The full fault run: 100,000 transactions, 200 faults, controls (FAULTS_SEED=n repeats one; ARGS=...)
	@$(BIN)/python -m tests.faults $(ARGS)

format: install ## Write the code in the house's format
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix $(SOURCES)

lint: install ## Format and lint, changing nothing
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/ruff check $(SOURCES)

types: install ## mypy, strict; each package by itself, because each has tests of its own
	@for part in $(PACKAGES) tests; do $(BIN)/mypy $$part || failed=1; done; test -z "$${failed:-}"

imports: install ## Who may know whom
	@$(BIN)/lint-imports

schemas: install ## Freeze the schemas of new events; refuse what breaks readers (ARGS=--accept-compatible: added fields too)
	@$(BIN)/tandem events schemas --write $(ARGS)

generate: schemas ## Write readers' samples, the event catalogue, the AsyncAPI document, the map in README.md and the page of settings
	@$(BIN)/tandem events samples --write
	@$(BIN)/tandem events catalogue --write docs/events --front-page README.md
	@$(BIN)/tandem settings --write docs/settings.md

generated: install ## Fail if a generated file is stale
	@$(BIN)/tandem events schemas
	@$(BIN)/tandem events catalogue --check --write docs/events --front-page README.md
	@$(BIN)/tandem settings --check --write docs/settings.md

check: lint types imports generated ## What CI runs: format, lint, types, imports, generated files, tests with coverage
	@rm -f .coverage .coverage.*
	@$(TESTS) --cov --cov-report=
	@$(BIN)/coverage combine --quiet --keep 2>/dev/null || true
	@$(BIN)/coverage report

lock: ## Lock the newest dependencies, with hashes and without any registry's address
	@$(BIN)/uv lock --upgrade
	@$(BIN)/uv export --quiet --frozen --all-packages --all-groups --no-emit-workspace --no-annotate --no-header --format requirements.txt -o requirements.txt
	@printf 'uv==%s\n' "$$($(BIN)/uv --version | cut -d' ' -f2)" | $(BIN)/uv pip compile --quiet --generate-hashes --no-annotate --no-header -o requirements-uv.txt -
	@deploy/requirements/lock.sh

images: ## Build the images of the services (needs a container engine; PYTHON_IMAGE=... for another base)
	@docker compose -f deploy/compose.yaml build

sbom: install ## Write what is in each image as CycloneDX, into dist/sbom
	@deploy/sbom.sh dist/sbom

chart: ## Package the Helm chart into dist/ (needs helm)
	@helm package deploy/helm/tandem --destination dist

bench: install ## Measure a whole program and an idle platform (all benches: ARGS="--json", ARGS="--page docs/figures.md")
	@$(BIN)/python -m tests.bench.thread $(ARGS)

bench-events: install ## Measure the event backbone beside the bare clients
	@$(BIN)/python -m tests.bench.events $(ARGS)

bench-feedback: install ## Measure feedback: 2,000,000 events into reports, health at 500 events/s, reports (some 20 minutes)
	@$(BIN)/python -m services.feedback.bench.health --events 2000000 $(ARGS)
	@$(BIN)/python -m services.feedback.bench.reports $(ARGS)

bench-profiles: install ## Measure rosters of 10,000 as CSV and XLSX, the refusal of one of 1,000,000, searches among 200,000 people
	@$(BIN)/python -m services.profiles.bench.roster $(ARGS)
	@$(BIN)/python -m services.profiles.bench.search $(ARGS)

bench-scheduling: install ## Measure scheduling: free times, 6 weeks among 1,000,000 sessions, 10,000 reminders at once
	@$(BIN)/python -m services.scheduling.bench.meetings $(ARGS)

bench-matching: install ## Measure the matching engine beside what a user would pick instead (ARGS="--write docs/matching.md": into that page)
	@$(BIN)/python -m services.matching.bench.engine $(ARGS)

bench-up: install ## Measure how soon the platform is ready and gone, and what it uses meanwhile
	@$(BIN)/python -m tandem_local.measuring
