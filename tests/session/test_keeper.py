"""The session's promises on a model of the service, in virtual time, on asyncio and trio."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from sudomimus_bridge._runs.done_signal import DoneSignal
from sudomimus_bridge._service.fate import Refreshed, Unsent
from sudomimus_bridge._session.file_store import FileStore
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


def test_a_valid_token_is_given_without_a_request(backend: str) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        keeper = service.keeper()
        await keeper.adopt(record := service.record())
        await clock.sleep(LIFETIME - 301)
        assert await keeper.access_token(300) == record.access

    assert play(scene, backend).refreshes == 0


def test_a_token_that_ends_too_soon_is_renewed_before(backend: str) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        keeper = service.keeper()
        await keeper.adopt(record := service.record())
        await clock.sleep(LIFETIME - 299)
        renewed = await keeper.access_token(300)
        assert renewed != record.access
        assert await keeper.access_token(300) == renewed

    service = play(scene, backend)
    assert (service.refreshes, service.revoked) == (1, False)


def test_a_token_that_took_its_time_to_arrive_is_that_much_older() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        refresh, keeper = service.refresh, service.keeper()

        async def slow(refresh_token: Secret, unsent: Unsent) -> Refreshed:
            refreshed = await refresh(refresh_token, unsent)
            await clock.sleep(100)
            return refreshed

        service.refresh = slow  # type: ignore[method-assign]
        await keeper.adopt(service.record())
        await clock.sleep(LIFETIME)
        await keeper.access_token(300)
        record = await keeper.record()
        assert record is not None
        assert record.seconds_left(clock.uptime()) <= LIFETIME - 100

    play(scene)


def test_time_asleep_counts() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        keeper = service.keeper()
        await keeper.adopt(service.record())
        clock.suspend(LIFETIME + 1)
        await keeper.access_token(0)

    assert play(scene).refreshes == 1


def test_after_a_restart_of_the_machine_the_age_is_unknown_and_the_token_renewed() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        keeper = service.keeper()
        await keeper.adopt(service.record())
        clock.restart()
        await keeper.access_token(0)

    assert play(scene).refreshes == 1


def test_the_calendar_changes_nothing() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        keeper = service.keeper()
        await keeper.adopt(service.record())
        clock.set_calendar(-1e8)
        await keeper.access_token(300)
        clock.set_calendar(3e8)
        await keeper.access_token(300)

    assert play(scene).refreshes == 0


def test_a_token_without_times_is_renewed_on_each_request() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.lifetime = None
        keeper = service.keeper()
        await keeper.adopt(service.record())
        assert len({(await keeper.access_token(300)).reveal() for _ in range(3)}) == 3

    assert play(scene).refreshes == 3


@pytest.mark.parametrize("lifetime", [LIFETIME, None])
def test_fifty_tasks_that_ask_at_once_share_one_renewal(backend: str, lifetime: float | None) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.lifetime = lifetime
        keeper = service.keeper()
        await keeper.adopt(service.record())
        await clock.sleep(LIFETIME)
        tokens = set()

        async def ask() -> None:
            tokens.add((await keeper.access_token(300)).reveal())

        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(ask)
        assert len(tokens) == 1

    assert play(scene, backend).refreshes == 1


def test_more_than_any_token_lives_is_refused_before_a_request() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        keeper = service.keeper()
        await keeper.adopt(service.record())
        with pytest.raises(ConfigurationError) as caught:
            await keeper.access_token(LIFETIME)
        assert "live 3600 seconds" in (caught.value.detail or "")

    assert play(scene).refreshes == 0


def test_nobody_signed_in_says_so() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        with pytest.raises(LoginDenied, match="Sign in first") as caught:
            await service.keeper().access_token(300)
        assert caught.value.reason == "SignInAgain"

    play(scene)


@pytest.mark.parametrize("fault", ["lost", "dead"])
def test_a_refresh_token_of_unknown_fate_is_never_sent_again(fault: str) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.plan = [fault]
        keeper = service.keeper()
        await keeper.adopt(service.record())
        await clock.sleep(LIFETIME)
        for _ in range(3):
            with pytest.raises(BridgeError):
                await keeper.access_token(300)
            await clock.sleep(60)

    service = play(scene)
    assert (service.refreshes, service.revoked) == (1, False)


@pytest.mark.parametrize("silent", [(), ("access-key",)])
def test_a_session_that_is_over_is_begun_anew_or_asks_for_a_login(silent: tuple[str, ...]) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.plan = ["dead"]
        keeper = service.keeper(*silent)
        await keeper.adopt(record := service.record("access-key"))
        await clock.sleep(LIFETIME)
        if silent:
            assert await keeper.access_token(300) != record.access
            return
        with pytest.raises(LoginDenied, match="You were signed out") as caught:
            await keeper.access_token(300)
        assert (caught.value.reason, caught.value.detail) == ("SignInAgain", "RefreshTokenRevoked")
        assert await keeper.record() is None

    assert play(scene).logins == len(silent)


def test_after_a_lost_answer_the_access_token_still_serves_while_it_is_valid() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.plan = ["lost"]
        keeper = service.keeper()
        await keeper.adopt(record := service.record())
        await clock.sleep(LIFETIME - 200)
        with pytest.raises(ServiceUnavailable):
            await keeper.access_token(300)
        assert await keeper.access_token(100) == record.access

    play(scene)


def test_a_token_that_was_surely_not_used_is_used_later_and_not_at_once() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.plan = ["unused"]
        keeper = service.keeper()
        await keeper.adopt(service.record())
        await clock.sleep(LIFETIME)
        for _ in range(5):
            with pytest.raises(ServiceUnavailable, match="busy"):
                await keeper.access_token(300)
        assert service.refreshes == 1
        await clock.sleep(11)
        await keeper.access_token(300)

    service = play(scene)
    assert (service.refreshes, service.revoked) == (2, False)


def test_a_denial_keeps_the_token_and_is_told_as_it_is() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.plan = ["denied"]
        keeper = service.keeper()
        await keeper.adopt(service.record())
        await clock.sleep(LIFETIME)
        with pytest.raises(LoginDenied, match="disabled"):
            await keeper.access_token(300)
        await keeper.access_token(300)

    assert not play(scene).revoked


def test_a_claim_that_became_required_leads_into_the_errand_while_the_token_is_valid() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.claims_missing = True
        keeper = service.keeper()
        await keeper.adopt(service.record())
        await clock.sleep(LIFETIME - 100)
        await keeper.access_token(300)

    service = play(scene)
    assert (service.seen, service.revoked) == (["ok", "share", "ok"], False)


def test_a_token_without_times_is_tried_where_a_claim_became_required() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.claims_missing, service.lifetime = True, None
        keeper = service.keeper()
        await keeper.adopt(service.record())
        await keeper.access_token(300)

    service = play(scene)
    assert (service.seen, service.revoked) == (["ok", "share", "ok"], False)


@pytest.mark.parametrize("silent", [(), ("access-key",)])
def test_a_token_that_does_not_open_the_errand_asks_for_a_login(silent: tuple[str, ...]) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.claims_missing, service.accepts_access = True, False
        keeper = service.keeper(*silent)
        await keeper.adopt(service.record("access-key"))
        await clock.sleep(LIFETIME - 100)
        if silent:
            await keeper.access_token(300)
            return
        with pytest.raises(LoginDenied, match="Sign in again to decide") as caught:
            await keeper.access_token(300)
        assert caught.value.reason == "SignInAgain"

    service = play(scene)
    assert (service.logins, service.refreshes) == (len(silent), 1)


@pytest.mark.parametrize("silent", [(), ("access-key",)])
def test_a_claim_that_no_errand_brings_asks_for_a_login(silent: tuple[str, ...]) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.claims_missing, service.owes_an_errand = True, False
        keeper = service.keeper(*silent)
        await keeper.adopt(service.record("access-key"))
        await clock.sleep(LIFETIME - 100)
        if silent:
            await keeper.access_token(300)
            return
        with pytest.raises(LoginDenied, match="A claim is missing") as caught:
            await keeper.access_token(300)
        assert (caught.value.reason, caught.value.detail) == ("SignInAgain", "ClaimConsentRequired")

    service = play(scene)
    assert (service.logins, service.refreshes) == (len(silent), 2)


@pytest.mark.parametrize("silent", [(), ("access-key",)])
def test_a_claim_that_became_required_too_late_asks_for_a_login(silent: tuple[str, ...]) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.claims_missing = True
        keeper = service.keeper(*silent)
        await keeper.adopt(service.record("access-key"))
        await clock.sleep(LIFETIME + 1)
        if silent:
            await keeper.access_token(300)
            return
        with pytest.raises(LoginDenied, match="Sign in again") as caught:
            await keeper.access_token(300)
        assert caught.value.reason == "SignInAgain"

    assert play(scene).logins == len(silent)


def test_a_session_by_steam_is_renewed_by_steam() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        keeper = service.keeper("steam")
        await keeper.access_token(300)
        await clock.sleep(LIFETIME)
        await keeper.access_token(300)

    service = play(scene)
    assert (service.logins, service.refreshes) == (2, 0)


@pytest.mark.parametrize("silent", [("steam",), ()])
def test_a_renewal_passes_on_the_callers_listener_signal_and_quietly(silent: tuple[str, ...]) -> None:
    heard: list[ProgressEvent] = []

    async def scene(service: ModelService, clock: VirtualClock) -> None:
        keeper, signal = service.keeper(*silent), DoneSignal()
        record = service.record("steam" if silent else "device")
        await keeper.adopt(record)
        service.claims_missing = True
        await clock.sleep(LIFETIME - 100)
        await keeper.access_token(300, heard.append, signal, True)
        assert service.askers == [(signal, True)]
        assert service.shared == ([] if silent else [record.access])

    play(scene)
    assert [event.phase for event in heard] == [Phase.ISSUING]


def test_without_steam_it_is_renewed_by_its_refresh_token() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        keeper = service.keeper("steam")
        await keeper.access_token(300)
        service.steam = False
        await clock.sleep(LIFETIME)
        await keeper.access_token(300)

    service = play(scene)
    assert (service.logins, service.refreshes) == (1, 1)


def test_without_steam_and_without_a_session_steam_is_what_is_missing() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.steam = False
        with pytest.raises(SteamUnavailable):
            await service.keeper("steam").access_token(300)

    play(scene)


def test_a_session_that_steam_began_is_not_the_next_steam_users(tmp_path: Path) -> None:
    """Two people share a computer: who runs Steam now is who plays now."""

    async def scene(service: ModelService, clock: VirtualClock) -> None:
        disk = FileStore(tmp_path, "my-game", "https://session.example", FileModeOnly())
        first = await service.keeper("steam", disk=disk).access_token(300)
        later = service.keeper("steam", disk=disk)
        second = await later.access_token(300)
        assert second != first
        assert await later.access_token(300) == second
        service.steam = False
        assert await service.keeper("steam", disk=disk).access_token(300) == second

    assert play(scene).logins == 2


@pytest.mark.parametrize("lifetime", [LIFETIME, None])
def test_where_steam_is_there_and_gives_no_ticket_nobody_is_taken_for_the_player(
    tmp_path: Path, lifetime: float | None
) -> None:
    """Offline, or refused: the session on disk may be another Steam user's. Who was confirmed in this process stays."""

    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.lifetime = lifetime
        disk = FileStore(tmp_path, "my-game", "https://session.example", FileModeOnly())
        first = service.keeper("steam", disk=disk)
        await first.access_token(300)
        service.steam, service.without_steam = False, "TicketFailed"
        with pytest.raises(SteamUnavailable):
            await service.keeper("steam", disk=disk).access_token(0)
        assert service.refreshes == 0
        await clock.sleep(LIFETIME)
        await first.access_token(300)
        assert service.refreshes == 1

    play(scene)


