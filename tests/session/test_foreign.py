"""Specifies files, folders and locks that another user may have written, and unusual file systems."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from sudomimus_bridge import Bridge, LoginDenied
from sudomimus_bridge._session.file_store import session_folder
from sudomimus_bridge._session.private_files import lock_file
from sudomimus_bridge._session.store import StoreUnusable
from sudomimus_bridge._values.clock import SystemClock
from sudomimus_bridge._values.events import ProgressEvent
from sudomimus_bridge.emulator import Emulator, visit
from sudomimus_bridge.testing._virtual_time import VirtualClock

from ..helpers.session_disk import RECORD, still_signed_in, store_in

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="users and modes of files as POSIX has them are needed")


def anothers(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("a file is given to another user: needs root")
    os.chown(path, 65534, 65534)


def everybodys(path: Path) -> None:
    path.chmod(0o666)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize("make", [anothers, everybodys, pipe])
def test_session_that_another_user_may_have_written_is_replaced(make: Callable[[Path], None], tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.write(RECORD)
    make(store.path)
    with pytest.raises(StoreUnusable, match=r"Sign in again.* cannot be read: "):
        store.read()
    assert still_signed_in(tmp_path) == ""
    about = store.path.stat()
    assert stat.S_ISREG(about.st_mode)
    assert (about.st_uid, about.st_mode & 0o777) == (os.geteuid(), 0o600)


@pytest.mark.parametrize("make", [anothers, everybodys, pipe])
def test_lock_of_another_user_is_not_waited_for(make: Callable[[Path], None], tmp_path: Path) -> None:
    lock = store_in(tmp_path).path.with_suffix(".lock")
    lock.touch(0o600)
    make(lock)
    assert "cannot be saved in" in still_signed_in(tmp_path)


def test_folder_that_everybody_may_write_to(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    assert still_signed_in(tmp_path) == ""
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_folder_that_is_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "state").symlink_to(tmp_path / "elsewhere")
    assert still_signed_in(tmp_path / "state") == ""
    assert list((tmp_path / "elsewhere").glob("*.session"))


def test_folder_that_is_a_broken_link(tmp_path: Path) -> None:
    (tmp_path / "state").symlink_to(tmp_path / "nowhere")
    assert "cannot be saved in" in still_signed_in(tmp_path / "state")


@pytest.mark.parametrize(("number", "kept"), [(errno.EINVAL, True), (errno.ENOTSUP, True), (errno.EIO, False)])
def test_file_system_that_cannot_sync_a_folder(
    number: int, kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync

    def odd(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", odd)
    assert (still_signed_in(tmp_path) == "") is kept


# --- the lock ------------------------------------------------------------------------------------------------------------


def test_forked_child_does_not_keep_the_lock(tmp_path: Path) -> None:
    program = (
        "import anyio, os, pathlib, sys, time\n"
        "from sudomimus_bridge._values.clock import SystemClock\n"
        "from sudomimus_bridge._session.private_files import lock_file\n"
        "async def main():\n"
        "    async with lock_file(pathlib.Path(sys.argv[1]), SystemClock()):\n"
        "        if (child := os.fork()) == 0:\n"
        "            time.sleep(60)\n"
        "            os._exit(0)\n"
        "    print(child, flush=True)\n"
        "    sys.stdin.read()\n"
        "anyio.run(main)\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    child = int(holder.stdout.readline())

    async def main() -> bool:
        with anyio.move_on_after(5):
            async with lock_file(tmp_path / "lock", SystemClock()):
                return True
        return False

    try:
        assert anyio.run(main)
    finally:
        os.kill(child, 9)
        holder.communicate("")


def test_lock_file_that_was_removed_during_the_wait_is_made_again(tmp_path: Path) -> None:
    path, clock, held = tmp_path / "lock", VirtualClock(), []

    async def second() -> None:
        async with lock_file(path, clock):
            held.append(True)
            async with anyio.create_task_group() as group:
                group.start_soon(third)
                await clock.sleep(1)
                assert len(held) == 1
                group.cancel_scope.cancel()

    async def third() -> None:
        async with lock_file(path, clock):
            held.append(True)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            async with lock_file(path, clock):
                group.start_soon(second)
                await clock.sleep(1)
                path.unlink()

    clock.run(main)
    assert held == [True]


# --- no home folder ---------------------------------------------------------------------------------------------------


def test_user_without_a_home_folder_cannot_save_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    with pytest.raises(StoreUnusable, match="has no home folder"):
        session_folder({})


def test_user_without_a_home_folder_signs_in(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    urls = emulator.urls
    key = {"access_key_id": urls["accessKeyId"], "access_key_secret": urls["accessKeySecret"]}
    with Bridge(application=urls["application"], native_url=urls["native"], session_url=urls["session"]) as bridge:
        session = bridge.session()
        result = bridge.login("access-key", **key)
        assert session.access_token() == result.access_token
        assert "cannot be saved" in (session.problem or "")


@pytest.mark.usefixtures("hurried")
def test_login_without_an_application_is_not_saved(emulator: Emulator, tmp_path: Path) -> None:
    urls, keys = emulator.urls, emulator.establish()
    settings = {"connect_url": urls["connect"], "session_url": urls["session"], "via_url": urls["via"]}

    def do_the_page(event: ProgressEvent) -> None:
        if event.errand is not None:
            visit(event.errand.url)

    with Bridge(**settings, no_browser=True, session_folder=tmp_path / "state") as bridge:
        session = bridge.session()
        result = bridge.login("browser", do_the_page, exposure_key=keys["exposureKey"], hidden_key=keys["hiddenKey"])
        assert session.access_token() == result.access_token
        assert "cannot be saved" in (session.problem or "")
        assert session.logout()
        with pytest.raises(LoginDenied, match="Sign in first"):
            session.access_token()
