"""Which certificates are trusted: the system's, and certifi's where nothing else was asked for.

Some game Pythons cannot read the system's store, and some cannot find certifi by `importlib.resources` (renpy/FACTS): the
context is built here from an explicit path, and httpx is never left to build its own.
"""

from __future__ import annotations

import functools
import logging
import os
import ssl
from pathlib import Path

from ..errors import ConfigurationError
from ..gentle import step_aside

_log = logging.getLogger("sudomimus_bridge")

_END = "-----END CERTIFICATE-----\n"


def tls_context(*, secure: bool = True) -> ssl.SSLContext:
    """A context that verifies. `SSL_CERT_FILE` and `SSL_CERT_DIR`, where set, replace the defaults, as with OpenSSL.

    Reading the certificates takes tens of milliseconds, so that is done once for all logins of a process, and not at all
    where no connection will be secure (`secure` False: the service is a local one).
    Raises `ConfigurationError` where a variable names nothing: every connection would fail for no visible reason.
    """
    chosen = [os.environ.get(variable) for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR")]
    for variable, value in zip(("SSL_CERT_FILE", "SSL_CERT_DIR"), chosen, strict=True):
        if value and not Path(value).exists():
            raise ConfigurationError(
                f"{variable} names {value}, which does not exist. Correct it, or unset it to use the system's certificates."
            )
    return _context(*chosen) if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@functools.lru_cache(maxsize=1)
def _context(file: str | None, folder: str | None) -> ssl.SSLContext:
    """The context for these values of the two variables, which Python itself reads."""
    if file or folder:
        return ssl.create_default_context()
    certificates = certifi_certificates()
    try:
        context = ssl.create_default_context()
    except (OSError, AttributeError, NameError):  # a Python that cannot ask Windows for its certificates
        context = ssl.create_default_context(cadata=certificates)
    if certificates:
        _trust(context, certificates)
    return context


def _trust(context: ssl.SSLContext, certificates: str) -> None:
    """Add them one by one: all at once, OpenSSL would hold the interpreter for 20 ms, which is five frames of a fast game."""
    for certificate in certificates.split(_END)[:-1]:
        context.load_verify_locations(cadata=certificate + _END)
        step_aside()


def certifi_certificates() -> str | None:
    """certifi's certificates, without asking certifi to find them; None where there are none.

    Where a game's Python packages lie in an archive, or their `__file__` is no path on the disk, the module's own loader reads
    them.
    """
    try:
        import certifi
    except ImportError:
        return None
    bundle = Path(certifi.__file__).with_name("cacert.pem")
    try:
        if bundle.is_file():
            return bundle.read_text("ascii")
        # Not by `pkgutil`, which would join the names with a backslash on Windows: Ren'Py's loaders take none.
        data: bytes = certifi.__spec__.loader.get_data(bundle.as_posix())  # type: ignore[union-attr]
        return data.decode("ascii")
    except Exception as error:  # noqa: BLE001 - a loader is somebody else's; the system's certificates may still do
        _log.warning("certifi's certificates cannot be read: %s", type(error).__name__)
        return None
