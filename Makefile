# Two commands are all a user needs: `make run` and `make test`.
PYTHON ?= python3
PORT ?= 8501
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 3
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Some containers set this, and then every process compiles all that it imports anew, which takes seconds.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help run test check lab soak bench notebooks screenshots docs texts format lock clean

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'

run: $(VENV)/.installed-run ## Everything from a fresh clone to the dashboard at http://127.0.0.1:$(PORT)
	@$(BIN)/trunkgate serve --port $(PORT)

test: $(VENV)/.installed-test ## Everything from a fresh clone to a green suite; installs the system parts it needs
	@$(MAKE) --no-print-directory --jobs=2 parts style contracts
	@$(MAKE) --no-print-directory --jobs=2 types suite

check: $(VENV)/.installed-test ## The quick gates: format, lint, types, import contracts, unit tests
	@$(MAKE) --no-print-directory --jobs=2 gates
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "not browser and not slow" -q

.PHONY: parts gates style types contracts suite
parts:
	@sh tests/system-parts.sh

gates: types style contracts

style:
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/ruff check --quiet

types:
	@$(BIN)/mypy --no-error-summary

contracts:
	@$(BIN)/lint-imports --no-cache

suite:
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

lab: $(VENV)/.installed-test ## A real SIP edge and calling PBXs with the dashboard on top, at http://127.0.0.1:$(PORT); needs root
	@sh tests/system-parts.sh
	@$(BIN)/python -m tests.lab --port $(PORT)

soak: $(VENV)/.installed-test ## The long tests, each under 20 minutes; PART=NAME runs one (tests/soak has them)
	@sh tests/system-parts.sh
	@$(BIN)/python -m tests.soak $(PART)

bench: $(VENV)/.installed-bench ## The benchmarks, each beside its floor and its peers in the same run
	@$(BIN)/python -m tests.bench

notebooks: $(VENV)/.installed-test ## Run the notebooks
	@$(BIN)/python -m pytest -q tests/test_notebooks.py

screenshots: $(VENV)/.installed-test ## Take the pictures of the README anew, in docs/
	@TRUNKGATE_SCREENSHOTS=docs TRUNKGATE_SAMPLE_CALLS=50000 $(BIN)/python -m pytest -q tests/browser/test_story.py tests/browser/test_what_if.py -k "true or draft"

docs: $(VENV)/.installed-test ## Write the reference in docs/ anew from the code: checks, settings, commands, tables
	@$(BIN)/python -m tests.reference

texts: $(VENV)/.installed-test ## Bring tests/texts.toml up to date after a change of wording: runs what failed last, or TESTS="PATH ..."
	@$(BIN)/python -m tests.texts $(TESTS)

format: $(VENV)/.installed-test ## Format the code
	@$(BIN)/ruff format --quiet
	@$(BIN)/ruff check --fix --quiet

lock: ## Pin the newest versions that resolve together (needs uv)
	@uv pip compile pyproject.toml --extra build --universal --python-version 3.11 --generate-hashes --no-header --upgrade --quiet -o requirements.lock
	@uv pip compile pyproject.toml --extra build --extra dev --universal --python-version 3.11 --generate-hashes --no-header --upgrade --quiet -c requirements.lock -o requirements-dev.lock
	@uv pip compile pyproject.toml --extra build --extra dev --extra bench --universal --python-version 3.11 --generate-hashes --no-header --upgrade --quiet -c requirements-dev.lock -o requirements-bench.lock

clean: ## Remove what the commands above made here
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Modules are compiled when they are first loaded: most of those installed never are.
# phonenumbers and phonenumberslite write into one folder: an environment that has the former gets the latter anew.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "trunkgate needs Python 3.11 or newer; this is $$($(PYTHON) --version)." >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@if ls $(VENV)/lib/python*/site-packages/phonenumbers-*.dist-info >/dev/null 2>&1; then $(PIP) uninstall --yes phonenumbers phonenumberslite; fi
	@$(PIP) install --no-compile --require-hashes -r $(1)
	@$(PIP) install --no-compile --no-deps --no-build-isolation -e .
endef

$(VENV)/.installed-run: requirements.lock pyproject.toml
	@echo "Installing into $(VENV) (about a minute the first time)"
	$(call install,requirements.lock)
	@touch $@

# Its lock file holds all of requirements.lock.
$(VENV)/.installed-test: requirements-dev.lock requirements.lock pyproject.toml
	@echo "Installing into $(VENV), with what the tests need (about a minute the first time)"
	$(call install,requirements-dev.lock)
	@touch $(VENV)/.installed-run $@

$(VENV)/.installed-bench: requirements-bench.lock $(VENV)/.installed-test
	@echo "Installing what the benchmarks compare with"
	@$(PIP) install --require-hashes -r requirements-bench.lock
	@touch $@
