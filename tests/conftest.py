"""What all tests share: the compiled stub of Steam, the local service, and both event loops.

Built on the kit that games' tests use. Here the stub aborts on misuse, and a test looks at the tickets itself.
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

from sudomimus_bridge._login.ports import Ports
from sudomimus_bridge._service.policy import Spacing
from sudomimus_bridge._settings import Settings, read_settings
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.testing._compiled_stub import StubNotCompiled, compiled_stub
from sudomimus_bridge.testing._service import shared_service
from sudomimus_bridge.testing._stub_library import StubLog as StubLog

from .helpers.patience import PATIENCE
from .helpers.signals import pass_signals_on

pytest_plugins = ["pytester", "sudomimus_bridge.testing"]

BACKENDS = ["asyncio", "trio"]

Project = Callable[..., pytest.RunResult]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A test sees neither this machine's settings nor its proxies, and no steam_appid.txt but its own."""
    for name in list(os.environ):
        of_steam = "STEAM" if os.name == "nt" else "Steam"  # in capitals there, however they were given
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
    """Where the compiled stub logs its calls during this test, in this process and in those it starts."""
    path = tmp_path / "steam.jsonl"
    monkeypatch.setenv("STEAM_STUB_LOG", str(path))
    monkeypatch.setenv("STEAM_STUB_TICKET_DELAY_MS", "5")
    monkeypatch.setenv("STEAM_STUB_CHATTER", "0")
    monkeypatch.setenv("STEAM_STUB_TICKET_RUN", uuid4().hex)
    return StubLog(path)


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """The local service, as new."""
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
    """The ports of the compiled stub and the local service; ports by keyword, settings in `settings`."""

    def make(settings: dict[str, Any] | None = None, **ports: Any) -> Ports:
        return Ports(settings_for(**(settings or {})), **ports)

    return make


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Run a stranger's tests in a pytest of their own, where every warning is an error. Files by name, without `.py`."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # but for what is named

    def run(*arguments: str, **files: str) -> pytest.RunResult:
        pytester.makepyfile(**files)
        return pytester.runpytest_subprocess("-Werror", "-pno:cacheprovider", *arguments, timeout=PATIENCE)

    return run


@pytest.fixture
def soak(request: pytest.FixtureRequest) -> int:
    """How many times as long the long runs are: 1 in the suite, more in `make soak`."""
    return int(request.config.getoption("--soak"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", default=1, type=int, help="make the long runs N times as long")


# Compilers for other platforms, which build their libraries first; a real Ren'Py; the single file.
_SLOW = ("test_exports_on_other_platforms", "renpy/test_game.py", "sidecar/test_file.py")


def _begin_with_what_takes_longest(items: list[pytest.Item], workers: int) -> None:
    """A worker begins with its own share of the list (`--dist worksteal`), so each slow group opens one."""
    groups = [[item for item in items if slow in item.nodeid] for slow in _SLOW]
    ordered = [item for item in items if not any(item in group for group in groups)]
    share = len(items) // workers
    for number, group in enumerate(groups):
        ordered[number * share : number * share] = group
    items[:] = ordered


_EVERY = {"sidecar/test_file.py::test_sidecar_": 3, "sidecar/test_file_launchers.py::test_killed_": 2}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The single file goes through a part of the rows that the sidecar has gone through already; all of them with `--soak`."""
    _begin_with_what_takes_longest(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
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
    """`-n auto`: two for each core, for half of a run is waiting for programs that are started, signalled and ended.

    Three on a small machine, where a long wait of one is more of the whole.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores * (2 if cores > 2 else 3)


_BYTECODE = Path(__file__).parents[1] / "build" / "bytecode"


def pytest_configure(config: pytest.Config) -> None:
    """Share compiled bytecode between the workers and the hundreds of programs that they start, whatever the environment says.

    It lies apart from the sources and is kept for the next run.
    """
    pass_signals_on()
    if "PYTEST_XDIST_WORKER" not in os.environ:
        os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(_BYTECODE)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        sys.dont_write_bytecode = False


def pytest_unconfigure(config: pytest.Config) -> None:
    """What lay in temporary folders is gone, and is not compiled again."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        temporary = Path(tempfile.gettempdir()).resolve()
        shutil.rmtree(_BYTECODE / temporary.relative_to(temporary.anchor), ignore_errors=True)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real time, but in a hurry: whoever waits for a player asks again twenty times a second. For the local service."""
    spacing = Spacing(0.05, 1.0, least=0.05, regular=True)
    monkeypatch.setattr("sudomimus_bridge._service.policy.ERRAND_POLL", spacing)
    monkeypatch.setattr("sudomimus_bridge._service.policy.poll_spacing", lambda _operation, _interval: spacing)


# The same for a program. What else is imported before the signals are caught costs a moment, see `plain_command`.
_HURRIED = (
    "import sys; from sudomimus_bridge._service import policy;"
    "policy.ERRAND_POLL = policy.INQUIRY_POLL = policy.Spacing(0.05, 1.0, least=0.05, regular=True);"
    "from sudomimus_bridge._cli.main import main; sys.exit(main())"
)


def command(*arguments: str) -> list[str]:
    """The command line of `sudomimus-bridge` on this Python, which asks for an errand's or an inquiry's end more often."""
    return [sys.executable, "-c", _HURRIED, *arguments]


def plain_command(*arguments: str) -> list[str]:
    """The command line of `sudomimus-bridge` on this Python, as it is."""
    return [sys.executable, "-m", "sudomimus_bridge", *arguments]
