"""Specifies each end of the sidecar: within a second, with every ticket cancelled and Steam shut down."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sudomimus_bridge._sidecar.streams import FULL
from sudomimus_bridge.emulator import Emulator

from ..cli.test_login import ISSUE
from ..cli.test_program import Program, on_stub
from ..conftest import StubLog, command
from ..helpers.patience import PATIENCE, kept, until
from ..helpers.sidecar_helpers import Launcher, launchers, request
from ..helpers.warm_start import PROGRAM, closing

Start = Callable[..., Launcher]
STEAM = {"method": "steam", "openBrowser": False}

A_SECOND = 1.0 + 1.0
"""The promised second, and one more for a machine that runs other tests meanwhile."""


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Program]:
    yield from on_stub(emulator, stub_library, stub_log)


@pytest.fixture
def start(program: Program) -> Iterator[Start]:
    yield from launchers(program)


def waiting_for_the_ticket(start: Start, program: Program) -> Launcher:
    program.environ["STEAM_STUB_TICKET_DELAY_MS"] = "10000"
    launcher = start()
    launcher.ask("login", STEAM, "login")
    until(lambda: "request" in program.log.story())
    return launcher


def post_in_flight(start: Start, program: Program) -> Launcher:
    program.emulator.fault(path=ISSUE, delay=10)
    launcher = start()
    launcher.ask("login", STEAM, "login")
    until(lambda: program.emulator._faults.active[0].applied)
    return launcher


def waiting_for_the_player(start: Start, program: Program) -> Launcher:
    program.emulator.update({"claims.email": "REQUIRED"})
    launcher = start()
    launcher.phase(launcher.ask("login", STEAM, "login"), "waiting-for-browser")
    return launcher


def idle_after_a_login(start: Start, program: Program) -> Launcher:
    launcher = start()
    assert launcher.call("login", STEAM)["result"]
    return launcher


STAGES = [waiting_for_the_ticket, post_in_flight, waiting_for_the_player, idle_after_a_login]
CAUSES: dict[str, tuple[Callable[[Launcher], None], int]] = {
    "end of input": (Launcher.close_input, 0),
    "shutdown": (lambda launcher: launcher.send(request("shutdown", request_id="end")), 0),
}
if sys.platform != "win32":  # Windows sends no signal to a process without a console
    CAUSES |= {
        "SIGINT": (lambda launcher: launcher.signal(signal.SIGINT), 130),
        "SIGTERM": (lambda launcher: launcher.signal(signal.SIGTERM), 130),
        "SIGHUP": (lambda launcher: launcher.signal(signal.SIGHUP), 130),
    }
needs_posix = pytest.mark.skipif(
    sys.platform == "win32", reason="a POSIX system is needed: its shell, its pipes, its signals"
)


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
def test_end(start: Start, program: Program, stage: Callable[..., Launcher], cause: str) -> None:
    launcher = stage(start, program)
    end, expected = CAUSES[cause]
    end(launcher)
    if cause == "shutdown":
        launcher.expect("end", "shutdown")
        if stage is not idle_after_a_login:  # the cancelled request is answered first
            assert launcher.answer("login")["error"]["data"]["kind"] == "cancelled"
        assert launcher.answer("end")["result"] is None
    status, seconds = launcher.end()
    assert (status, launcher.err) == (expected, "")
    assert kept(seconds, A_SECOND)
    if cause != "shutdown" and stage is not idle_after_a_login:
        assert launcher.answer("login")["error"]["data"]["kind"] == "cancelled"
    program.every_ticket_was_cancelled_once()
    assert program.log.story()[-1] == "shutdown"


@pytest.mark.parametrize("place", ["init", "request", "frame", "cancel", "shutdown"])
def test_stuck_steam_library_does_not_delay_the_end(start: Start, program: Program, place: str) -> None:
    program.environ |= {"STEAM_STUB_HANG": f"{place}:20000", "STEAM_STUB_TICKET_DELAY_MS": "300"}
    launcher = start()
    launcher.phase(launcher.ask("login", STEAM), "requesting-ticket")
    time.sleep(0.2)
    launcher.close_input()
    status, seconds = launcher.end()
    assert status == 0 and kept(seconds, A_SECOND)


def test_end_if_nobody_can_read_standard_output(program: Program) -> None:
    arguments = [sys.executable, "-c", _CLOSES_OUTPUT, *command("sidecar"), *program.flags()]
    done = subprocess.run(arguments, env=program.all_environ, capture_output=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


_CLOSES_OUTPUT = """
import os, subprocess, sys
reading, writing = os.pipe()
sidecar = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=writing)
os.close(writing)
os.close(reading)
sidecar.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"initialize"}\\n')
sidecar.stdin.flush()
sys.exit(sidecar.wait(20))
"""


@needs_posix
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_start_with_closed_pipes(program: Program, closed: str) -> None:
    ask = json.dumps(request("initialize", request_id=1))
    done = subprocess.run(
        closing(closed, [*command("sidecar"), *program.flags()]),
        input=f"{ask}\n".encode(),
        capture_output=True,
        env=program.all_environ,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert (b"protocolVersion" in done.stdout) is (closed == "2>&-")


def test_wrong_setting(start: Start) -> None:
    launcher = start("--timeout", "never")
    assert launcher.end()[0] == 2
    assert "detail: --timeout must be" in launcher.err


# --- a launcher that reads slowly or not at all ------------------------------------------------------------------------------


def test_nothing_is_lost_while_the_launcher_does_not_read(start: Start, program: Program) -> None:
    launcher = waiting_for_the_ticket(start, program)
    launcher.stop_reading()
    asked = [launcher.ask("rpc.discover") for _ in range(30)]  # some 300 kB, more than any pipe holds
    launcher.ask("cancel", {"id": "login"}, "cancel")
    until(lambda: "cancel" in program.log.story())
    launcher.go_on_reading()
    assert launcher.answer("login")["error"]["data"]["kind"] == "cancelled"
    assert launcher.answer("cancel")["result"] == {"cancelled": True}
    assert all(launcher.answer(each)["result"] for each in asked)


FLOOD = 600
"""Requests whose responses take about 7 MB."""


class Flood:
    """A launcher that sends requests and reads nothing, while a login runs."""

    def __init__(self, start: Start, program: Program) -> None:
        self.launcher = waiting_for_the_ticket(start, program)
        self.launcher.stop_reading()
        assert self.launcher.process.stdin is not None
        self._pipe = self.launcher.process.stdin.fileno()
        os.set_blocking(self._pipe, False)
        for number in range(FLOOD):
            self.launcher.expect(number, "rpc.discover")
        self._left = (
            b"".join(json.dumps(request("rpc.discover", {}, n)).encode() + b"\n" for n in range(FLOOD))
            + self._padding()
        )
        for _ in range(20):  # until the sidecar reads nothing for a second
            if self.write():
                break
            time.sleep(0.05)

    @staticmethod
    def _padding() -> bytes:
        """More bytes than the pipe holds, so that the sidecar cannot read to the end of its input."""
        return (b" " * 50_000 + b"\n") * 10

    def write(self) -> bool:
        """Write until the pipe is full; whether everything is written."""
        try:
            while self._left:
                self._left = self._left[os.write(self._pipe, self._left) :]
        except BlockingIOError:
            return False
        return True

    def write_all(self) -> None:
        os.set_blocking(self._pipe, True)
        self.write()

    @property
    def is_stuck(self) -> bool:
        return bool(self._left)


def resident_kb(pid: int) -> int:
    return next(
        int(line.split()[1])
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmRSS")
    )


needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


@needs_proc
def test_flood_without_a_reader_does_not_grow_memory_and_loses_nothing(start: Start, program: Program) -> None:
    flood = Flood(start, program)
    assert flood.is_stuck
    assert resident_kb(flood.launcher.process.pid) < 100_000 + 2 * FULL // 1024
    flood.launcher.go_on_reading()
    flood.write_all()
    for request_id in range(FLOOD):
        assert flood.launcher.answer(request_id)["result"]
    assert flood.launcher.call("cancel", {"id": "login"})["result"] == {"cancelled": True}


@needs_posix
@pytest.mark.parametrize("cause", ["SIGTERM", "end of input"])
def test_flooded_sidecar_ends(start: Start, program: Program, cause: str) -> None:
    """The sidecar does not reach the end of unread input. Linux reports that end; elsewhere only the launcher's exit counts."""
    if cause == "end of input" and sys.platform != "linux":
        pytest.skip("only Linux reports the end of a pipe that is not yet read to its end")
    flood = Flood(start, program)
    assert flood.is_stuck
    if cause == "SIGTERM":
        flood.launcher.signal(signal.SIGTERM)
    else:
        flood.launcher.close_input()
    began = time.monotonic()
    status = flood.launcher.process.wait(PATIENCE)
    assert status == (130 if cause == "SIGTERM" else 0) and kept(time.monotonic() - began, A_SECOND + 0.5)
    flood.launcher.go_on_reading()
    program.every_ticket_was_cancelled_once(1)


