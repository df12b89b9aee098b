# A fresh machine needs Python 3.11 or later with venv, make and a package index; nothing else.
# What is installed is what the locks say, hash by hash; a second call installs nothing.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=
# Processes of the suite; 0 runs it in one. More than there are cores make its tests wait for each other.
WORKERS ?= 2

# Stamps carry a checksum of what they stand for, so a changed lock installs again and a touched one does not.
checksum = $(firstword $(shell cksum < $(1)))
RUNTIME  := $(VENV)/.runtime-$(call checksum,requirements.lock)
DEV      := $(VENV)/.dev-$(call checksum,requirements-dev.lock)
SELF     := $(VENV)/.sluss-$(call checksum,pyproject.toml)

PACKAGES := gateway auth quota console storage portal_docs backends
CHECKED  := $(wildcard $(PACKAGES)) tests
# The suite's own checks of the source: imports, project files, OpenAPI documents and links.
SOURCE_CHECKS := tests/test_imports.py tests/test_project.py tests/test_documents.py

PIP_INSTALL := $(BIN)/python -m pip --disable-pip-version-check --no-input install -qq --progress-bar off

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help up test demo bench microbench soak lint lock clean

help: ## this list
	@echo "Sluss. Targets:"
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '%-14s %s\n' "$$name" "$$text"; done
	@echo "  ARGS=… is passed on: make test ARGS='-k quota', make bench ARGS=--quick"

up: $(RUNTIME) $(SELF) ## install, migrate, seed, build the portal and start everything; Ctrl-C stops it
	@$(BIN)/sluss up $(ARGS)

demo: $(RUNTIME) $(SELF) ## walk the main job over real HTTP; exit status 0 only if every step holds
	@$(BIN)/sluss demo $(ARGS)

test: $(DEV) $(SELF) ## the whole suite, with a real PostgreSQL and a real Redis
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

bench: $(DEV) $(SELF) ## measure side by side with the peers found here; writes bench-results/
	@$(BIN)/python -m tests.bench $(ARGS)

microbench: $(DEV) $(SELF) ## time each stage of the line against plain work; writes bench-results/profile.json
	@$(BIN)/python -m pytest -q tests/bench/micro/bench_stages.py --benchmark-columns=min,median,rounds --benchmark-sort=min $(ARGS)

soak: $(DEV) $(SELF) ## load and random faults for ARGS seconds (60): nothing may grow
	@$(BIN)/python -m tests.faults.soak $(ARGS)

lint: $(DEV) $(SELF) ## ruff, mypy strict, import table, OpenAPI documents, links
	@failed=""; \
	check() { name=$$1; shift; echo "lint: $$name"; "$$@" || failed="$$failed $$name"; }; \
	check ruff $(BIN)/ruff check -q .; \
	check format $(BIN)/ruff format -q --check .; \
	check mypy $(BIN)/mypy --no-error-summary $(CHECKED); \
	check source $(BIN)/python -m pytest -q $(wildcard $(SOURCE_CHECKS)); \
	if [ -n "$$failed" ]; then echo "lint: failed:$$failed" >&2; exit 1; fi; echo "lint: clean"

lock: ## write both locks anew from pyproject.toml; ARGS=--upgrade takes newer versions
	@test -x build/lock/bin/uv || { $(PYTHON) -m venv build/lock && build/lock/bin/python -m pip --disable-pip-version-check install -qq uv; }
	@for set in "requirements.lock" "requirements-dev.lock --extra dev"; do \
	  build/lock/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	    $(ARGS) pyproject.toml -o $$set || exit 1; done
	@echo "Wrote requirements.lock and requirements-dev.lock."

clean: ## remove the virtual environment, caches and built pages; data in var/ stays
	@rm -rf $(VENV) build site .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
	  echo "Sluss needs Python 3.11 or later: no '$(PYTHON)' found. Install it, or name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Sluss needs Python 3.11 or later; '$(PYTHON)' is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' lacks the venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) -V) …"
	@$(PYTHON) -m venv $(VENV)

$(RUNTIME): | $(BIN)/python
	@echo "Installing $$(grep -c '==' requirements.lock) locked packages into $(VENV) (once, about half a minute) …"
	@$(PIP_INSTALL) --require-hashes --no-deps -r requirements.lock
	@rm -f $(VENV)/.runtime-* && touch $@

# The development lock holds every runtime pin as well (tests/test_project.py checks it), so it stands for both.
$(DEV): | $(BIN)/python
	@echo "Installing $$(grep -c '==' requirements-dev.lock) locked packages for development into $(VENV) (once, about a minute) …"
	@$(PIP_INSTALL) --require-hashes --no-deps -r requirements-dev.lock
	@rm -f $(VENV)/.runtime-* $(VENV)/.dev-* && touch $(RUNTIME) $@

# Reads pyproject.toml alone: packages are used where they stand, so no source change needs this again.
$(SELF): | $(BIN)/python
	@echo "Installing the sluss command into $(VENV) …"
	@$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@rm -f $(VENV)/.sluss-* && touch $@
