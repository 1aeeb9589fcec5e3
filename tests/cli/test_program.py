"""Specifies the rules for every command, and has the code with which tests start the program."""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from sudomimus_bridge import __version__
from sudomimus_bridge._cli.commands import COMMANDS as ROWS
from sudomimus_bridge._cli.main import main
from sudomimus_bridge._login.methods import METHODS
from sudomimus_bridge._settings import TABLE
from sudomimus_bridge._sidecar import server
from sudomimus_bridge._sidecar.messages import LoginParams
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.testing._compiled_stub import open_tickets

from ..conftest import StubLog, command, plain_command
from ..helpers.patience import PATIENCE, with_time
from ..helpers.warm_start import closing

NOT_FOR_DEMO: dict[str, Any] = dict.fromkeys(
    f"{name}_url" for name in ("native", "connect", "device", "session", "via")
)
"""Changes for `Program.flags` that leave out the flags that `demo` refuses."""


@dataclass(frozen=True)
class Ended:
    """The result of a run."""

    status: int
    out: str
    err: str
    seconds: float

    @property
    def error(self) -> str:
        """The error at the end of standard error, on one line: its sentence, its detail and its reason."""
        _, mark, error = f"\n{self.err}".rpartition("\nsudomimus-bridge: ")
        assert mark, self.err
        return " ".join(line.strip() for line in error.splitlines())

    @property
    def json(self) -> Any:
        """The JSON object on standard output, which holds nothing else."""
        assert self.out.endswith("\n") and self.out.count("\n") == 1, self.out
        return json.loads(self.out)


class Running:
    """A running program, both of whose streams are read all the time."""

    def __init__(self, arguments: Sequence[str], environ: Mapping[str, str], stdin: int) -> None:
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            arguments,
            env=dict(environ),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._heard = {"out": b"", "err": b""}
        self._threads = [
            threading.Thread(target=self._listen, args=(name, stream), daemon=True)
            for name, stream in (("out", self.process.stdout), ("err", self.process.stderr))
        ]
        for thread in self._threads:
            thread.start()

    def _listen(self, name: str, stream: Any) -> None:
        with stream:
            while data := os.read(stream.fileno(), 65536):
                self._heard[name] += data

    @property
    def err(self) -> str:
        """Standard error so far."""
        return self._heard["err"].decode()

    def until(self, reached: Callable[[], Any]) -> Any:
        """Wait until `reached` returns something true, and return that."""
        while not (value := reached()):
            if time.monotonic() - self.began > PATIENCE or self.process.poll() is not None:
                pytest.fail(f"waited in vain; status {self.process.poll()}, standard error:\n{self.err}")
            time.sleep(0.005)
        return value

    def until_said(self, words: str) -> None:
        """Wait until standard error holds these words."""
        self.until(lambda: words in self.err)

    def write(self, text: str | None) -> None:
        """Write all of its standard input and close it."""
        if text is not None and self.process.stdin is not None:
            with self.process.stdin as stdin:
                stdin.write(text.encode())

    def signal(self, number: int) -> None:
        """Send a signal. `Ended.seconds` counts from here."""
        self.began = time.monotonic()
        self.process.send_signal(number)

    def end(self) -> Ended:
        """Wait for the end."""
        try:
            status = self.process.wait(PATIENCE)
        finally:
            self.process.kill()
        seconds = time.monotonic() - self.began
        for thread in self._threads:
            thread.join(PATIENCE)
        return Ended(status, self._heard["out"].decode(), self.err, seconds)


@dataclass
class Program:
    """`sudomimus-bridge` on the compiled stub and the local service."""

    emulator: Emulator
    library: Path
    log: StubLog
    environ: dict[str, str] = field(default_factory=dict)
    started: list[Running] = field(default_factory=list)

    @property
    def all_environ(self) -> dict[str, str]:
        """The environment of the program."""
        return {**os.environ, **self.environ}

    def flags(self, **changes: str | None) -> list[str]:
        """The flags that point a login at the stub and the local service; None leaves one out."""
        given = {name: str(value) for name, value in self.emulator.settings.items()}
        values = {**given, "steam_library": str(self.library), **changes}
        return [
            word
            for name, value in values.items()
            if value is not None
            for word in (f"--{name.replace('_', '-')}", value)
        ]

    def start(self, *arguments: str, stdin: int = subprocess.DEVNULL, **flags: str | None) -> Running:
        """Start a command with `flags`."""
        self.started.append(Running(command(*arguments, *self.flags(**flags)), self.all_environ, stdin))
        return self.started[-1]

    def run(self, *arguments: str, text: str | None = None, **flags: str | None) -> Ended:
        """Run a command with `flags` to its end, with `text` as its standard input."""
        running = self.start(*arguments, stdin=subprocess.DEVNULL if text is None else subprocess.PIPE, **flags)
        running.write(text)
        return running.end()

    def every_ticket_was_cancelled_once(self, tickets: int | None = None) -> None:
        """Check the stub's log. `tickets` is the expected number of tickets."""
        calls = self.log.calls
        given = Counter((c.pid, c.handle) for c in calls if c.call.endswith("GetAuthTicketForWebApi") and c.nonce)
        cancelled = Counter((c.pid, c.handle) for c in calls if c.call.endswith("CancelAuthTicket"))
        assert given == cancelled and open_tickets(calls) == []
        assert "misuse" not in self.log.story()
        if tickets is not None:
            assert given.total() == tickets


