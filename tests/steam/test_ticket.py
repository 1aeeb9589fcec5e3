"""Specifies the life of one ticket: it is asked for, waited for, used and cancelled, whatever happens meanwhile."""

from __future__ import annotations

import anyio
import pytest

from sudomimus_bridge import SteamUnavailable
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.steam._ticket import web_api_ticket
from sudomimus_bridge.testing._virtual_time import VirtualClock


class SlowSteam:
    """A port whose calls take time. The call in `hangs` never returns."""

    def __init__(self, clock: VirtualClock, hangs: str = "") -> None:
        self._clock = clock
        self._hangs = hangs
        self.calls: list[str] = []

    async def _call(self, name: str) -> None:
        if name == self._hangs:
            await anyio.sleep_forever()
        await self._clock.sleep(0.5)
        self.calls.append(name)

    async def open(self) -> int:
        raise AssertionError

    async def get_auth_ticket_for_web_api(self, identity: str) -> int:
        await self._call(f"ask {identity}")
        return 7

    async def ticket_response(self, handle: int) -> Secret:
        await self._call(f"wait {handle}")
        return Secret("f00d")

    async def cancel_auth_ticket(self, handle: int) -> None:
        await self._call(f"cancel {handle}")

    async def activate_game_overlay_to_web_page(self, page: Secret) -> bool:
        raise AssertionError

    async def aclose(self) -> None:
        raise AssertionError

    def drop(self, seconds: float = 0.0) -> None:
        raise AssertionError


LIFE = ["ask sudomimus", "wait 7", "cancel 7"]


def test_ticket_is_cancelled_when_the_block_ends(backend: str) -> None:
    clock = VirtualClock()
    steam = SlowSteam(clock)

    async def flow() -> None:
        async with web_api_ticket(steam, clock) as ticket:
            assert ticket.reveal() == "f00d" and steam.calls == LIFE[:2]
        assert steam.calls == LIFE

    clock.run(flow, backend=backend)


def test_ticket_is_cancelled_if_the_block_fails(backend: str) -> None:
    clock = VirtualClock()
    steam = SlowSteam(clock)

    async def flow() -> None:
        async with web_api_ticket(steam, clock):
            raise KeyError

    with pytest.raises(KeyError):
        clock.run(flow, backend=backend)
    assert steam.calls == LIFE


@pytest.mark.parametrize(("after", "calls"), [(0.25, []), (0.75, [LIFE[0], LIFE[2]]), (1.25, LIFE)])
def test_ticket_is_cancelled_if_the_caller_is_cancelled(after: float, calls: list[str], backend: str) -> None:
    """Cancelling the ticket takes half a second, and the caller waits for it."""
    clock = VirtualClock()
    steam = SlowSteam(clock)

    async def flow() -> float:
        with clock.move_on_after(after) as scope:
            async with web_api_ticket(steam, clock):
                await anyio.sleep_forever()
        assert scope.cancelled_caught
        return clock.now()

    assert clock.run(flow, backend=backend) == after + (0.5 if calls else 0)
    assert steam.calls == calls


@pytest.mark.parametrize(
    ("hangs", "calls", "seconds"), [(LIFE[0], [], 20), (LIFE[1], [LIFE[0], LIFE[2]], 0.5 + 20 + 0.5)]
)
def test_each_call_of_a_client_that_is_not_connected_takes_twenty_seconds_at_most(
    hangs: str, calls: list[str], seconds: float, backend: str
) -> None:
    clock = VirtualClock()
    steam = SlowSteam(clock, hangs)

    async def flow() -> float:
        with pytest.raises(SteamUnavailable, match="within 20 seconds") as raised:
            async with web_api_ticket(steam, clock):
                pytest.fail("there is no ticket")
        assert raised.value.reason == "NoCallback"
        return clock.now()

    assert clock.run(flow, backend=backend) == seconds
    assert steam.calls == calls
