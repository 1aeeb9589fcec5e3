"""Specifies the example launchers: each signs in with an errand, cancels a login, and survives the end of its sidecar."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.testing._scripted_browser import HandOver, ScriptedBrowser

from ..cli.test_program import Program, Running, on_stub
from ..conftest import StubLog, command
from ..helpers.patience import kept

pytestmark = pytest.mark.once

HERE = Path(__file__).parents[2] / "sample_game" / "launcher"
LAUNCHERS = ["launcher.js", "launcher.py", "launcher.c"]


class Launched(Running):
    """A running launcher, which prints line by line."""

    def said(self, words: str) -> list[str]:
        """The rest of each line of output that begins with those words."""
        whole, _, _ = self._heard["out"].decode().rpartition("\n")
        return [line.removeprefix(words) for line in whole.splitlines() if line.startswith(words)]

    def sidecar(self, number: int = 1) -> int:
        """Wait for the process id of the launcher's first sidecar, or of a later one."""
        return int(self.until_said_on_output("sidecar ", number))

    def until_in_browser(self, times: int = 1) -> str:
        """Wait until the launcher waits for the player. The result is the page, which the launcher shows."""
        return self.until_said_on_output("finish in your browser: ", times)

    def until_said_on_output(self, words: str, times: int) -> str:
        """Wait for a line that begins with those words, and return the rest of it."""
        if len(self.said(words)) < times:
            self.until(lambda: len(self.said(words)) >= times)
        return self.said(words)[times - 1]

    def close(self) -> None:
        """Kill the launcher of a test that has failed."""
        self.process.kill()
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()


Start = Callable[..., Launched]


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Program]:
    yield from on_stub(emulator, stub_library, stub_log)


