# Every target sets itself up: a virtual environment in .venv with the bridge and its tools, and the stub Steam library.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
PYTEST_ARGS ?=

.PHONY: demo test check all clean native cross sidecar soak

all: check test

demo: $(VENV)/.ready native
	$(BIN)/sudomimus-bridge demo

test: $(VENV)/.ready native
	$(BIN)/python -m pytest -n auto $(PYTEST_ARGS)

check: $(VENV)/.ready
	$(BIN)/ruff check bridge tests
	$(BIN)/ruff format --check bridge tests
	$(BIN)/mypy

# Without a compiler the stub is left out: demo and the tests then say so and use the Python stub.
native: $(VENV)/.ready
	@if command -v $${CC:-cc} >/dev/null 2>&1; then $(MAKE) -s -C native; else echo "no C compiler: the Python stub of Steam stands in"; fi

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) .venv-* native/build build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
