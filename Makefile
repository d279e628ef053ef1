PYTHON ?= python3
BIN := .venv/bin

.PHONY: serve test proof lint bench docs clean
.DEFAULT_GOAL := serve

serve: .venv/media
	$(BIN)/tams serve

test: .venv/dev
	$(BIN)/python -m pytest

proof: .venv/dev
	TAMS_PROOF=1 $(BIN)/python -m pytest

lint: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/dev
	$(BIN)/python -m bench

docs: .venv/dev
	$(BIN)/python -m docs.generate

.venv/media: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[media]'
	touch $@

.venv/dev: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ .venv/media

clean:
	rm -rf .venv
