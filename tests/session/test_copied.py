"""Specifies that a session copied to another computer or folder is not used there, even without a machine identifier."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sudomimus_bridge._session import file_store, machine
from sudomimus_bridge._session.machine import machine_id
from sudomimus_bridge._session.store import StoreUnusable

from ..helpers.session_disk import RECORD, store_in

NO_ID = [b"", b"\n", b"uninitialized\n", b"00000000-0000-0000-0000-000000000000\n", b"\xff\xfe"]


@pytest.fixture
def nameless(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A system without a machine identifier. Returns the file in which the bridge looks for one."""
    place = tmp_path / "machine-id"
    monkeypatch.setattr(machine, "_ID_FILES", (str(place),))
    monkeypatch.setattr(machine, "registry_value", lambda *_: None)
    return place


@pytest.mark.parametrize("content", NO_ID)
@pytest.mark.usefixtures("linux")
def test_placeholder_for_an_identifier_is_not_an_identifier(nameless: Path, content: bytes) -> None:
    assert machine_id() is None
    nameless.write_bytes(content)
    assert machine_id() is None
    nameless.write_text("0123456789abcdef0123456789abcdef\n")
    assert machine_id() == "0123456789abcdef0123456789abcdef"


@pytest.fixture
def linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")


def copied(source: Path, target: Path, how: str) -> None:
    if how == "copytree":
        shutil.copytree(source, target)  # keeps the files' times
    elif how == "session alone":
        target.mkdir()
        shutil.copy2(next(source.glob("*.session")), target)
    else:
        if shutil.which("cp") is None:
            pytest.skip("needs cp")
        subprocess.run(["cp", "-a", str(source), str(target)], check=True)


@pytest.mark.parametrize("how", ["copytree", "session alone", "cp -a"])
@pytest.mark.usefixtures("linux", "nameless")
def test_copy_is_refused_without_a_machine_identifier(tmp_path: Path, how: str) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    for _ in range(2):
        store_in(here).write(RECORD)
    copied(here, elsewhere, how)
    with pytest.raises(StoreUnusable, match="on another computer"):
        store_in(elsewhere).read()
    assert store_in(here).read() == RECORD
    store_in(elsewhere).write(RECORD)
    assert store_in(elsewhere).read() == RECORD


@pytest.mark.parametrize("how", ["copytree", "session alone"])
def test_copy_is_used_on_its_own_computer_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    monkeypatch.setattr(file_store, "machine_id", lambda: "this one")
    store_in(here).write(RECORD)
    copied(here, elsewhere, how)
    assert store_in(elsewhere).read() == RECORD
    monkeypatch.setattr(file_store, "machine_id", lambda: "another one")
    with pytest.raises(StoreUnusable, match="on another computer"):
        store_in(elsewhere).read()


class FakeLibc:
    """The two functions of macOS and FreeBSD, as their manual pages describe them."""

    def __init__(self, uuid: bytes) -> None:
        self._uuid = uuid

    def gethostuuid(self, uuid: Any, wait: Any) -> int:
        assert len(uuid) == 16 and list(wait) == [1, 0]
        uuid[:] = self._uuid
        return 0

    def sysctlbyname(self, name: bytes, text: Any, _size: Any, _new: None, _new_size: Any) -> int:
        if name != b"kern.hostuuid":
            return -1
        text.value = self._uuid.hex().encode()
        return 0


@pytest.mark.parametrize("platform", ["darwin", "freebsd14"])
@pytest.mark.usefixtures("nameless")
def test_two_computers_have_different_identifiers(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    found = set()
    for uuid in (b"\x01" * 16, b"\x02" * 16):
        libc = FakeLibc(uuid)
        monkeypatch.setattr(ctypes, "CDLL", lambda _name, libc=libc: libc)
        found.add(machine_id())
    assert found == {"01" * 16, "02" * 16}
    for silent in (FakeLibc(bytes(16)), SimpleNamespace()):  # a system whose functions return nothing, or do not exist
        monkeypatch.setattr(ctypes, "CDLL", lambda _name, libc=silent: libc)
        assert machine_id() is None