def test_a_token_that_shows_less_than_the_player_shared_is_renewed() -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        keeper = service.keeper()
        await keeper.adopt(record := service.record())
        keeper.outdated(record.access)
        assert await keeper.access_token(300) != record.access

    assert play(scene).refreshes == 1


def test_signing_out_forgets_here_and_revokes_there(tmp_path: Path) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        disk = FileStore(tmp_path, "my-game", "https://session.example", FileModeOnly())
        keeper = service.keeper(disk=disk)
        await keeper.adopt(service.record())
        assert disk.path.exists()
        assert await keeper.logout()
        assert not disk.path.exists()
        with pytest.raises(LoginDenied, match="Sign in first"):
            await keeper.access_token(300)
        assert not await keeper.logout()

    assert play(scene).seen == ["logout"]


@pytest.mark.parametrize("fault", ["unused", "dead"])
def test_signing_out_without_the_service_forgets_all_the_same(fault: str) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        service.plan = [fault]
        keeper = service.keeper()
        await keeper.adopt(service.record())
        assert not await keeper.logout()
        assert await keeper.record() is None

    play(scene)


def test_the_players_choice_to_stay_moves_the_session(tmp_path: Path) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        disk = FileStore(tmp_path, "my-game", "https://session.example", FileModeOnly())
        keeper = service.keeper(disk=disk)
        keeper.storage.stay_signed_in = False
        await keeper.adopt(record := service.record())
        assert not disk.path.exists()
        keeper.storage.stay_signed_in = True
        assert await keeper.access_token(300) == record.access
        assert disk.read() == record
        keeper.storage.stay_signed_in = False
        assert await keeper.access_token(300) == record.access
        assert not disk.path.exists()

    play(scene)


