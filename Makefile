# Every target sets itself up: a virtual environment in .venv with the bridge and its tools, and the stub Steam library.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
PYTEST_ARGS ?=

.PHONY: demo test check architecture all frozen native cross tools sidecar sample-renpy renpy-zip soak windows clean

all: check test

demo: $(VENV)/.ready native
	$(BIN)/sudomimus-bridge demo

test: $(VENV)/.ready native
	$(BIN)/python -m pytest -n auto --dist worksteal $(PYTEST_ARGS)

# One program that needs no Python on the player's machine: dist/sudomimus-bridge-sidecar.
sidecar: tools
	$(BIN)/python packaging/build_sidecar.py dist

# The pygame sample, frozen by each freezer and played: prints a table. FROZEN names others (`--help`): the whole ones of Nuitka take
# 10 minutes each; pyinstaller-windows needs Wine; briefcase needs GitHub, or a copy of its template.
frozen: $(VENV)/.ready native
	@$(BIN)/python -c 'import pefile, ziglang' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check ziglang pefile
	$(BIN)/python packaging/frozen_games.py $(FROZEN)

# The bridge for Ren'Py projects whose authors have no Python, to be unpacked into `game`: dist/sudomimus-bridge-renpy-VERSION.zip.
renpy-zip: $(VENV)/.ready
	$(BIN)/python packaging/build_renpy_zip.py dist

# A short visual novel that signs its player in, on the stub and the local service. RENPY: the folder of a Ren'Py.
sample-renpy: $(VENV)/.ready native
	$(BIN)/python sample_game/renpy/run.py

# The long form of the long runs: random schedules of faults, a thousand logins, a million hostile lines, two hundred and seventy dead
# launchers, a thousand renewals killed, and a hundred and fifty times three weeks.
soak: $(VENV)/.ready native
	$(BIN)/python -m pytest -n auto tests/login/test_properties.py tests/program/test_growth.py tests/sidecar/test_fuzz.py tests/emulator/test_description.py --soak 50
	$(BIN)/python -m pytest -n auto tests/sidecar/test_shutdown.py -k killed_launcher_leaves --soak 17
	$(BIN)/python -m pytest -n auto tests/session/test_crowd.py tests/session/test_weeks.py --soak 25
	$(BIN)/python -m pytest -n auto tests/cli/test_signals.py -k any_moment --soak 5
	$(BIN)/python -m pytest -n auto tests/sidecar/test_file.py tests/sidecar/test_file_launchers.py --soak 2
	$(BIN)/python -m pytest tests/project/test_frozen.py -k nuitka --soak 2

check: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The picture of the layers, drawn from the imports. Fails if an import points outward.
architecture: $(VENV)/.ready
	$(BIN)/python docs/draw_layers.py docs/architecture.svg

# Without a compiler the stub is left out: demo and the tests then say so and use the Python stub.
native:
	@if command -v "$${CC:-cc}" >/dev/null 2>&1; then $(MAKE) -s -C native; \
	else echo "There is no C compiler here: the Python stub of Steam stands in for the compiled one."; fi

# The stub for the other platforms, by ziglang's compiler.
cross: tools
	$(MAKE) -C native cross PYTHON=$(abspath $(BIN))/python

# What only some tests need: a compiler for all platforms, what makes the single file and frozen games, and, where there is npm, OpenRPC's own schema of its documents.
tools: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check ziglang 'pyinstaller>=6.10' nuitka
	@if command -v npm >/dev/null 2>&1; then npm install --silent --no-audit --no-fund --ignore-scripts --fetch-retries 1 --fetch-timeout 20000 --prefix build/npm \
	  @open-rpc/meta-schema@1 @json-schema-tools/meta-schema@1 || echo "npm cannot install here: two tests will skip."; fi

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or later is needed: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

# What the operating system has a say in, on Windows' own Python under Wine; where that cannot be had, it says so and that is all.
windows: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check ziglang pefile
	$(BIN)/python tests/helpers/on_windows.py || [ $$? -eq 77 ]

clean:
	rm -rf $(VENV) .venv-* native/build build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
