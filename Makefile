# Each target first installs what it needs: the bridge and its tools in .venv, and the stub of Steam's library.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
PYTEST_ARGS ?=

.PHONY: demo test test-once check costs architecture contracts docs pictures all frozen native cross tools sidecar sample-renpy renpy-zip faults long soak windows clean

all: check test test-once

demo: $(VENV)/.ready native
	$(BIN)/sudomimus-bridge demo

# The suite, without the long tests that do not depend on the Python: `make test-once` runs those, and `make` runs all.
test: $(VENV)/.ready native
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not once" $(PYTEST_ARGS)

# Real Ren'Pys and browsers, the single file, frozen games, other platforms' libraries, launchers in other languages, pytest's plugin,
# and the benchmarks' short forms.
test-once: tools native
	$(BIN)/python -m pytest -n auto --dist worksteal -m once $(PYTEST_ARGS)

# The sidecar as one program that needs no Python on the player's machine: dist/sudomimus-bridge-sidecar.
sidecar: tools
	$(BIN)/python packaging/build_sidecar.py dist

# Freezes the pygame sample with each freezer, plays it, and prints a table. FROZEN names further freezers (`--help`): each whole
# build of Nuitka takes 10 minutes, pyinstaller-windows needs Wine, and briefcase needs GitHub or a copy of its template.
frozen: $(VENV)/.ready native
	@$(BIN)/python -c 'import pefile, ziglang' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check ziglang pefile
	$(BIN)/python packaging/frozen_games.py $(FROZEN)

# A zip file for Ren'Py projects whose authors have no Python: dist/sudomimus-bridge-renpy-VERSION.zip.
renpy-zip: $(VENV)/.ready
	$(BIN)/python packaging/build_renpy_zip.py dist

# A short visual novel that signs its player in, on the stub and the local service. RENPY names the folder of a Ren'Py SDK.
sample-renpy: $(VENV)/.ready native
	$(BIN)/python sample_game/renpy/run.py

# What the bridge costs beside the bare libraries and the vendor's packages. Writes the table in benchmarks/README.md. Linux only.
costs: $(VENV)/.ready native
	$(BIN)/python benchmarks/costs.py --write

# Logins, errands, renewals and faults through one sidecar and one Bridge: memory, threads, descriptors and tickets stay flat.
MINUTES ?= 60
soak: $(VENV)/.ready native
	$(BIN)/python -m tests.soak --minutes $(MINUTES)

# The long form of the long tests: 50 times the random schedules, a thousand logins, a million hostile lines, 270 killed launchers,
# a thousand killed renewals, and 150 times three weeks.
long: $(VENV)/.ready native
	$(BIN)/python -m pytest -n auto tests/login/test_properties.py tests/program/test_growth.py tests/sidecar/test_fuzz.py tests/emulator/test_description.py --soak 50
	$(BIN)/python -m pytest -n auto tests/sidecar/test_shutdown.py -k killed_launcher_leaves --soak 17
	$(BIN)/python -m pytest -n auto tests/session/test_crowd.py tests/session/test_weeks.py --soak 25
	$(BIN)/python -m pytest -n auto tests/cli/test_signals.py -k any_moment --soak 5
	$(BIN)/python -m pytest -n auto tests/sidecar/test_file.py tests/sidecar/test_file_launchers.py --soak 2
	$(BIN)/python -m pytest tests/project/test_frozen.py tests/renpy/test_five_games.py -k "nuitka or distributed" --soak 2

# Each step of a login against each fault, on real sockets. Writes the matrix to docs/faults.md. Linux only, a minute or two.
faults: $(VENV)/.ready native
	$(BIN)/python -m tests.faults --out docs/faults.md

check: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The picture of the layers, drawn from the imports. Fails if an import points outward.
architecture: $(VENV)/.ready
	$(BIN)/python docs/draw_layers.py docs/architecture.svg

# Compares what the bridge sends and reads with the service's OpenAPI documents. SPEC: the files.
contracts: $(VENV)/.ready
	$(BIN)/python docs/compare_contract.py $(SPEC)

# The documentation site, in build/site. A warning is an error: a broken link, a missing part, a page that no menu names.
docs: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# The pictures of the site, from real runs: needs Chromium, npm, Xvfb and Ren'Py. PICTURES="terminal pages" makes some of them.
pictures: $(VENV)/.ready native
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	$(BIN)/python docs/sitegen/pictures.py $(PICTURES)

# Without a compiler there is no compiled stub. The demo and the tests then say so and use the Python stub.
native:
	@if command -v "$${CC:-cc}" >/dev/null 2>&1; then $(MAKE) -s -C native; \
	else echo "There is no C compiler here: the Python stub of Steam replaces the compiled one."; fi

# The stub for other platforms, built with ziglang's compiler.
cross: tools
	$(MAKE) -C native cross PYTHON=$(abspath $(BIN))/python

# Tools for some tests only: a compiler for all platforms, freezers for the single file and for games, and, if npm is installed,
# OpenRPC's meta-schema.
tools: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check ziglang 'pyinstaller>=6.10' nuitka
	@if command -v npm >/dev/null 2>&1; then npm install --silent --no-audit --no-fund --ignore-scripts --fetch-retries 1 --fetch-timeout 20000 --prefix build/npm \
	  @open-rpc/meta-schema@1 @json-schema-tools/meta-schema@1 || echo "npm cannot install here: two tests will skip."; fi

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or later is needed: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

# The tests that depend on the operating system, on a Python for Windows under Wine. If that is not available, this says so and
# succeeds.
windows: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check ziglang pefile
	$(BIN)/python tests/helpers/on_windows.py || [ $$? -eq 77 ]

clean:
	rm -rf $(VENV) .venv-* native/build build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
