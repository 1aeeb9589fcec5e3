"""Specifies the store on disk: its content, its permissions, and its errors if the disk fails."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sudomimus_bridge._session import file_store
from sudomimus_bridge._session.file_store import FileStore, session_folder
from sudomimus_bridge._session.protection import FileModeOnly
from sudomimus_bridge._session.record import Record, from_json
from sudomimus_bridge._session.store import StoreUnusable
from sudomimus_bridge._values.clock import Uptime, uptime
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.testing._virtual_time import VirtualClock

from ..helpers.session_disk import RECORD, still_signed_in, store_in
from ..helpers.session_helpers import ModelService

on_posix = pytest.mark.skipif(os.name != "posix", reason="rights and links as POSIX has them")


def test_record_is_readable_for_the_player_only(tmp_path: Path) -> None:
    store = store_in(tmp_path / "state")
    assert store.read() is None
    store.write(RECORD)
    assert store.read() == RECORD
    if os.name == "posix":
        assert store.path.stat().st_mode & 0o777 == 0o600
        assert store.path.parent.stat().st_mode & 0o777 == 0o700
    store.forget()
    store.forget()
    assert store.read() is None


def test_each_application_and_service_has_its_own_file(tmp_path: Path) -> None:
    store_in(tmp_path).write(RECORD)
    for application, url in (("other", "https://session.example"), ("my-game", "http://127.0.0.1:1")):
        assert FileStore(tmp_path, application, url, FileModeOnly()).read() is None


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@given(
    st.builds(
        Record,
        application=TEXT,
        method=TEXT,
        access=st.builds(Secret, TEXT),
        refresh=st.none() | st.builds(Secret, TEXT),
        claims=st.dictionaries(TEXT, st.none() | st.integers() | TEXT | st.lists(TEXT)),
        received=st.builds(Uptime, TEXT, st.floats(0, 1e12)),
        lifetime=st.none() | st.floats(1, 1e9),
        subject=st.none() | TEXT,
        in_flight=st.booleans(),
    )
)
def test_any_record_survives_the_disk(record: Record) -> None:
    assert from_json(record.to_json()) == record


@given(st.data())
def test_malformed_record_is_not_read(data: st.DataObject) -> None:
    fields = json.loads(RECORD.to_json())
    name = data.draw(st.sampled_from(sorted(fields)))
    if data.draw(st.booleans()):
        del fields[name]
    else:
        fields[name] = data.draw(st.sampled_from([[], {"a": 1}, -1, 1e400, "", True, 7]))
    text = json.dumps(fields)
    read = from_json(text)
    assert read is None or json.loads(read.to_json()) == fields


@given(cut=st.integers(0, 10_000), noise=st.binary(max_size=30))
@settings(suppress_health_check=list(HealthCheck))
def test_damaged_file_raises_store_unusable(tmp_path: Path, cut: int, noise: bytes) -> None:
    store = store_in(tmp_path)
    store.write(RECORD)
    whole = store.path.read_bytes()
    damaged = whole[: cut % len(whole)] + noise
    store.path.write_bytes(damaged)
    with pytest.raises(StoreUnusable, match="Sign in again"):
        store.read()


def test_file_of_another_user_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store_in(tmp_path).write(RECORD)
    monkeypatch.setattr(file_store, "_owner", lambda _lock: "somebody else")
    with pytest.raises(StoreUnusable, match="another user or on another computer"):
        store_in(tmp_path).read()


@on_posix
def test_link_is_not_followed(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("{}")
    store.path.symlink_to(elsewhere)
    with pytest.raises(StoreUnusable, match="cannot be read"):
        store.read()
    store.write(RECORD)
    assert not store.path.is_symlink()
    assert elsewhere.read_text() == "{}"


def test_half_written_file_of_a_killed_process_is_removed(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    (tmp_path / f"{store.path.stem}.abc.part").write_text("half")
    store.write(RECORD)
    assert not list(tmp_path.glob("*.part"))
    assert store.read() == RECORD


def test_failed_write_leaves_the_old_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = store_in(tmp_path)
    store.write(RECORD)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreUnusable, match=r"You stay signed in until you quit.*No space left on device"):
        store.write(replace(RECORD, access=Secret("access-2")))
    assert store.read() == RECORD
    assert not list(tmp_path.glob("*.part"))


# --- a login on a machine where nothing can be stored --------------------------------------------------------------------


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be saved in" in still_signed_in(tmp_path / "file" / "state")


def in_a_child(function: Callable[[Path], None], folder: Path) -> None:
    """Run a function of this module in a process that may lose its rights. No fork: this process may have threads."""
    program = f"import sys, pathlib; from {__name__} import *; {function.__name__}(pathlib.Path(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def sign_in_as_a_user_without_rights(folder: Path) -> None:
    still_signed_in(folder / "file" / "state")  # imports everything while this process may still read it
    if os.getuid() == 0:
        os.setuid(65534)
    assert "cannot be saved in" in still_signed_in(folder / "home" / "state")


@on_posix
def test_read_only_home_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o555)
    for path in tmp_path.parents:
        if path.stat().st_uid == os.getuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055)
    in_a_child(sign_in_as_a_user_without_rights, tmp_path)


def fill_up_the_disk() -> None:
    """Limit every file that this process writes to 16 bytes."""
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))


def sign_in_on_a_full_disk(folder: Path) -> None:
    fill_up_the_disk()
    assert "cannot be saved in" in still_signed_in(folder)


@on_posix
def test_full_disk(tmp_path: Path) -> None:
    in_a_child(sign_in_on_a_full_disk, tmp_path)


def renew_on_a_disk_that_fills_up(folder: Path) -> None:
    clock = VirtualClock(grace=0.02)
    service = ModelService(clock)
    store = store_in(folder)

    async def main() -> None:
        session = service.session(disk=store)
        await session.adopt(service.record())
        fill_up_the_disk()
        await clock.sleep(3600)
        await session.access_token(300)
        assert "cannot be saved in" in str(session.storage.trouble)

    clock.run(main)
    assert not store.path.exists()
    assert not service.revoked


@on_posix
def test_disk_that_fills_up_later_keeps_no_used_refresh_token(tmp_path: Path) -> None:
    in_a_child(renew_on_a_disk_that_fills_up, tmp_path)


def test_callers_get_the_same_token_while_the_disk_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The renewal under way moves to memory, and its lock with it."""

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    clock = VirtualClock(grace=0.02)
    service = ModelService(clock)
    tokens: list[str] = []

    async def main() -> None:
        session = service.session(disk=store_in(tmp_path))
        await session.adopt(service.record())
        await clock.sleep(3600)
        monkeypatch.setattr(os, "fsync", full)

        async def ask() -> None:
            tokens.append((await session.access_token(300)).reveal())

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            while not service.refreshes:
                await clock.sleep(0.001)
            group.start_soon(ask)

    clock.run(main)
    assert len(tokens) == 2
    assert len(set(tokens)) == 1
    assert (service.refreshes, service.revoked) == (1, False)


