"""The times and the reasons that the session's policy names, each tried on both sides of its bound, in virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from sudomimus_bridge._login.methods import METHODS
from sudomimus_bridge._login.ports import Ports
from sudomimus_bridge._session.file_store import open_file_store
from sudomimus_bridge._session.player_session import PlayerSession, open_player_session
from sudomimus_bridge._session.record import Record
from sudomimus_bridge._settings import read_settings
from sudomimus_bridge._values.errors import LoginDenied, ServiceUnavailable, SteamUnavailable
from sudomimus_bridge._values.events import Claims
from sudomimus_bridge._values.player import Player
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.testing._scripted_service import ScriptedTransport, Step, scripted
from sudomimus_bridge.testing._virtual_time import VirtualClock

from ..helpers.service_helpers import ACCESS_KEY
from ..helpers.session_disk import store_in
from ..helpers.session_helpers import BUSY_SECONDS, LIFETIME, ModelService

Scene = Callable[[ModelService, VirtualClock, PlayerSession], Awaitable[None]]


def play(scene: Scene, plan: tuple[str, ...] = ()) -> ModelService:
    """A player is signed in, and the token has expired. Requests take whole seconds, so that moments are exact."""
    clock = VirtualClock()
    service = ModelService(clock, list(plan), request_seconds=1)

    async def main() -> None:
        session = service.session()
        await session.adopt(service.record())
        await clock.sleep(LIFETIME)
        await scene(service, clock, session)

    clock.run(main)
    return service


def test_failed_renewal_is_repeated_after_ten_seconds() -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        for pause in (0, 9.5):
            await clock.sleep(pause)
            with pytest.raises(ServiceUnavailable, match="busy"):
                await session.access_token(300)
        assert service.refreshes == 1
        await clock.sleep(0.5)
        await session.access_token(300)

    assert play(scene, ("unused",)).refreshes == 2


@pytest.mark.parametrize(("others", "seconds"), [(False, 1.5), (True, 10.0)])
def test_renewal_goes_on_for_a_while_after_its_caller_is_cancelled(others: bool, seconds: float) -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        service.request_seconds = 60
        async with anyio.create_task_group() as tasks:
            if others:
                clock.call_later(0.5, lambda: tasks.start_soon(session.access_token, 300))
            with clock.move_on_after(1):
                began = clock.now()
                await session.access_token(300)
            assert clock.now() - began - 1 == pytest.approx(seconds, abs=0.1)
            tasks.cancel_scope.cancel()

    play(scene)


def test_service_that_gave_no_profile_is_asked_again_after_a_minute() -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        service.name = None
        for pause, asked in ((0, 1), (59.5, 1), (0.5, 2)):
            await clock.sleep(pause)
            assert await session.player() is not None
            assert service.seen.count("player") == asked

    play(scene)


def test_finished_login_waits_thirty_seconds_for_another_process(tmp_path: Path) -> None:
    clock = VirtualClock(grace=0.02)
    service = ModelService(clock)

    async def main() -> None:
        disk = store_in(tmp_path)
        async with disk.locked(clock):
            began = clock.now()
            await service.session(disk=disk).adopt(service.record())
            assert clock.now() - began == pytest.approx(30, abs=0.5)

    clock.run(main)


async def _moves_to_memory(session: PlayerSession) -> Record | None:
    session.storage.stay_signed_in = False
    return await session.record()


@pytest.mark.parametrize(
    ("call", "outcome"),
    [
        (lambda session: session.access_token(300), "TimedOut"),
        (lambda session: session.logout(), False),
        (_moves_to_memory, "a record"),
    ],
    ids=["access_token", "logout", "another choice"],
)
def test_call_waits_for_another_process_as_long_as_the_timeout(
    call: Callable[[PlayerSession], Awaitable[Any]], outcome: object, tmp_path: Path
) -> None:
    """The other process was stopped while it renewed, so it holds the lock for ever."""
    clock = VirtualClock(grace=0.02)
    service = ModelService(clock)
    session = service.session(disk=store_in(tmp_path), patience=3)

    async def main() -> None:
        await session.adopt(service.record())
        await clock.sleep(LIFETIME)
        async with store_in(tmp_path).locked(clock):
            began = clock.now()
            try:
                came = await call(session)
            except ServiceUnavailable as error:
                came = error.reason
            assert clock.now() - began == pytest.approx(3, abs=0.5)
            assert "held the session's lock for 3 seconds" in str(session.storage.trouble)
            assert ("a record" if isinstance(came, Record) else came) == outcome
        if outcome == "TimedOut":  # when the other process goes on, the session does, too
            assert await session.access_token(300)
            assert (service.refreshes, session.storage.problem) == (1, None)

    clock.run(main)


def test_callers_that_wait_for_another_process_wait_at_the_same_time(tmp_path: Path) -> None:
    clock = VirtualClock(grace=0.02)
    service = ModelService(clock)
    session = service.session(disk=store_in(tmp_path), patience=3)

    async def refused() -> None:
        with pytest.raises(ServiceUnavailable, match="still renewing"):
            await session.access_token(300)

    async def main() -> None:
        await session.adopt(service.record())
        await clock.sleep(LIFETIME)
        async with store_in(tmp_path).locked(clock):
            began = clock.now()
            async with anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(refused)
            assert clock.now() - began == pytest.approx(3, abs=1)

    clock.run(main)
    assert service.refreshes == 0


def test_steam_renews_a_session_whose_disk_another_process_holds(tmp_path: Path) -> None:
    clock = VirtualClock(grace=0.02)
    service = ModelService(clock)
    session = service.session("steam", disk=store_in(tmp_path), patience=3)

    async def main() -> None:
        await session.access_token(300)
        await clock.sleep(LIFETIME)
        async with store_in(tmp_path).locked(clock):
            assert await session.access_token(300)
            assert session.storage.waited_in_vain
        await session.record()
        assert session.storage.problem is None

    clock.run(main)
    assert service.logins == 2


def test_setting_timeout_limits_the_wait_for_another_process(tmp_path: Path) -> None:
    clock = VirtualClock(grace=0.02)
    given = {"application": "my-game", "session_folder": tmp_path, "timeout": 3}
    transport = ScriptedTransport(clock, [Step()])
    ports = Ports(read_settings(given, {}), clock=clock, open_service=scripted(transport))
    session = open_player_session(ports, by_steam=False)
    session.storage.stay_signed_in = True

    async def main() -> None:
        await session.adopt(ModelService(clock).record())
        await clock.sleep(LIFETIME)
        async with open_file_store(ports.settings).locked(clock):
            began = clock.now()
            with pytest.raises(ServiceUnavailable, match="still renewing"):
                await session.access_token(300)
            assert clock.now() - began == pytest.approx(3, abs=0.5)

    clock.run(main)
    assert transport.seen == []


@pytest.mark.parametrize(
    ("reason", "used"),
    [
        ("SteamNotRunning", True),
        ("HostHasNotInitialised", True),
        ("LibraryNotFound", True),
        ("LibraryNotLoaded", True),
        ("LibraryTooOld", True),
        ("NotASteamLibrary", True),
        ("SteamInitFailed", False),
        ("NoCallback", False),
        ("TicketDenied", False),
    ],
)
def test_saved_session_of_steam_is_used_only_if_steam_does_not_run(tmp_path: Path, reason: str, used: bool) -> None:
    clock = VirtualClock(grace=0.02)
    service = ModelService(clock)

    async def main() -> None:
        saved = await service.session("steam", disk=store_in(tmp_path)).access_token(300)
        service.steam, service.without_steam = False, reason
        later = service.session("steam", disk=store_in(tmp_path))
        if used:
            assert await later.access_token(300) == saved
        else:
            with pytest.raises(SteamUnavailable):
                await later.access_token(300)

    clock.run(main)


# --- what a later call remembers of an earlier one -------------------------------------------------------------------


def test_login_ends_the_pause_after_a_failed_renewal() -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        with pytest.raises(ServiceUnavailable):
            await session.access_token(300)
        await session.adopt(record := service.record())
        session.outdated(record.access)
        await session.access_token(300)

    assert play(scene, ("unused",)).refreshes == 2


@pytest.mark.parametrize("method", ["access-key", "device"])
def test_session_is_renewed_by_a_later_login_only_if_that_needs_no_player(method: str) -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        await session.adopt(service.record(method))
        session.renew_by(METHODS[method]())
        await clock.sleep(LIFETIME)
        if method == "access-key":
            await session.access_token(300)
        else:
            with pytest.raises(LoginDenied, match="You were signed out"):
                await session.access_token(300)

    assert play(scene, ("dead",)).logins == (method == "access-key")


@pytest.mark.parametrize("known", [True, False])
def test_session_is_renewed_by_an_access_key_in_the_environment(known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if known:
        monkeypatch.setenv("SUDOMIMUS_ACCESS_KEY_ID", ACCESS_KEY[0])
        monkeypatch.setenv("SUDOMIMUS_ACCESS_KEY_SECRET", ACCESS_KEY[1].reveal())
    clock = VirtualClock()
    transport = ScriptedTransport(clock, [Step()])
    ports = Ports(read_settings({"application": "my-game"}, {}), clock=clock, open_service=scripted(transport))

    async def main() -> None:
        session = open_player_session(ports, by_steam=False)
        await session.adopt(ModelService(clock).record("access-key").without_refresh())
        await clock.sleep(LIFETIME)
        if known:
            await session.access_token(0)
        else:
            with pytest.raises(LoginDenied):
                await session.access_token(0)

    clock.run(main)
    assert [seen.path for seen in transport.seen] == ["/direct-issue/access-key"] * known


def test_service_is_asked_for_the_player_of_each_access_token() -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        for _ in range(2):
            await session.access_token(300)
            for _ in range(2):
                player = await session.player()
                assert player is not None and player.name == "Robin"
            await clock.sleep(LIFETIME)

    assert play(scene).seen.count("player") == 2


def test_player_has_the_claims_of_an_errand_that_ended_while_the_service_was_asked() -> None:
    shared: Claims = {"email": {"state": "DENIED"}}

    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        async def slow(access_token: Secret, claims: Claims) -> Player:
            session.outdated(access_token, shared)
            return Player("player", "Robin", claims=claims)

        service.player = slow  # type: ignore[method-assign]
        for _ in range(2):
            player = await session.player()
        assert player is not None and player.claims == shared

    play(scene)


def test_service_that_gave_no_profile_is_asked_again_after_a_restart_of_the_clock() -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        service.name = None
        await session.player()
        clock.restart()
        await session.player()

    assert play(scene).seen.count("player") == 2


@pytest.mark.parametrize(
    "cancelled_after",
    [[1 + BUSY_SECONDS + 0.5], [1 + BUSY_SECONDS / 2, 0.5]],
    ids=["in its second request", "in its wait, and then in the next renewal"],
)
def test_request_is_finished_also_after_a_wait_with_an_unused_token(cancelled_after: list[float]) -> None:
    async def scene(_service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        for seconds in cancelled_after:
            with clock.move_on_after(seconds) as scope:
                await session.access_token(300)
            assert scope.cancelled_caught
        assert await session.access_token(300)

    assert play(scene, ("busy",)).refreshes == 2


def test_session_never_waits_for_ever_even_if_logins_are_patient(tmp_path: Path) -> None:
    given = {"application": "my-game", "session_folder": tmp_path, "patient": True}
    session = open_player_session(Ports(read_settings(given, {}), clock=VirtualClock()), by_steam=False)
    assert session.storage._patience == 3600


def test_caller_that_waits_no_more_does_not_prolong_a_cancelled_renewal() -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        service.request_seconds = 100

        async def waits_a_moment() -> None:
            await clock.sleep(0.5)
            with clock.move_on_after(0.2):
                await session.access_token(300)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(waits_a_moment)
            with clock.move_on_after(1):
                began = clock.now()
                await session.access_token(300)
            assert clock.now() - began - 1 == pytest.approx(1.5, abs=0.1)

    play(scene)


def test_login_while_another_process_holds_the_disk_is_renewed_in_memory(tmp_path: Path) -> None:
    clock = VirtualClock(grace=0.02)
    service = ModelService(clock)
    session = service.session(disk=store_in(tmp_path), patience=1)

    async def main() -> None:
        async with store_in(tmp_path).locked(clock):
            await session.adopt(service.record())
            await clock.sleep(LIFETIME)
            assert await session.access_token(300)
            assert session.storage.waited_in_vain

    clock.run(main)
    assert service.refreshes == 1