def in_time(program: Program, *arguments: str, waits_for: str) -> tuple[Ended, float]:
    """Run a command whose `--timeout` expires only after it has printed its wait. Return its end and the timeout."""
    return with_time(
        lambda seconds: program.run(*arguments, timeout=f"{seconds:.0f}"), lambda ended: waits_for in ended.err, 2
    )


class Here:
    """The same program in this process, without Python's own start and end: for long tables."""

    def __init__(self, program: Program, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self._program = program
        self._monkeypatch = monkeypatch
        self._capfd = capfd

    def run(self, *arguments: str, **flags: str | None) -> Ended:
        """Run a command with the program's flags and environment."""
        for name, value in self._program.environ.items():
            self._monkeypatch.setenv(name, value)
        began = time.monotonic()
        status = main([*arguments, *self._program.flags(**flags)])
        return Ended(status, *self._capfd.readouterr(), time.monotonic() - began)


def on_stub(emulator: Emulator, library: Path, log: StubLog) -> Iterator[Program]:
    """A fixture's program. The local service is reset and knows which tickets the stub has cancelled."""
    emulator.reset(settings=True)
    emulator.update(steam_log=log.path)
    program = Program(emulator, library, log)
    yield program
    for running in program.started:  # still running if the test has failed
        running.process.kill()
        running.process.wait()
    emulator.reset(settings=True)


def bare(*arguments: str, text: str | None = None, **environ: str) -> Ended:
    """Run a command with these arguments and variables only."""
    running = Running(
        command(*arguments), {**os.environ, **environ}, subprocess.DEVNULL if text is None else subprocess.PIPE
    )
    running.write(text)
    return running.end()


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Program]:
    yield from on_stub(emulator, stub_library, stub_log)


SETTINGS_USED = {row.name: row.settings for row in ROWS}

COMMANDS = [
    [],
    ["demo"],
    ["login"],
    ["errand"],
    ["whoami"],
    ["refresh"],
    ["logout"],
    ["doctor"],
    ["renpy"],
    ["sidecar"],
    ["emulator"],
    ["completion"],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda words: " ".join(words) or "none")
def test_help(arguments: list[str]) -> None:
    secrets = {"SUDOMIMUS_ACCESS_KEY_SECRET": f"acs_t_{'0' * 64}", "SUDOMIMUS_ACCESS_TOKEN": "eyJhbGciOi.eyJzdWIi.c2ln"}
    ended = bare(*arguments, "--help", **secrets)
    assert (ended.status, ended.err) == (0, "")
    assert not any(secret in ended.out for secret in secrets.values())
    assert f"usage: sudomimus-bridge {' '.join(arguments)}".rstrip() in ended.out
    if arguments:
        shown = {setting.keyword for setting in TABLE if f"{setting.flag} " in ended.out.replace("\n", " ")}
        assert shown == set(SETTINGS_USED[arguments[0]])
        for setting in TABLE:
            assert (setting.variable in "".join(ended.out.split())) is (setting.keyword in shown)


def test_login_and_sidecar_name_every_method() -> None:
    known = list(METHODS)
    parser = argparse.ArgumentParser()
    next(row for row in ROWS if row.name == "login").add_arguments(parser)  # type: ignore[misc, arg-type]
    assert next(action.choices for action in parser._actions if action.dest == "method") == known
    assert list(get_args(get_type_hints(LoginParams)["method"])) == known


HARMLESS = {
    "login": ["login", "device", "--quietly"],
    "errand": ["errand"],
    "whoami": ["whoami"],
    "refresh": ["refresh"],
    "logout": ["logout"],
    "doctor": ["doctor", "--json"],
    "renpy": ["renpy", "install", "/nowhere"],
    "sidecar": ["sidecar"],
    "emulator": ["emulator", "--port", "70000"],
    "completion": ["completion", "bash"],
}
"""Command lines that end soon, with any setting: `emulator` refuses the port."""