@pytest.fixture
def browser(program: Program) -> Iterator[ScriptedBrowser]:
    """Visits each page that the sidecar opens, as a player would."""
    scripted = ScriptedBrowser()
    with HandOver(scripted) as hand_over:
        program.environ["BROWSER"] = hand_over.command
        yield scripted
    assert scripted.failures == []


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled launcher in C."""
    if shutil.which(os.environ.get("CC", "cc")) is None or shutil.which("make") is None:
        pytest.skip("a C compiler and make are needed for the launcher in C")
    folder = tmp_path_factory.mktemp("launcher")
    subprocess.run(["make", "-s", "-C", str(HERE), f"BUILD={folder}"], check=True)
    return folder / "launcher"


@pytest.fixture(params=LAUNCHERS)
def start(request: pytest.FixtureRequest, program: Program) -> Iterator[Start]:
    """A function that starts a launcher, which starts the sidecar."""
    match request.param:
        case "launcher.js":
            if (node := shutil.which("node")) is None:
                pytest.skip("Node.js is needed for the launcher in JavaScript: apt-get install nodejs")
            launcher = [node, str(HERE / "launcher.js")]
        case "launcher.c":
            launcher = [str(request.getfixturevalue("compiled"))]
        case other:
            launcher = [sys.executable, "-I", "-S", str(HERE / other)]
    started: list[Launched] = []

    def begin(*options: str, before: Sequence[str] = ()) -> Launched:
        arguments = [*launcher, *options, *before, *command("sidecar"), *program.flags()]
        started.append(Launched(arguments, program.all_environ, subprocess.PIPE))
        return started[-1]

    yield begin
    for running in started:
        running.close()


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("name", LAUNCHERS)
def test_launcher_is_short(name: str) -> None:
    assert len((HERE / name).read_text(encoding="utf-8").splitlines()) < 120


def test_login_through_an_errand(start: Start, program: Program, browser: ScriptedBrowser) -> None:
    program.emulator.update({"claims.email": "REQUIRED"})
    launched = start()
    ended = launched.end()
    assert ended.status == 0, ended.err
    phases = launched.said("progress: ")
    assert phases[:4] == ["requesting-ticket", "issuing", "errand-required", "waiting-for-browser"]
    assert phases[-1] == "succeeded"
    assert launched.said("signed in to ")[0].startswith("demo-game")
    (page,) = browser.pages
    assert launched.said("finish in your browser: ") == [page]
    assert page not in ended.err and "eyJ" not in ended.out + ended.err
    assert is_gone(launched.sidecar())
    program.every_ticket_was_cancelled_once(2)


def test_launcher_shows_the_page_on_request(start: Start, program: Program, browser: ScriptedBrowser) -> None:
    program.emulator.update({"claims.email": "REQUIRED"})
    launched = start("--show-page")
    page = launched.until_in_browser()
    assert browser.pages == []
    browser.visit(page)
    assert launched.end().status == 0


def test_launcher_shows_the_page_if_no_browser_opens(start: Start, program: Program, browser: ScriptedBrowser) -> None:
    program.emulator.update({"claims.email": "REQUIRED"})
    program.environ["SUDOMIMUS_NO_BROWSER"] = "1"
    launched = start()
    page = launched.until_in_browser()
    assert browser.pages == []
    browser.visit(page)
    assert launched.end().status == 0


@pytest.mark.parametrize("start", LAUNCHERS[:2], indirect=True)
def test_done_before_the_page_is_finished(start: Start, program: Program, browser: ScriptedBrowser) -> None:
    program.emulator.update({"claims.email": "REQUIRED"})
    browser.never_comes()
    launched = start()
    launched.until_in_browser()
    assert launched.process.stdin is not None
    launched.process.stdin.write(b"\n")
    launched.process.stdin.flush()
    launched.until_in_browser(times=2)
    browser.completes()
    browser.visit(browser.pages[-1])
    assert launched.end().status == 0


def test_cancel_of_a_login(start: Start, program: Program, browser: ScriptedBrowser) -> None:
    program.environ["STEAM_STUB_TICKET_DELAY_MS"] = "20000"
    launched = start()
    launched.until(lambda: "request" in program.log.story())
    launched.signal(signal.SIGINT)
    ended = launched.end()
    assert ended.status == 130 and kept(ended.seconds, 10)
    assert "signed in" not in ended.out and "Starting" not in ended.out
    assert is_gone(launched.sidecar())
    program.every_ticket_was_cancelled_once(1)
    assert program.log.story()[-1] == "shutdown"


def test_cancel_before_the_login_begins(start: Start, program: Program, tmp_path: Path) -> None:
    program.environ["STEAM_STUB_TICKET_DELAY_MS"] = "20000"
    started = tmp_path / "started"
    launched = start(before=["sh", "-c", f'touch "{started}"; sleep 0.3; exec "$@"', "sh"])
    launched.until(started.exists)
    launched.signal(signal.SIGINT)
    ended = launched.end()
    assert ended.status == 130 and kept(ended.seconds, 10) and "signed in" not in ended.out
    program.every_ticket_was_cancelled_once()


def test_cancel_of_an_errand(start: Start, program: Program, browser: ScriptedBrowser) -> None:
    program.emulator.update({"claims.email": "REQUIRED"})
    browser.never_comes()
    launched = start()
    launched.until_in_browser()
    launched.signal(signal.SIGINT)
    assert launched.end().status == 130
    program.every_ticket_was_cancelled_once(1)


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM])
def test_killed_sidecar_is_started_again(
    start: Start, program: Program, browser: ScriptedBrowser, blow: signal.Signals
) -> None:
    program.emulator.update({"claims.email": "REQUIRED"})
    browser.never_comes()
    launched = start()
    launched.until_in_browser()
    browser.completes()
    os.kill(launched.sidecar(), blow)
    assert launched.end().status == 0
    assert launched.sidecar(2) != launched.sidecar() and launched.said("signed in to ")
    program.every_ticket_was_cancelled_once()


def test_sidecar_that_dies_again_ends_the_attempt(start: Start, program: Program, browser: ScriptedBrowser) -> None:
    program.emulator.update({"claims.email": "REQUIRED"})
    browser.never_comes()
    launched = start()
    for time in (1, 2):
        launched.until_in_browser(time)
        os.kill(launched.sidecar(time), signal.SIGKILL)
    ended = launched.end()
    assert ended.status == 1 and "Playing offline." in ended.out and not launched.said("signed in")


# A sidecar that dies in the middle of its response to a login.
_DIES_IN_ITS_ANSWER = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    result = {"protocolVersion": 1, "methods": []}
    if asked["method"] == "login":
        result = {"applicationAnchor": "demo-game", "accessToken": "e30.e30.e30"}
    answer = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}, separators=(",", ":")) + "\\n"
    print(answer[:-6] if asked["method"] == "login" else answer, end="", flush=True)
    if asked["method"] == "login":
        sys.exit()
"""


def test_incomplete_response_is_discarded(start: Start) -> None:
    ended = start(before=[sys.executable, "-c", _DIES_IN_ITS_ANSWER]).end()
    assert (ended.status, ended.err) == (1, "") and "signed in" not in ended.out
    assert ended.out.count("The sidecar died.") == 2 and "Playing offline." in ended.out


def test_failed_login_prints_its_sentence(start: Start, program: Program) -> None:
    program.emulator.fault("POST /direct-issue/steam-ticket 403 reason=AccountDisabled")
    ended = start().end()
    assert ended.status == 1 and "account" in ended.out.splitlines()[-1] and "\\u" not in ended.out


def test_python_launcher_names_a_missing_program() -> None:
    launcher = Path(__file__).parents[2] / "sample_game" / "launcher" / "launcher.py"
    done = subprocess.run([sys.executable, str(launcher), "/no/such/sidecar"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "There is no program /no/such/sidecar to start.\n")


@pytest.mark.parametrize("name", ["launcher.js", "launcher.py"])
def test_launcher_tells_the_player_that_others_are_waiting(start: Start, program: Program, name: str) -> None:
    program.emulator.fault("POST /direct-issue/steam-ticket 503 retry-after=1 times=1")
    launched = start()
    if name not in " ".join(map(str, launched.process.args)):  # type: ignore[arg-type]
        pytest.skip("another launcher")
    assert launched.until_said_on_output("Many players are signing in right now", 1)
    launched.process.send_signal(signal.SIGINT)
    assert launched.end().status == 130
