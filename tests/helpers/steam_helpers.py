"""Helpers of the Steam tests: one ticket, a check of the stub's log, and programs in their own process."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

from sudomimus_bridge._values.clock import SystemClock
from sudomimus_bridge.steam._connection import FlatApiSteam
from sudomimus_bridge.steam._ticket import web_api_ticket
from sudomimus_bridge.testing._compiled_stub import open_tickets

from ..conftest import StubLog
from .warm_start import MAY_FORK


def steam_on(library: Path, clock: SystemClock | None = None) -> FlatApiSteam:
    return FlatApiSteam(library, lambda: 480, clock or SystemClock())


async def one_ticket(steam: FlatApiSteam, clock: SystemClock | None = None) -> bytes:
    await steam.open()
    async with web_api_ticket(steam, clock or SystemClock()) as ticket_hex:
        return bytes.fromhex(ticket_hex.reveal())


def balanced(log: StubLog) -> None:
    """Assert that every ticket was cancelled once and that Steam was shut down."""
    story = log.story()
    assert open_tickets(log.calls) == []
    assert story.count("misuse") == 0
    given = [call for call in log.calls if call.call.endswith("GetAuthTicketForWebApi") and call.handle]
    assert story.count("cancel") == len(given)
    assert not story or story[-1] == "shutdown"


def run_program(
    source: str, *arguments: str, timeout: float = 30, cold: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run Python code in its own process, for tests that would change the process of the suite.

    The bridge may be imported already when the code begins, unless the start is `cold` or the code is about imports
    (`warm_start`).
    """
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source) + ("" if cold else MAY_FORK), *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
