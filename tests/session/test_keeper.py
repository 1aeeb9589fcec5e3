"""Specifies access tokens and their renewal, on a model of the service in virtual time, on asyncio and trio."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from sudomimus_bridge import Bridge
from sudomimus_bridge._runs.signals import DoneSignal
from sudomimus_bridge._service.answers import Refreshed, Unsent
from sudomimus_bridge._session.file_store import FileStore
from sudomimus_bridge._session.private_files import lock_file
from sudomimus_bridge._session.protection import FileModeOnly
from sudomimus_bridge._values.errors import (
    BridgeError,
    ConfigurationError,
    LoginDenied,
    ServiceUnavailable,
    SteamUnavailable,
)
from sudomimus_bridge._values.events import Phase, ProgressEvent
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.testing import using_service, using_stub_steam, using_virtual_time
from sudomimus_bridge.testing._virtual_time import VirtualClock

from ..helpers.session_helpers import LIFETIME, ModelService

Scene = Callable[[ModelService, VirtualClock], Awaitable[None]]


def play(scene: Scene, backend: str = "asyncio") -> ModelService:
    clock = VirtualClock(grace=0.02)
    service = ModelService(clock)

    async def main() -> None:
        await scene(service, clock)

    clock.run(main, backend=backend)
    return service


def test_valid_token_is_returned_without_a_request(backend: str) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        session = service.session()
        await session.adopt(record := service.record())
        await clock.sleep(LIFETIME - 301)
        assert await session.access_token(300) == record.access

    assert play(scene, backend).refreshes == 0


def test_token_that_expires_too_soon_is_renewed(backend: str) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        session = service.session()
        await session.adopt(record := service.record())
        await clock.sleep(LIFETIME - 299)
        renewed = await session.access_token(300)
        assert renewed != record.access
        assert await session.access_token(300) == renewed

    service = play(scene, backend)
    assert (service.refreshes, service.revoked) == (1, False)


def test_age_of_a_token_counts_from_the_request() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        refresh, session = service.refresh, service.session()

        async def slow(refresh_token: Secret, unsent: Unsent) -> Refreshed:
            refreshed = await refresh(refresh_token, unsent)
            await clock.sleep(100)
            return refreshed

        service.refresh = slow  # type: ignore[method-assign]
        await session.adopt(service.record())
        await clock.sleep(LIFETIME)
        await session.access_token(300)
        record = await session.record()
        assert record is not None
        assert record.seconds_left(clock.uptime()) <= LIFETIME - 100

    play(scene)


def test_age_of_a_token_includes_the_machines_sleep() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        session = service.session()
        await session.adopt(service.record())
        clock.suspend(LIFETIME + 1)
        await session.access_token(0)

    assert play(scene).refreshes == 1


def test_token_is_renewed_after_a_restart_of_the_machine() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        session = service.session()
        await session.adopt(service.record())
        clock.restart()
        await session.access_token(0)

    assert play(scene).refreshes == 1


def test_change_of_the_calendar_does_not_change_a_tokens_age() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        session = service.session()
        await session.adopt(service.record())
        clock.set_calendar(-1e8)
        await session.access_token(300)
        clock.set_calendar(3e8)
        await session.access_token(300)

    assert play(scene).refreshes == 0


def test_token_without_a_lifetime_is_renewed_on_each_call() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.lifetime = None
        session = service.session()
        await session.adopt(service.record())
        assert len({(await session.access_token(300)).reveal() for _ in range(3)}) == 3

    assert play(scene).refreshes == 3


@pytest.mark.parametrize("lifetime", [LIFETIME, None])
def test_fifty_tasks_that_ask_at_once_share_one_renewal(backend: str, lifetime: float | None) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.lifetime = lifetime
        session = service.session()
        await session.adopt(service.record())
        await clock.sleep(LIFETIME)
        tokens = set()

        async def ask() -> None:
            tokens.add((await session.access_token(300)).reveal())

        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(ask)
        assert len(tokens) == 1

    assert play(scene, backend).refreshes == 1


def test_valid_for_beyond_the_lifetime_is_refused_without_a_request() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        session = service.session()
        await session.adopt(service.record())
        with pytest.raises(ConfigurationError) as caught:
            await session.access_token(LIFETIME)
        assert "live 3600 seconds" in (caught.value.detail or "")

    assert play(scene).refreshes == 0


def test_error_if_nobody_is_signed_in() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        with pytest.raises(LoginDenied, match="Sign in first") as caught:
            await service.session().access_token(300)
        assert caught.value.reason == "SignInAgain"

    play(scene)


@pytest.mark.parametrize("fault", ["lost", "dead"])
def test_refresh_token_of_unknown_fate_is_not_sent_again(fault: str) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.plan = [fault]
        session = service.session()
        await session.adopt(service.record())
        await clock.sleep(LIFETIME)
        for _ in range(3):
            with pytest.raises(BridgeError):
                await session.access_token(300)
            await clock.sleep(60)

    service = play(scene)
    assert (service.refreshes, service.revoked) == (1, False)


@pytest.mark.parametrize("silent", [(), ("access-key",)])
def test_ended_session_is_replaced_by_a_silent_login_or_needs_the_player(silent: tuple[str, ...]) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.plan = ["dead"]
        session = service.session(*silent)
        await session.adopt(record := service.record("access-key"))
        await clock.sleep(LIFETIME)
        if silent:
            assert await session.access_token(300) != record.access
            return
        with pytest.raises(LoginDenied, match="You were signed out") as caught:
            await session.access_token(300)
        assert (caught.value.reason, caught.value.detail) == ("SignInAgain", "RefreshTokenRevoked")
        assert await session.record() is None

    assert play(scene).logins == len(silent)


def test_access_token_is_used_while_it_is_valid_after_a_lost_answer() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.plan = ["lost"]
        session = service.session()
        await session.adopt(record := service.record())
        await clock.sleep(LIFETIME - 200)
        with pytest.raises(ServiceUnavailable):
            await session.access_token(300)
        assert await session.access_token(100) == record.access

    play(scene)


def test_unused_refresh_token_is_sent_after_a_pause() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.plan = ["unused"]
        session = service.session()
        await session.adopt(service.record())
        await clock.sleep(LIFETIME)
        for _ in range(5):
            with pytest.raises(ServiceUnavailable, match="busy"):
                await session.access_token(300)
        assert service.refreshes == 1
        await clock.sleep(11)
        await session.access_token(300)

    service = play(scene)
    assert (service.refreshes, service.revoked) == (2, False)


def test_denial_keeps_the_token_and_its_reason() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.plan = ["denied"]
        session = service.session()
        await session.adopt(service.record())
        await clock.sleep(LIFETIME)
        with pytest.raises(LoginDenied, match="disabled"):
            await session.access_token(300)
        await session.access_token(300)

    assert not play(scene).revoked


def test_newly_required_claim_leads_to_an_errand_while_the_token_is_valid() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.claims_missing = True
        session = service.session()
        await session.adopt(service.record())
        await clock.sleep(LIFETIME - 100)
        await session.access_token(300)

    service = play(scene)
    assert (service.seen, service.revoked) == (["ok", "share", "ok"], False)


def test_token_without_a_lifetime_is_tried_for_the_errand_of_a_required_claim() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.claims_missing, service.lifetime = True, None
        session = service.session()
        await session.adopt(service.record())
        await session.access_token(300)

    service = play(scene)
    assert (service.seen, service.revoked) == (["ok", "share", "ok"], False)


@pytest.mark.parametrize("silent", [(), ("access-key",)])
def test_refused_access_token_for_the_errand_needs_a_login(silent: tuple[str, ...]) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.claims_missing, service.accepts_access = True, False
        session = service.session(*silent)
        await session.adopt(service.record("access-key"))
        await clock.sleep(LIFETIME - 100)
        if silent:
            await session.access_token(300)
            return
        with pytest.raises(LoginDenied, match="Sign in again to decide") as caught:
            await session.access_token(300)
        assert caught.value.reason == "SignInAgain"

    service = play(scene)
    assert (service.logins, service.refreshes) == (len(silent), 1)


@pytest.mark.parametrize("silent", [(), ("access-key",)])
def test_claim_that_no_errand_brings_needs_a_login(silent: tuple[str, ...]) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.claims_missing, service.owes_an_errand = True, False
        session = service.session(*silent)
        await session.adopt(service.record("access-key"))
        await clock.sleep(LIFETIME - 100)
        if silent:
            await session.access_token(300)
            return
        with pytest.raises(LoginDenied, match="A claim is missing") as caught:
            await session.access_token(300)
        assert (caught.value.reason, caught.value.detail) == ("SignInAgain", "ClaimConsentRequired")

    service = play(scene)
    assert (service.logins, service.refreshes) == (len(silent), 2)


@pytest.mark.parametrize("silent", [(), ("access-key",)])
def test_newly_required_claim_needs_a_login_if_the_token_has_expired(silent: tuple[str, ...]) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.claims_missing = True
        session = service.session(*silent)
        await session.adopt(service.record("access-key"))
        await clock.sleep(LIFETIME + 1)
        if silent:
            await session.access_token(300)
            return
        with pytest.raises(LoginDenied, match="Sign in again") as caught:
            await session.access_token(300)
        assert caught.value.reason == "SignInAgain"

    assert play(scene).logins == len(silent)


def test_session_by_steam_is_renewed_by_steam() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        session = service.session("steam")
        await session.access_token(300)
        await clock.sleep(LIFETIME)
        await session.access_token(300)

    service = play(scene)
    assert (service.logins, service.refreshes) == (2, 0)


@pytest.mark.parametrize("silent", [("steam",), ()])
def test_renewal_passes_on_the_callers_listener_signal_and_quietly(silent: tuple[str, ...]) -> None:
    heard: list[ProgressEvent] = []

    async def scene(service: ModelService, clock: VirtualClock) -> None:
        session, signal = service.session(*silent), DoneSignal()
        record = service.record("steam" if silent else "device")
        await session.adopt(record)
        service.claims_missing = True
        await clock.sleep(LIFETIME - 100)
        await session.access_token(300, heard.append, signal, True)
        assert service.askers == [(signal, True)]
        assert service.shared == ([] if silent else [record.access])

    play(scene)
    assert [event.phase for event in heard] == [Phase.ISSUING]


def test_session_by_steam_is_renewed_by_its_refresh_token_if_steam_is_not_running() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        session = service.session("steam")
        await session.access_token(300)
        service.steam = False
        await clock.sleep(LIFETIME)
        await session.access_token(300)

    service = play(scene)
    assert (service.logins, service.refreshes) == (1, 1)


def test_error_names_steam_if_there_is_neither_steam_nor_a_session() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.steam = False
        with pytest.raises(SteamUnavailable):
            await service.session("steam").access_token(300)

    play(scene)


def test_session_that_steam_began_is_not_given_to_the_next_steam_user(tmp_path: Path) -> None:
    """Two people share a computer. The player is the one whose Steam runs now."""

    async def scene(service: ModelService, clock: VirtualClock) -> None:
        disk = FileStore(tmp_path, "my-game", "https://session.example", FileModeOnly())
        first = await service.session("steam", disk=disk).access_token(300)
        later = service.session("steam", disk=disk)
        second = await later.access_token(300)
        assert second != first
        assert await later.access_token(300) == second
        service.steam = False
        assert await service.session("steam", disk=disk).access_token(300) == second

    assert play(scene).logins == 2


@pytest.mark.parametrize("lifetime", [LIFETIME, None])
def test_nobody_is_signed_in_if_steam_runs_and_gives_no_ticket(tmp_path: Path, lifetime: float | None) -> None:
    """Steam is offline or refuses. The session on disk may be another Steam user's; a player of this process stays signed in."""

    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.lifetime = lifetime
        disk = FileStore(tmp_path, "my-game", "https://session.example", FileModeOnly())
        first = service.session("steam", disk=disk)
        await first.access_token(300)
        service.steam, service.without_steam = False, "TicketFailed"
        with pytest.raises(SteamUnavailable):
            await service.session("steam", disk=disk).access_token(0)
        assert service.refreshes == 0
        await clock.sleep(LIFETIME)
        await first.access_token(300)
        assert service.refreshes == 1

    play(scene)