# --- the end of the launcher ----------------------------------------------------------------------------------------------

# Starts the sidecar, signs in again and again, and may leave both pipes to a child process that outlives it. Prints the
# process ids, and one line when the first login has begun.
_LAUNCHER = textwrap.dedent(
    """
    import json, subprocess, sys
    sidecar = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    heir = None
    if sys.argv[1] == "heir":
        heir = subprocess.Popen(["sleep", "30"], stdin=sidecar.stdout, stdout=sidecar.stdin)
    print(json.dumps([sidecar.pid, heir and heir.pid]), flush=True)
    number = 0
    while True:
        number += 1
        login = {"jsonrpc": "2.0", "id": number, "method": "login", "params": {"method": "steam", "openBrowser": False}}
        sidecar.stdin.write(json.dumps(login).encode() + b"\\n")
        sidecar.stdin.flush()
        while json.loads(sidecar.stdout.readline()).get("id") != number:
            if number == 1:
                print("under way", flush=True)
    """
)


def alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return status not in "ZX"


def kill_launcher_after(program: Program, seconds: float, *, heir: bool, from_start: bool = False) -> None:
    """Kill the launcher `seconds` after the first progress (or its start); then the sidecar must end."""
    launcher = subprocess.Popen(
        [sys.executable, "-c", _LAUNCHER, "heir" if heir else "alone", *command("sidecar"), *program.flags()],
        env=program.all_environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with launcher:
        assert launcher.stdout is not None
        sidecar, heir_pid = json.loads(launcher.stdout.readline())
        try:
            if not from_start:
                assert launcher.stdout.readline() == b"under way\n"
            time.sleep(seconds)
            launcher.kill()
            killed = time.monotonic()
            while alive(sidecar) and time.monotonic() < killed + PATIENCE:
                time.sleep(0.01)
            outlived = time.monotonic() - killed
            assert kept(outlived, 2), (
                f"the sidecar outlived its launcher, killed after {seconds:.3f} s, by {outlived:.1f}"
            )
        finally:
            for pid in filter(None, (sidecar, heir_pid)):
                if alive(pid):
                    os.kill(pid, signal.SIGKILL)


@needs_proc
def test_killed_launcher_leaves_nothing_behind(program: Program, soak: int) -> None:
    """With and without another process that holds the pipes. `--soak 17`: 204 moments of a login, and 68 of the start."""
    dice = random.Random(f"moments {soak}")
    program.environ["STEAM_STUB_TICKET_DELAY_MS"] = "40"
    program.emulator.fault(path=ISSUE, delay=0.04)
    moments = [(at, dice.uniform(0.0, 0.3 if at % 4 else 0.6)) for at in range(16 * soak)]

    def kill(at: int, seconds: float) -> None:
        kill_launcher_after(program, seconds, heir=bool(at // 4 % 2), from_start=at % 4 == 0)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda moment: kill(*moment), moments))
    assert "request" in program.log.story()
    program.every_ticket_was_cancelled_once()


@needs_proc
def test_killed_launcher_whose_child_holds_the_pipes(program: Program) -> None:
    program.environ["STEAM_STUB_TICKET_DELAY_MS"] = "10000"
    kill_launcher_after(program, 0.2, heir=True)
    program.every_ticket_was_cancelled_once()


@pytest.mark.skipif(sys.platform == "win32", reason="only POSIX gives an orphan another parent")
def test_launcher_that_ends_while_python_starts(program: Program, tmp_path: Path) -> None:
    """Another process holds the pipes open, and the sidecar's parent is the system's reaper."""
    os.mkfifo(fifo := tmp_path / "input")
    held_open = os.open(fifo, os.O_RDWR)
    script = f'{{ sleep 0.3; exec "$@"; }} <"{fifo}" & exit 0'
    orphan = subprocess.Popen(
        ["sh", "-c", script, "sh", *command("sidecar"), *program.flags()],
        env=program.all_environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with orphan:
        assert orphan.stdout is not None and orphan.stderr is not None
        began = time.monotonic()
        assert orphan.stdout.read() == b""  # ends with the process
        assert b"has ended, so the sidecar ends, too" in orphan.stderr.read()
        assert time.monotonic() - began < PATIENCE / 2
    os.close(held_open)


# --- a bug -----------------------------------------------------------------------------------------------------------

# A sidecar with a bug in the code that reads the second line.
_CRASHES = textwrap.dedent(
    """
    import sys
    from sudomimus_bridge._sidecar import shutdown
    from sudomimus_bridge._sidecar.dispatcher import Dispatcher
    shutdown.CLEAN_UP_SECONDS = 60  # time enough to shut Steam down on a busy machine
    receive, lines = Dispatcher.receive, []
    def crash(self, line):
        lines.append(line)
        if len(lines) == 2:
            raise RuntimeError("a bug with acs_t_" + "0" * 64 + " and eyJhbGciOiJIUzI.eyJzdWIi.c2ln in its words")
        receive(self, line)
    Dispatcher.receive = crash
    """
)


def test_crash_names_its_place_without_a_secret(program: Program) -> None:
    program.environ["STEAM_STUB_TICKET_DELAY_MS"] = "10000"
    crashing = subprocess.Popen(
        [sys.executable, "-c", _CRASHES + PROGRAM, "sidecar", *program.flags()],
        env=program.all_environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert crashing.stdin is not None
    crashing.stdin.write(json.dumps(request("login", STEAM, 1)).encode() + b"\n")
    crashing.stdin.flush()
    until(lambda: "request" in program.log.story())
    out, err = crashing.communicate(b"\n", timeout=PATIENCE)
    assert crashing.returncode == 70
    assert b"Traceback" not in err and b": a bug with [secret] and [secret] in its words" in err
    assert err.count(b"\n") == 1
    for line in out.splitlines():
        assert json.loads(line)["jsonrpc"] == "2.0"
    program.every_ticket_was_cancelled_once(1)
    assert program.log.story()[-1] == "shutdown"
