"""Every way in, errand, refresh, player and logout, through every door and in every dialect of the local service.

Each cell of the table is the outcome of a real run over a real socket. `python -m tests.helpers.every_way_in` prints the table
as docs/contracts/service.md has it.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr
from pathlib import Path
from typing import Any, cast, get_args
from unittest.mock import patch

from sudomimus_bridge import Bridge, Session
from sudomimus_bridge._cli.main import main as command_line
from sudomimus_bridge._login.methods import METHODS
from sudomimus_bridge._service.policy import Spacing
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.emulator._contract.dialects import ClaimName, DialectName
from sudomimus_bridge.testing._compiled_stub import compiled_stub
from sudomimus_bridge.testing._stub_library import StubLog

from ..cli.test_program import Ended, Program
from .sidecar_helpers import Launcher

DIALECTS = get_args(DialectName)
SIGN_IN = {name: f"sign in: {name}" for name in METHODS}
ROWS = (*SIGN_IN.values(), "errand", "refresh", "player", "logout")

_CLAIMS = [name for name in get_args(ClaimName) if name != "email"]
_LIFETIME = 600
"""Seconds that an access token lives. A session renews it for a caller to whom a moment of that is missing."""

_SETTINGS: Mapping[str, Any] = {
    "claims": {"email": "OFF", **dict.fromkeys(_CLAIMS, "OPTIONAL")},
    "players": [
        {"steam_id": steam_id, "first_name": name, "last_name": "Marsh", "grants": dict.fromkeys(_CLAIMS, "GRANTED")}
        for steam_id, name in ((76561197960287930, "Robin"), (76561197960287931, "Kim"))
    ],
    "scripted_player": {"does": "approves"},
    "device": {"interval": 1},
    "tokens": {"access_token_ttl_seconds": _LIFETIME},
}


# --- the doors -------------------------------------------------------------------------------------------------------

Tokens = Mapping[str, Any]
"""The object that `login --json` prints."""


class Door(ABC):
    """One door. What follows the sign-ins is about the session of the last one."""

    def __init__(self, emulator: Emulator, library: Path) -> None:
        self.emulator = emulator
        self.library = library
        self.tokens: Tokens = {}

    @abstractmethod
    def sign_in(self, way: str) -> Tokens: ...

    @abstractmethod
    def errand(self) -> Mapping[str, Any]:
        """The object that `errand --json` prints."""

    @abstractmethod
    def refresh(self) -> Tokens: ...

    @abstractmethod
    def player(self) -> Mapping[str, Any]:
        """The object that `whoami --json` prints."""

    @abstractmethod
    def logout(self) -> bool: ...

    def close(self) -> None:
        """End what the door has started."""
        self.tokens = {}


class Python(Door):
    """`Bridge`, with one of them for each sign-in."""

    def __init__(self, emulator: Emulator, library: Path) -> None:
        super().__init__(emulator, library)
        self._bridges = ExitStack()
        self._bridge: Bridge

    @property
    def _session(self) -> Session:
        return self._bridge.session(stay_signed_in=False)

    def sign_in(self, way: str) -> Tokens:
        # A session is renewed by Steam if Steam is there, so only one bridge of the four has it.
        library = self.library if way == "steam" else "/nowhere/libsteam_api.so"
        bridge = Bridge(**self.emulator.settings, steam_library=library, no_browser=True)
        self._bridge = self._bridges.enter_context(bridge)
        self._bridge.session(stay_signed_in=False)
        urls, inquiry = self.emulator.urls, self.emulator.establish()
        credentials = {
            "access-key": {"access_key_id": urls["accessKeyId"], "access_key_secret": urls["accessKeySecret"]},
            "browser": {"exposure_key": inquiry["exposureKey"], "hidden_key": inquiry["hiddenKey"]},
        }
        login = cast(Any, self._bridge.login)(way, **credentials.get(way, {}))
        return cast(Tokens, login.to_json())

    def errand(self) -> Mapping[str, Any]:
        return self._bridge.share().to_json()

    def refresh(self) -> Tokens:
        token = self._session.access_token(valid_for=_LIFETIME - 0.01)  # the errand took longer
        return {"accessToken": token, "claims": self._session.claims()}

    def player(self) -> Mapping[str, Any]:
        player = self._session.player()
        return {} if player is None else player.to_json()

    def logout(self) -> bool:
        return self._session.logout()

    def close(self) -> None:
        self._bridges.close()


class CommandLine(Door):
    """The commands, in this process."""

    def _run(self, *words: str, **environ: str) -> Any:
        program = Program(self.emulator, self.library, StubLog(Path(os.devnull)))
        with patch.dict(os.environ, environ), redirect_stderr(io.StringIO()) as err, _standard_output() as out:
            status = command_line([*words, "--json", "--no-browser", *program.flags()])
            out.seek(0)
            ended = Ended(status, out.read(), err.getvalue(), 0.0)
        assert ended.status == 0, ended.err
        return ended.json

    def sign_in(self, way: str) -> Tokens:
        urls, inquiry = self.emulator.urls, self.emulator.establish()
        keys = {"EXPOSURE_KEY": inquiry["exposureKey"], "HIDDEN_KEY": inquiry["hiddenKey"]}
        keys |= {"ACCESS_KEY_ID": urls["accessKeyId"], "ACCESS_KEY_SECRET": urls["accessKeySecret"]}
        self.tokens = self._run("login", way, **{f"SUDOMIMUS_{name}": key for name, key in keys.items()})
        return self.tokens

    def errand(self) -> Mapping[str, Any]:
        return cast(Tokens, self._run("errand", SUDOMIMUS_ACCESS_TOKEN=self.tokens["accessToken"]))

    def refresh(self) -> Tokens:
        self.tokens = self._run("refresh", SUDOMIMUS_REFRESH_TOKEN=self.tokens["refreshToken"])
        return self.tokens

    def player(self) -> Mapping[str, Any]:
        return cast(Tokens, self._run("whoami", SUDOMIMUS_ACCESS_TOKEN=self.tokens["accessToken"]))

    def logout(self) -> bool:
        return bool(self._run("logout", SUDOMIMUS_REFRESH_TOKEN=self.tokens["refreshToken"])["revoked"])


class Sidecar(Door):
    """The sidecar, as one process."""

    def __init__(self, emulator: Emulator, library: Path) -> None:
        super().__init__(emulator, library)
        urls = emulator.urls
        keys = {"ACCESS_KEY_ID": urls["accessKeyId"], "ACCESS_KEY_SECRET": urls["accessKeySecret"]}
        environ = {f"SUDOMIMUS_{name}": key for name, key in keys.items()}
        self._launcher = Launcher(Program(emulator, library, StubLog(Path(os.devnull)), environ))

    def _call(self, method: str, /, **params: Any) -> Any:
        answer = self._launcher.call(method, params)
        assert "result" in answer, answer
        return answer["result"]

    def sign_in(self, way: str) -> Tokens:
        keys = self.emulator.establish() if way == "browser" else {}
        self.tokens = self._call("login", method=way, openBrowser=False, **keys)
        return self.tokens

    def errand(self) -> Mapping[str, Any]:
        return cast(Tokens, self._call("errand", accessToken=self.tokens["accessToken"], openBrowser=False))

    def refresh(self) -> Tokens:
        self.tokens = self._call("refresh", refreshToken=self.tokens["refreshToken"])
        return self.tokens

    def player(self) -> Mapping[str, Any]:
        return cast(Tokens, self._call("player", accessToken=self.tokens["accessToken"]))

    def logout(self) -> bool:
        return bool(self._call("logout", refreshToken=self.tokens["refreshToken"])["revoked"])

    def close(self) -> None:
        self._launcher.close_input()
        status, _ = self._launcher.end()
        self._launcher.kill()
        assert status == 0, self._launcher.err


DOORS: Mapping[str, type[Door]] = {"`Bridge`": Python, "command line": CommandLine, "sidecar": Sidecar}


@contextmanager
def _standard_output() -> Iterator[io.TextIOBase]:
    """Whatever is written to descriptor 1 meanwhile."""
    sys.stdout.flush()
    before = os.dup(1)
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        try:
            yield cast(io.TextIOBase, file)
        finally:
            os.dup2(before, 1)
            os.close(before)


# --- the table -------------------------------------------------------------------------------------------------------


@contextmanager
def hurried() -> Iterator[None]:
    """Ask a service that waits for a player twenty times a second."""
    spacing = Spacing(0.05, 1.0, least=0.05, regular=True)
    with (
        patch("sudomimus_bridge._service.policy.ERRAND_POLL", spacing),
        patch("sudomimus_bridge._service.policy.poll_spacing", lambda _interval: spacing),
    ):
        yield


def column(door: str, dialect: str, library: Path) -> dict[str, str]:
    """The cells of one door in one dialect. A cell is empty if the call failed to do what it is for."""
    with Emulator(_SETTINGS, dialect=cast(DialectName, dialect)) as emulator, hurried():
        opened = DOORS[door](emulator, library)
        try:
            cells = {row: _signed_in(emulator, opened.sign_in(way)) for way, row in SIGN_IN.items()}
            emulator.update({"claims.email": "OPTIONAL"})  # from now on the game asks for one claim more
            cells["errand"] = _shared(opened.errand())
            emulator.update({"tokens.access_token_ttl_seconds": 3600})
            cells["refresh"] = _signed_in(emulator, opened.refresh(), "/session/refresh")
            cells["player"] = _described(emulator, opened.player())
            ended = opened.logout() and emulator.sessions[-1].revoked
            cells["logout"] = "session ended" if ended else ""
        finally:
            opened.close()
    return cells


def _signed_in(emulator: Emulator, tokens: Tokens, path: str | None = None) -> str:
    asked = [(each.path, each.status) for each in emulator.requests if path in (None, each.path)]
    granted = sum(claim["state"] == "GRANTED" for claim in tokens["claims"].values())
    if not tokens["accessToken"] or (asked[-1:] and asked[-1][1] != 200) or (path and len(asked) != 1):
        return ""
    return f"tokens, {granted} of {len(tokens['claims'])} claims shared"


def _shared(result: Mapping[str, Any]) -> str:
    return "e-mail shared" if result["completed"] and result["claims"]["email"]["state"] == "GRANTED" else ""


def _described(emulator: Emulator, player: Mapping[str, Any]) -> str:
    known = {"name": player["name"], "e-mail": player["email"], "picture": player["picture"]}
    known["e-mail verified"] = "yes" if player["emailVerified"] else None
    same = player["subject"] == emulator.player().subject and known["name"] == "Robin Marsh"
    return ", ".join(name for name, value in known.items() if value) if same else ""


def markdown(table: Mapping[tuple[str, str], Mapping[str, str]]) -> str:
    """The table in the words of docs/contracts/service.md. `table` has the columns by door and dialect."""
    lines = [["call", "door", *(f"`{dialect}`" for dialect in DIALECTS)], ["---"] * (2 + len(DIALECTS))]
    for row in ROWS:
        lines += [[row, door, *(table[door, dialect][row] for dialect in DIALECTS)] for door in DOORS]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Print the table."""
    for name in [name for name in os.environ if name.startswith(("SUDOMIMUS_", "Steam"))]:
        del os.environ[name]
    os.environ |= {"STEAM_STUB_CHATTER": "0", "STEAM_STUB_TICKET_DELAY_MS": "5"}
    library = compiled_stub()
    print(markdown({(door, dialect): column(door, dialect, library) for door in DOORS for dialect in DIALECTS}), end="")


if __name__ == "__main__":
    main()