def test_token_is_renewed_after_the_player_shared_more() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        session = service.session()
        await session.adopt(record := service.record())
        session.outdated(record.access)
        assert await session.access_token(300) != record.access

    assert play(scene).refreshes == 1


def test_logout_forgets_and_revokes_the_session(tmp_path: Path) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        disk = FileStore(tmp_path, "my-game", "https://session.example", FileModeOnly())
        session = service.session(disk=disk)
        await session.adopt(service.record())
        assert disk.path.exists()
        assert await session.logout()
        assert not disk.path.exists()
        with pytest.raises(LoginDenied, match="Sign in first"):
            await session.access_token(300)
        assert not await session.logout()

    assert play(scene).seen == ["logout"]


@pytest.mark.parametrize("fault", ["unused", "dead"])
def test_logout_forgets_the_session_if_the_service_fails(fault: str) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.plan = [fault]
        session = service.session()
        await session.adopt(service.record())
        assert not await session.logout()
        assert await session.record() is None

    play(scene)


def test_choice_to_stay_signed_in_moves_the_session(tmp_path: Path) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        disk = FileStore(tmp_path, "my-game", "https://session.example", FileModeOnly())
        session = service.session(disk=disk)
        session.storage.stay_signed_in = False
        await session.adopt(record := service.record())
        assert not disk.path.exists()
        session.storage.stay_signed_in = True
        assert await session.access_token(300) == record.access
        assert disk.read() == record
        session.storage.stay_signed_in = False
        assert await session.access_token(300) == record.access
        assert not disk.path.exists()

    play(scene)


