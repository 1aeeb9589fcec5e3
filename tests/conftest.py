"""Fixtures of all tests: the compiled stub of Steam, the local service, and both event loops.

They use the parts of `sudomimus_bridge.testing`. But here the stub aborts on misuse, and each test checks its tickets itself.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from sudomimus_bridge._login.ports import Ports
from sudomimus_bridge._service.policy import Spacing
from sudomimus_bridge._settings import Settings, read_settings
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.testing._compiled_stub import StubNotCompiled, compiled_stub
from sudomimus_bridge.testing._service import shared_service
from sudomimus_bridge.testing._stub_library import StubLog as StubLog

from .helpers import warm_start
from .helpers.patience import PATIENCE
from .helpers.signals import pass_signals_on

pytest_plugins = ["pytester", "sudomimus_bridge.testing"]

BACKENDS = ["asyncio", "trio"]

# A busy machine may be slow to generate an input, and to run the test with it.
hypothesis_settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("busy machine")

Project = Callable[..., pytest.RunResult]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide this machine's settings and proxies from a test, and any steam_appid.txt that is not the test's own."""
    for name in list(os.environ):
        of_steam = "STEAM" if os.name == "nt" else "Steam"  # Windows turns names into capitals
        if name.startswith(("SUDOMIMUS_", "STEAM_STUB_", of_steam)) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "BROWSER", "LD_PRELOAD", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """asyncio, then trio: every flow runs on both."""
    return str(request.param)


@pytest.fixture(scope="session")
def stub_library() -> Path:
    """The compiled stub of the newest SDK."""
    try:
        return compiled_stub()
    except StubNotCompiled as error:
        pytest.skip(f"the compiled stub of Steam is needed: {error}")


@pytest.fixture
def stub_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StubLog:
    """The log of the compiled stub's calls during this test, in this process and in the processes that it starts."""
    path = tmp_path / "steam.jsonl"
    monkeypatch.setenv("STEAM_STUB_LOG", str(path))
    monkeypatch.setenv("STEAM_STUB_TICKET_DELAY_MS", "5")
    monkeypatch.setenv("STEAM_STUB_CHATTER", "0")
    monkeypatch.setenv("STEAM_STUB_TICKET_RUN", uuid4().hex)
    return StubLog(path)


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """The local service, reset to its defaults."""
    service = shared_service()
    service.reset(settings=True)
    yield service
    service.reset(settings=True)


@pytest.fixture
def settings_for(emulator: Emulator, stub_library: Path) -> Callable[..., Settings]:
    """Settings for a login on the compiled stub and the local service."""

    def make(**more: Any) -> Settings:
        return read_settings({**emulator.settings, "steam_library": stub_library, **more})

    return make


@pytest.fixture
def ports_for(settings_for: Callable[..., Settings]) -> Callable[..., Ports]:
    """Ports for the compiled stub and the local service. Keywords replace ports; `settings` holds further settings."""

    def make(settings: dict[str, Any] | None = None, **ports: Any) -> Ports:
        return Ports(settings_for(**(settings or {})), **ports)

    return make


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Run test files in a separate pytest, in which every warning is an error. Files are given by name, without `.py`."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # only the plugins that a test names are loaded

    def run(*arguments: str, **files: str) -> pytest.RunResult:
        pytester.makepyfile(**files)
        return pytester.runpytest_subprocess("-Werror", "-pno:cacheprovider", *arguments, timeout=PATIENCE)

    return run