@pytest.mark.parametrize("name", HARMLESS)
def test_every_command_accepts_every_setting(
    name: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`demo` is the exception: it has a service and a Steam of its own, so it refuses the settings that would name others."""
    assert {*HARMLESS, "demo"} == set(SETTINGS_USED)
    monkeypatch.setattr(server, "run", lambda _settings: 0)  # the sidecar would read this process's standard input
    values = {"steam_app_id": "480", "timeout": "5", "browser_hosts": "via.example"}
    for setting in TABLE:
        value = values.get(setting.keyword, "http://127.0.0.1:9" if setting.keyword.endswith("_url") else "x")
        main([*HARMLESS[name], setting.flag, *([] if setting.switch else [value])])
        assert "flag" not in capfd.readouterr().err


def test_demo_refuses_the_flags_of_its_own_service_and_steam(capfd: pytest.CaptureFixture[str]) -> None:
    for setting in TABLE:
        refused = setting.keyword not in SETTINGS_USED["demo"]
        if refused:
            value = "http://127.0.0.1:9" if setting.keyword.endswith("_url") else "x"
            assert main(["demo", setting.flag, *([] if setting.switch else [value])]) == 2
            assert f"{setting.flag} does not go with demo" in capfd.readouterr().err


def test_demo_uses_the_flags_that_it_accepts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NATIVE_URL", "CONNECT_URL", "DEVICE_URL", "SESSION_URL", "VIA_URL"):
        monkeypatch.setenv(f"SUDOMIMUS_{name}", "not a URL")
    monkeypatch.setenv("SUDOMIMUS_STEAM_HOSTED", "1")
    ended = bare("demo", "--application", "my-game", "--steam-app-id", "777", "--timeout", "60")
    assert ended.status == 0 and ended.out.startswith("Signed in to my-game.\n"), ended.err
    assert bare("demo", "--timeout", "0.05").status in (3, 6)
    assert bare("demo", "--claim-gate", "--browser-host", "via.example").status == 6
    assert bare("demo", "--steam-library", "/nowhere.so").status == 3


def test_version() -> None:
    assert bare("--version").out == f"sudomimus-bridge {__version__}\n"
    as_it_is = subprocess.run(plain_command("--version"), capture_output=True, text=True)
    assert as_it_is.stdout == f"sudomimus-bridge {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "COMMAND is missing."),
        (["logn"], "There is no such COMMAND. Did you mean login? Choose from demo, login, "),
        (["zzz"], "There is no such COMMAND. Choose from demo, login, "),
        (["side"], "There is no such COMMAND. Did you mean sidecar? "),
        (["--json", "doctor"], "The command comes first, then its flags."),
        (["login"], "METHOD is missing."),
        (
            ["login", "stem"],
            "There is no such METHOD. Did you mean steam? Choose from steam, access-key, browser, device.",
        ),
        (["renpy", "instal", "."], "There is no such ACTION. Did you mean install? "),
        (["doctor", "--jsn"], "There is no flag --jsn. Did you mean --json? See sudomimus-bridge doctor --help."),
        (["doctor", "-json"], "There is a flag that does not exist. Did you mean --json?"),
        (["login", "steam", "--steam_app_id=4"], "There is a flag that does not exist. Did you mean --steam-app-id?"),
        (["emulator", "--fualt", "x"], "There is no flag --fualt. Did you mean --fault?"),
        (["doctor", "-phunter2"], "There is a flag that does not exist. See"),
        (["doctor", "hunter2"], "There is one argument too many."),
        (["doctor", "--json=hunter2"], "--json takes no value."),
        (["doctor", "--timeout"], "--timeout needs a value."),
        (["emulator", "--port", "hunter2"], "--port must be a whole number."),
        (["demo", "--json"], "There is no flag --json. See sudomimus-bridge demo --help."),
        (["doctor", "--app", "x"], "There is no flag --app. Did you mean --application?"),
        (["login", "steam", "--hunter2"], "There is a flag that does not exist. See"),
        (["hunter2"], "There is no such COMMAND. Choose from"),
    ],
    ids=" ".join,
)
def test_wrong_command_line(arguments: list[str], sentence: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.startswith(f"sudomimus-bridge: {sentence}") and err.count("\n") == 1
    assert "hunter2" not in err


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
def test_answer_without_standard_input_or_error(program: Program, closed: str) -> None:
    program.environ["STEAM_STUB_CHATTER"] = "1"
    words = closing(closed, command("login", "steam", "--json", *program.flags()))
    done = subprocess.run(words, stdout=subprocess.PIPE, env=program.all_environ, check=True)
    assert json.loads(done.stdout)["accessToken"]


ANSWERS = {
    "help": ["--help"],
    "help of a command": ["login", "--help"],
    "version": ["--version"],
    "login": ["login", "steam", "--json"],
    "summary": ["login", "steam"],
    "doctor": ["doctor"],
    "doctor as JSON": ["doctor", "--json"],
    "refresh": ["refresh", "--json"],
    "logout": ["logout"],
    "demo": ["demo"],
    "renpy": ["renpy", "uninstall", "PROJECT"],
    "emulator": ["emulator"],
    "emulator as JSON": ["emulator", "--json"],
}


@contextmanager
def unwritable(output: str) -> Iterator[int]:
    """Open /dev/full, or a pipe whose reader has ended."""
    if output == ">/dev/full":
        writing = os.open("/dev/full", os.O_WRONLY)
    else:
        reading, writing = os.pipe()
        os.close(reading)
    try:
        yield writing
    finally:
        os.close(writing)


def without_stream(words: list[str], redirection: str) -> list[str]:
    """The command line, without a stream if the redirection closes it."""
    return closing(redirection, words) if redirection.endswith(">&-") else words


@pytest.mark.parametrize("arguments", ANSWERS.values(), ids=list(ANSWERS))
@pytest.mark.parametrize(
    ("output", "why"), [(">&-", "is closed"), (">/dev/full", "No space left"), ("broken pipe", "has ended")]
)
def test_answer_that_cannot_be_written(
    program: Program, tmp_path: Path, arguments: list[str], output: str, why: str
) -> None:
    """The exit status is 2: neither 70, which means a bug, nor 120, with which Python ends if it cannot flush a stream."""
    (tmp_path / "game").mkdir()
    (tmp_path / "game" / "script.rpy").write_text("label start:\n    return\n")
    tokens = program.run("login", "steam", "--json").json if arguments[0] in ("refresh", "logout") else {}
    program.environ["SUDOMIMUS_REFRESH_TOKEN"] = tokens.get("refreshToken", "")
    if arguments == ["--help"]:
        program.environ["PYTHONUNBUFFERED"] = "1"  # argparse then fails earlier
    flags = program.flags(**(NOT_FOR_DEMO if arguments == ["demo"] else {})) if arguments[0] != "emulator" else []
    words = command(*(str(tmp_path) if word == "PROJECT" else word for word in arguments), *flags)
    with unwritable(output) as stdout:
        done = subprocess.run(
            without_stream(words, output),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            env=program.all_environ,
            timeout=PATIENCE,
            check=False,
        )
    assert "the answer was lost" in done.stderr and why in done.stderr and "Traceback" not in done.stderr
    assert done.returncode == 2
    program.every_ticket_was_cancelled_once()


def test_reader_that_goes_away_in_the_middle_of_the_answer(program: Program) -> None:
    """As `doctor | head -1`: the service keeps the command waiting until `head` has ended."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        arguments = command("doctor", *program.flags(native_url=f"http://127.0.0.1:{silent.getsockname()[1]}"))
        streams: dict[str, Any] = {"stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen(["head", "-1"], stdin=subprocess.PIPE, **streams) as head:
            pipe = {"stdout": head.stdin, "stderr": subprocess.PIPE}
            with subprocess.Popen(arguments, text=True, env=program.all_environ, **pipe) as doctor:  # type: ignore[call-overload]
                try:
                    assert head.stdin is not None and head.stdout is not None
                    head.stdin.close()
                    head.wait(PATIENCE)
                    silent.close()
                    _, error = doctor.communicate(timeout=PATIENCE)
                finally:
                    doctor.kill()
            assert head.stdout.read().count("\n") == 1
    assert doctor.returncode == 2
    assert "The program that reads standard output has ended, so the answer was lost." in error


@pytest.mark.parametrize("error", ["2>&-", "2>/dev/full", "2>/dev/full -v"])
@pytest.mark.parametrize("arguments", [["login", "steam", "--json"], ["doctor", "--json"], ["logn"]], ids=" ".join)
def test_unwritable_standard_error_does_not_change_the_status(
    program: Program, arguments: list[str], error: str
) -> None:
    program.environ["BROWSER"] = "true %s"
    redirection, _, more = error.partition(" ")
    words = command(*arguments, *([more] if more else []), *program.flags())
    with unwritable(">/dev/full") as full:
        done = subprocess.run(
            without_stream(words, redirection),
            stdout=subprocess.PIPE,
            stderr=full,
            env=program.all_environ,
            check=False,
        )
    assert done.returncode == (2 if arguments == ["logn"] else 0)
    assert bool(done.stdout) is (arguments != ["logn"])


def test_settings_flags_name_the_game_to_the_local_service() -> None:
    arguments = command("emulator", "--json", "--application", "my-own", "--steam-app-id", "777")
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert (told["application"], told["steamAppId"]) == ("my-own", 777)
    assert process.returncode == 130
