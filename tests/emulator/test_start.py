"""Specifies that a failed start of the local service leaves nothing behind, and that the service can be started afterwards."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.emulator import _emulator as module
from sudomimus_bridge.emulator._players.visitor import NO_TLS
from sudomimus_bridge.emulator._tokens import client_key
from sudomimus_bridge.emulator._web import server as threaded


def _fail(*_: object, **__: object) -> Any:
    raise OSError(28, "No space left on device")


def _cannot_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threaded.ThreadedServer, "serve", _fail)


def _cannot_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.create_server", _fail)


def _never_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    async def startup(self: threaded.ThreadedServer, sockets: object = None) -> None:
        import asyncio

        self._loop = asyncio.get_running_loop()
        await self._ended.wait()

    monkeypatch.setattr(threaded, "_START_SECONDS", 0.05)
    monkeypatch.setattr(threaded.ThreadedServer, "startup", startup)


def _no_thread_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)


def _no_room_for_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fdopen", _fail)


def _no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "application", _fail)


@pytest.mark.parametrize(
    "broken", [_cannot_serve, _cannot_listen, _never_listens, _no_thread_left, _no_room_for_the_key, _no_page]
)
def test_failed_start_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: Any) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    emulator = Emulator(port=port)
    before = threading.enumerate()
    with monkeypatch.context() as patch:
        broken(patch)
        with pytest.raises((OSError, RuntimeError)):
            emulator.start()
    assert set(threading.enumerate()) <= set(before)
    assert list(tmp_path.iterdir()) == [] and emulator.urls["clientKeyFile"] is None
    with socket.create_server(("127.0.0.1", port)):
        pass  # the port is free again
    with emulator:
        assert httpx.get(f"{emulator.urls['native']}/health", trust_env=False, verify=NO_TLS).status_code == 200


def test_failure_of_the_server_is_reported_at_once_with_its_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threaded, "_START_SECONDS", 3600)
    _cannot_listen(monkeypatch)
    with pytest.raises(RuntimeError, match="failed to start") as failed:
        Emulator().start()
    assert failed.value.__cause__ is not None


def test_folder_of_the_key_is_removed_if_the_key_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    _no_room_for_the_key(monkeypatch)
    with pytest.raises(OSError, match="No space left"):
        client_key.ClientKeyFile()
    assert list(tmp_path.iterdir()) == []
