"""Specifies the sidecar under load: the most requests at a time, requests without a pause, and a log that nobody reads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sudomimus_bridge._sidecar.dispatcher import MAX_RUNNING
from sudomimus_bridge.emulator import Emulator

from ..cli.test_program import Program, on_stub
from ..conftest import StubLog, command
from ..helpers.patience import PATIENCE
from ..helpers.sidecar_helpers import Launcher, launchers, request
from .test_shutdown import STEAM, waiting_for_the_player, waiting_for_the_ticket

Start = Callable[..., Launcher]


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Program]:
    yield from on_stub(emulator, stub_library, stub_log)


@pytest.fixture
def start(program: Program) -> Iterator[Start]:
    yield from launchers(program)


def test_shutdown_finds_room_beside_the_most_requests(start: Start, program: Program) -> None:
    launcher = waiting_for_the_ticket(start, program)
    others = [launcher.ask("login", STEAM) for _ in range(MAX_RUNNING - 1)]
    assert launcher.call("login", STEAM)["error"]["data"]["reason"] == "TooManyRequests"
    assert launcher.call("shutdown")["result"] is None
    assert launcher.end()[0] == 0
    for each in ("login", *others):
        assert launcher.answer(each)["error"]["data"]["kind"] == "cancelled"
    program.every_ticket_was_cancelled_once()


def test_neither_cancel_nor_a_second_shutdown_cancels_a_shutdown(start: Start, program: Program) -> None:
    """Otherwise the answer to the shutdown, or to `cancel`, would be wrong."""
    launcher = waiting_for_the_ticket(start, program)
    for request_id in ("first", "second"):
        launcher.expect(request_id, "shutdown")
    launcher.expect("cancel", "cancel", {"id": "first"})
    batch = [request("shutdown", None, "first"), request("cancel", {"id": "first"}, "cancel")]
    launcher.send([*batch, request("shutdown", None, "second")])
    assert launcher.end()[0] == 0
    assert launcher.answer("login")["error"]["data"]["kind"] == "cancelled"
    assert launcher.answer("cancel")["result"] == {"cancelled": False}
    assert launcher.answer("first")["result"] is None and launcher.answer("second")["result"] is None


def test_sentence_names_the_cancelled_request(start: Start, program: Program) -> None:
    launcher = waiting_for_the_player(start, program)
    pair = program.emulator.open_session()
    program.emulator.fault(path="/session/logout", delay=20)
    asked = {
        "login": "login",
        "errand": launcher.ask("errand", {"accessToken": pair.access_token, "openBrowser": False}),
        "Signing out": launcher.ask("logout", {"refreshToken": pair.refresh_token}),
    }
    launcher.phase(asked["errand"], "waiting-for-browser")
    for word, request_id in asked.items():
        assert launcher.call("cancel", {"id": request_id})["result"] == {"cancelled": True}
        assert f"{word} was cancelled" in launcher.answer(request_id)["error"]["message"]


@pytest.mark.parametrize("method", ["rpc.discover", "initialize"])
def test_requests_without_a_pause_do_not_delay_the_end(start: Start, program: Program, method: str) -> None:
    """Each request is answered at once, so no limit stops the stream."""
    launcher = waiting_for_the_ticket(start, program)
    questions = "".join(json.dumps(request(method, None, f"{method} {at}")) + "\n" for at in range(1500))

    def keep_asking() -> None:
        with suppress(OSError):
            while True:
                launcher.write(questions)

    for at in range(1500):
        launcher.expect(f"{method} {at}", method)
    asking = threading.Thread(target=keep_asking, daemon=True)
    asking.start()
    launcher.answer(f"{method} 100")
    launcher.signal(signal.SIGTERM)
    assert launcher.process.wait(PATIENCE) == 130
    program.every_ticket_was_cancelled_once(1)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can open a pipe a second time, without blocking")
def test_login_does_not_wait_for_a_reader_of_standard_error(program: Program) -> None:
    """The pipe of standard error is full before the login, and the stub prints on both streams during it."""
    program.environ["STEAM_STUB_CHATTER"] = "1"
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    for much in (b"." * 4096, b"."):
        with suppress(BlockingIOError):
            while True:
                os.write(writing, much)
    os.set_blocking(writing, True)
    sidecar = subprocess.Popen(
        [*command("sidecar"), *program.flags()],
        env=program.all_environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=writing,
    )
    giving_up = threading.Timer(PATIENCE, sidecar.kill)
    assert sidecar.stdin is not None and sidecar.stdout is not None
    try:
        sidecar.stdin.write(json.dumps(request("login", STEAM, 1)).encode() + b"\n")
        sidecar.stdin.flush()
        giving_up.start()
        answer = next(message for line in sidecar.stdout if "method" not in (message := json.loads(line)))
        assert answer["result"]["accessToken"]
        assert os.get_blocking(writing)  # the launcher's own descriptor still blocks
    finally:
        giving_up.cancel()
        sidecar.stdin.close()
        sidecar.stdout.close()
        sidecar.wait(PATIENCE)
        os.close(reading)
        os.close(writing)
    program.every_ticket_was_cancelled_once(1)
