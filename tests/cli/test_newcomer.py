"""Specifies the errors for a newcomer's mistakes: each says what to do, and has the exit status of its kind."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.testing._compiled_stub import compiled_stub

from ..conftest import StubLog, command
from .test_credentials import ID, SECRET
from .test_doctor import certificate_for_loopback, server
from .test_program import Ended, Program, Running, on_stub

STEAM, KEY = ["login", "steam", "--json"], ["login", "access-key", "--json"]
NO_SECRETS = (
    "A secret does not belong on the command line, where other programs can read it.{}Put an access-key secret into"
)
NETWORK = "The sign-in service cannot be reached. Check the internet connection, then try again."

_WITHOUT_STARLETTE = (
    "import sys; sys.modules['starlette'] = None; from sudomimus_bridge._cli.main import main; sys.exit(main())"
)


@dataclass(frozen=True)
class Mistake:
    """A wrong command line and its error, on one line with detail and reason. {} stands for any text."""

    status: int
    error: str
    command: list[str] = field(default_factory=lambda: STEAM)
    flags: dict[str, str | None] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    fault: dict[str, Any] | None = None
    code: str | None = None


MISTAKES: dict[str, Mistake] = {
    "no library": Mistake(
        3,
        "{}There is no Steam library at {}. Set steam_library to the path of libsteam_api.so, or of its folder.{}"
        "reason: LibraryNotFound",
        flags={"steam_library": "game"},
    ),
    "no library anywhere": Mistake(
        3,
        "{}libsteam_api.so was not found {}. Put the file from the Steamworks SDK beside your game, or set steam_library "
        "(--steam-library) to its path.{}reason: LibraryNotFound",
        flags={"steam_library": None},
    ),
    "library of another processor": Mistake(
        3,
        "{} is for Linux on arm64, and this Python needs one for Linux on x86-64. Use that platform's libsteam_api.so of "
        "the Steamworks SDK.{}reason: LibraryNotLoaded",
        flags={"steam_library": "arm.so"},
        files={"arm.so": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\xb7\x00" + bytes(44)},
    ),
    "text file as library": Mistake(
        3,
        "{} is no program library, and this Python needs one for Linux on x86-64. Use that platform's libsteam_api.so of "
        "the Steamworks SDK.{}reason: LibraryNotLoaded",
        flags={"steam_library": "x.txt"},
        files={"x.txt": b"hello"},
    ),
    "library too old": Mistake(
        3,
        "{} is too old: it lacks SteamAPI_ISteamUser_GetAuthTicketForWebApi, {}, and web API tickets came with Steamworks SDK "
        "1.57 (May 2023). Replace it with libsteam_api.so of SDK 1.57 or later.{}reason: LibraryTooOld",
        flags={"steam_library": "sdk-156"},
    ),
    "Steam closed": Mistake(
        3,
        "Steam is not running. Start Steam, sign in, then try again.{}reason: SteamNotRunning",
        environ={"STEAM_STUB_RUNNING": "0"},
    ),
    "Steam offline": Mistake(
        3,
        "Steam did not confirm who you are within 3 seconds. Check that Steam is online, then try again.{}reason: TimedOut",
        environ={"STEAM_STUB_LOGGED_ON": "0"},
        flags={"timeout": "3"},
    ),
    "app id missing": Mistake(
        2,
        "{}No Steam app id is set: pass --steam-app-id, set SUDOMIMUS_STEAM_APP_ID, or put steam_appid.txt into the working "
        "directory.",
        flags={"steam_app_id": None},
    ),
    "app id malformed": Mistake(
        2,
        "{}--steam-app-id must be a Steam app id, a whole number from 1 to 4294967295; it is 'my-game'.",
        flags={"steam_app_id": "my-game"},
    ),
    "anchor missing": Mistake(
        2,
        "{}No application is set: pass --application ANCHOR or set SUDOMIMUS_APPLICATION to your game's application anchor.",
        flags={"application": None},
    ),
    "wrong anchor": Mistake(
        2,
        'The service does not know this game.{}detail: The service knows no application "my-gmae": check the setting '
        "application.{}reason: ApplicationNotFound",
        flags={"application": "my-gmae"},
    ),
    "app id not allow-listed": Mistake(
        4,
        "This game does not accept this way of signing in. Tell the game's makers. detail: Layer 1 of demo-game: allow-list "
        "the game's Steam app id in its authentication rules.{}reason: Layer1Denied",
        flags={"steam_app_id": "481"},
    ),
    "key id malformed": Mistake(
        2,
        "{}The access key identifier is malformed: it is acs_k_ followed by a UUID, version 4.",
        [*KEY, "--access-key-id", "acs_k_123"],
        environ={"SUDOMIMUS_ACCESS_KEY_SECRET": SECRET},
    ),
    "secret malformed": Mistake(
        2,
        "{}The access key secret is malformed: it is acs_t_ followed by 64 lowercase hexadecimal characters.",
        [*KEY, "--access-key-id", ID],
        environ={"SUDOMIMUS_ACCESS_KEY_SECRET": SECRET.upper()},
    ),
    "halves swapped": Mistake(
        2,
        "{}The access key identifier is malformed: it is acs_k_ followed by a UUID, version 4. This is the secret "
        "half: the two are swapped.",
        KEY,
        environ={"SUDOMIMUS_ACCESS_KEY_ID": SECRET, "SUDOMIMUS_ACCESS_KEY_SECRET": ID},
    ),
    "secret as an argument": Mistake(2, NO_SECRETS + "{}", [*KEY, "--access-key-id", ID, SECRET]),
    "secret behind a flag": Mistake(2, NO_SECRETS + "{}", [*KEY, "--access-key-secret", "hunter2"]),
    "http to another machine": Mistake(
        2,
        "{}--native-url must be an https URL, or http on a loopback host such as http://127.0.0.1:8000: 'example.com' is not a "
        "loopback host, so it needs https.",
        flags={"native_url": "http://example.com"},
    ),
    "connection refused": Mistake(
        6, NETWORK + "{}detail: {}(ConnectError: Connection refused)", flags={"native_url": "http://127.0.0.1:9"}
    ),
    "host unknown": Mistake(6, NETWORK + "{}detail: {}", flags={"native_url": "https://no-such-host.invalid"}),
    "certificate not trusted": Mistake(
        6,
        "The connection to the sign-in service is not secure. Check this computer's date and time, then try again. detail: "
        "The certificate is not trusted: {}(self-signed certificate)",
        flags={"native_url": "TLS"},
    ),
    "SOCKS proxy": Mistake(
        6,
        NETWORK + "{}detail: {}",
        flags={"native_url": "https://no-such-host.invalid"},
        environ={"HTTPS_PROXY": "socks5://127.0.0.1:9"},
    ),
    "secret file missing": Mistake(
        2,
        "{}The file of --secret-file cannot be read: No such file or directory. Pass the path of a text "
        "file that holds the secret.",
        [*KEY, "--access-key-id", ID, "--secret-file", "secret.txt"],
    ),
    "flag of another method": Mistake(
        2,
        "{}--secret-file is for login access-key, and this is login steam. Leave the flag out, or choose that method.",
        [*STEAM, "--secret-file", "secret.txt"],
    ),
    "unknown command": Mistake(
        2,
        "There is no such COMMAND. {}. See sudomimus-bridge --help.",
        ["signin"],
    ),
    "unknown flag": Mistake(
        2,
        "There is no flag --app-id. Did you mean --steam-app-id? See sudomimus-bridge login --help.",
        [*STEAM, "--app-id", "480"],
    ),
    "port in use": Mistake(
        2,
        "cannot listen on 127.0.0.1:{}: Address already in use; give another --port",
        ["emulator", "--port", "TAKEN"],
    ),
    "extra missing": Mistake(
        2,
        "{}This command needs packages that are not installed (starlette). Install them: python -m pip install "
        "'sudomimus-bridge[emulator]'",
        ["demo"],
        code=_WITHOUT_STARLETTE,
    ),
    "service answers HTML": Mistake(
        6,
        "Something other than the sign-in service answered. Check whether this network asks you to log in first, then try "
        "again.{}detail: {}(text/html in place of application/json)",
        fault={"status": 200, "body": "<html>Welcome to our Wi-Fi</html>", "headers": {"Content-Type": "text/html"}},
    ),
    "SSL_CERT_FILE missing": Mistake(
        2,
        "{}SSL_CERT_FILE names nowhere.pem, which does not exist. Correct it, or unset it to use the system's certificates.",
        environ={"SSL_CERT_FILE": "nowhere.pem"},
    ),
}


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Program]:
    yield from on_stub(emulator, stub_library, stub_log)


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(program: Program, name: str, tmp_path: Path) -> None:
    mistake = MISTAKES[name]
    for file, content in mistake.files.items():
        (tmp_path / file).write_bytes(content)
    if mistake.fault:
        program.emulator.fault(**mistake.fault)
    program.environ |= mistake.environ
    with ExitStack() as stack:
        flags = {"timeout": "60", **mistake.flags}
        words = list(mistake.command)
        if flags.get("steam_library") == "sdk-156":
            flags["steam_library"] = str(compiled_stub(156))
        if flags.get("native_url") == "TLS":
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate_for_loopback(tmp_path))
            flags["native_url"] = stack.enter_context(server(tls=tls))
        if "TAKEN" in words:
            taken = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            words[-1] = str(taken.getsockname()[1])
        arguments = command(*words, *program.flags(**flags), draw=1e6)
        if mistake.code is not None:
            arguments[2] = mistake.code
        ended = Running(arguments, program.all_environ, subprocess.DEVNULL).end()
    assert (ended.status, ended.out) == (mistake.status, ""), ended.err
    error = Ended(0, "", ended.err.replace("sudomimus-bridge emulator:", "sudomimus-bridge:"), 0).error
    assert re.fullmatch(".*".join(map(re.escape, mistake.error.split("{}"))), error), error
    assert "Traceback" not in ended.err and "hunter2" not in ended.err and SECRET not in ended.err
    if name == "SOCKS proxy":
        assert "HTTPS_PROXY" in ended.err and "the bridge connects directly" in ended.err
