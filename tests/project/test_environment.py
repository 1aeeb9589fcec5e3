"""Specifies how the bridge handles nonsense in each environment variable that it and its libraries read.

It either raises a `ConfigurationError` that names the variable, or signs in without it. It never raises another exception, ends
with status 70, or repeats a value that may be a secret.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest

from sudomimus_bridge import Bridge
from sudomimus_bridge._browser.system import available_browser
from sudomimus_bridge._cli.main import main
from sudomimus_bridge._service import certificates
from sudomimus_bridge._service.remote import open_exchange
from sudomimus_bridge._session.file_store import FileStore, session_folder
from sudomimus_bridge._session.protection import FileModeOnly
from sudomimus_bridge._session.store import StoreUnusable
from sudomimus_bridge._settings import TABLE
from sudomimus_bridge._values.clock import SystemClock
from sudomimus_bridge._values.errors import ConfigurationError
from sudomimus_bridge.emulator import Emulator

OF_PROXIES = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "REQUEST_METHOD",
]
OF_TLS = ["SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"]
OF_PLACES = [
    "HOME",
    "XDG_STATE_HOME",
    "XDG_DATA_HOME",
    "XDG_CONFIG_HOME",
    "LOCALAPPDATA",
    "APPDATA",
    "USERPROFILE",
    "TMPDIR",
]
OF_USERS = ["USERNAME", "USER", "LOGNAME", "LNAME"]
OF_BROWSERS = [
    "BROWSER",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "PROGRAMFILES",
    "GNOME_DESKTOP_SESSION_ID",
    "KDE_FULL_SESSION",
    "PATH",
]
OF_BROWSERS += ["LD_LIBRARY_PATH", "SYSTEM_LD_LIBRARY_PATH", "LD_LIBRARY_PATH_ORIG"]
OF_KEYRINGS = [
    "PYTHON_KEYRING_BACKEND",
    "KEYRING_PROPERTY_X",
    "KEYCHAIN_PATH",
    "XDG_CURRENT_DESKTOP",
    "DBUS_SESSION_BUS_ADDRESS",
]
OF_TERMINALS = ["TERM", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PYTHON_COLORS", "LANG", "LC_ALL", "LANGUAGE"]
OF_STEAM = ["SteamAppId", "SteamGameId", "SteamPath"]
OF_PYTHON = [
    "PYTHONASYNCIODEBUG",
    "PYTHONWARNINGS",
    "ANYIO_BACKEND",
    "SNIFFIO",
    "TZ",
    "RES_OPTIONS",
    "LOCALDOMAIN",
    "HOSTALIASES",
]
CREDENTIALS = [
    f"SUDOMIMUS_{name}"
    for name in (
        "ACCESS_KEY_ID",
        "ACCESS_KEY_SECRET",
        "ACCESS_TOKEN",
        "REFRESH_TOKEN",
        "CLIENT_KEY",
        "EXPOSURE_KEY",
        "HIDDEN_KEY",
    )
]
VARIABLES = [
    *(setting.variable for setting in TABLE),
    *(OF_PROXIES + OF_TLS + OF_PLACES + OF_USERS + OF_BROWSERS + OF_KEYRINGS + OF_TERMINALS + OF_STEAM + OF_PYTHON),
]

ONE_OF_EACH_KIND = ["SUDOMIMUS_TIMEOUT", "SUDOMIMUS_NATIVE_URL", "SUDOMIMUS_ACCESS_KEY_SECRET", "HTTPS_PROXY", "TZ"]
ONE_OF_EACH_KIND += ["SSL_CERT_FILE", "HOME", "USERNAME", "BROWSER", "PYTHON_KEYRING_BACKEND", "TERM", "SteamAppId"]
"""The variables for which the command line gets every nonsense value. For the others it gets three to five."""

SHOWN = {
    "SUDOMIMUS_APPLICATION",
    "SUDOMIMUS_STEAM_LIBRARY",
    "SUDOMIMUS_SESSION_FOLDER",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
}
"""The variables whose value an error may repeat, because a path or a name is not secret."""

NONSENSE = [
    "",
    " ",
    "-1",
    "NaN",
    "http://[bad",
    "me:topsecret#@host:99999",
    "\udcff\udc80\t\n\x1b[2J",
    "%",
    "'",
    "x" * 50_000,
]
NONSENSE += ["/", "/dev/null", "~nobody/x", "no.such.module", os.pathsep, "acs_t_topsecret0"]

REMOTE = "https://native-api.sudomimus.com"

STATUSES = {0, 2, 3, 4, 5, 6}


@pytest.fixture
def _no_cached_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the `keyring` library read the environment again, which it does once in a process."""
    keyring: Any = pytest.importorskip("keyring.core")
    monkeypatch.setattr(keyring, "_keyring_backend", None)


def attempt(variable: str, work: Callable[[], Any]) -> Any:
    """Return the result or the error. A `ConfigurationError` must name the variable in its detail only."""
    try:
        return work()
    except (ConfigurationError, StoreUnusable) as caught:
        error = caught
    if isinstance(error, ConfigurationError):
        assert variable.lower() in (error.detail or "").lower(), error.detail
        assert variable not in error.sentence
    assert variable in SHOWN or "topsecret" not in f"{error.sentence} {getattr(error, 'detail', None)}"
    return error


