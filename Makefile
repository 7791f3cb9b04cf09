# `make run` and `make test` need Python 3.11 or newer and nothing else; see README.md.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# Containers often forbid Python to keep what it compiled. Each process of a run would then compile its sources again,
# and each process of pytest would rewrite every test: seconds of CPU.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := schemas passwords startup edge api_shim worker notifier console cli local_stack

# Options of `customer-intake up`, of pytest or of `uv pip compile`: make run ARGS='--port 8080'
ARGS ?=

PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help run test test-all test-faults test-partitions test-browser test-bench bench check format lock openapi picture clean

help:
	@echo 'make run          the whole service on this machine; options: ARGS="--port 8080"'
	@echo 'make test         the tests that take seconds, several at a time'
	@echo 'make test-faults  the tests that kill, pause and restart real servers'
	@echo 'make test-partitions  the tests in which machines die and are cut off; by root, with nftables'
	@echo 'make test-browser  the tests of the console in a real browser, which must be there (chromium)'
	@echo 'make test-bench   each bench once, at a size at which it measures nothing'
	@echo 'make test-all     every test on one machine: all but those of test-partitions'
	@echo 'make bench        the service, the hash limit and two peers, measured: 20 minutes on two idle cores'
	@echo 'make check        ruff, mypy and the import contracts'
	@echo 'make format       let ruff format and repair'
	@echo 'make lock         pin the dependencies anew; to raise them: ARGS=--upgrade'
	@echo 'make openapi      write api_shim/interface/openapi.json anew'
	@echo 'make picture      take docs/console.png anew, with a Chromium'
	@echo 'make clean        remove what the above made, except .local (your data)'

run: $(VENV)/.run
	@exec $(BIN)/customer-intake up $(ARGS)

# Several processes with servers of their own. The tests of a file run in one process, since they share its fixtures.
# ARGS='-n 0' runs them in a row.
SIDE_BY_SIDE := -n auto --dist loadfile --no-loadscope-reorder

# Each fault test has a service of its own, and spends most of its time waiting.
FAULTS_SIDE_BY_SIDE := -n 5 --maxschedchunk 1

# They need root, and ten machines for each process that runs some of them.
BETWEEN_MACHINES := tests/partitions

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m 'not slow' --ignore=$(BETWEEN_MACHINES) $(ARGS)

test-all: $(VENV)/.dev
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) --ignore=$(BETWEEN_MACHINES) $(ARGS)

test-faults: $(VENV)/.dev
	$(BIN)/python -m pytest $(FAULTS_SIDE_BY_SIDE) tests/faults $(ARGS)

# Each process makes ten machines, which its tests share.
PARTITIONS_SIDE_BY_SIDE := -n 2 --dist loadfile

# The short set: make test-partitions ARGS="-m 'not slow'"
test-partitions: $(VENV)/.dev
	$(BIN)/python -m pytest $(PARTITIONS_SIDE_BY_SIDE) $(BETWEEN_MACHINES) $(ARGS)

# The console's page in Chromium.
test-browser: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/console/test_browser*.py $(ARGS)

test-bench: $(VENV)/.dev
	$(BIN)/python -m pytest tests/bench $(ARGS)

bench: $(VENV)/.dev
	$(BIN)/python -m bench --runs 5 $(ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Three locks: for a service, for a service with real servers, and for developers. Existing pins are kept.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

lock: $(VENV)/.dev
	$(COMPILE) $(ARGS) pyproject.toml --extra otel --output-file requirements/service.txt
	$(COMPILE) $(ARGS) pyproject.toml requirements/build.in --extra otel --extra stack \
	  --constraint requirements/service.txt --output-file requirements/run.txt
	$(COMPILE) $(ARGS) pyproject.toml requirements/build.in requirements/tools.in --extra dev \
	  --constraint requirements/run.txt --output-file requirements/dev.txt

openapi: $(VENV)/.dev
	$(BIN)/python -m api_shim.interface.openapi > api_shim/interface/openapi.json.new
	mv api_shim/interface/openapi.json.new api_shim/interface/openapi.json

picture: $(VENV)/.dev
	$(BIN)/python -m tests.console.picture docs/console.png

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find $(PACKAGES) tests bench -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# --- the virtual environment; a stamp file says what was installed into it -----------------------------------

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "This project needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || true)." \
	    "Name another: make PYTHON=python3.12" >&2; exit 1; }
	@echo "Making $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "Installing what requirements/run.txt pins ..."
	@$(PIP_INSTALL) --require-hashes --requirement requirements/run.txt
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	@echo "Installing what requirements/dev.txt pins ..."
	@$(PIP_INSTALL) --require-hashes --requirement requirements/dev.txt
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.run
