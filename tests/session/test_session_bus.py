"""Specifies how long the session waits for the keyring, and that it goes on if the session bus never answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from sudomimus_bridge._session import protection
from sudomimus_bridge._session.protection import KeyringKey, best_protection
from sudomimus_bridge._session.store import StoreUnusable
from sudomimus_bridge.emulator import Emulator

from ..helpers.patience import PATIENCE
from ..helpers.steam_helpers import run_program

pytest.importorskip("cryptography")

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "staying-signed-in.md").read_text(encoding="utf-8")


def test_keyring_has_a_minute_for_its_look_up_and_for_each_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    waited = list[float | None]()

    class Unanswered(Future[Any]):
        def result(self, timeout: float | None = None) -> Any:
            waited.append(timeout)
            raise TimeoutError

        def done(self) -> bool:
            return False

    monkeypatch.setattr(protection, "Future", Unanswered)
    key = KeyringKey(object(), "my-game")
    calls: list[Callable[[], object]] = [
        lambda: best_protection("my-game"),
        key.unlock,
        lambda: key.close("text"),
        lambda: key.open("keyring", ""),
    ]
    for call in calls:
        with pytest.raises(StoreUnusable, match="does not answer"):
            call()
    assert waited == [60.0] * len(calls)
    assert "A keyring that does not answer within a minute is not used." in " ".join(PAGE.split())


SILENT_BUS = """
import json, os, socket, sys, threading
from concurrent.futures import Future

bus = socket.socket(socket.AF_UNIX)
bus.bind(sys.argv[1])
bus.listen()
os.environ.pop("PYTHON_KEYRING_BACKEND", None)
os.environ["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=" + sys.argv[1]
asked, connections = threading.Event(), []

def accept():
    connection, _ = bus.accept()
    connections.append(connection)
    if connection.recv(1):
        asked.set()  # and nobody answers

threading.Thread(target=accept, daemon=True).start()

from sudomimus_bridge import Bridge
from sudomimus_bridge._session import protection

class Minute(Future):
    # A minute is over in a moment, but not before the keyring has asked the bus.
    def result(self, timeout):
        assert timeout == protection.KEYRING_SECONDS
        asked.wait()
        return super().result(0.05)

protection.Future = Minute
urls, way = json.loads(sys.argv[2]), sys.argv[3]
key = {"access_key_id": urls["accessKeyId"], "access_key_secret": urls["accessKeySecret"]}
bridge = Bridge(application=urls["application"], native_url=urls["native"], session_url=urls["session"],
                session_folder=sys.argv[4])
session = bridge.session(stay_signed_in=True)
if way == "token first":
    try:
        session.access_token()
    except Exception as error:
        print(error.reason)
token = bridge.login("access-key", **key).access_token
print(session.access_token() == token, "does not answer" in str(session.problem), len(os.listdir(sys.argv[4])))
bridge.close()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a session bus, which Linux has")
@pytest.mark.parametrize("way", ["login first", "token first"])
def test_session_goes_on_without_a_session_bus_that_never_answers(way: str, tmp_path: Path, emulator: Emulator) -> None:
    """The test's own socket is the session bus of a program. keyring and SecretStorage are real."""
    for name in ("keyring", "secretstorage"):
        pytest.importorskip(name, reason=f"{name} is needed: it asks the session bus")
    folder = tmp_path / "sessions"
    folder.mkdir()
    done = run_program(SILENT_BUS, str(tmp_path / "bus"), json.dumps(emulator.urls), way, str(folder), timeout=PATIENCE)
    first = "SignInAgain\n" if way == "token first" else ""
    assert done.stdout == f"{first}True True 0\n", done.stderr
    assert done.stderr.endswith("The system's keyring cannot be used: it does not answer.\n")
