"""Specifies `prepare` and `start_prepare`: they import everything that a login needs, and do nothing else."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from sudomimus_bridge import Bridge, ConfigurationError
from sudomimus_bridge.emulator import Emulator

from ..helpers.patience import PATIENCE
from ..helpers.steam_helpers import run_program

WAYS = ["bridge.prepare()", "prepared = bridge.start_prepare()\n        while not prepared.poll(): time.sleep(0.001)"]

BEGIN = """
        import json, os, sys, time
        # What httpx imports if it is installed, and what a game does not bring. Keyrings look for their own modules.
        for name in ("trio", "click", "rich", "h2", "socksio", "brotli", "zstandard", "keyring"):
            sys.modules[name] = None
        from sudomimus_bridge import Bridge
        bridge = Bridge(**json.loads(sys.argv[1]))
"""


def given(emulator: Emulator, tmp_path: Path, **more: object) -> str:
    return json.dumps({**emulator.settings, "session_folder": str(tmp_path / "session"), **more})


@pytest.mark.parametrize("way", WAYS, ids=["blocking", "started"])
def test_prepared_login_imports_nothing(way: str, emulator: Emulator, stub_library: Path, tmp_path: Path) -> None:
    """The login has an errand, and the session is saved."""
    emulator.update({"claims.email": "REQUIRED"})
    done = run_program(
        f"""{BEGIN}
        {way}
        before = set(sys.modules)

        # The player's browser is another program: here one that agrees.
        agree = "import sys; from sudomimus_bridge.emulator import visit; visit(sys.argv[1])"
        os.environ["BROWSER"] = f"{{sys.executable}} -c '{{agree}}' %s"
        assert bridge.session(stay_signed_in=True).access_token()
        bridge.close()
        print(sorted(set(sys.modules) - before))
        """,
        given(emulator, tmp_path, steam_library=str(stub_library)),
        timeout=PATIENCE,
    )
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr


@pytest.mark.parametrize("way", WAYS, ids=["blocking", "started"])
@pytest.mark.parametrize("url", ["https://native.example", "http://127.0.0.1:9"])
def test_preparing_uses_no_network_and_no_steam_and_writes_no_file(way: str, url: str, tmp_path: Path) -> None:
    done = run_program(
        f"""{BEGIN}
        sys.dont_write_bytecode = True
        seen = []

        def watch(event, arguments):
            if event == "open":
                writes = arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
                seen.extend([arguments[0]] if writes and arguments[0] != os.devnull else [])
            elif event == "ctypes.dlopen" and arguments[0]:
                seen.extend([arguments[0]] if "steam" in str(arguments[0]) else [])
            elif event in ("socket.connect", "socket.getaddrinfo", "os.mkdir", "os.rename", "subprocess.Popen"):
                seen.append(event)

        sys.addaudithook(watch)
        {way}
        print(seen)
        """,
        json.dumps({"application": "my-game", "steam_app_id": 480, "native_url": url, "session_folder": str(tmp_path)}),
        timeout=PATIENCE,
    )
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr
    assert list(tmp_path.iterdir()) == []


def test_certificates_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from sudomimus_bridge._service import certificates

    certificates._context.cache_clear()
    Bridge(application="my-game", steam_app_id=480).prepare()
    assert certificates._context.cache_info().currsize == 1
    certificates.tls_context()
    assert certificates._context.cache_info().hits == 1


def test_preparing_raises_nothing_about_a_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The login afterwards raises it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    bridge = Bridge(application="my-game")
    bridge.prepare()
    running = bridge.start_prepare()
    ends = time.monotonic() + PATIENCE
    while running.poll() is None and time.monotonic() < ends:
        time.sleep(0.001)
    assert running.poll() is True
    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
        bridge.login("device")
