"""What all tests share: the compiled stub of Steam, the local service, and both event loops.

Built on the kit that games' tests use. Here the stub aborts on misuse, and a test looks at the tickets itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.login.engine import Engine
from sudomimus_bridge.settings import Settings, read_settings
from sudomimus_bridge.testing.compiled_stub import StubNotCompiled, compiled_stub
from sudomimus_bridge.testing.service import shared_service
from sudomimus_bridge.testing.stub_library import StubLog as StubLog

pytest_plugins = ["pytester", "sudomimus_bridge.testing"]

BACKENDS = ["asyncio", "trio"]

Project = Callable[..., pytest.RunResult]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A test sees neither this machine's settings nor its proxies, and no steam_appid.txt but its own."""
    for name in list(os.environ):
        if name.startswith(("SUDOMIMUS_", "STEAM_STUB_", "Steam")) or name.lower().endswith("_proxy"):
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
def engine_for(settings_for: Callable[..., Settings]) -> Callable[..., Engine]:
    """An engine on the compiled stub and the local service; ports by keyword, settings in `settings`."""

    def make(settings: dict[str, Any] | None = None, **ports: Any) -> Engine:
        return Engine(settings_for(**(settings or {})), **ports)

    return make


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Run a stranger's tests in a pytest of their own, where every warning is an error. Files by name, without `.py`."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # but for what is named

    def run(*arguments: str, **files: str) -> pytest.RunResult:
        pytester.makepyfile(**files)
        return pytester.runpytest_subprocess("-Werror", "-pno:cacheprovider", *arguments, timeout=60)

    return run


@pytest.fixture
def soak(request: pytest.FixtureRequest) -> int:
    """How many times as long the long runs are: 1 in the suite, more in `make soak`."""
    return int(request.config.getoption("--soak"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", default=1, type=int, help="make the long runs N times as long")


def command(*arguments: str) -> list[str]:
    """The command line of `sudomimus-bridge` on this Python."""
    return [sys.executable, "-m", "sudomimus_bridge", *arguments]
