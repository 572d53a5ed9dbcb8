# Two commands: `make app` and `make test`. Everything else is for people who work on the product.
# The first of these that is Python 3.11 or 3.12.
PYTHON ?= $(shell for p in python3 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
LOCKED := $(PIP) --no-deps --require-hashes
TOOLS := .venv-tools
PORT ?= 8501

.DEFAULT_GOAL := help
.PHONY: help app test lint lint-deploy format lock licences audit clean

help:
	@echo "make app    install what is missing and open the app on http://localhost:$(PORT)"
	@echo "make test   install what tests need, then lint, types, import contracts and all tests"
	@echo "make lint   lint, types and import contracts only"
	@echo "make lock   write the locks again after a requirements file changed; UPGRADE=--upgrade for newer packages"
	@echo "make audit  look for known vulnerabilities in the locked packages"
	@echo "make lint-deploy  check Dockerfile and compose files"
	@echo "make clean  remove the environment; your data in .llamacare/ stays"

app: $(VENV)/.app
	$(BIN)/python -m db demo
	$(BIN)/streamlit run streamlit_app/app.py --server.port $(PORT)

test: $(VENV)/.dev $(VENV)/.chromium lint
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lint-deploy: $(TOOLS)/.made
	$(TOOLS)/bin/hadolint Dockerfile
	$(TOOLS)/bin/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml docs/running/deploy/compose.cuda.yaml

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The lock of the developers first: the app then gets the same versions.
lock: $(TOOLS)/.made
	$(TOOLS)/bin/uv pip compile --quiet $(UPGRADE) -o requirements-dev.lock requirements.txt requirements-model.txt requirements-dev.txt
	$(TOOLS)/bin/uv pip compile --quiet $(UPGRADE) -o requirements.lock -c requirements-dev.lock requirements.txt requirements-model.txt

licences: $(VENV)/.dev
	$(BIN)/python .ci/licences.py > docs/licences.md

audit: $(TOOLS)/.made
	$(TOOLS)/bin/python .ci/audit.py

# The stamps are older than the files that name the packages exactly when something must be installed.
# torch comes last and without a hash: it may be the CPU or the CUDA build, whose libraries it brings.
$(VENV)/.app: requirements.lock requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed and neither was found. Install one, or run: make PYTHON=/path/to/python3.12 app"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(LOCKED) -r requirements.lock
	$(PIP) "$$(grep '^torch==' requirements.txt)"
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.app requirements-dev.lock
	$(LOCKED) -r requirements-dev.lock
	@touch $@

$(TOOLS)/.made: requirements-tools.txt
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check -r requirements-tools.txt
	@touch $@

$(VENV)/.chromium: $(VENV)/.dev
	.ci/install-chromium $(BIN)
	@touch $@

clean:
	rm -rf $(VENV) $(TOOLS) *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