@pytest.mark.parametrize("silent", [(), ("steam",)])
def test_what_is_stored_serves_the_next_start(tmp_path: Path, silent: tuple[str, ...]) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        disk = FileStore(tmp_path, "my-game", "https://session.example", FileModeOnly())
        await service.keeper(disk=disk).adopt(record := service.record())
        assert await service.keeper(*silent, disk=disk).access_token(300) == record.access

    service = play(scene)
    assert (service.refreshes, service.logins) == (0, 0)


def test_the_new_pair_is_stored_before_anyone_gets_it(tmp_path: Path) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        disk = FileStore(tmp_path, "my-game", "https://session.example", FileModeOnly())
        keeper = service.keeper(disk=disk)
        await keeper.adopt(service.record())
        await clock.sleep(LIFETIME)
        marks = []

        def look() -> None:
            held = disk.read()
            marks.append(held is not None and held.in_flight)

        service.on_refresh = look
        token = await keeper.access_token(300)
        held = disk.read()
        assert marks == [True]
        assert held is not None
        assert (held.access, held.in_flight) == (token, False)

    play(scene)


# --- a process that was stopped while it was renewing, or whose player is at a page ---------------------------------------


def test_a_valid_token_on_disk_is_had_while_another_process_renews(tmp_path: Path, backend: str) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        disk = FileStore(tmp_path, "my-game", "https://session.example", FileModeOnly())
        disk.write(record := service.record())
        async with disk.locked(clock):
            began = clock.now()
            assert await service.keeper(disk=disk).access_token(300) == record.access
            assert clock.now() - began < 1

    play(scene, backend)