@pytest.mark.parametrize("silent", [(), ("steam",)])
def test_saved_session_is_used_at_the_next_start(tmp_path: Path, silent: tuple[str, ...]) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        disk = FileStore(tmp_path, "my-game", "https://session.example", FileModeOnly())
        await service.session(disk=disk).adopt(record := service.record())
        assert await service.session(*silent, disk=disk).access_token(300) == record.access

    service = play(scene)
    assert (service.refreshes, service.logins) == (0, 0)


def test_new_pair_is_stored_before_any_caller_gets_it(tmp_path: Path) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        disk = FileStore(tmp_path, "my-game", "https://session.example", FileModeOnly())
        session = service.session(disk=disk)
        await session.adopt(service.record())
        await clock.sleep(LIFETIME)
        marks = []

        def look() -> None:
            held = disk.read()
            marks.append(held is not None and held.in_flight)

        service.on_refresh = look
        token = await session.access_token(300)
        held = disk.read()
        assert marks == [True]
        assert held is not None
        assert (held.access, held.in_flight) == (token, False)

    play(scene)


# --- a process that was stopped while it was renewing, or whose player is at a page ---------------------------------------


def test_valid_token_on_disk_is_returned_while_another_process_renews(tmp_path: Path, backend: str) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        disk = FileStore(tmp_path, "my-game", "https://session.example", FileModeOnly())
        disk.write(record := service.record())
        async with disk.locked(clock):
            began = clock.now()
            assert await service.session(disk=disk).access_token(300) == record.access
            assert clock.now() - began < 1

    play(scene, backend)


