# Everything a newcomer types. `make` alone lists the verbs.
SHELL := /bin/sh
PYTHON ?= python3
export BANYAN_STARTED_AT := $(shell date +%s)
# Packages are installed uncompiled; a dozen processes that keep nothing would compile each again at every start.
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-compile --require-hashes

# What has an image of its own: an extra in pyproject.toml, and from it requirements/<name>.lock.
DEPLOYABLES := legacy strangler auth user company ticketing qr payment demo
COMPILE := $(VENV)/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --generate-hashes

.DEFAULT_GOAL := help
.PHONY: help run stop test lint format bench loadtest demo lock clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/run.stamp ## start the whole site on http://localhost:8080 (BANYAN_PORT=… for another port)
	@exec $(BIN)/python -m deploy.local run

stop: $(VENV)/run.stamp ## stop what `make run` started from this checkout
	@$(BIN)/python -m deploy.local stop

test: $(VENV)/dev.stamp ## run every test, in parallel (PYTEST="-k name" to choose)
	@$(BIN)/python -m tests.chromium
	@$(BIN)/python -m pytest -n 3 --dist worksteal $(PYTEST)

lint: $(VENV)/dev.stamp ## ruff, mypy, import contracts, Dockerfiles and the compose file
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/hadolint $$(git ls-files '*Dockerfile')
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker-compose.yml

format: $(VENV)/dev.stamp ## let ruff rewrite what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/dev.stamp ## measure against peers, side by side (BENCH="--quick proxy" to choose)
	@$(BIN)/python -m loadtests.bench $(BENCH)

# HOST counts on the command line alone: some shells export one that names the machine.
loadtest: $(VENV)/dev.stamp ## the same load on both sides, then a verdict per route (QUICK=1; HOST=http://… for a site that runs)
	@$(BIN)/python -m loadtests $(if $(QUICK),--quick) $(if $(filter command,$(origin HOST)),--host "$(HOST)") $(LOADTEST)

demo: $(VENV)/run.stamp ## fill the running system with more demo data (SCALE=10)
	@./banyan demo --scale $(or $(SCALE),10)

lock: ## pin the dependencies again, with hashes and without addresses
	@$(PYTHON) -m venv $(VENV)/lock && $(VENV)/lock/bin/python -m pip install --quiet uv
	@for name in run dev; do \
	  extras=$$( [ $$name = run ] && printf -- '--extra %s ' $(DEPLOYABLES) embedded || echo "--all-extras" ); \
	  $(COMPILE) $$extras pyproject.toml --output-file requirements/$$name.lock; \
	done
	@for name in $(DEPLOYABLES); do \
	  $(COMPILE) --extra $$name --constraints requirements/run.lock --overrides requirements/image-overrides.txt \
	    pyproject.toml --output-file requirements/$$name.lock; \
	done

clean: ## remove the environment and this checkout's data (asks first)
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m deploy.local clean $(if $(YES),--yes); fi
	rm -rf $(VENV) artefacts

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Banyan needs Python 3.11 or newer; this is %s. Try: make PYTHON=python3.12 …" % sys.version.split()[0])'
	@echo "Making the environment in $(VENV) …"
	@$(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

$(VENV)/run.stamp: requirements/run.lock | $(BIN)/python
	@echo "Installing what the site runs on (requirements/run.lock) …"
	@$(PIP) -r requirements/run.lock
	@touch $@

$(VENV)/dev.stamp: requirements/dev.lock | $(BIN)/python
	@echo "Installing what development needs (requirements/dev.lock) …"
	@$(PIP) -r requirements/dev.lock
	@touch $@ $(VENV)/run.stamp
