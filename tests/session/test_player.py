"""Specifies `Session.player`: the profile from the token or from `GET /userinfo`, in every state of the service.

The login ends before `/userinfo` is asked. If that fails, the session is unchanged and the player is unknown.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from sudomimus_bridge import Bridge, Player
from sudomimus_bridge._values.player import player_from
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge._values.token import read_token
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.testing._scripted_browser import RecordingBrowser
from sudomimus_bridge.testing._scripted_service import ScriptedTransport, Seen, Step, scripted
from sudomimus_bridge.testing._virtual_time import VirtualClock

from ..conftest import StubLog
from ..helpers.service_helpers import EXPOSURE, HIDDEN, REALIZED
from ..helpers.session_helpers import jwt
from ..helpers.steam_helpers import run_program

WAYS = ["steam", "access-key", "browser", "device"]
DIALECTS = ["documents", "openapi", "v4"]
CLAIMS = ["email", "firstName", "lastName", "staticAvatar", "animatedAvatar"]
PROFILE = {"sub": "player", "given_name": "Robin", "family_name": "", "name": "Robin", "email": "robin@example.com"}


# --- every way in, every state of the service ------------------------------------------------------------------------


def share_everything(emulator: Emulator, dialect: str) -> None:
    account = {"first_name": "Robin", "last_name": "", "email": "robin@example.com"}
    account["grants"] = dict.fromkeys(CLAIMS, "GRANTED")  # type: ignore[assignment]
    players = [{**player, **account} for player in emulator.config.model_dump(mode="json")["players"]]
    emulator.update(
        {
            "dialect": dialect,
            "players": players,
            "claims": dict.fromkeys(CLAIMS, "OPTIONAL"),
            "scripted_player.does": "approves",
        }
    )


async def sign_in(bridge: Bridge, emulator: Emulator, way: str) -> None:
    if way == "steam":
        await bridge.login_async("steam")
    elif way == "access-key":
        key = {"access_key_id": emulator.urls["accessKeyId"], "access_key_secret": emulator.urls["accessKeySecret"]}
        await bridge.login_async("access-key", **key)
    elif way == "browser":
        keys = emulator.establish()
        await bridge.login_async("browser", exposure_key=keys["exposureKey"], hidden_key=keys["hiddenKey"])
    else:
        await bridge.login_async("device")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("way", WAYS)
def test_player_after_each_way_in(
    way: str, dialect: str, emulator: Emulator, stub_library: Path, stub_log: StubLog, hurried: None
) -> None:
    share_everything(emulator, dialect)
    settings: dict[str, Any] = {**emulator.settings, "steam_library": stub_library, "no_browser": True}

    async def main() -> Player | None:
        with Bridge(**settings) as bridge:
            session = bridge.session(stay_signed_in=False)
            await sign_in(bridge, emulator, way)
            return await session.player_async()

    player = anyio.run(main)
    assert player is not None
    assert player.subject in {each.subject for each in emulator.config.players}
    assert (player.name, player.given_name, player.family_name) == ("Robin", "Robin", "")
    assert player.email == "robin@example.com"
    assert player.email_verified is (True if dialect == "v4" else None)
    assert (player.picture is None) is (dialect == "documents")
    assert player.claims["firstName"]["state"] == "GRANTED"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_player_who_shares_nothing(dialect: str, emulator: Emulator) -> None:
    emulator.update(dialect=dialect)

    async def main() -> Player | None:
        with Bridge(**emulator.settings) as bridge:
            await sign_in(bridge, emulator, "access-key")
            return await bridge.session(stay_signed_in=False).player_async()

    player = anyio.run(main)
    assert player is not None
    assert player == Player(player.subject, claims=player.claims)
    assert player.subject


def test_player_in_all_three_forms(emulator: Emulator) -> None:
    share_everything(emulator, "v4")
    with Bridge(**emulator.settings) as bridge:
        session = bridge.session(stay_signed_in=False)
        assert (session.player(), anyio.run(session.player_async)) == (None, None)
        anyio.run(sign_in, bridge, emulator, "access-key")
        started = session.start_player()
        while not started.ended:
            time.sleep(0.001)
        assert started.poll() == session.player() == anyio.run(session.player_async)


# --- on a scripted service -------------------------------------------------------------------------------------------


class Game:
    """A game whose player has just signed in, on a service that answers `/userinfo` from a script."""

    def __init__(self, *userinfo: Step, claims: Any = None, token: str = "", **settings: Any) -> None:
        self.clock = VirtualClock()
        self._token = token or jwt(sub="player", iat=1_000, exp=4_600)
        self._claims = claims or {}
        self.transport = ScriptedTransport(self.clock, [self.pair(), *userinfo], [REALIZED])
        self._settings = settings

    def pair(self) -> Step:
        return Step(body={"accessToken": self._token, "refreshToken": "refresh.token.0", "claims": self._claims})

    async def signed_in(self, folder: Path | None = None) -> Bridge:
        bridge = Bridge(
            application="my-game",
            session_folder=folder,
            clock=self.clock,
            service=scripted(self.transport),
            browser=RecordingBrowser(),
            **self._settings,
        )
        bridge.session(stay_signed_in=folder is not None)
        await bridge.login_async("browser", exposure_key=EXPOSURE, hidden_key=HIDDEN)
        return bridge

    @property
    def asked(self) -> list[Seen]:
        return [seen for seen in self.transport.seen if seen.path == "/userinfo"]

    def player(self, backend: str = "asyncio") -> Player:
        async def main() -> Player | None:
            return await (await self.signed_in()).session().player_async()

        player = self.clock.run(main, backend=backend)
        assert player is not None
        return player


def test_profile_is_asked_for_with_the_access_token_after_the_login(backend: str) -> None:
    game = Game(Step(body=PROFILE))

    async def main() -> None:
        bridge = await game.signed_in()
        assert game.asked == []
        player = await bridge.session().player_async()
        assert player == Player("player", "Robin", "Robin", "", "robin@example.com")

    game.clock.run(main, backend=backend)
    (asked,) = game.asked
    assert (asked.method, asked.host) == ("GET", "session-api.sudomimus.com")
    assert asked.authorization == f"Bearer {game._token}"


DEEP = b'{"sub": "player", "name": ' + b"[" * 100_000
FAULTS = {
    "missing": Step(404, {"reason": "RouteNotFound"}),
    "unauthorized": Step(401, {"error": "invalid_token"}, {"WWW-Authenticate": "Bearer"}),
    "rate limit": Step(429, b"", {"Retry-After": "3600"}),
    "unavailable": Step(503, b""),
    "redirect": Step(302, {**PROFILE, "name": "Mallory"}, {"Location": "https://evil.example/"}),
    "slow": Step(body={**PROFILE, "name": "Mallory"}, delay=3600),
    "drips": Step(body=b" " * 200_000, chunk_delay=5),
    "unreachable": Step(raises=httpx.ConnectError),
    "breaks off": Step(raises=httpx.ReadError),
    "another player": Step(body={**PROFILE, "sub": "other", "name": "Mallory"}),
    "no subject": Step(body={"name": "Mallory"}),
    "wrong kinds": Step(
        body={"sub": "player", "name": ["Mallory"], "email": 7, "email_verified": "yes", "picture": {}}
    ),
    "control characters": Step(body={"sub": "player", "name": "Mallory\x1b[31m", "email": "robin\u0085@example.com"}),
    "too long": Step(body={"sub": "player", "name": "Mallory" * 1_000}),
    "too large": Step(body={**PROFILE, "name": "Mallory", "more": "x" * 300_000}),
    "too deep": Step(body=DEEP),
    "a page": Step(body=b"<html>Mallory</html>", headers={"Content-Type": "text/html"}),
    "a list": Step(body=[PROFILE]),
    "no JSON": Step(body=b"Mallory"),
    "empty": Step(body=b""),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_unhelpful_userinfo_leaves_the_profile_unknown(
    fault: str, backend: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    game = Game(FAULTS[fault])

    async def main() -> None:
        bridge = await game.signed_in()
        before, sent = game.clock.elapsed, len(game.transport.seen)
        assert await bridge.session().player_async() == Player("player")
        assert await bridge.session().access_token_async() == game._token
        assert [seen.path for seen in game.transport.seen[sent:]] == ["/userinfo"]
        assert game.clock.elapsed - before <= 10.1

    game.clock.run(main, backend=backend)
    assert "Mallory" not in caplog.text
    assert game._token not in caplog.text
    assert "/userinfo" in caplog.text
    assert "".join(capfd.readouterr()) == ""


def test_one_request_for_several_callers_and_for_one_access_token(backend: str) -> None:
    game = Game(Step(body=PROFILE, delay=1))

    async def main() -> None:
        session = (await game.signed_in()).session()
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(session.player_async)
        await game.clock.sleep(3_000)
        assert (await session.player_async()) == Player("player", "Robin", "Robin", "", "robin@example.com")

    game.clock.run(main, backend=backend)
    assert len(game.asked) == 1


def test_next_caller_asks_again_after_a_cancelled_one() -> None:
    game = Game(Step(delay=9), Step(body=PROFILE))

    async def main() -> None:
        session = (await game.signed_in()).session()
        with game.clock.move_on_after(1):
            await session.player_async()
        player = await session.player_async()
        assert player is not None
        assert player.name == "Robin"

    game.clock.run(main)


def test_service_is_asked_again_after_a_pause_if_it_gave_no_profile() -> None:
    game = Game(Step(503, b""), Step(503, b""), Step(body=PROFILE))

    async def main() -> list[str | None]:
        session = (await game.signed_in()).session()
        names = []
        for pause in (0.0, 1.0, 60.0, 60.0, 60.0):
            await game.clock.sleep(pause)
            player = await session.player_async()
            names.append(player.name if player is not None else None)
        return names

    assert game.clock.run(main) == [None, None, None, "Robin", "Robin"]
    assert len(game.asked) == 3


def test_service_is_asked_again_after_an_errand_with_the_same_token() -> None:
    shared = {"email": {"requirement": "OPTIONAL", "state": "GRANTED"}}
    errand = {"errandKey": "ernd_1", "url": "https://via.sudomimus.com/errand?key=ernd_1", "expiresAt": "2030"}
    game = Game(
        Step(body={"sub": "player", "name": "Robin"}),
        Step(body={"errand": errand, "claims": {}}),
        Step(body={"errand": None, "claims": shared}),
        Step(body=PROFILE),
        claims={"email": {"requirement": "OPTIONAL", "state": "DENIED"}},
    )
    game.transport._polls[:] = [REALIZED, Step(body={"status": "COMPLETED"})]

    async def main() -> None:
        bridge = await game.signed_in()
        session = bridge.session()
        player = await session.player_async()
        assert player is not None
        assert (player.email, player.claims["email"]["state"]) == (None, "DENIED")
        assert (await bridge.share_async(game._token)).completed
        player = await session.player_async()
        assert player is not None
        assert (player.email, player.claims) == ("robin@example.com", shared)
        assert await session.claims_async() == shared

    game.clock.run(main)
    assert len(game.asked) == 2


def test_profile_in_the_token_needs_no_request() -> None:
    game = Game(token=jwt(subject="player", firstName="Robin", lastName="", emailAddress="robin@example.com"))
    assert game.player() == Player("player", "Robin", "Robin", "", "robin@example.com")
    assert game.asked == []


@pytest.mark.parametrize(
    ("url", "passes"),
    [
        ("https://via.sudomimus.com/avatar/1.png", True),
        ("https://cdn.example/avatar.png", False),
        ("http://via.sudomimus.com/avatar.png", False),
        ("https://user@via.sudomimus.com/avatar.png", False),
        ("javascript:alert(1)", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("source", ["token", "userinfo"])
def test_picture_on_a_host_that_the_game_may_not_open_is_unknown(url: str, passes: bool, source: str) -> None:
    if source == "token":
        game = Game(token=jwt(subject="player", staticAvatarUrl=url, animatedAvatarUrl=url, firstName="Robin"))
    else:
        game = Game(Step(body={**PROFILE, "picture": url, "picture_animated": url}))
    player = game.player()
    assert (player.picture, player.animated_picture) == ((url, url) if passes else (None, None))
    assert player.given_name == "Robin"
    assert not [seen for seen in game.transport.seen if "avatar" in seen.path]


def test_session_that_steam_began_elsewhere_names_nobody_before_steam_is_asked(
    tmp_path: Path, emulator: Emulator, stub_library: Path, stub_log: StubLog
) -> None:
    """Two people share a computer: the second must not read the name of the first."""
    share_everything(emulator, "openapi")
    settings: dict[str, Any] = {**emulator.settings, "steam_library": stub_library, "session_folder": tmp_path}
    with Bridge(**settings) as bridge:
        session = bridge.session(stay_signed_in=True)
        bridge.login()
        assert (session.player() or Player()).name == "Robin"
    with Bridge(**settings) as bridge:
        session = bridge.session(stay_signed_in=True)
        assert session.player() is None
        session.access_token()
        assert (session.player() or Player()).name == "Robin"


# --- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ({}, Player("player")),
        ({"given_name": "Robin"}, Player("player", "Robin", "Robin")),
        ({"family_name": ""}, Player("player", "", None, "")),
        ({"given_name": "Robin", "family_name": "Marsh"}, Player("player", "Robin Marsh", "Robin", "Marsh")),
        ({"name": "R. M.", "given_name": "Robin"}, Player("player", "R. M.", "Robin")),
        ({"name": None, "email": None}, Player("player")),
        ({"name": "می\u200cخواهم"}, Player("player", "می\u200cخواهم")),
        ({"name": "Robin\u202eniboR"}, Player("player")),
        ({"email": "a@b.c", "email_verified": False}, Player("player", email="a@b.c", email_verified=False)),
    ],
)
def test_members_of_a_profile(profile: dict[str, Any], expected: Player) -> None:
    assert player_from({"sub": "player", **profile}, "player") == expected
    assert player_from({"sub": "player", **profile}, None) == expected
    assert player_from({"sub": "player", **profile}, "other") is None


def test_repr_of_a_player_holds_nothing_personal() -> None:
    player = Player("player", "Robin Marsh", "Robin", "Marsh", "robin@example.com", True, "https://a.example/1")
    assert repr(player) == "Player(subject='player')"


def test_empty_members_of_an_older_token() -> None:
    player = read_token(Secret(jwt(subject="player", lastName=""))).player
    assert player == Player("player", "", None, "")
    assert read_token(Secret(jwt(sub="player"))).player is None


def test_player_is_public_without_an_import_of_heavy_libraries() -> None:
    done = run_program(
        """
        import sys
        from sudomimus_bridge import Player
        print(Player().name, "httpx" in sys.modules, "anyio" in sys.modules)
        """
    )
    assert done.stdout == "None False False\n", done.stderr