@pytest.mark.parametrize("moved", [False, True])
def test_login_does_not_wait_for_a_stopped_process(tmp_path: Path, backend: str, moved: bool) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        disk = FileStore(tmp_path, "my-game", "https://session.example", FileModeOnly())
        session = service.session(disk=disk)
        if moved:  # a player is signed in, and chooses only now to stay signed in
            session.storage.stay_signed_in = False
            await session.adopt(service.record())
            session.storage.stay_signed_in = True
        async with disk.locked(clock):
            began = clock.now()
            await session.adopt(record := service.record())
            assert clock.now() - began < 100
            assert "Another program" in (session.storage.problem or "")
            assert await session.access_token(300) == record.access
        assert disk.read() is None

    play(scene, backend)


def test_login_beside_a_stopped_process_ends_with_its_timeout(tmp_path: Path) -> None:
    with using_service(), using_stub_steam(), using_virtual_time() as clock:
        with Bridge(session_folder=tmp_path) as bridge:
            bridge.session()
            bridge.login()
        (lock,) = tmp_path.glob("*.lock")
        with Bridge(session_folder=tmp_path, timeout=5) as bridge:
            session, began = bridge.session(), clock.elapsed

            async def beside() -> None:
                async with lock_file(lock, clock):
                    await bridge.login_async()

            clock.run(beside)
            assert clock.elapsed - began < 6
            assert "Another program" in (session.problem or "")


@pytest.mark.parametrize("asks", [1, 8])
def test_token_request_during_logout_does_not_sign_in_again(backend: str, asks: int) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        session = service.session("steam")
        await session.adopt(service.record("steam"))
        await clock.sleep(LIFETIME)

        async def ask() -> None:
            with contextlib.suppress(LoginDenied):
                await session.access_token(300)

        async with anyio.create_task_group() as group:
            async with session.storage.locked():
                group.start_soon(session.logout)
                for _ in range(asks):
                    await clock.sleep(0.003)
                    group.start_soon(ask)
                await clock.sleep(0.1)
        assert await session.record() is None

    play(scene, backend)
