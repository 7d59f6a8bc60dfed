# Every command of the project. A bare machine needs python3 (3.11 or newer, with its venv module) and make; the
# browser tests need Chromium.
# All paths are relative, so a checkout may lie in a folder with spaces. What the recipes say goes to stderr:
# stdout belongs to the program that a target runs.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Two recipes that install into one environment at once, under "make -j", would leave it half of each.
.NOTPARALLEL:

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet --quiet
CODE := $(wildcard src tests bench ui clients docs)
UV_VERSION := 0.13.9
UV := .cache/uv/bin/uv
LOCK := $(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
	--universal --python-version 3.11

# Where it is set, each process of the tests would compile the product and the tests anew.
unexport PYTHONDONTWRITEBYTECODE

# $(call timed,name,command): run, say how long it took, keep the exit code.
timed = @echo "== $(1)" >&2; began=$$(date +%s); code=0; $(2) || code=$$?; \
	echo "== $(1): $$(($$(date +%s) - began)) s, exit code $$code" >&2; exit $$code

.PHONY: help demo serve ui client test pytest test-year check lints types format bench faults photos docs lock dist clean setup

help: ## Say what there is
	@echo "make TARGET [ARGS=\"...\"]"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1\t\2/p' Makefile | expand -t 14

demo: $(VENV)/ready-demo ui ## Replay a year of real baskets, then serve it (ARGS="--port 8791", "--no-serve --json", ...)
	@exec $(BIN)/regulars demo $(ARGS)

serve: $(VENV)/ready-demo ui ## Serve the programme (regulars serve)
	@exec $(BIN)/regulars serve $(ARGS)

ui: $(VENV)/ready-demo ## Build the pages' scripts, styles and icons, where their sources changed
	@$(BIN)/python -m ui

client: $(VENV)/ready-dev ## Write the Python client's modules anew, after a change of the API
	@$(BIN)/python -m clients.generate

setup: $(VENV)/ready-dev ui ## Install what development needs, from the hashed lists

test: lints ui ## Set up, check and run every test but the long ones
	@printf '%s\n' types pytest | xargs -P 2 -n 1 $(MAKE) --no-print-directory

# mypy uses one core, and tests wait now and then: beside each other they take less time than one after the other.
pytest: $(VENV)/ready-dev
	$(call timed,pytest,$(BIN)/python -m pytest -n 3 --maxschedchunk 16 --durations=15 $(ARGS))

test-year: $(VENV)/ready-dev ## The variants of the replay on the whole year
	$(call timed,pytest (whole year),$(BIN)/python -m pytest -m year --durations=15 $(ARGS))

faults: $(VENV)/ready-dev ## Kill every process under load, 20 rounds; couriers among receivers that lie
	$(call timed,faults,$(BIN)/python -m pytest -m faults --durations=15 $(ARGS))

check: lints types ## Formatting, lints, layers and types

lints: $(VENV)/ready-dev
	$(call timed,ruff format,$(BIN)/python -m ruff format --quiet --diff $(CODE))
	$(call timed,ruff,$(BIN)/python -m ruff check --quiet $(CODE))
	$(call timed,import-linter,$(BIN)/lint-imports)

types: $(VENV)/ready-dev
	$(call timed,mypy,$(BIN)/python -m mypy $(filter-out docs,$(CODE)))

format: $(VENV)/ready-dev ## Format the code and apply the safe fixes
	@$(BIN)/python -m ruff check --quiet --fix-only $(CODE)
	@$(BIN)/python -m ruff format $(CODE)

bench: $(VENV)/ready-dev ## Measure, each figure beside its limit (ARGS="--json")
	@exec $(BIN)/python -m bench $(ARGS)

photos: $(VENV)/ready-dev ui ## Photograph every page, as each person sees it, into photos/ (ARGS="--page console/members --width 390")
	$(call timed,photos,$(BIN)/python -m tests.photos $(ARGS))

docs: $(VENV)/ready-dev ui ## Write the generated pages (docs/errors.md, docs/walkthrough.md), the API's worked examples, the pictures of README.md
	@$(BIN)/python -m tests.architecture.errors_page
	@WRITE_DOCS=1 $(BIN)/python -m pytest -q tests/entrypoints/test_walkthrough.py tests/contract/test_versions.py
	@$(BIN)/python -m tests.photos --readme

lock: $(UV) ## Choose new versions of the dependencies and write the hashed lists
	@UV_CUSTOM_COMPILE_COMMAND="make lock" $(LOCK) pyproject.toml --extra demo --group build --group ui \
		--upgrade -o requirements/demo.txt
	@UV_CUSTOM_COMPILE_COMMAND="make lock" $(LOCK) pyproject.toml --extra demo --extra traces --group dev \
		--upgrade --constraint requirements/demo.txt -o requirements/dev.txt
	@UV_CUSTOM_COMPILE_COMMAND="make lock" $(LOCK) pyproject.toml --extra parquet --extra traces \
		--upgrade --constraint requirements/dev.txt -o requirements/run.txt

dist: ui ## Build the wheel, assets within, into dist/ (deploy/README.md says what for)
	@$(PIP) wheel --no-deps --no-build-isolation --no-index --wheel-dir dist . >&2

clean: ## Remove the environment and everything that tools left (never a programme's data)
	@rm -rf $(VENV) ui/node_modules src/regulars/web/kit/assets .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	@find src tests bench ui clients docs -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# --- the environment ------------------------------------------------------------------------------------------
# Marker files are written last, so an interrupted set-up is repeated. Development contains all that the demo needs.

# $(call install,list): every second package by one pip, the others by another, which takes half the time. A list is
# complete, so none of them has to look for dependencies. A module is compiled when it is first imported: most never
# are.
install = awk '/^[^ \#]/ { half = !half } !/^\#/ { print > ("$(VENV)/half-" half ".txt") }' $(1) \
	&& printf '%s\n' 0 1 | xargs -P 2 -I HALF \
		$(PIP) install --no-compile --no-deps --require-hashes -r $(VENV)/half-HALF.txt >&2

$(VENV)/created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Regulars needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Creating $(VENV) ..." >&2
	@$(PYTHON) -m venv $(VENV) >&2 \
		|| { echo "Python's venv module is missing (Debian: apt install python3-venv)." >&2; exit 1; }
	@touch $@

$(VENV)/installed-dev: requirements/dev.txt | $(VENV)/created
	@echo "Installing the development environment (once, about a minute) ..." >&2
	@$(call install,requirements/dev.txt)
	@touch $@ $(VENV)/installed-demo

# A development environment that is newer than both lists serves the demo as it is.
$(VENV)/installed-demo: requirements/demo.txt | $(VENV)/created
	@echo "Installing what the demo needs (once, about a minute) ..." >&2
	@$(call install,requirements/demo.txt)
	@touch $@

$(VENV)/ready-dev: $(VENV)/installed-dev pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation -e . >&2
	@touch $@ $(VENV)/ready-demo

$(VENV)/ready-demo: $(VENV)/installed-demo pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation -e . >&2
	@touch $@

# uv is needed by those who change a dependency only, so it is in no list and lives apart.
$(UV):
	@$(PYTHON) -m venv .cache/uv >&2
	@.cache/uv/bin/python -m pip --disable-pip-version-check --no-input --quiet --quiet install uv==$(UV_VERSION) >&2