@pytest.mark.parametrize("moved", [False, True])
def test_a_login_does_not_wait_for_a_process_that_was_stopped(tmp_path: Path, backend: str, moved: bool) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        disk = FileStore(tmp_path, "my-game", "https://session.example", FileModeOnly())
        keeper = service.keeper(disk=disk)
        if moved:  # somebody is signed in, who was not to stay so until now
            keeper.storage.stay_signed_in = False
            await keeper.adopt(service.record())
            keeper.storage.stay_signed_in = True
        async with disk.locked(clock):
            began = clock.now()
            await keeper.adopt(record := service.record())
            assert clock.now() - began < 100
            assert "Another program" in (keeper.storage.problem or "")
            assert await keeper.access_token(300) == record.access
        assert disk.read() is None

    play(scene, backend)


@pytest.mark.parametrize("asks", [1, 8])
def test_whoever_asks_while_the_player_signs_out_nobody_is_signed_in_afterwards(backend: str, asks: int) -> None:
    async def scene(service: ModelService, clock: VirtualClock) -> None:
        keeper = service.keeper("steam")
        await keeper.adopt(service.record("steam"))
        await clock.sleep(LIFETIME)

        async def ask() -> None:
            with contextlib.suppress(LoginDenied):
                await keeper.access_token(300)

        async with anyio.create_task_group() as group:
            async with keeper.storage.locked():
                group.start_soon(keeper.logout)
                for _ in range(asks):
                    await clock.sleep(0.003)
                    group.start_soon(ask)
                await clock.sleep(0.1)
        assert await keeper.record() is None

    play(scene, backend)
