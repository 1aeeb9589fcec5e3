"""Specifies a disk that fails for a moment: the player stays signed in, and no refresh token is used twice."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sudomimus_bridge._session import file_store, private_files
from sudomimus_bridge._session.file_store import FileStore
from sudomimus_bridge._values.errors import LoginDenied, ServiceUnavailable
from sudomimus_bridge.testing._virtual_time import VirtualClock

from ..helpers.patience import PATIENCE
from ..helpers.session_disk import store_in
from ..helpers.session_helpers import LIFETIME, ModelService

ERRORS = [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENOENT, errno.EFBIG]
PARTS = [("write",), ("lock",), ("write", "read"), ("write", "remove"), ("write", "lock", "read", "remove")]


class Disk:
    """The calls of the operating system that a store makes, each of which can be made to fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.failing: set[str] = set()
        self.number = errno.EIO
        for name, owner, attribute in (
            ("write", tempfile, "mkstemp"),
            ("lock", private_files, "open_private"),
            ("read", file_store, "open_private"),
            ("remove", Path, "unlink"),
        ):
            monkeypatch.setattr(owner, attribute, self._breakable(name, getattr(owner, attribute)))

    def _breakable(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            if name in self.failing:
                raise OSError(self.number, os.strerror(self.number))
            return function(*args, **named)

        return call

    def breaks(self, number: int, *parts: str) -> None:
        self.number, self.failing = number, set(parts)

    def heals(self) -> None:
        self.failing = set()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def play(scene: Callable[[ModelService, VirtualClock], Awaitable[None]], backend: str = "asyncio") -> ModelService:
    clock = VirtualClock(grace=0.02)
    service = ModelService(clock)

    async def main() -> None:
        await scene(service, clock)

    clock.run(main, backend=backend)
    assert not service.revoked or "logout" in service.seen
    return service


async def next_start(service: ModelService, clock: VirtualClock, store: FileStore) -> str:
    """The token that the next start of the game is given, after a renewal."""
    await clock.sleep(LIFETIME)
    return (await service.session(disk=store).access_token(300)).reveal()


@pytest.mark.parametrize("parts", PARTS, ids="+".join)
@pytest.mark.parametrize("number", ERRORS, ids=errno.errorcode.get)
def test_next_start_is_signed_in_after_a_short_disk_failure(
    tmp_path: Path, disk: Disk, number: int, parts: tuple[str, ...]
) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        store = store_in(tmp_path / "state")
        session = service.session(disk=store)
        await session.adopt(service.record())
        await clock.sleep(LIFETIME)
        disk.breaks(number, *parts)
        for _ in range(2):
            with contextlib.suppress(LoginDenied):
                await session.access_token(300)
            # A record that seems to be missing is not reported as a problem.
            assert session.storage.problem or (number == errno.ENOENT and "read" in parts)
        disk.heals()
        await session.access_token(300)
        assert session.storage.problem is None
        await next_start(service, clock, store)

    play(scene)


@pytest.mark.parametrize("number", ERRORS, ids=errno.errorcode.get)
def test_disk_that_recovers_during_the_renewal_gets_the_record(
    tmp_path: Path, disk: Disk, number: int, backend: str
) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        store = store_in(tmp_path)
        session = service.session(disk=store)
        await session.adopt(service.record())
        await clock.sleep(LIFETIME)
        disk.breaks(number, "write")
        service.on_refresh = disk.heals
        await session.access_token(300)
        assert session.storage.problem is None
        service.on_refresh = lambda: None
        await next_start(service, clock, store)

    play(scene, backend)


@pytest.mark.parametrize("asks", ["token", "record", "nothing"])
@pytest.mark.parametrize("fault", ["ok", "unused", "denied", "lost", "dead"])
@pytest.mark.parametrize("breaks", ["before the mark", "after the mark"])
def test_disk_failure_with_each_answer_of_the_service(
    tmp_path: Path, disk: Disk, fault: str, breaks: str, asks: str
) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        store = store_in(tmp_path)
        session = service.session(disk=store)
        await session.adopt(service.record())
        await clock.sleep(LIFETIME)
        service.plan = [fault]
        if breaks == "before the mark":
            disk.breaks(errno.ENOSPC, "write")
        else:
            service.on_refresh = lambda: disk.breaks(errno.ENOSPC, "write")
        with contextlib.suppress(LoginDenied, ServiceUnavailable):
            await session.access_token(300)
        service.on_refresh = lambda: None
        disk.heals()
        if asks == "record":
            await session.record()
        elif asks == "token":
            with contextlib.suppress(LoginDenied, ServiceUnavailable):
                await session.access_token(300)
        try:
            await next_start(service, clock, store)
        except LoginDenied:
            assert asks == "nothing" or fault in ("lost", "dead")

    play(scene)


@pytest.mark.parametrize("way", ["logout", "only in memory"])
def test_record_that_cannot_be_removed_is_removed_later(tmp_path: Path, disk: Disk, way: str) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        store = store_in(tmp_path)
        session = service.session(disk=store)
        await session.adopt(record := service.record())
        disk.breaks(errno.EROFS, "remove")
        for step in range(2):
            if way == "logout" and step == 0:
                await session.logout()
            elif way == "only in memory":
                session.storage.stay_signed_in = False
            held = await session.record()
            assert held == (None if way == "logout" else record)
            assert "cannot be removed" in (session.storage.problem or "")
            assert store.path.exists()
        disk.heals()
        held = await session.record()
        assert held == (None if way == "logout" else record)
        assert not store.path.exists()

    play(scene)


@pytest.mark.parametrize("part", ["write", "lock"])
def test_login_after_a_logout_is_saved_once_the_disk_works_again(tmp_path: Path, disk: Disk, part: str) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        store = store_in(tmp_path)
        session = service.session(disk=store)
        await session.adopt(service.record())
        disk.breaks(errno.ENOSPC, part)
        await session.adopt(service.record())
        await session.logout()  # the record can be removed
        assert not store.path.exists()
        disk.heals()
        await session.adopt(record := service.record())
        assert (store.read(), session.storage.problem) == (record, None)

    play(scene)


@pytest.mark.parametrize("heals", [True, False])
def test_record_of_another_player_does_not_come_back(tmp_path: Path, disk: Disk, heals: bool) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        store = store_in(tmp_path)
        session = service.session(disk=store)
        await session.adopt(replace(service.record(), subject="the one before"))
        disk.breaks(errno.ENOSPC, "write")
        await session.adopt(record := service.record())
        disk.heals()
        if heals:
            await session.record()
        assert store.read() == (record if heals else None)

    play(scene)


def test_older_record_of_the_same_player_is_kept_if_the_new_one_cannot_be_written(tmp_path: Path, disk: Disk) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        store = store_in(tmp_path)
        session = service.session(disk=store)
        await session.adopt(older := service.record())
        disk.breaks(errno.ENOSPC, "write")
        await clock.sleep(1)
        await session.adopt(newer := service.record())
        assert store.read() == older
        assert await session.record() == newer
        disk.heals()
        assert await session.record() == newer
        assert store.read() == newer

    play(scene)


def test_later_record_of_another_process_is_not_replaced(tmp_path: Path, disk: Disk) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        store = store_in(tmp_path)
        session = service.session(disk=store)
        await session.adopt(service.record())
        disk.breaks(errno.EMFILE, "write")
        await session.adopt(service.record())
        disk.heals()
        await clock.sleep(1)
        store_in(tmp_path).write(theirs := service.record())
        assert await session.record() == theirs
        assert store.read() == theirs

    play(scene)


def test_valid_token_is_returned_while_the_disk_cannot_be_read(tmp_path: Path, disk: Disk) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        session = service.session(disk=store_in(tmp_path))
        await session.adopt(record := service.record())
        disk.breaks(errno.EMFILE, "read", "lock", "write")
        assert await session.access_token(300) == record.access
        await clock.sleep(LIFETIME)
        with pytest.raises(LoginDenied) as denied:
            await session.access_token(300)
        assert os.strerror(errno.EMFILE) in (denied.value.detail or "")
        disk.heals()
        assert await session.access_token(300) != record.access

    assert play(scene).refreshes == 1


def test_disk_is_used_again_after_its_lock_was_not_available(tmp_path: Path, backend: str) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        store = store_in(tmp_path)
        session = service.session(disk=store)
        async with store_in(tmp_path).locked(clock):
            await session.adopt(record := service.record())
            assert "Another program" in (session.storage.problem or "")
            began = clock.now()
            assert await session.access_token(300) == record.access
            assert clock.now() - began < 1
        assert await session.access_token(300) == record.access
        assert session.storage.problem is None
        assert store.read() == record

    play(scene, backend)


def test_removed_folder_is_made_again(tmp_path: Path) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        store = store_in(tmp_path / "state")
        session = service.session(disk=store)
        await session.adopt(service.record())
        await clock.sleep(LIFETIME)
        service.on_refresh = lambda: shutil.rmtree(tmp_path / "state")
        await session.access_token(300)
        service.on_refresh = lambda: None
        await next_start(service, clock, store)

    play(scene)


FULL_DISK = """
    import contextlib, os, pathlib, sys

    sys.path.insert(0, sys.argv[2])
    from sudomimus_bridge.testing._virtual_time import VirtualClock
    from tests.helpers.session_disk import store_in
    from tests.helpers.session_helpers import LIFETIME, ModelService

    place = pathlib.Path(sys.argv[1])
    clock = VirtualClock(grace=0.02)
    service = ModelService(clock)

    async def main():
        session = service.session(disk=store_in(place / "state"))
        await session.adopt(service.record())
        with contextlib.suppress(OSError), open(place / "filler", "wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))
        try:
            (place / "another").write_bytes(bytes(8192))
            sys.exit("the disk is not full")
        except OSError:
            pass
        for _ in range(5):  # each is a renewal, and no call comes after the last one
            await clock.sleep(LIFETIME)
            await session.access_token(300)
            assert session.storage.problem is None, session.storage.problem
        await clock.sleep(LIFETIME)
        await service.session(disk=store_in(place / "state")).access_token(300)

    clock.run(main)
    assert (service.refreshes, service.revoked) == (6, False)
    print("signed in")
"""


def test_session_is_renewed_and_saved_on_a_full_disk(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(FULL_DISK))
    disk = tmp_path / "disk"
    disk.mkdir()
    inside = 'mount -t tmpfs -o size=128k tmpfs "$1" && exec "$2" "$3" "$1" "$4"'
    arguments = [str(disk), sys.executable, str(program), str(Path(__file__).parents[2])]
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", inside, "sh", *arguments]
    try:
        probe = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", str(disk)]
        subprocess.run(probe, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs a mount namespace of its own: unshare --map-root-user --mount")
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.stdout == "signed in\n", done.stderr
