"""Plays the sample on the stub of Steam and the local service, or on the real ones.

python sample_game/renpy/run.py                 # on this machine only; --auto also completes the page in the browser
python sample_game/renpy/run.py --real          # Steam and Sudomimus, with the settings in the environment

It looks for Ren'Py in RENPY (the folder of an SDK), on the PATH, and where Debian installs it.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from sudomimus_bridge._renpy.installer import install
from sudomimus_bridge._values.errors import BridgeError
from sudomimus_bridge.testing._compiled_stub import StubNotCompiled, compiled_stub
from sudomimus_bridge.testing._real_renpy import NoRenpy, renpy_command

HERE = Path(__file__).resolve().parent
VISIT = "import sys; from sudomimus_bridge.emulator._players.visitor import visit_errand; visit_errand(sys.argv[1])"


def main() -> int:
    """Install the bridge into a copy of the game, and play it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--real", action="store_true", help="use Steam and Sudomimus, with the settings in the environment"
    )
    parser.add_argument("--auto", action="store_true", help="complete the local service's pages without a person")
    arguments = parser.parse_args()
    try:
        command = renpy_command()
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="the-last-ferry-"))) / "the-last-ferry"
            shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("art", "run.py", "*.rpyc", "cache", "saves"))
            install(folder)
            environment = {**os.environ} if arguments.real else {**os.environ, **local(stack, arguments.auto)}
            for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):  # Ren'Py has its own Python
                environment.pop(name, None)
            return subprocess.run([*command, str(folder), "run"], env=environment, check=False).returncode
    except (NoRenpy, StubNotCompiled, BridgeError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def local(stack: ExitStack, auto: bool) -> dict[str, str]:
    """Settings for a stub of Steam, and for a local service that requires a first name and asks for an email address."""
    from sudomimus_bridge.emulator import Emulator

    urls = stack.enter_context(Emulator({"claims": {"firstName": "REQUIRED", "email": "OPTIONAL"}})).urls
    settings = {
        "SUDOMIMUS_APPLICATION": urls["application"],
        "SUDOMIMUS_STEAM_APP_ID": str(urls["steamAppId"]),
        **{f"SUDOMIMUS_{name.upper()}_URL": urls[name] for name in ("native", "connect", "device", "session", "via")},
        "SUDOMIMUS_STEAM_LIBRARY": str(compiled_stub()),
        "STEAM_STUB_TICKET_DELAY_MS": "400",
        "RENPY_NO_STEAM": "1",
    }
    if auto:
        settings["BROWSER"] = f"{shlex.quote(sys.executable)} -c {shlex.quote(VISIT)} %s"
    return settings


if __name__ == "__main__":
    sys.exit(main())
