"""Plays a frozen game on the stub of Steam and the local service, and says what works."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

COLUMNS = ("starts", "signs in, with an errand", "keeps the session", "at rest")
SECONDS = 180.0
"""How long a game may be played."""

_KEYRING = (
    *("dbus-run-session", "--", "sh", "-c"),
    'printf secret | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; exec "$@"',
    "sh",
)
"""Starts a program in a desktop session whose keyring is unlocked."""


def play_twice(command: list[str], folder: Path, extra: str = "") -> dict[str, str]:
    """Plays it with Steam and an errand, then without Steam: the session must serve. `folder` is where Steam's library goes.

    Gives the cells of its row: "yes", what is stored, or what was wrong.
    """
    from sudomimus_bridge.emulator import Emulator
    from sudomimus_bridge.testing import compiled_stub

    if extra == "keyring" and not (shutil.which("dbus-run-session") and shutil.which("gnome-keyring-daemon")):
        return {"starts": "not played: gnome-keyring and dbus-run-session are needed"}
    shutil.copy(compiled_stub(), folder)
    claims = {"claims": {"email": "REQUIRED", "firstName": "REQUIRED"}}
    with tempfile.TemporaryDirectory() as home, Emulator(claims, dialect="openapi") as service:
        settings = {f"SUDOMIMUS_{name.upper()}": str(value) for name, value in service.settings.items()}
        environ = {
            **{name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT", "TEMP") if name in os.environ},
            **settings,
            "HOME": home,
            "BROWSER": f"{_browser(Path(home))} %s",
            "SDL_VIDEODRIVER": "dummy",
            "SUDOMIMUS_SESSION_FOLDER": str(Path(home, "session")),
        }
        command = [*(_KEYRING if extra == "keyring" else ()), *command, "--auto", "--stay-signed-in"]
        first = _played(command, home, environ)
        row = dict.fromkeys(COLUMNS, "")
        row["starts"] = "yes" if "Signed in" in first.stdout or "Not signed in" in first.stdout else _last(first)
        row["signs in, with an errand"] = "yes" if _signed_in(first) else _last(first)
        again = _played(command, home, {**environ, "STEAM_STUB_RUNNING": "0"})
        row["keeps the session"] = "yes" if _signed_in(again) else _last(again)
        row["at rest"] = _at_rest(Path(home, "session"), "keyring" if extra == "keyring" else "plain")
        return row


def _played(command: list[str], home: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    # The working directory is another one, so that nothing is found by it.
    return subprocess.run(
        command, cwd=home, env=environ, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False
    )


def _signed_in(done: subprocess.CompletedProcess[str]) -> bool:
    return done.returncode == 0 and "Signed in" in done.stdout


def _at_rest(folder: Path, expected: str) -> str:
    kinds = {json.loads(file.read_text()).get("kind") for file in folder.glob("*.session")}
    shown = ", ".join(map(str, kinds)) or "nothing"
    return shown if kinds == {expected} else f"no: {shown} in place of {expected}"


def _browser(home: Path) -> Path:
    """A browser whose player agrees to everything."""
    program = home / "browser"
    lines = [
        f"#!{sys.executable}",
        "import sys",
        "from sudomimus_bridge.emulator import visit",
        "visit(sys.argv[1])",
        "",
    ]
    program.write_text("\n".join(lines))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def _last(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in f"{done.stderr}\n{done.stdout}".splitlines() if line.strip()]
    return f"no: {lines[-1][:120] if lines else f'exit status {done.returncode}'}"