def test_damaged_file_is_replaced_by_the_next_login(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.write(RECORD)
    store.path.write_text("{")
    assert still_signed_in(tmp_path) == ""


def test_lock_of_another_process_is_waited_for(tmp_path: Path) -> None:
    script = (
        "import anyio,sys,pathlib\n"
        "from sudomimus_bridge._values.clock import SystemClock\n"
        "from sudomimus_bridge._session.private_files import lock_file\n"
        "async def main():\n"
        "    async with lock_file(pathlib.Path(sys.argv[1]), SystemClock()):\n"
        "        print('held', flush=True)\n"
        "        sys.stdin.read()\n"
        "anyio.run(main)\n"
    )
    store = store_in(tmp_path)
    lock = store.path.with_suffix(".lock")
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    holder.stdout.readline()
    clock = VirtualClock(grace=0.02)

    async def main() -> bool:
        with clock.move_on_after(5):
            async with store.locked(clock):
                return False
        holder.kill()  # the system releases the lock
        holder.wait()
        async with store.locked(clock):
            return True

    try:
        assert clock.run(main)
    finally:
        holder.kill()
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()


def test_unknown_protection_is_named_in_the_detail() -> None:
    with pytest.raises(StoreUnusable) as unusable:
        FileModeOnly().open("windows-data-protection", "")
    assert "'windows-data-protection'" in unusable.value.detail


def test_folder_follows_the_rules_of_the_platform(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("the rule tested is Linux's (XDG Base Directory): needs Linux")
    assert session_folder({"XDG_STATE_HOME": "/state"}) == Path("/state/sudomimus-bridge")
    assert session_folder({"XDG_STATE_HOME": "relative"}) == Path.home() / ".local/state/sudomimus-bridge"


def test_uptime_goes_on_and_names_its_start() -> None:
    first, second = uptime(), uptime()
    assert first.boot == second.boot
    assert not first.boot.startswith("process-")
    assert (second.since(first) or 0.0) >= 0.0
    assert first.since(Uptime("another", 0.0)) is None
    assert Uptime("b", 1.0).since(Uptime("b", 2.0)) is None
