"""A session on disk: one file that only the player can read, replaced whole, and bound to this user of this machine.

A file that was copied to another user or machine is not used: two holders of one refresh token would end the session of
both. The text inside is as `protection` leaves it: encrypted where the platform offers that.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from .._values.clock import Clock
from .._values.errors import system_words
from .._values.folders import make_private_folder
from .._values.sealed import sealed
from .lock import locked
from .machine import file_identity, machine_id, user_id
from .own_file import PRIVATE, open_own
from .protection import Protection, ProtectionFailed
from .record import Record, from_json
from .sharing import in_turn
from .store import StoreUnusable

MAX_SIZE = 1024 * 1024
VERSION = 1

SPARE_SIZE = 4096
"""How much a record may grow from one renewal to the next and still find room on a disk that is full."""

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


@sealed
def session_folder(environ: dict[str, str] | os._Environ[str] = os.environ) -> Path:
    """Where this platform keeps what a program remembers for one user. Raises `StoreUnusable` where that has no home."""
    try:
        return _session_folder(environ)
    except RuntimeError:  # pathlib's, for a user that the system does not know, as containers have
        raise StoreUnusable(
            "This sign-in cannot be saved, because this user has no home folder. You stay signed in until you quit."
        ) from None


def _session_folder(environ: dict[str, str] | os._Environ[str]) -> Path:
    if sys.platform == "win32":
        local = Path(environ.get("LOCALAPPDATA", ""))
        return (local if local.is_absolute() else _home() / "AppData" / "Local") / "sudomimus-bridge"
    if sys.platform == "darwin":
        return _home() / "Library" / "Application Support" / "sudomimus-bridge"
    state = environ.get("XDG_STATE_HOME", "")
    return (Path(state) if state.startswith("/") else _home() / ".local" / "state") / "sudomimus-bridge"


def _home() -> Path:
    """The user's home. A relative one would change with the working directory. Raises `RuntimeError`."""
    home = Path.home()
    if not home.is_absolute():
        raise RuntimeError
    return home


class FileStore:
    """See `Store`. One file for each application and service: `application` and `session_url` tell which."""

    shared = True

    def __init__(self, folder: Path, application: str, session_url: str, protection: Protection) -> None:
        name = hashlib.sha256(f"{application}\n{session_url}".encode()).hexdigest()[:20]
        self.path = folder / f"{name}.session"
        self._lock = self.path.with_suffix(".lock")
        self._spare = self.path.with_suffix(".spare")
        self._folder = folder
        self._protection = protection

    @sealed
    def read(self) -> Record | None:
        envelope = self._read_envelope()
        if envelope is None:
            return None
        if envelope.get("owner") != self._owner_here():
            raise StoreUnusable(
                f"The saved sign-in {self.path} was made by another user or on another computer, and is not used here. "
                "Sign in again."
            )
        try:
            text = self._protection.open(str(envelope.get("kind")), str(envelope.get("data")))
        except ProtectionFailed as failure:
            raise StoreUnusable(failure.sentence, for_good=failure.for_good) from None
        record = from_json(text)
        if record is None:
            raise StoreUnusable(_damaged(self.path))
        return record

    @sealed
    def prepare(self) -> None:
        try:
            self._protection.unlock()
        except ProtectionFailed as failure:
            raise StoreUnusable(failure.sentence, for_good=failure.for_good) from None

    @sealed
    def write(self, record: Record) -> None:
        try:
            kind, data = self._protection.close(record.to_json())
        except ProtectionFailed as failure:
            raise StoreUnusable(failure.sentence, for_good=failure.for_good) from None
        try:
            make_private_folder(self._folder)
            if machine_id() is None:
                os.close(open_own(self._lock, os.O_RDWR | os.O_CREAT))  # it may have been removed since it was locked
            envelope = {"version": VERSION, "owner": _owner(self._lock), "kind": kind, "data": data}
            self._replace_also_on_a_full_disk(json.dumps(envelope).encode())
        except OSError as error:
            raise StoreUnusable(
                f"This sign-in cannot be kept in {self._folder}: {system_words(error)}. It lasts until the program ends."
            ) from None

    def forget(self) -> None:
        try:
            in_turn(lambda: self.path.unlink(missing_ok=True))
            with suppress(OSError):
                self._spare.unlink()
        except OSError as error:
            raise StoreUnusable(
                f"The saved sign-in {self.path} cannot be removed: {system_words(error)}. Remove it by hand."
            ) from None

    @asynccontextmanager
    async def locked(self, clock: Clock) -> AsyncIterator[None]:
        try:
            make_private_folder(self._folder)
            lock = locked(self._lock, clock)
            await lock.__aenter__()
        except OSError as error:
            raise StoreUnusable(
                f"This sign-in cannot be kept in {self._folder}: {system_words(error)}. It lasts until the program ends."
            ) from None
        try:
            yield
        finally:
            await lock.__aexit__(None, None, None)

    def _read_envelope(self) -> dict[str, Any] | None:
        try:
            descriptor = in_turn(lambda: open_own(self.path, os.O_RDONLY))
            with os.fdopen(descriptor, "rb") as file:
                content = file.read(MAX_SIZE + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnusable(
                f"The saved sign-in {self.path} cannot be read: {system_words(error)}. Sign in again."
            ) from None
        try:
            envelope = json.loads(content) if len(content) <= MAX_SIZE else None
        except (ValueError, RecursionError):
            envelope = None
        if not isinstance(envelope, dict) or envelope.get("version") != VERSION:
            raise StoreUnusable(_damaged(self.path))
        return envelope

    def _owner_here(self) -> str | None:
        try:
            return _owner(self._lock)
        except OSError:  # the session was copied here without its lock
            return None

    def _replace_also_on_a_full_disk(self, content: bytes) -> None:
        """A spare file holds the room that the next record needs, and is given up for it if the disk is full."""
        try:
            self._replace(content)
        except OSError as error:
            if error.errno not in _FULL or not self._spare.exists():
                raise
            self._spare.unlink()
            self._replace(content)
        with suppress(OSError):
            if not self._spare.exists() or self._spare.stat().st_size < len(content):
                descriptor = open_own(self._spare, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
                with os.fdopen(descriptor, "wb") as spare:
                    spare.write(os.urandom(len(content) + SPARE_SIZE))  # zeros might take no room

    def _replace(self, content: bytes) -> None:
        """Under the lock. What a killed process left half-written is swept out first."""
        for left in self._folder.glob(f"{self.path.stem}.*.part"):
            with suppress(OSError):
                left.unlink()
        descriptor, name = tempfile.mkstemp(prefix=f"{self.path.stem}.", suffix=".part", dir=self._folder)  # mode 0600
        try:
            Path(name).chmod(PRIVATE)  # whatever the umask is
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            in_turn(lambda: Path(name).replace(self.path))
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
        if sys.platform != "win32":
            folder = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(folder)  # the new name, too
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems know nothing of it
                    raise
            finally:
                os.close(folder)


def _damaged(path: Path) -> str:
    return f"The saved sign-in {path} is damaged, or of another version, and is not used. Sign in again."


def _owner(lock: Path) -> str:
    """Who may use the file: this user of this machine. A guard against copies, not a secret.

    `lock` is the store's lock file, which stays for as long as the folder does.
    """
    return hashlib.sha256(f"{user_id()}\n{machine_id() or file_identity(lock)}".encode()).hexdigest()[:32]