@pytest.fixture
def soak(request: pytest.FixtureRequest) -> int:
    """The factor by which long runs are longer: 1 in the suite, more in `make long`."""
    return int(request.config.getoption("--soak"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", default=1, type=int, help="make the long runs N times as long")
    parser.addoption("--cold", action="store_true", help="start each program as a user does, not by a fork")


# The slow groups: stubs for other platforms, which are compiled first; a real Ren'Py; the single file.
_SLOW = ("test_exports_on_other_platforms", "renpy/test_game.py", "sidecar/test_file.py")


def _begin_with_the_slow_groups(items: list[pytest.Item], workers: int) -> None:
    """Put each slow group at the start of a worker's share of the list, where that worker begins (`--dist worksteal`)."""
    groups = [[item for item in items if slow in item.nodeid] for slow in _SLOW]
    ordered = [item for item in items if not any(item in group for group in groups)]
    share = len(items) // workers
    for number, group in enumerate(groups):
        ordered[number * share : number * share] = group
    items[:] = ordered


_EVERY = {"sidecar/test_file.py::test_sidecar_": 3, "sidecar/test_file_launchers.py::test_killed_": 2}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out some rows of the sidecar's tests for the single file, because the sidecar runs all of them. `--soak` runs all."""
    _begin_with_the_slow_groups(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
    if config.getoption("--soak") > 1:
        return
    rows: Counter[str] = Counter()
    left_out = []
    for item in items:
        test, bracket, _ = item.nodeid.partition("[")
        if bracket and (every := next((_EVERY[part] for part in _EVERY if part in test), None)):
            if rows[test] % every:
                left_out.append(item)
            rows[test] += 1
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """`-n auto`: two workers for each core, because half of the time a worker waits for programs that it started.

    On at most two cores three for each, because there one long wait delays more of the run.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores * (2 if cores > 2 else 3)


_BYTECODE = Path(__file__).parents[1] / "build" / "bytecode"
_CHILDREN = Path(__file__).parent / "helpers" / "children"


def pytest_configure(config: pytest.Config) -> None:
    """Share compiled bytecode between the workers and the hundreds of programs that they start, and make these starts cheap.

    This overrides the environment. The bytecode is kept outside the sources, for the next run.
    """
    pass_signals_on()
    if "PYTEST_XDIST_WORKER" not in os.environ:
        os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(_BYTECODE)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ.pop("PYTHONUNBUFFERED", None)  # started programs buffer their output, as a user's do
        sys.dont_write_bytecode = False
    runs_tests = "PYTEST_XDIST_WORKER" in os.environ or not config.getoption("numprocesses", None)
    if runs_tests and not config.getoption("--cold"):
        folders = [str(_CHILDREN), *filter(None, [os.environ.get("PYTHONPATH")])]
        os.environ["PYTHONPATH"] = os.pathsep.join(folders)
        warm_start.use()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the bytecode of temporary folders, which are gone."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        temporary = Path(tempfile.gettempdir()).resolve()
        shutil.rmtree(_BYTECODE / temporary.relative_to(temporary.anchor), ignore_errors=True)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll twenty times a second while a login waits for the player. For logins on the local service, in real time."""
    spacing = Spacing(0.05, 1.0, least=0.05, regular=True)
    monkeypatch.setattr("sudomimus_bridge._service.policy.ERRAND_POLL", spacing)
    monkeypatch.setattr("sudomimus_bridge._service.policy.poll_spacing", lambda _interval: spacing)


# As `hurried`, for a program.
_HURRIED = (
    "import sys; from sudomimus_bridge._service import policy;"
    "policy.ERRAND_POLL = policy.INQUIRY_POLL = policy.Spacing(0.05, 1.0, least=0.05, regular=True);"
)
_DRAWS = "from sudomimus_bridge._login.ports import Ports; Ports.__init__.__kwdefaults__['chance'] = lambda: {};"


def command(*arguments: str, draw: float | None = None) -> list[str]:
    """The command line of `sudomimus-bridge` on this Python, which polls errands and inquiries more often.

    A draw of 1e6 makes the first wait longer than any timeout, so a login fails at once instead of trying again.
    """
    code = _HURRIED + ("" if draw is None else _DRAWS.format(draw)) + warm_start.PROGRAM
    return [sys.executable, "-c", code, *arguments]


def plain_command(*arguments: str) -> list[str]:
    """The command line of `sudomimus-bridge` on this Python, unchanged. Python starts as for a user."""
    return [sys.executable, "-m", "sudomimus_bridge", *arguments]
