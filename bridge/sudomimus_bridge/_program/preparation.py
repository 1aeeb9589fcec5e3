"""Imports the modules that a login needs and reads the certificates, ahead of the login."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from .._runs.threads import exhaustion_as_bridge_error
from .._values.errors import BridgeError

if TYPE_CHECKING:
    from .._settings import Settings


def prepare(settings: Settings) -> None:
    """Prepare on this thread. Uses neither the network nor Steam, and writes no file.

    A wrong setting or a limit of the system raises no error here: the login that follows raises it.
    """
    with suppress(BridgeError), exhaustion_as_bridge_error():
        _import_modules()
        _read_certificates(settings)


async def prepare_beside(settings: Settings, *_: object) -> bool:
    """As `prepare`, in small steps on another thread, while a game draws its loading screen. Returns True."""
    from .._runs.threads import in_thread

    await in_thread(_prepare_in_small_steps, settings)
    return True


def _prepare_in_small_steps(settings: Settings) -> None:
    from .._runs.small_steps import in_small_steps

    with in_small_steps():
        prepare(settings)


def _import_modules() -> None:
    """Import the modules of every method that needs no extra, of an errand, and of a saved session."""
    import glob  # noqa: F401 - from Python 3.15 on, `pathlib` imports it late
    import hmac  # noqa: F401
    from encodings import ascii, idna  # noqa: F401

    with suppress(ImportError):  # `anyio.run` would import it; another version of anyio may have it elsewhere
        import anyio._backends._asyncio  # noqa: F401

    from .._browser import system  # noqa: F401
    from .._login import errand, profile, renewal, sign_in  # noqa: F401
    from .._runs import finishing  # noqa: F401
    from .._service import ahead, certificates, exchange, proxy, transport  # noqa: F401
    from .._session import file_store, player_session  # noqa: F401
    from .._session.protection import import_keyring
    from ..steam import _results, _ticket  # noqa: F401

    with suppress(ImportError):
        import_keyring()


def _read_certificates(settings: Settings) -> None:
    from .._service.certificates import tls_context

    urls = (settings.native_url, settings.connect_url, settings.device_url, settings.session_url)
    for secure in {url.startswith("https:") for url in urls}:
        tls_context(secure=secure)
