"""Specifies the code for Windows only: data protection, registry, locks, uptime and process handles."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sudomimus_bridge import Bridge
from sudomimus_bridge._session.file_store import FileStore, session_folder
from sudomimus_bridge._session.protection import WindowsDataProtection, best_protection
from sudomimus_bridge._session.store import StoreUnusable
from sudomimus_bridge._sidecar.parent import _windows_parent_of as windows_parent_of
from sudomimus_bridge._values.clock import Uptime, uptime
from sudomimus_bridge._values.system import registry_value
from sudomimus_bridge.emulator import Emulator

from ..conftest import StubLog
from ..helpers.session_disk import RECORD, store_in
from ..helpers.steam_helpers import balanced

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="Windows is needed: make windows runs these under Wine")

PATIENCE = 60.0


# --- a session at rest ---------------------------------------------------------------------------------------------------


def test_data_protected_by_windows_is_unreadable_and_can_be_restored() -> None:
    protection = WindowsDataProtection()
    kind, data = protection.close("a refresh token")
    assert "refresh" not in data
    assert protection.open(kind, data) == "a refresh token"
    with pytest.raises(StoreUnusable):
        protection.open(kind, data[:-8] + "AAAAAAA=")


def test_store_with_windows_protection_shows_no_token(tmp_path: Path) -> None:
    store = store_in(tmp_path, WindowsDataProtection())
    store.write(RECORD)
    assert b"refresh-1" not in store.path.read_bytes()
    assert store.read() == RECORD


def test_windows_protection_is_used_if_there_is_no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sudomimus_bridge._session.protection._system_keyring", lambda: None)
    assert isinstance(best_protection("my-game"), WindowsDataProtection)


def test_sessions_are_stored_in_the_local_application_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALAPPDATA", r"C:\players\own")
    assert session_folder() == Path(r"C:\players\own\sudomimus-bridge")


# --- the system ----------------------------------------------------------------------------------------------------------


def test_registry_is_read() -> None:
    version = registry_value(r"SOFTWARE\Microsoft\Windows NT\CurrentVersion", "CurrentVersion")
    assert version is not None
    assert version[0].isdigit()
    assert registry_value(r"SOFTWARE\Microsoft\Windows NT\CurrentVersion", "no such value") is None
    assert registry_value(r"SOFTWARE\no such key", "no such value") is None


def test_uptime_is_the_same_in_another_process() -> None:
    before = uptime()
    other = subprocess.run(
        [sys.executable, "-c", "from sudomimus_bridge._values.clock import uptime; print(uptime().boot)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.strip() == before.boot  # so another process can use the record that this one stored
    age = uptime().since(before)
    assert before.boot.startswith("windows-")
    assert age is not None
    assert 0 <= age < PATIENCE


def test_parent_of_a_process_is_found() -> None:
    program = "import os, time; print(os.getpid(), os.getppid(), flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        pid, parent = map(int, child.stdout.readline().split())
        found = windows_parent_of(pid), windows_parent_of(0x7FFFFFFC)
        child.kill()
    assert found == (parent, 0)


# --- processes that share a session --------------------------------------------------------------------------------------

ASKING = """
import sys, threading
from sudomimus_bridge import Bridge
session = Bridge().session()
session.claims()
print("ready", flush=True)
sys.stdin.readline()
tokens = []
asking = [threading.Thread(target=lambda: tokens.append(session.access_token(1800))) for _ in range(4)]
for thread in asking: thread.start()
for thread in asking: thread.join()
print(*tokens, flush=True)
"""


def test_four_processes_share_one_renewal(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    urls = emulator.urls
    for name, value in {
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "SUDOMIMUS_SESSION_FOLDER": str(tmp_path),
        "SUDOMIMUS_APPLICATION": urls["application"],
        "SUDOMIMUS_NATIVE_URL": urls["native"],
        "SUDOMIMUS_SESSION_URL": urls["session"],
        "SUDOMIMUS_ACCESS_KEY_ID": urls["accessKeyId"],
        "SUDOMIMUS_ACCESS_KEY_SECRET": urls["accessKeySecret"],
    }.items():
        monkeypatch.setenv(name, value)
    with Bridge() as bridge:
        bridge.session()
        bridge.login("access-key")
    store = FileStore(tmp_path, urls["application"], urls["session"], WindowsDataProtection())
    record = store.read()
    assert record is not None
    store.write(replace(record, received=Uptime(record.received.boot, record.received.seconds - 3600)))

    command = [sys.executable, "-c", ASKING]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("now\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=PATIENCE)[0].split() for process in processes]
    assert [len(answer) for answer in answers] == [4] * 4
    assert len({token for answer in answers for token in answer}) == 1
    sent = [request.path for request in emulator.requests]
    assert (sent.count("/session/refresh"), sent.count("/direct-issue/access-key")) == (1, 1)


# --- a launcher that is gone ---------------------------------------------------------------------------------------------

LAUNCHER = """
import subprocess, sys
print(subprocess.Popen([sys.executable, "-m", "sudomimus_bridge", "sidecar", *sys.argv[1:]]).wait())
"""


def test_sidecar_of_a_killed_launcher_cancels_its_ticket(
    emulator: Emulator, stub_library: Path, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This process keeps the sidecar's pipes open meanwhile."""
    monkeypatch.setenv("STEAM_STUB_TICKET_CALLBACK", "never")
    urls = emulator.urls
    flags = ["--application", urls["application"], "--steam-app-id", "480", "--steam-library", str(stub_library)]
    command = [sys.executable, "-c", LAUNCHER, *flags, "--native-url", urls["native"], "--via-url", urls["via"]]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as launcher:
        assert launcher.stdin is not None
        assert launcher.stdout is not None
        login = {"jsonrpc": "2.0", "id": 1, "method": "login", "params": {"method": "steam"}}
        launcher.stdin.write(json.dumps(login).encode() + b"\n")
        launcher.stdin.flush()
        while b"requesting-ticket" not in launcher.stdout.readline():
            pass
        while not any(call.handle for call in stub_log.calls):
            pass
        launcher.kill()
        rest = launcher.stdout.read()  # ends when the sidecar has ended
    assert b"cancelled" in rest
    balanced(stub_log)
