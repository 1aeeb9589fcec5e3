"""Specifies that after a crash or a cancelled renewal no refresh token is sent twice and no record is half written."""

from __future__ import annotations

import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from sudomimus_bridge._service.answers import Refreshed, Unsent
from sudomimus_bridge._session import private_files
from sudomimus_bridge._session.store import StoreUnusable
from sudomimus_bridge._values.errors import LoginDenied
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.testing._virtual_time import VirtualClock

from ..helpers.session_disk import RECORD, store_in
from ..helpers.session_helpers import BUSY_SECONDS, LIFETIME, ModelService

Scene = Callable[[ModelService, VirtualClock], Awaitable[None]]


def play(scene: Scene, backend: str = "asyncio") -> ModelService:
    clock = VirtualClock(grace=0.02)
    service = ModelService(clock)

    async def main() -> None:
        await scene(service, clock)

    clock.run(main, backend=backend)
    return service


def test_token_that_a_killed_process_had_sent_is_discarded(tmp_path: Path, backend: str) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        disk = store_in(tmp_path)
        disk.write(service.record().sent())
        await clock.sleep(LIFETIME)
        for _ in range(2):
            with pytest.raises(LoginDenied, match="last renewal of this sign-in was interrupted") as caught:
                await service.session(disk=store_in(tmp_path)).access_token(300)
            assert caught.value.reason == "SignInAgain"
            held = disk.read()
            assert held is not None
            assert (held.refresh, held.in_flight) == (None, False)

    assert play(scene, backend).refreshes == 0


def test_access_token_of_a_killed_process_is_used_while_it_is_valid(tmp_path: Path) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        record = service.record().sent()
        store_in(tmp_path).write(record)
        assert await service.session(disk=store_in(tmp_path)).access_token(300) == record.access

    assert play(scene).refreshes == 0


def test_access_key_replaces_a_discarded_refresh_token(tmp_path: Path) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        store_in(tmp_path).write(service.record("access-key").sent())
        await clock.sleep(LIFETIME)
        await service.session("access-key", disk=store_in(tmp_path)).access_token(300)

    service = play(scene)
    assert (service.logins, service.refreshes) == (1, 0)


def test_cancel_as_the_answer_arrives_keeps_the_new_pair(tmp_path: Path, backend: str) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        disk, refresh = store_in(tmp_path), service.refresh
        session = service.session(disk=disk)
        await session.adopt(record := service.record())
        await clock.sleep(LIFETIME)
        with anyio.CancelScope() as scope:

            async def given_up(refresh_token: Secret, unsent: Unsent) -> Refreshed:
                refreshed = await refresh(refresh_token, unsent)
                scope.cancel()
                return refreshed

            service.refresh = given_up  # type: ignore[method-assign]
            await session.access_token(300)
        held = disk.read()
        assert held is not None
        assert held.access != record.access
        assert (held.in_flight, held.refresh) == (False, Secret("refresh-2"))

    assert play(scene, backend).refreshes == 1


def test_cancel_during_another_callers_renewal_does_not_release_its_lock(tmp_path: Path, backend: str) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        first, second = (service.session(disk=store_in(tmp_path)) for _ in range(2))
        await first.adopt(service.record())
        await clock.sleep(LIFETIME)
        tokens: list[Secret] = []

        async def ask() -> None:
            tokens.append(await first.access_token(300))

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            while not service.refreshes:
                await clock.sleep(0.001)
            with clock.move_on_after(0.02) as scope:
                await second.access_token(300)
            assert scope.cancelled_caught
        assert await second.access_token(300) == tokens[0]

    service = play(scene, backend)
    assert (service.refreshes, service.revoked) == (1, False)


def test_exit_during_a_retry_after_wait_keeps_the_session(tmp_path: Path, backend: str) -> None:
    """The game is killed, or its player gives up. The service has not used the token, and the next attempt has not begun."""

    async def scene(service: ModelService, clock: VirtualClock) -> None:
        disk = store_in(tmp_path)
        disk.write(service.record())
        await clock.sleep(LIFETIME)
        service.plan = ["busy"]
        async with anyio.create_task_group() as asking:
            asking.start_soon(service.session(disk=store_in(tmp_path)).access_token, 300)
            await clock.sleep(BUSY_SECONDS / 2)
            left_by_a_kill = disk.read()
            asking.cancel_scope.cancel()
        for left in (left_by_a_kill, disk.read()):
            assert left is not None
            assert left.refresh is not None
            assert not left.in_flight
        await service.session(disk=store_in(tmp_path)).access_token(300)

    service = play(scene, backend)
    assert (service.refreshes, service.revoked) == (2, False)


def test_token_is_marked_before_each_try(tmp_path: Path, backend: str) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        disk = store_in(tmp_path)
        disk.write(service.record())
        await clock.sleep(LIFETIME)
        service.plan = ["busy", "busy"]
        marked: list[bool] = []
        service.on_refresh = lambda: marked.append((held := disk.read()) is not None and held.in_flight)
        await service.session(disk=store_in(tmp_path)).access_token(300)
        assert marked == [True] * 3

    play(scene, backend)


def test_token_that_can_neither_be_marked_nor_removed_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that became read-only: another process may find the token there, and use it."""

    def refuse(*_: object) -> None:
        raise StoreUnusable("The disk is read-only.", detail="EROFS")

    async def scene(service: ModelService, clock: VirtualClock) -> None:
        disk = store_in(tmp_path)
        session = service.session(disk=disk)
        await session.adopt(service.record())
        await clock.sleep(LIFETIME)
        monkeypatch.setattr(disk, "write", refuse)
        monkeypatch.setattr(disk, "forget", refuse)
        with pytest.raises(LoginDenied, match="cannot be renewed on this computer") as caught:
            await session.access_token(300)
        assert (caught.value.reason, caught.value.detail) == ("SignInAgain", "EROFS")
        await session.adopt(record := service.record())
        assert await session.access_token(300) == record.access

    assert play(scene).refreshes == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows refuses to replace a file that is being read")
def test_reader_gets_the_whole_old_record_during_a_replacement(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.write(RECORD)
    before = store.path.read_bytes()
    with store.path.open("rb") as reader:
        store.write(replace(RECORD, access=Secret("access-2")))
        assert reader.read() == before
    assert store.read() == replace(RECORD, access=Secret("access-2"))


@pytest.mark.skipif(sys.platform != "win32", reason="only on Windows can a reader prevent a write")
@pytest.mark.parametrize("seconds", [0.0, 0.1])
def test_writer_waits_for_a_reader_on_windows(tmp_path: Path, seconds: float) -> None:
    store = store_in(tmp_path)
    store.write(RECORD)
    reader = store.path.open("rb")
    threading.Timer(seconds, reader.close).start()
    store.write(replace(RECORD, access=Secret("access-2")))
    assert store.read() == replace(RECORD, access=Secret("access-2"))
    reader = store.path.open("rb")
    threading.Timer(seconds, reader.close).start()
    store.forget()
    assert store.read() is None


def test_file_in_use_is_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_files, "PAUSES", (0.0, 0.0, 0.0))
    left = [PermissionError("in use"), PermissionError("in use"), PermissionError("in use")]

    def use() -> str:
        if left:
            raise left.pop()
        return "used"

    assert private_files.retry_if_in_use(use) == "used"
    left[:] = [PermissionError("in use")] * 4
    with pytest.raises(PermissionError):
        private_files.retry_if_in_use(use)
