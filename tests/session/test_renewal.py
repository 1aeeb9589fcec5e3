"""What a renewal decides: by which method, with which token, and with which error it ends, in virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from sudomimus_bridge._service.answers import Fate, Refreshed, Unsent
from sudomimus_bridge._session.player_session import PlayerSession
from sudomimus_bridge._values.errors import (
    BridgeError,
    ConfigurationError,
    LoginDenied,
    ServiceUnavailable,
    SteamUnavailable,
)
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.testing._virtual_time import VirtualClock

from ..helpers.session_disk import store_in
from ..helpers.session_helpers import LIFETIME, ModelService

Scene = Callable[[ModelService, VirtualClock, PlayerSession], Awaitable[None]]


def play(scene: Scene, *plan: str, method: str = "device", silent: tuple[str, ...] = ()) -> ModelService:
    """A player is signed in, and the token has expired."""
    clock = VirtualClock()
    service = ModelService(clock, list(plan), request_seconds=1)

    async def main() -> None:
        session = service.session(*silent)
        await session.adopt(service.record(method))
        await clock.sleep(LIFETIME)
        await scene(service, clock, session)

    clock.run(main)
    return service


def ends_with(fate: Fate, error: BridgeError | None) -> Callable[[Secret, Unsent], Awaitable[Refreshed]]:
    async def refresh(refresh_token: Secret, unsent: Unsent) -> Refreshed:
        return Refreshed(fate, error=error)

    return refresh


def test_session_of_another_method_is_not_renewed_by_steam() -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        await session.access_token(300)

    service = play(scene, silent=("steam",))
    assert (service.refreshes, service.logins) == (1, 0)


def test_dead_session_by_steam_is_over_if_steam_is_not_running() -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        service.steam = False
        with pytest.raises(LoginDenied, match="You were signed out"):
            await session.access_token(300)

    play(scene, "dead", method="steam", silent=("steam",))


def test_denial_does_not_lead_to_a_silent_login() -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        with pytest.raises(LoginDenied) as denied:
            await session.access_token(300)
        assert denied.value.reason == "AccountDisabled"

    assert play(scene, "denied", method="access-key", silent=("access-key",)).logins == 0


@pytest.mark.parametrize(
    ("fate", "error", "kind", "reason"),
    [
        (Fate.DEAD, None, LoginDenied, "SignInAgain"),
        (Fate.DEAD, ServiceUnavailable("Your account changed.", reason="Stale"), LoginDenied, "SignInAgain"),
        (Fate.DEAD, ConfigurationError(reason="Wrong"), ConfigurationError, "Wrong"),
        (Fate.UNUSED, LoginDenied("Disabled.", reason="AccountDisabled"), LoginDenied, "AccountDisabled"),
        (Fate.UNKNOWN, LoginDenied("Refused.", reason="Missing"), LoginDenied, "SignInAgain"),
        (Fate.UNKNOWN, ServiceUnavailable("Lost.", reason="Lost"), ServiceUnavailable, "Lost"),
    ],
)
def test_error_of_a_renewal(fate: Fate, error: BridgeError | None, kind: type[BridgeError], reason: str) -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        service.refresh = ends_with(fate, error)  # type: ignore[assignment,method-assign]
        with pytest.raises(BridgeError) as ended:
            await session.access_token(300)
        assert (type(ended.value), ended.value.reason) == (kind, reason)
        if error is None:
            assert ended.value.sentence.startswith("You are signed out")

    play(scene)


def test_token_that_arrives_too_late_is_an_error() -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        service.request_seconds = LIFETIME - 200
        with pytest.raises(ServiceUnavailable, match="took too long"):
            await session.access_token(300)
        assert await session.access_token(100)

    assert play(scene).refreshes == 1


def test_expired_token_does_not_say_how_long_the_next_one_lives() -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        service.lifetime = 2 * LIFETIME
        assert await session.access_token(LIFETIME + 100)
        with pytest.raises(ConfigurationError) as refused:
            await session.access_token(2 * LIFETIME)
        assert refused.value.reason == "ValidForTooLong"

    assert play(scene).refreshes == 1


def test_pause_after_a_failure_ends_if_the_clock_restarts() -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        with pytest.raises(ServiceUnavailable):
            await session.access_token(300)
        clock.restart()
        await session.access_token(300)

    assert play(scene, "unused").refreshes == 2


def test_errand_for_a_required_claim_uses_the_last_second_of_the_token() -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        service.claims_missing = True
        await session.adopt(service.record())
        await clock.sleep(LIFETIME - 1.5)
        await session.access_token(300)

    assert play(scene).seen == ["ok", "share", "ok"]


def test_age_of_a_token_counts_from_the_request_after_the_errand() -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        share = service.share

        async def slow(*args: object) -> object:
            await clock.sleep(600)
            return await share(*args)  # type: ignore[arg-type]

        service.share, service.claims_missing = slow, True  # type: ignore[assignment,method-assign]
        await session.adopt(service.record())
        await clock.sleep(LIFETIME - 100)
        await session.access_token(300)
        record = await session.record()
        assert record is not None and record.seconds_left(clock.uptime()) == pytest.approx(LIFETIME - 1)

    play(scene)


def test_caller_that_waits_while_the_player_signs_out_is_told_so() -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        async def ask() -> None:
            with pytest.raises(LoginDenied, match="You have signed out"):
                await session.access_token(300)

        forget = session.storage.forget

        async def slow() -> None:
            await clock.sleep(5)
            await forget()

        session.storage.forget = slow  # type: ignore[method-assign]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(session.logout)
            await clock.sleep(1)
            tasks.start_soon(ask)

    play(scene)


@pytest.mark.parametrize("how", ["discarded", "in flight"])
def test_session_whose_refresh_token_may_be_used_is_only_forgotten(how: str) -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        record = service.record()
        await session.adopt(record.without_refresh() if how == "discarded" else record.sent())
        assert await session.logout() is False
        assert await session.record() is None

    assert play(scene).seen == []


def test_session_by_steam_is_used_by_a_process_that_does_not_use_steam(tmp_path: Path) -> None:
    clock = VirtualClock(grace=0.02)
    service = ModelService(clock)

    async def main() -> None:
        token = await service.session("steam", disk=store_in(tmp_path)).access_token(300)
        assert await service.session(disk=store_in(tmp_path)).access_token(300) == token

    clock.run(main)


def test_logout_ends_steams_confirmation(tmp_path: Path) -> None:
    """Afterwards another user of the computer signs in, in another process."""
    clock = VirtualClock(grace=0.02)
    service = ModelService(clock)

    async def main() -> None:
        session = service.session("steam", disk=store_in(tmp_path))
        await session.access_token(300)
        await session.logout()
        await service.session("steam", disk=store_in(tmp_path)).access_token(300)
        service.steam, service.without_steam = False, "TicketFailed"
        with pytest.raises(SteamUnavailable):
            await session.access_token(300)

    clock.run(main)


# --- what happened while the caller waited for its turn -----------------------------------------------------------------


def after_its_turn(meanwhile: Callable[[ModelService, VirtualClock, PlayerSession], Awaitable[object]]) -> Scene:
    """A caller waits for the session's lock while something happens; the scene ends with the caller's result."""

    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        async def ask() -> None:
            results.append(await session.access_token(300))

        results: list[Secret] = []
        async with anyio.create_task_group() as tasks:
            async with session.storage.locked():
                tasks.start_soon(ask)
                await clock.sleep(1)
                expected = await meanwhile(service, clock, session)
        assert expected is None or results == [expected]

    return scene


def test_player_who_signs_in_meanwhile() -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        async def signs_in(service: ModelService, _: VirtualClock, session: PlayerSession) -> object:
            await session.storage.write(record := service.record())
            return record.access

        await session.storage.forget()
        await after_its_turn(signs_in)(service, clock, session)

    assert play(scene).refreshes == 0


def test_player_who_signs_out_in_another_process_meanwhile() -> None:
    async def signs_out(_: ModelService, __: VirtualClock, session: PlayerSession) -> None:
        await session.storage.forget()

    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        with pytest.raises(BaseExceptionGroup) as failed:
            await after_its_turn(signs_out)(service, clock, session)
        (error,) = failed.value.exceptions
        assert isinstance(error, LoginDenied) and error.sentence.startswith("Nobody is signed in")

    play(scene)


def test_token_of_another_process_that_has_expired_meanwhile_is_renewed() -> None:
    async def renews(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        record = service.record()
        received = replace(record.received, seconds=record.received.seconds - LIFETIME)
        await session.storage.write(replace(record, received=received))

    assert play(after_its_turn(renews)).refreshes == 1


@pytest.mark.parametrize(("method", "logins"), [("steam", 1), ("device", 0)])
def test_token_without_a_lifetime_of_another_process_is_used_unless_steam_has_to_confirm_it(
    method: str, logins: int
) -> None:
    clock = VirtualClock()
    service = ModelService(clock, lifetime=None)

    async def renews(service: ModelService, _: VirtualClock, session: PlayerSession) -> object:
        await session.storage.write(record := service.record(method))
        return None if logins else record.access

    async def main() -> None:
        session = service.session("steam")
        await session.storage.write(service.record(method))
        await after_its_turn(renews)(service, clock, session)

    clock.run(main)
    assert (service.logins, service.refreshes) == (logins, 0)
