"""Specifies many processes and threads that share one session, some of which are killed during a renewal. The HTTP is real."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sudomimus_bridge import Bridge
from sudomimus_bridge._session.file_store import FileStore, session_folder
from sudomimus_bridge._session.protection import FileModeOnly
from sudomimus_bridge._values.clock import Uptime
from sudomimus_bridge.emulator import Emulator

from ..helpers.patience import PATIENCE

PROGRAM = str(Path(__file__).with_name("program.py"))


@pytest.fixture
def environment(emulator: Emulator, tmp_path: Path) -> dict[str, str]:
    """A machine without a keyring, where an access key signs the player in."""
    urls = emulator.urls
    return {
        **os.environ,
        "XDG_STATE_HOME": str(tmp_path),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "SUDOMIMUS_APPLICATION": urls["application"],
        "SUDOMIMUS_NATIVE_URL": urls["native"],
        "SUDOMIMUS_SESSION_URL": urls["session"],
        "SUDOMIMUS_ACCESS_KEY_ID": urls["accessKeyId"],
        "SUDOMIMUS_ACCESS_KEY_SECRET": urls["accessKeySecret"],
    }


def signed_in(environment: dict[str, str], emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> FileStore:
    """A session on disk."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with Bridge() as bridge:
        bridge.session()
        bridge.login("access-key")
    urls = emulator.urls
    return FileStore(session_folder(), urls["application"], urls["session"], FileModeOnly())


def test_fifty_processes_and_fifty_threads_share_one_renewal(
    emulator: Emulator, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = signed_in(environment, emulator, monkeypatch)
    record = store.read()
    assert record is not None
    # The token's age is unknown, so it is renewed: the machine may have started less than an hour ago.
    store.write(replace(record, received=Uptime("another start", 0.0)))

    ended = subprocess.run(
        [sys.executable, PROGRAM, "crowd", "1800", "50", "50"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert ended.returncode == 0, ended.stderr
    answers = ended.stdout.split()
    assert len(answers) == 99, ended.stderr[-2000:]
    assert len(set(answers)) == 1
    assert answers[0] != record.access.reveal()
    [session] = emulator.sessions
    assert (session.rotations, session.revoked) == (1, False)


def test_no_session_is_revoked_if_processes_are_killed_at_random_moments(
    emulator: Emulator, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, soak: int
) -> None:
    """The suite kills 40 processes, and `--soak 25` a thousand."""
    emulator.update({"tokens.access_token_ttl_seconds": 1, "sessions.grace_seconds": 0})
    try:
        store = signed_in(environment, emulator, monkeypatch)
        ended = subprocess.run(
            [sys.executable, PROGRAM, "killed", str(40 * soak), "7"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=30 + 3 * 40 * soak,
        )
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout == "signed in True\n"
        assert store.read() is not None
    finally:
        emulator.reset(settings=True)
    assert not any(session.revoked for session in emulator.sessions)
