"""Plays a frozen game on the stub of Steam and the local service, and reports what works."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

COLUMNS = ("starts", "signs in, with an errand", "keeps the session", "at rest", "names an absent Steam")
SECONDS = 180.0
"""The most seconds of one run of a game."""

_KEYRING = (
    *("dbus-run-session", "--", "sh", "-c"),
    'printf secret | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; exec "$@"',
    "sh",
)
"""Starts a program in a desktop session whose keyring is unlocked."""


@dataclass(frozen=True)
class System:
    """The system on which a game is played. Without arguments, this machine."""

    environ: dict[str, str] = field(default_factory=dict)
    library: Path | None = None
    """Steam's library; the compiled stub for this machine if there is none."""
    library_folder: Path | None = None
    """The folder for the library, if that is not the game's."""
    python: str = sys.executable
    path: Callable[[Path], str] = str
    """Converts the path of a file of this machine for a program on that system."""
    at_rest: str = "plain"
    """How a session is stored without the extra `keyring`."""

    def browser(self, home: Path) -> str:
        """The value of `BROWSER`: a program that agrees to everything on a page."""
        bridge = self.path(Path(__file__).resolve().parents[1] / "bridge")
        program = home / "browser.py"
        lines = [
            "import sys",
            f"sys.path.insert(0, {bridge!r})",
            "from sudomimus_bridge.emulator import visit",
            "visit(sys.argv[1])",
            "",
        ]
        program.write_text("\n".join(lines))
        return f"{self.path(Path(self.python))} {self.path(program)} %s"


def play(command: list[str], folder: Path, extra: str = "", system: System | None = None) -> dict[str, str]:
    """Play it three times: with Steam and an errand; without Steam, on the stored session; without Steam and session.

    `folder` gets Steam's library. Returns the cells of the row by column: "yes", the protection of the stored session, or a
    failure that begins with "no:".
    """
    from sudomimus_bridge.emulator import Emulator
    from sudomimus_bridge.testing import compiled_stub

    system = system or System()
    on_desktop = extra == "keyring" and not system.environ
    if on_desktop and not (shutil.which("dbus-run-session") and shutil.which("gnome-keyring-daemon")):
        return {"starts": "not played: gnome-keyring and dbus-run-session are needed"}
    shutil.copy(system.library or compiled_stub(), system.library_folder or folder)
    claims = {"claims": {"email": "REQUIRED", "firstName": "REQUIRED"}}
    with tempfile.TemporaryDirectory() as name, Emulator(claims, dialect="openapi") as service:
        home = Path(name)
        settings = {f"SUDOMIMUS_{name.upper()}": str(value) for name, value in service.settings.items()}
        environ = {
            **{name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT", "TEMP") if name in os.environ},
            **system.environ,
            **settings,
            "HOME": name,
            "BROWSER": system.browser(home),
            "SDL_VIDEODRIVER": "dummy",
            "SUDOMIMUS_SESSION_FOLDER": system.path(home / "session"),
        }
        command = [*(_KEYRING if on_desktop else ()), *command, "--auto", "--stay-signed-in"]
        first = _played(command, home, environ)
        row = dict.fromkeys(COLUMNS, "")
        row["starts"] = "yes" if "Signed in" in first.stdout or "Not signed in" in first.stdout else _last(first)
        row["signs in, with an errand"] = "yes" if _signed_in(first) else _last(first)
        again = _played(command, home, {**environ, "STEAM_STUB_RUNNING": "0"})
        row["keeps the session"] = "yes" if _signed_in(again) else _last(again)
        row["at rest"] = _at_rest(home / "session", "keyring" if extra == "keyring" else system.at_rest)
        shutil.rmtree(home / "session", ignore_errors=True)
        refused = _played(command, home, {**environ, "STEAM_STUB_RUNNING": "0"})
        row["names an absent Steam"] = "yes" if "Steam" in refused.stdout and refused.returncode else _last(refused)
        return row


def _played(command: list[str], home: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    # Another working directory, so that the game finds nothing by it.
    return subprocess.run(
        command,
        cwd=home,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=SECONDS,
        check=False,
    )


def _signed_in(done: subprocess.CompletedProcess[str]) -> bool:
    return done.returncode == 0 and "Signed in" in done.stdout


def _at_rest(folder: Path, expected: str) -> str:
    kinds = {json.loads(file.read_text()).get("kind") for file in folder.glob("*.session")}
    shown = ", ".join(map(str, kinds)) or "nothing"
    return shown if kinds == {expected} else f"no: {shown} in place of {expected}"


def _last(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in f"{done.stderr}\n{done.stdout}".splitlines() if line.strip()]
    return f"no: {lines[-1][:120] if lines else f'exit status {done.returncode}'}"
