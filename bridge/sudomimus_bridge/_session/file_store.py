"""A session on disk: one file that only the player can read, replaced as a whole, and bound to this user of this computer.

A file that was copied to another user or computer is not used: two holders of one refresh token would end the session for
both. `protection` encrypts the text in the file if the platform offers that.
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

from .._settings import Settings
from .._values.clock import Clock
from .._values.errors import system_words
from .._values.folders import make_private_folder
from .._values.secret import sealed
from .machine import file_identity, machine_id, user_id
from .private_files import PRIVATE, lock_file, open_private, retry_if_in_use
from .protection import FileModeOnly, Protection, best_protection
from .record import Record, from_json
from .store import NOT_SAVED, NOT_USED, Store, StoreUnusable

MAX_SIZE = 1024 * 1024
VERSION = 1

SPARE_SIZE = 4096
"""The bytes by which a record may grow from one renewal to the next and still fit on a full disk."""

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


def open_file_store(settings: Settings) -> Store:
    """The store on disk for the session of these settings. It may ask the player's keyring. Raises `StoreUnusable`."""
    if not settings.application:  # a login through the browser needs no application
        raise StoreUnusable(
            NOT_SAVED, detail="No application is set (application, --application or SUDOMIMUS_APPLICATION)."
        )
    folder = settings.session_folder or session_folder()
    protection = best_protection(f"{settings.application} {settings.session_url}")
    return FileStore(folder, settings.application, settings.session_url, protection)


def open_saved(settings: Settings) -> Store | None:
    """The store on disk, for removing the record of an earlier run; None if nothing is saved. Asks no keyring."""
    try:
        folder = settings.session_folder or session_folder()
    except StoreUnusable:
        return None
    store = FileStore(folder, settings.application or "", settings.session_url, FileModeOnly())
    return store if os.path.lexists(store.path) else None


@sealed
def session_folder(environ: dict[str, str] | os._Environ[str] = os.environ) -> Path:
    """The folder where programs of this platform keep a user's data. Raises `StoreUnusable` if the user has no home folder."""
    try:
        return _session_folder(environ)
    except RuntimeError:  # pathlib raises it for a user that the system does not know, as in containers
        raise StoreUnusable(
            NOT_SAVED,
            detail="This user has no home folder. Set session_folder (--session-folder or SUDOMIMUS_SESSION_FOLDER).",
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
    """The user's home folder. Raises `RuntimeError`, also if its path depends on the working directory."""
    home = Path.home()
    if not home.is_absolute():
        raise RuntimeError
    return home


class FileStore:
    """The `Store` on disk. Each application and each service has a file of its own, with a lock and a spare file beside it."""

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
            raise StoreUnusable(NOT_USED, detail=f"{self.path} was made by another user or on another computer.")
        record = from_json(self._protection.open(str(envelope.get("kind")), str(envelope.get("data"))))
        if record is None:
            raise self._damaged()
        return record

    @sealed
    def prepare(self) -> None:
        self._protection.unlock()

    @sealed
    def write(self, record: Record) -> None:
        kind, data = self._protection.close(record.to_json())
        try:
            make_private_folder(self._folder)
            if machine_id() is None:
                # The lock file identifies the computer. It may have been removed since it was locked.
                os.close(open_private(self._lock, os.O_RDWR | os.O_CREAT))
            envelope = {"version": VERSION, "owner": _owner(self._lock), "kind": kind, "data": data}
            self._replace_also_on_a_full_disk(json.dumps(envelope).encode())
        except OSError as error:
            raise self._not_saved(error) from None

    def forget(self) -> None:
        try:
            retry_if_in_use(self._remove)
            with suppress(OSError):
                self._spare.unlink()
        except OSError as error:
            raise StoreUnusable(
                "Your saved sign-in cannot be removed from this computer.",
                detail=f"{self.path} cannot be removed: {system_words(error)}. Remove it by hand.",
            ) from None

    @asynccontextmanager
    async def locked(self, clock: Clock) -> AsyncIterator[None]:
        try:
            make_private_folder(self._folder)
            lock = lock_file(self._lock, clock)
            await lock.__aenter__()
        except OSError as error:
            raise self._not_saved(error) from None
        try:
            yield
        finally:
            await lock.__aexit__(None, None, None)

    def _remove(self) -> None:
        self.path.unlink(missing_ok=True)

    def _open_to_read(self) -> int:
        return open_private(self.path, os.O_RDONLY)

    def _read_envelope(self) -> dict[str, Any] | None:
        try:
            with os.fdopen(retry_if_in_use(self._open_to_read), "rb") as file:
                content = file.read(MAX_SIZE + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnusable(NOT_USED, detail=f"{self.path} cannot be read: {system_words(error)}.") from None
        try:
            envelope = json.loads(content) if len(content) <= MAX_SIZE else None
        except (ValueError, RecursionError):
            envelope = None
        if not isinstance(envelope, dict) or envelope.get("version") != VERSION:
            raise self._damaged()
        return envelope

    def _owner_here(self) -> str | None:
        try:
            return _owner(self._lock)
        except OSError:  # the session was copied here without its lock
            return None

    def _replace_also_on_a_full_disk(self, content: bytes) -> None:
        """Replace the record. A spare file keeps room for the next record, and is removed if the disk is full."""
        try:
            self._replace(content)
        except OSError as error:
            if error.errno not in _FULL or not self._spare.exists():
                raise
            self._spare.unlink()
            self._replace(content)
        with suppress(OSError):
            if not self._spare.exists() or self._spare.stat().st_size < len(content):
                descriptor = open_private(self._spare, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
                with os.fdopen(descriptor, "wb") as spare:
                    spare.write(os.urandom(len(content) + SPARE_SIZE))  # zeros might take no room on the disk

    def _replace(self, content: bytes) -> None:
        """Write a new file and give it the record's name. The caller holds the lock, so other parts are of killed processes."""
        for left in self._folder.glob(f"{self.path.stem}.*.part"):
            with suppress(OSError):
                left.unlink()
        descriptor, name = tempfile.mkstemp(prefix=f"{self.path.stem}.", suffix=".part", dir=self._folder)
        part = Path(name)
        try:
            part.chmod(PRIVATE)  # whatever the umask is
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            retry_if_in_use(lambda: part.replace(self.path))
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise
        if sys.platform != "win32":
            _sync_folder(self._folder)

    def _damaged(self) -> StoreUnusable:
        return StoreUnusable(NOT_USED, detail=f"{self.path} is damaged, or another version of the bridge wrote it.")

    def _not_saved(self, error: OSError) -> StoreUnusable:
        detail = f"The session cannot be saved in {self._folder}: {system_words(error)}."
        return StoreUnusable(NOT_SAVED, detail=detail)


def _sync_folder(path: Path) -> None:
    """Make a file's new name durable."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems cannot sync a folder
            raise
    finally:
        os.close(folder)


def _owner(lock: Path) -> str:
    """Identifies this user of this computer. It guards against copies and is not a secret.

    `lock` is the store's lock file, which stays for as long as its folder does.
    """
    return hashlib.sha256(f"{user_id()}\n{machine_id() or file_identity(lock)}".encode()).hexdigest()[:32]
