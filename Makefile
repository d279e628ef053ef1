PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist worksteal --durations 15

.PHONY: serve test proof fuzz lint bench bytecode docs clean
.DEFAULT_GOAL := serve

serve: .venv/media
	$(BIN)/tams serve

test: bytecode
	$(PYTEST)

proof: bytecode
	TAMS_PROOF=1 $(PYTEST)

fuzz: .venv/dev
	TAMS_FUZZ=$${TAMS_FUZZ:-2000} $(PYTEST) tests/api/test_schemathesis.py tests/api/test_stateful.py

lint: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: bytecode
	$(BIN)/python -m bench

# Where Python is told to write none, each of the many processes would compile the package anew.
bytecode: .venv/dev
	$(BIN)/python -m compileall -q tams

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
