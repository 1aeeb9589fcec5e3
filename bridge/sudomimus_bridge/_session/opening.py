"""A session put together: the engine's flows, the logins that ask nobody, and where it is kept."""

from __future__ import annotations

from .._login.credentials import access_key_credentials
from .._login.engine import Engine
from .._login.progress import DoneSignal
from .._values.events import LoginResult, OnProgress
from .keeper import Keeper, SilentLogin
from .place import Place
from .receipt import STEAM
from .store import Store, StoreUnusable


def open_keeper(engine: Engine, *, by_steam: bool) -> Keeper:
    """The session of an engine's player; in memory, until the player stays signed in."""

    def open_disk() -> Store:
        from .file_store import FileStore, session_folder
        from .protection import ProtectionFailed, best_protection

        application, url = engine.settings.application, engine.settings.session_url
        if not application:  # a login through the browser needs none
            raise StoreUnusable(
                "This sign-in cannot be kept, for no application is set (--application). It lasts until the program ends."
            )
        folder = engine.settings.session_folder or session_folder()
        try:
            protection = best_protection(f"{application} {url}")
        except ProtectionFailed as failed:
            raise StoreUnusable(failed.sentence, for_good=failed.for_good) from None
        return FileStore(folder, application, url, protection)

    silent: dict[str, SilentLogin] = {}
    if by_steam:

        async def by_steam_ticket(
            on_progress: OnProgress | None, done: DoneSignal | None, quietly: bool | None
        ) -> LoginResult:
            return await engine.adjusted(quietly=quietly).login_steam(on_progress, done)

        silent[STEAM] = by_steam_ticket
    identifier, key = access_key_credentials()
    if identifier and key:

        async def by_access_key(
            on_progress: OnProgress | None, done: DoneSignal | None, quietly: bool | None
        ) -> LoginResult:
            return await engine.adjusted(quietly=quietly).login_access_key(identifier, key, on_progress, done)

        silent["access-key"] = by_access_key
    return Keeper(engine, silent, Place(engine.clock, open_disk))
