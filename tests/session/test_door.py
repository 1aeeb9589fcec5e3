"""Specifies `Bridge.session` and `Session` for a game: the player's choice, the claims, and no imports on the game's thread."""

from __future__ import annotations

import time
from pathlib import Path

import anyio
import pytest

from sudomimus_bridge import Bridge, LoginDenied
from sudomimus_bridge.testing._scripted_browser import RecordingBrowser
from sudomimus_bridge.testing._scripted_service import ScriptedTransport, Step, scripted
from sudomimus_bridge.testing._virtual_time import VirtualClock

from ..helpers.service_helpers import EXPOSURE, HIDDEN, REALIZED
from ..helpers.session_helpers import jwt
from ..helpers.steam_helpers import run_program


def signed_in_bridge(clock: VirtualClock, folder: Path) -> Bridge:
    pair = {"accessToken": jwt(iat=1_000, exp=4_600), "refreshToken": "refresh.token.0"}
    claims = {"email": {"requirement": "REQUIRED", "state": "GRANTED"}}
    transport = ScriptedTransport(
        clock, [Step(body={"applicationAnchor": "my-game", **pair, "claims": claims})], [REALIZED]
    )
    return Bridge(
        application="my-game",
        session_folder=folder,
        clock=clock,
        service=scripted(transport),
        browser=RecordingBrowser(),
    )


@pytest.mark.parametrize("choices", [(), (None,), (True, None), (False, None, True), (False, None, None, True, None)])
def test_session_without_argument_keeps_the_players_choice(
    tmp_path: Path, choices: tuple[bool | None, ...], backend: str
) -> None:
    clock = VirtualClock()

    async def main() -> None:
        bridge = signed_in_bridge(clock, tmp_path)
        session, stays = bridge.session(), True
        await bridge.login_async("browser", exposure_key=EXPOSURE, hidden_key=HIDDEN)
        for choice in choices:
            stays = stays if choice is None else choice
            sessions = [session, bridge.session() if choice is None else bridge.session(stay_signed_in=choice)]
            for asked in [*sessions, bridge.session()]:
                await asked.access_token_async()
                assert bool(list(tmp_path.glob("*.session"))) is stays

    clock.run(main, backend=backend)


@pytest.mark.parametrize("signed_in", [False, True])
def test_claims_in_all_three_forms(tmp_path: Path, signed_in: bool) -> None:
    def claims_of(bridge: Bridge) -> list[object]:
        session = bridge.session()
        blocking, awaited, started = session.claims(), anyio.run(session.claims_async), session.start_claims()
        while not started.ended:
            time.sleep(0.001)
        return [blocking, awaited, started.poll()]

    clock = VirtualClock()

    async def main() -> None:
        bridge = signed_in_bridge(clock, tmp_path)
        bridge.session(stay_signed_in=True)
        if signed_in:
            await bridge.login_async("browser", exposure_key=EXPOSURE, hidden_key=HIDDEN)

    clock.run(main)
    wanted = {"email": {"requirement": "REQUIRED", "state": "GRANTED"}} if signed_in else None
    assert claims_of(Bridge(application="my-game", session_folder=tmp_path)) == [wanted] * 3


@pytest.mark.parametrize("choice", ["", "True", "False"])
def test_reading_the_problem_imports_nothing(choice: str) -> None:
    done = run_program(
        f"""
        import sys
        from sudomimus_bridge import Bridge, LoginDenied
        session = Bridge(application="my-game", native_url="http://127.0.0.1:9").session({choice})
        before = set(sys.modules)
        print(session.problem, sorted(set(sys.modules) - before))
        """
    )
    assert done.stdout == "None []\n", done.stderr


def test_starting_to_ask_for_claims_imports_nothing_on_the_games_own_thread(tmp_path: Path) -> None:
    done = run_program(
        """
        import sys, threading, time
        from sudomimus_bridge import Bridge, LoginDenied
        here, seen = threading.get_ident(), set()

        class Watch:
            def find_spec(self, name, path=None, target=None):
                if threading.get_ident() == here:
                    seen.add(name)

        session = Bridge(application="my-game", session_folder=sys.argv[1]).session()
        sys.meta_path.insert(0, Watch())
        asked = session.start_claims()
        while not asked.ended:
            assert asked.poll() is None and session.problem is None
            time.sleep(0.005)
        print(asked.poll(), sorted(seen))
        """,
        str(tmp_path),
    )
    assert done.stdout == "None []\n", done.stderr


@pytest.mark.parametrize("first", ["login", "access token", "claims"])
def test_player_who_chooses_not_to_stay_leaves_nothing_of_an_earlier_run(
    tmp_path: Path, first: str, backend: str
) -> None:
    """The player chooses before the store is read. The saved session is removed and not used."""
    clock = VirtualClock(grace=0.02)

    async def main() -> None:
        before = signed_in_bridge(clock, tmp_path)
        before.session(stay_signed_in=True)
        await before.login_async("browser", exposure_key=EXPOSURE, hidden_key=HIDDEN)
        assert list(tmp_path.glob("*.session"))
        bridge = signed_in_bridge(clock, tmp_path)
        session = bridge.session(stay_signed_in=False)
        if first == "login":
            await bridge.login_async("browser", exposure_key=EXPOSURE, hidden_key=HIDDEN)
        elif first == "claims":
            assert await session.claims_async() is None
        else:
            with pytest.raises(LoginDenied):
                await session.access_token_async()
        assert not list(tmp_path.glob("*.session"))
        assert not list(tmp_path.glob("*.spare"))

    clock.run(main, backend=backend)


def test_bridge_without_a_session_leaves_a_saved_one_alone(tmp_path: Path) -> None:
    """A program that only signs in makes no choice for the player."""
    clock = VirtualClock(grace=0.02)

    async def main() -> None:
        before = signed_in_bridge(clock, tmp_path)
        before.session(stay_signed_in=True)
        await before.login_async("browser", exposure_key=EXPOSURE, hidden_key=HIDDEN)
        await signed_in_bridge(clock, tmp_path).login_async("browser", exposure_key=EXPOSURE, hidden_key=HIDDEN)
        assert list(tmp_path.glob("*.session"))

    clock.run(main)


def test_player_who_chooses_not_to_stay_and_never_did_gets_no_folder(tmp_path: Path) -> None:
    clock = VirtualClock(grace=0.02)

    async def main() -> None:
        bridge = signed_in_bridge(clock, tmp_path / "state")
        session = bridge.session(stay_signed_in=False)
        assert await session.claims_async() is None

    clock.run(main)
    assert not (tmp_path / "state").exists()


def test_no_problem_is_told_of_a_session_that_is_not_meant_to_stay(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    clock = VirtualClock()

    async def main() -> None:
        bridge = signed_in_bridge(clock, tmp_path / "file" / "state")
        session = bridge.session()
        await bridge.login_async("browser", exposure_key=EXPOSURE, hidden_key=HIDDEN)
        assert "cannot be saved" in (session.problem or "")
        bridge.session(stay_signed_in=False)
        assert session.problem is None

    clock.run(main)