def connected() -> None:
    async def flow() -> None:
        await (await open_exchange(REMOTE, SystemClock())).aclose()

    anyio.run(flow)


def kept() -> None:
    FileStore(session_folder(), "my-game", REMOTE, FileModeOnly()).read()


@pytest.mark.parametrize("variable", VARIABLES)
def test_nonsense_in_a_variable_is_an_error_that_names_it(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in NONSENSE:
        monkeypatch.setenv(variable, value)
        if variable in OF_TLS:
            certificates._context.cache_clear()
        for work in (Bridge, available_browser, connected, kept):
            attempt(variable, work)
        bridge = attempt(variable, Bridge)
        if isinstance(bridge, Bridge) and variable in ("SUDOMIMUS_STEAM_APP_ID", "SteamAppId") and value.strip():
            attempt(variable, bridge._runner.settings.require_steam_app_id)
    certificates._context.cache_clear()


@pytest.mark.once
@pytest.mark.usefixtures("_no_cached_keyring", "capfd")
@pytest.mark.parametrize("variable", [*VARIABLES, *CREDENTIALS])
def test_command_with_nonsense_in_a_variable_ends_with_a_known_status(
    variable: str,
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    urls = emulator.urls
    monkeypatch.setenv("SUDOMIMUS_ACCESS_KEY_ID", urls["accessKeyId"])
    monkeypatch.setenv("SUDOMIMUS_ACCESS_KEY_SECRET", urls["accessKeySecret"])
    for name in ("application", "native", "connect", "device", "session", "via"):
        monkeypatch.setenv(f"SUDOMIMUS_{name.upper()}{'' if name == 'application' else '_URL'}", urls[name])
    monkeypatch.setenv("SUDOMIMUS_STEAM_LIBRARY", str(tmp_path / "none.so"))
    monkeypatch.setenv("SUDOMIMUS_TIMEOUT", "5")
    url = variable.endswith("_URL")
    few = [*NONSENSE[4:8], NONSENSE[-3]] if url else [NONSENSE[5], NONSENSE[6], NONSENSE[10]]
    for value in NONSENSE if variable in ONE_OF_EACH_KIND else few:
        if url and not value.strip():
            continue  # without a URL, the command would ask the real service
        monkeypatch.setenv(variable, value)
        for arguments in (["doctor", "--json"], ["login", "access-key", "--json"]):
            status = main(arguments)
            out, err = capfd.readouterr()
            assert status in STATUSES, (value, status, err)
            assert "Traceback" not in err and "\x1b[2J" not in out + err, (value, err)
            assert variable in SHOWN or "topsecret" not in out + err, (value, out, err)
            if arguments[0] == "doctor" and out:
                assert json.loads(out)["checks"]
            if arguments[0] == "login" and status == 0:
                assert json.loads(out)["accessToken"]


@pytest.mark.parametrize(
    "environ",
    [
        {"LANG": "\udcff", "LC_ALL": "nonsense"},
        {"PYTHONASYNCIODEBUG": "nonsense", "PYTHONWARNINGS": "nonsense"},
        {"HOME": "", "USER": "", "LOGNAME": "", "XDG_STATE_HOME": "relative"},
        {"HOME": "relative", "PATH": "", "TMPDIR": "/none", "TERM": "", "COLUMNS": "x"},
        {"OPENSSL_CONF": "/dev/null", "SSL_CERT_DIR": "", "SSL_CERT_FILE": "", "TZ": "nonsense"},
        {"OPENSSL_CONF": "/", "BROWSER": os.pathsep, "DISPLAY": "x"},
    ],
    ids=lambda environ: " ".join(environ),
)
def test_program_signs_in_with_nonsense_in_variables_that_it_does_not_need(
    emulator: Emulator, environ: dict[str, str]
) -> None:
    urls = emulator.urls
    keys = {"SUDOMIMUS_ACCESS_KEY_ID": urls["accessKeyId"], "SUDOMIMUS_ACCESS_KEY_SECRET": urls["accessKeySecret"]}
    command = [sys.executable, "-m", "sudomimus_bridge", "login", "access-key", "--json"]
    flags = ["--application", urls["application"], "--native-url", urls["native"]]
    ended = subprocess.run([*command, *flags], env={**os.environ, **keys, **environ}, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["accessToken"]


def broken(*_: object) -> Any:
    raise ImportError("No module named 'pwd'")  # as getpass does on Windows without USERNAME


@pytest.mark.parametrize("what", ["user_id", "machine_id", "session_folder", "best_protection"])
def test_tokens_are_kept_in_memory_if_the_system_names_no_user(
    what: str, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(f"sudomimus_bridge._session.file_store.{what}", broken)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    urls = emulator.urls
    key = {"access_key_id": urls["accessKeyId"], "access_key_secret": urls["accessKeySecret"]}
    with Bridge(application=urls["application"], native_url=urls["native"], session_url=urls["session"]) as bridge:
        session = bridge.session(True)
        result = bridge.login("access-key", **key)
        assert session.access_token() == result.access_token
        assert session.problem


@pytest.mark.parametrize("home", ["", "relative", ".", "~", "~nobody"])
def test_relative_folders_are_not_used(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", home)
    monkeypatch.setenv("USERPROFILE", home)
    for environ in ({}, {"XDG_STATE_HOME": home, "LOCALAPPDATA": home}):
        with suppress(StoreUnusable):
            assert session_folder(environ).is_absolute()
