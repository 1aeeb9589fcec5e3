"""A session's store in a test's own folder, and a check that a player stays signed in although the store fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sudomimus_bridge._session.file_store import FileStore
from sudomimus_bridge._session.protection import FileModeOnly
from sudomimus_bridge._session.record import Record
from sudomimus_bridge._values.clock import Uptime
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.testing._virtual_time import VirtualClock

from .session_helpers import ModelService

RECORD = Record(
    "my-game",
    "device",
    Secret("access-1"),
    Secret("refresh-1"),
    {"email": {"state": "GRANTED"}},
    Uptime("b", 5.0),
    3600.0,
    "p",
)


def store_in(folder: Path, protection: Any = None) -> FileStore:
    return FileStore(folder, "my-game", "https://session.example", protection or FileModeOnly())


def still_signed_in(folder: Path, protection: Any = None) -> str:
    """Sign in, renew twice, and return the store's problem (sentence and detail); "" if there is none."""
    clock = VirtualClock(grace=0.02)
    service = ModelService(clock)

    async def main() -> str:
        session = service.session(disk=store_in(folder, protection))
        await session.adopt(service.record())
        for _ in range(2):
            await clock.sleep(3600)
            await session.access_token(300)
        return str(session.storage.trouble or "")

    sentence = clock.run(main)
    assert (service.refreshes, service.revoked) == (2, False)
    return sentence
