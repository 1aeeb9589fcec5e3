"""Specifies Ctrl-C and SIGTERM at every stage: exit status 130 at once, nothing on standard output, no open ticket."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sudomimus_bridge._cli.commands import run_command
from sudomimus_bridge.emulator import Emulator

from ..conftest import StubLog, command, plain_command
from ..helpers.patience import kept
from .test_login import ISSUE
from .test_program import NOT_FOR_DEMO, Program, Running, on_stub

AT_ONCE = 2.0 + 1.0
"""The promised two seconds, and one more for a machine that runs other tests meanwhile."""


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Program]:
    yield from on_stub(emulator, stub_library, stub_log)


def waiting_for_the_ticket(program: Program) -> Running:
    program.environ["STEAM_STUB_TICKET_DELAY_MS"] = "10000"
    running = program.start("login", "steam", "--json")
    running.until(lambda: "request" in program.log.story())
    return running


def post_in_flight(program: Program) -> Running:
    program.emulator.fault(path=ISSUE, delay=10)
    running = program.start("login", "steam", "--json")
    running.until(lambda: program.emulator._faults.active[0].applied)
    return running


def backing_off(program: Program) -> Running:
    program.emulator.fault(path=ISSUE, status=503)
    arguments = command("login", "steam", "--json", *program.flags(), draw=15.0)  # the longest wait
    running = Running(arguments, program.all_environ, subprocess.DEVNULL)
    program.started.append(running)
    running.until_said("in 30 s")
    return running


def waiting_for_the_player(program: Program) -> Running:
    program.emulator.update({"claims.email": "REQUIRED"})
    running = program.start("login", "steam", "--json", "--no-browser")
    running.until_said("Waiting for you")
    return running


def hanging_a_moment(program: Program) -> Running:
    """The library returns in time, and its ticket is cancelled."""
    program.environ["STEAM_STUB_HANG"] = "request:1500"
    running = program.start("login", "steam", "--json")
    running.until_said("Asking Steam")
    time.sleep(0.35)
    return running


STAGES = [waiting_for_the_ticket, post_in_flight, backing_off, waiting_for_the_player, hanging_a_moment]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
def test_signal(program: Program, stage: Callable[[Program], Running], number: signal.Signals) -> None:
    running = stage(program)
    running.signal(number)
    ended = running.end()
    assert (ended.status, ended.out) == (130, "")
    assert kept(ended.seconds, AT_ONCE)
    assert ended.error == "The login was cancelled." and "Traceback" not in ended.err
    program.every_ticket_was_cancelled_once()
    assert program.log.story()[-1] == "shutdown"


def test_stuck_steam_library_does_not_delay_the_end(program: Program) -> None:
    program.environ["STEAM_STUB_TICKET_DELAY_MS"] = "300"
    all_running = []
    for place in ("init", "request", "frame", "cancel", "shutdown"):
        program.environ["STEAM_STUB_HANG"] = f"{place}:20000"
        all_running.append(program.start("login", "steam", "--json"))
    for running in all_running:
        running.until_said("Asking Steam")
    time.sleep(0.3)
    for running in all_running:
        running.signal(signal.SIGINT)
    for running in all_running:
        ended = running.end()
        assert (ended.status, ended.out) == (130, "")
        assert kept(ended.seconds, AT_ONCE) and "Traceback" not in ended.err


def test_second_signal_changes_nothing(program: Program) -> None:
    running = waiting_for_the_ticket(program)
    running.signal(signal.SIGINT)
    running.signal(signal.SIGTERM)
    ended = running.end()
    assert (ended.status, ended.out) == (130, "") and "Traceback" not in ended.err
    program.every_ticket_was_cancelled_once(1)


@pytest.mark.parametrize("seed", range(2))
def test_signal_at_any_moment(program: Program, seed: int, soak: int) -> None:
    """From before the program's first line to after its last: it prints a whole login or nothing."""
    dice = random.Random(seed)
    program.environ |= {"STEAM_STUB_TICKET_DELAY_MS": "60"}
    program.emulator.fault(path=ISSUE, delay=0.06)
    with ThreadPoolExecutor() as threads:
        list(
            threads.map(
                lambda moment: signal_at(program, *moment),
                [(dice.uniform(0.06, 0.8), dice.choice([signal.SIGINT, signal.SIGTERM])) for _ in range(4 * soak)],
            )
        )
    program.every_ticket_was_cancelled_once()


