"""Specifies that a call ends at most one second late while a name server is silent: after its timeout, `cancel()` or Ctrl-C."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from sudomimus_bridge.emulator import Emulator

from ..helpers.patience import PATIENCE, kept
from ..helpers.steam_helpers import run_program
from .test_name_server import ENDED, HANGING

AT_MOST = 1.0

COMMON = (
    HANGING
    + """
import json
import anyio

def in_look_up(host):
    # Wait until a look-up of this host hangs.
    while host.encode() not in asked:
        time.sleep(0.005)

patiently(lambda seconds: bridge(timeout=seconds).login("access-key", **KEY))  # imports what every login needs
anyio.run(anyio.sleep, 0, backend="trio")
ends = {}
"""
)

TIMEOUTS = (
    COMMON
    + """
import logging
from sudomimus_bridge._renpy.door import Door
from sudomimus_bridge._values.clock import SystemClock
from sudomimus_bridge.testing._scripted_browser import RecordingBrowser
from sudomimus_bridge.testing._stub_steam import StubSteam

TIMEOUT = 0.5
urls, folder = json.loads(sys.argv[1]), sys.argv[2]
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"

logging.disable()

def signed_in():
    # The saved session of an earlier run, whose login reached the service.
    game = {"application": urls["application"], "native_url": urls["native"], "session_url": HOST, "session_folder": folder}
    earlier = Bridge(**game)
    earlier.session(stay_signed_in=True)
    earlier.login("access-key", access_key_id=urls["accessKeyId"], access_key_secret=urls["accessKeySecret"])
    assert earlier.session().problem is None, earlier.session().problem
    return Bridge(**game, timeout=TIMEOUT).session()

def polled(running):
    while running.poll() is None:
        time.sleep(0.005)

def in_renpy():
    door = Door(steam=StubSteam(SystemClock()))
    door.log = lambda line: None
    urls = {f"{name}_url": HOST for name in ("native", "connect", "device", "session")}
    door.login({"application": "my-game", "steam_app_id": 480, "timeout": TIMEOUT, **urls})
    while door.busy:
        door.tick()
        time.sleep(0.005)
    return door.status

ours = bridge(timeout=TIMEOUT, steam=StubSteam(SystemClock()), browser=RecordingBrowser())
inquiry = {"exposure_key": "exp_0123456789", "hidden_key": "hid_0123456789"}
calls = {
    "login steam": ours.login,
    "login access-key": lambda: ours.login("access-key", **KEY),
    "login browser": lambda: ours.login("browser", **inquiry),
    "login device": lambda: ours.login("device"),
    "share": lambda: ours.share("a.b.c"),
    "await on asyncio": lambda: anyio.run(ours.login_async, backend="asyncio"),
    "await on trio": lambda: anyio.run(ours.login_async, backend="trio"),
    "start and poll": lambda: polled(ours.start_login()),
    "renewal": lambda: session.access_token(3599.9999),
    "logout": lambda: session.logout(),
    "Ren'Py": in_renpy,
}
for name, call in calls.items():
    session = signed_in() if name in ("renewal", "logout") else None
    began = time.monotonic()
    try:
        end = call()
    except BridgeError as error:
        end = type(error).__name__
    ends[name] = [end, time.monotonic() - began - TIMEOUT]
print(json.dumps(ends))
"""
)


def test_each_door_ends_at_most_a_second_after_its_timeout(emulator: Emulator, tmp_path: Path) -> None:
    done = run_program(TIMEOUTS, json.dumps(emulator.urls), str(tmp_path), timeout=PATIENCE)
    assert done.stderr == ENDED
    first, _, last = done.stdout.partition("\n")
    assert first == "ServiceUnavailable"
    ends = json.loads(last)
    others = {"login browser": "ErrandNotCompleted", "logout": False, "Ren'Py": "failed"}
    assert {name: end for name, (end, _) in ends.items()} == {
        name: others.get(name, "ServiceUnavailable") for name in ends
    }
    latest = max(ends, key=lambda name: ends[name][1])
    assert all(late >= 0 for _, late in ends.values()), ends
    assert kept(ends[latest][1], AT_MOST), (latest, ends)


ENDINGS = (
    COMMON
    + """
def of(name):
    return Bridge(application="my-game", native_url=f"https://{name}.example"), f"{name}.example"

def interrupted(name, call):
    ours, host = of(name)
    sent = []

    def interrupt():
        in_look_up(host)
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        call(ours)
    except KeyboardInterrupt:
        ends[name] = time.monotonic() - sent[0]
    thread.join()

interrupted("blocking", lambda ours: ours.login("access-key", **KEY))
for backend in ("asyncio", "trio"):
    interrupted(backend, lambda ours: anyio.run(lambda: ours.login_async("access-key", **KEY), backend=backend))

for way in ("cancel", "close"):
    ours, host = of(way)
    login = ours.start_login("access-key", **KEY)
    in_look_up(host)
    began = time.monotonic()
    login.cancel() if way == "cancel" else ours.close()
    try:
        while login.poll() is None:
            time.sleep(0.005)
    except BridgeError as error:
        ends[type(error).__name__ + " by " + way] = time.monotonic() - began

ours, host = of("end")
login = ours.start_login("access-key", **KEY)
in_look_up(host)
print(json.dumps({**ends, "the program's end": time.monotonic()}))
"""
)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal that one thread sends to another")
def test_each_way_to_end_a_login_takes_at_most_a_second() -> None:
    done = run_program(ENDINGS, timeout=PATIENCE)
    ended = time.monotonic()
    assert done.stderr == ENDED
    seconds = json.loads(done.stdout.partition("\n")[2])
    seconds["the program's end"] = ended - seconds["the program's end"]
    assert list(seconds) == [
        *("blocking", "asyncio", "trio"),
        *("LoginCancelled by cancel", "LoginCancelled by close", "the program's end"),
    ]
    latest = max(seconds, key=lambda name: seconds[name])
    assert kept(seconds[latest], AT_MOST), (latest, seconds)
