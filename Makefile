# Every path is relative, because make splits words at spaces and the path of a checkout may contain some.
# Programs run as `python -m`, because a script's first line cannot name an interpreter in a long path or one with spaces.

PYTHON ?= python3
PYTHON_IN_VENV := .venv/bin/python
PYTEST_ARGS ?= -n auto --dist worksteal
STACK ?=
BENCH_ARGS ?=
DEMO_ARGS ?=
CHAOS_ARGS ?=
MUTANTS_ARGS ?=
RCA_ARGS ?=
UPGRADE ?=
COMPILE := uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--prerelease=if-necessary-or-explicit --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header $(UPGRADE)

.DEFAULT_GOAL := help
.PHONY: help demo test acceptance browser check lint types contracts bench chaos rca mutants e2e-smoke lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-10s  %s\n", $$1, $$2 }' Makefile

demo: .venv/demo.stamp ## Watch a whole sync on this machine (DEMO_ARGS=--keep also shows it in the console, until Ctrl-C)
	@$(PYTHON_IN_VENV) manage.py demo $(DEMO_ARGS)

test: .venv/dev.stamp ## Run all tests except the slow ones (some of them: PYTEST_ARGS="tests/embedded -x")
	@$(PYTHON_IN_VENV) -m pytest -m "not slow" $(PYTEST_ARGS)

acceptance: .venv/dev.stamp ## Run the slow tests: workers, servers and machines die, wait and come back
	@$(PYTHON_IN_VENV) -m pytest -m slow $(PYTEST_ARGS)

check: lint types contracts ## Check the code without running it

lint: .venv/dev.stamp ## Check style and formatting (ruff)
	@$(PYTHON_IN_VENV) -m ruff check
	@$(PYTHON_IN_VENV) -m ruff format --check

types: .venv/dev.stamp ## Check types (mypy and pyright)
	@$(PYTHON_IN_VENV) -m mypy
	@$(PYTHON_IN_VENV) -m pyright

contracts: .venv/dev.stamp ## Check that imports point one way (import-linter)
	@$(PYTHON_IN_VENV) -c 'from importlinter.cli import lint_imports_command as run; run()'

browser: .venv/dev.stamp ## Test the console in Chromium, installing it if there is none (Debian, as root)
	@SYNCTRACE_BROWSER="$$(.ci/chromium)" $(PYTHON_IN_VENV) -m pytest tests/console/browser -q

bench: .venv/dev.stamp ## Measure what telemetry costs and how fast a sync is (BENCH_ARGS=--docs also updates docs/)
	@$(PYTHON_IN_VENV) -m tests.benchmarks $(BENCH_ARGS)

chaos: .venv/dev.stamp ## Kill every part of a sync 200 times (CHAOS_ARGS="--seed 7 --kills 20"; --docs updates docs/)
	@$(PYTHON_IN_VENV) -m tests.chaos $(CHAOS_ARGS)

rca: .venv/dev.stamp ## Plant causes in 200 syncs and check explain on them (RCA_ARGS="'token*'"; --docs updates docs/)
	@$(PYTHON_IN_VENV) -m tests.rca $(RCA_ARGS)

mutants: .venv/dev.stamp ## Plant mistakes in core modules and see whether tests notice (MUTANTS_ARGS="--sample 20 telemetry")
	@$(PYTHON_IN_VENV) -m tests.mutants $(MUTANTS_ARGS)

e2e-smoke: .venv/dev.stamp ## Prove the whole stack on real servers (STACK=docker runs it on docker compose)
	@$(PYTHON_IN_VENV) -m tests.e2e_smoke $(STACK)

lock: ## Pin the dependencies of pyproject.toml with uv (UPGRADE=--upgrade takes newer ones)
	@command -v uv >/dev/null || { echo "make lock needs uv: python3 -m pip install uv" >&2; exit 1; }
	$(COMPILE) --extra app --extra demo --output-file requirements.lock
	$(COMPILE) --extra app --constraint requirements.lock --output-file requirements-app.lock
	$(COMPILE) --extra app --extra demo --extra pytest --group dev --constraint requirements.lock \
		--output-file requirements-dev.lock

clean: ## Remove the virtual environment, caches, and all data under var
	@"$(PYTHON)" -m apps.embedded.clean var
	rm -rf .venv var build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/demo.stamp: requirements.lock | .venv/made.stamp
	@echo "Installing what $< names into .venv, once:"
	@$(PYTHON_IN_VENV) deploy/install.py $<
	@touch $@

.venv/dev.stamp: requirements-dev.lock | .venv/made.stamp
	@echo "Installing what $< names into .venv, once:"
	@$(PYTHON_IN_VENV) deploy/install.py $<
	@touch $@

.venv/made.stamp:
	@command -v "$(PYTHON)" >/dev/null || { \
		echo "There is no program $(PYTHON): install Python 3.11 or newer, or name yours: make PYTHON=python3.12" >&2; \
		exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$$("$(PYTHON)" --version) is too old: name a Python 3.11 or newer: make PYTHON=python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "This Python cannot make virtual environments: on Debian and Ubuntu, apt-get install python3-venv" >&2; \
		exit 1; }
	@echo "Making .venv with $$("$(PYTHON)" --version)"
	@"$(PYTHON)" -m venv .venv
	@touch $@