def signal_at(program: Program, seconds: float, number: signal.Signals) -> None:
    arguments = plain_command("login", "steam", "--json", *program.flags())  # a whole start of Python
    running = Running(arguments, program.all_environ, subprocess.DEVNULL)
    time.sleep(seconds)
    # Before the first line of the bridge, Python itself handles the signals.
    ours = signal_handler_is_set(running.process.pid)
    running.signal(number)
    ended = running.end()
    assert kept(ended.seconds, AT_ONCE)
    if ended.status == 0:
        assert ended.json["accessToken"]
        return
    assert ended.out == ""
    if ours:
        assert ended.status == 130 and "Traceback" not in ended.err


_SIGNAL_AT_IMPORT = """
import os, signal, sys, types
class Late:
    def __set_name__(self, *_):
        exec("os.kill(os.getpid(), signal.SIGTERM); import time; time.sleep(5)")
commands = sys.modules["sudomimus_bridge._cli.commands"] = types.ModuleType("commands")
commands.__getattr__ = lambda name: type("Class", (), {"late": Late()})
from sudomimus_bridge._cli.main import main
sys.exit(main())
"""


def test_signal_during_an_import(tmp_path: Path) -> None:
    """CPython may replace an exception there (from `__set_name__`) or keep it for later (from `exec`)."""
    (tmp_path / "interrupted.py").write_text(_SIGNAL_AT_IMPORT)
    ended = Running([sys.executable, "-m", "interrupted"], os.environ, subprocess.DEVNULL).end()
    assert (ended.status, ended.out, ended.err) == (130, "", "sudomimus-bridge: interrupted.\n")


def signal_handler_is_set(pid: int) -> bool:
    """Whether the process catches SIGTERM. Python alone does not."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return False
    caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1], 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize(
    ("command", "path", "words"),
    [
        ("errand", "/errand", "The errand was cancelled."),
        (
            "refresh",
            "/session/refresh",
            "The renewal was cancelled. detail: The refresh token may have been used. Do not send it",
        ),
        ("logout", "/session/logout", "Signing out was cancelled. The session may still be open"),
    ],
)
def test_error_names_the_cancelled_command(program: Program, command: str, path: str, words: str) -> None:
    program.environ |= {"SUDOMIMUS_ACCESS_TOKEN": "x", "SUDOMIMUS_REFRESH_TOKEN": "x"}
    program.emulator.fault(path=path, delay=10)
    running = program.start(command, "--json")
    running.until(lambda: program.emulator._faults.active[0].applied)
    running.signal(signal.SIGINT)
    ended = running.end()
    assert (ended.status, ended.out) == (130, "") and ended.error.startswith(words)


@pytest.mark.parametrize(
    ("arguments", "words"), [(["login", "steam"], "The login was cancelled."), (["errand"], "Interrupted.")]
)
def test_signal_before_the_command_begins(
    arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"sudomimus_bridge._cli.login.{arguments[0]}", interrupted)
    assert run_command(arguments) == 130
    assert capfd.readouterr() == ("", f"sudomimus-bridge: {words}\n")


@pytest.mark.parametrize("command", ["doctor", "errand", "demo"])
def test_signal_in_the_other_commands(program: Program, command: str) -> None:
    program.environ |= {"STEAM_STUB_TICKET_DELAY_MS": "10000", "SUDOMIMUS_ACCESS_TOKEN": "x"}
    program.emulator.fault(path="/errand", delay=10)
    flags = ["--claim-gate", "--no-browser"] if command == "demo" else ["--json"]
    running = program.start(command, *flags, **(NOT_FOR_DEMO if command == "demo" else {}))
    if command == "doctor":
        running.until(lambda: "request" in program.log.story())
    else:
        running.until_said("Asking the sign-in service" if command == "errand" else "Waiting for you")
    running.signal(signal.SIGINT)
    ended = running.end()
    assert (ended.status, ended.out) == (130, "") and kept(ended.seconds, AT_ONCE)
    assert "Traceback" not in ended.err
    program.every_ticket_was_cancelled_once()
