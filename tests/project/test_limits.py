"""Specifies a process without free file descriptors or threads: each door raises a bridge error, and works again afterwards."""

from __future__ import annotations

import json
import sys
import textwrap
from typing import Any

import pytest

from sudomimus_bridge.emulator import Emulator

from ..conftest import BACKENDS
from ..helpers.steam_helpers import run_program

pytestmark = pytest.mark.once

SCARCE = """
import json, os, sys, threading, time, traceback

from sudomimus_bridge import Bridge, BridgeError

urls, left = json.loads(sys.argv[1]), int(sys.argv[2])
key = {"access_key_id": urls["accessKeyId"], "access_key_secret": urls["accessKeySecret"]}
bridge = Bridge(application=urls["application"], native_url=urls["native"], via_url=urls["via"])

class Files:
    held = []

    def take(self):
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        try:
            while True:
                self.held.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            for _ in range(left):
                os.close(self.held.pop())

    def give_back(self):
        while self.held:
            os.close(self.held.pop())

class Threads:
    start = threading.Thread.start

    def take(self):
        room = [None] * left

        def start(thread):
            if not room:
                raise RuntimeError("can't start new thread")
            room.pop()
            Threads.start(thread)

        threading.Thread.start = start

    def give_back(self):
        threading.Thread.start = Threads.start

scarce = {"files": Files, "threads": Threads}[sys.argv[3]]()

def blocking():
    scarce.take()
    bridge.login("access-key", **key)

def started():
    scarce.take()
    login = bridge.start_login("access-key", **key)
    while login.poll() is None:
        time.sleep(0.005)

def awaited(backend):
    import anyio

    async def main():
        scarce.take()
        try:
            await bridge.login_async("access-key", **key)
        finally:
            scarce.give_back()

    anyio.run(main, backend=backend)

def tried(function, *arguments):
    try:
        function(*arguments)
    except BridgeError as error:
        return type(error).__name__
    except BaseException:
        return traceback.format_exc()
    finally:
        scarce.give_back()
    return "signed in"
"""

WAYS = ["tried(blocking)", "tried(started)", *(f"tried(awaited, {backend!r})" for backend in BACKENDS)]


def scarcely(source: str, emulator: Emulator, left: int, what: str) -> Any:
    if what == "files" and sys.platform == "win32":
        pytest.skip("Windows has no limit on a process's files that a test could set")
    arguments = [json.dumps(emulator.urls), str(left), what]
    return run_program(SCARCE + textwrap.dedent(source), *arguments, cold=True)  # the imports need files, too


@pytest.mark.parametrize("what", ["files", "threads"])
@pytest.mark.parametrize("left", range(4))
@pytest.mark.parametrize("way", WAYS)
def test_login_without_enough_descriptors_or_threads(way: str, left: int, what: str, emulator: Emulator) -> None:
    done = scarcely(f"print({way})\nprint(tried(lambda: bridge.login('access-key', **key)))", emulator, left, what)
    first, then = done.stdout.splitlines()
    assert first == "ServiceUnavailable" if left == 0 else first in ("ServiceUnavailable", "signed in")
    assert then == "signed in"


@pytest.mark.parametrize("what", ["files", "threads"])
@pytest.mark.parametrize("left", range(4))
@pytest.mark.parametrize("command", ["login access-key --json", "doctor --json", "sidecar"])
def test_command_without_enough_descriptors_or_threads(command: str, left: int, what: str, emulator: Emulator) -> None:
    source = f"""
    os.environ.update(SUDOMIMUS_APPLICATION=urls["application"], SUDOMIMUS_NATIVE_URL=urls["native"],
                      SUDOMIMUS_ACCESS_KEY_ID=key["access_key_id"],
                      SUDOMIMUS_ACCESS_KEY_SECRET=key["access_key_secret"])
    import sudomimus_bridge._cli.commands, sudomimus_bridge._cli.main
    sys.argv[1:] = {command.split()}
    scarce.take()
    sys.exit(sudomimus_bridge._cli.main.main())
    """
    done = scarcely(source, emulator, left, what)
    expected = {"login": {0, 6}, "doctor": {3, 6}, "sidecar": {0, 6}}[command.split()[0]]
    assert done.returncode in expected, (done.returncode, done.stderr)
