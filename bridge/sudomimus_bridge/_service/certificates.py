"""The trusted certificates: the system's and certifi's, unless SSL_CERT_FILE or SSL_CERT_DIR name others.

Some games' Pythons cannot read the system's store, and some cannot find certifi with `importlib.resources`. So this module
builds the context from an explicit path, and httpx never builds its own.
"""

from __future__ import annotations

import functools
import logging
import os
import re
import ssl
from contextlib import suppress
from pathlib import Path

from .._runs.threads import as_exhaustion
from .._values.errors import ConfigurationError, system_words
from .._values.packaged import is_shipped

_log = logging.getLogger("sudomimus_bridge")

_END = "-----END CERTIFICATE-----\n"

_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")
"""The names of the files that OpenSSL looks for in a folder; `openssl rehash` makes them."""

_SENTENCE = "This computer cannot make a secure connection. Ask the person who looks after it."


def tls_context(*, secure: bool = True) -> ssl.SSLContext:
    """A context that verifies certificates. `SSL_CERT_FILE` and `SSL_CERT_DIR` replace the defaults, as with OpenSSL.

    Reading the certificates takes tens of milliseconds, so all logins of a process share one context. With `secure` False, for
    a local service, this reads no certificate. Raises `ConfigurationError` if the variables are set and name no certificate:
    otherwise every connection would fail without a reason that the developer sees.
    """
    file, folders = chosen_certificates()
    if file or folders:
        _require_certificates(file, folders)
    return _context(file, folders, os.environ.get("SSLKEYLOGFILE")) if secure else _context_without_certificates()


def chosen_certificates() -> tuple[str | None, str | None]:
    """The values of `SSL_CERT_FILE` and `SSL_CERT_DIR`, if the player or the developer has set them.

    A program frozen by cx_Freeze sets `SSL_CERT_FILE` itself, to a file that lies beside it or is missing. Nobody chose that
    file, so it replaces nothing.
    """
    file = os.environ.get("SSL_CERT_FILE") or None
    return None if file and is_shipped(file) else file, os.environ.get("SSL_CERT_DIR") or None


def certificate_source() -> str | None:
    """The variables that choose the trusted certificates, for an error; None if the system chooses them."""
    names = zip(("SSL_CERT_FILE", "SSL_CERT_DIR"), chosen_certificates(), strict=True)
    return " and ".join(name for name, value in names if value) or None


@functools.lru_cache(maxsize=1)
def _context_without_certificates() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@functools.lru_cache(maxsize=1)
def _require_certificates(file: str | None, folders: str | None) -> None:
    """Raise `ConfigurationError` unless one of the variables names a certificate. Its detail has the flaw of each."""
    flaws = []
    for variable, value, flaw_of in (
        ("SSL_CERT_FILE", file, _flaw_of_file),
        ("SSL_CERT_DIR", folders, _flaw_of_folders),
    ):
        if value:
            flaw = flaw_of(value)
            if flaw is None:
                return
            flaws.append(f"{variable} names {value[:200]}, {flaw}")
    raise ConfigurationError(
        _SENTENCE, detail=f"{'; '.join(flaws)}. Correct it, or unset it to use the system's certificates."
    )


def _flaw_of_file(name: str) -> str | None:
    try:
        path = Path(name)
        path.stat()
        if not path.is_file():
            return "which is not a file"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cafile=name)
        return None if context.cert_store_stats()["x509"] else "which holds no certificate"
    except FileNotFoundError:
        return "which does not exist"
    except ssl.SSLError:
        return "which holds no certificate"
    except OSError as error:
        return f"which cannot be read ({system_words(error)})"
    except ValueError:
        return "which is not a path"


def _flaw_of_folders(names: str) -> str | None:
    """`SSL_CERT_DIR` is a list of folders, and OpenSSL skips those that do not exist."""
    folders = [Path(name) for name in names.split(os.pathsep) if name]
    flaw = "which does not exist"
    for folder in folders:
        try:
            files = [file for file in folder.iterdir() if _HASHED.fullmatch(file.name)]
        except FileNotFoundError:
            continue
        except OSError as error:
            flaw = f"which cannot be read ({system_words(error)})"
            continue
        if any(_flaw_of_file(str(file)) is None for file in files):
            return None
        flaw = "which holds no certificate under the name that OpenSSL looks for (`openssl rehash` makes them)"
    return flaw


@functools.lru_cache(maxsize=1)
def _context(file: str | None, folders: str | None, key_log: str | None) -> ssl.SSLContext:
    """The context for these values of the variables. They are the cache's key: Python and OpenSSL read the variables."""
    certificates = None if file or folders else certifi_certificates()
    try:
        context = ssl.create_default_context()
    except (OSError, AttributeError, NameError, ValueError) as error:
        context = _without_system(error, certificates, key_log)
    if not file and not folders and os.environ.get("SSL_CERT_FILE"):
        _trust_system(context)
    if certificates:
        _trust(context, certificates)
    return context


def _trust_system(context: ssl.SSLContext) -> None:
    """Add the system's certificates. OpenSSL has not loaded them, because `SSL_CERT_FILE` is set."""
    paths = ssl.get_default_verify_paths()
    for name, keyword in ((paths.openssl_cafile, "cafile"), (paths.openssl_capath, "capath")):
        with suppress(OSError):  # `ssl.SSLError` is one
            context.load_verify_locations(**{keyword: name})


def _without_system(error: Exception, certificates: str | None, key_log: str | None) -> ssl.SSLContext:
    """The context if Python cannot load the system's certificates. It has certifi's first one; `_trust` adds the others.

    Raises `ConfigurationError` if certifi cannot replace them, or if `SSLKEYLOGFILE` is wrong.
    """
    try:
        if certificates:
            return ssl.create_default_context(cadata=certificates.split(_END, 1)[0] + _END)
    except (OSError, ValueError) as again:
        error = again
    words = system_words(error) if isinstance(error, OSError) else type(error).__name__
    if key_log:
        raise ConfigurationError(
            _SENTENCE, detail=f"SSLKEYLOGFILE must name a file that can be written ({words}). Correct it, or unset it."
        ) from None
    raise ConfigurationError(
        _SENTENCE,
        detail=f"This Python cannot load the system's certificates ({words}). Install certifi, or name a file of "
        "certificates in SSL_CERT_FILE.",
    ) from None


def _trust(context: ssl.SSLContext, certificates: str) -> None:
    """Add the certificates one by one. Adding all at once holds the interpreter for 20 ms, five frames of a fast game."""
    for certificate in certificates.split(_END)[:-1]:
        try:
            context.load_verify_locations(cadata=certificate + _END)
        except (ssl.SSLError, ValueError):
            _log.warning("one of certifi's certificates cannot be read, and is left out")


def certifi_certificates() -> str | None:
    """certifi's certificates as text; None if certifi is not installed or its file cannot be read.

    This reads the file beside the module. If the game's packages lie in an archive, so that `__file__` is not a path on the
    disk, the module's loader reads the file. If the module has no `__file__`, this calls `certifi.contents()`.
    """
    try:
        import certifi

        if getattr(certifi, "__file__", None) is None:
            return _unix_lines(certifi.contents())
        bundle = Path(certifi.__file__).with_name("cacert.pem")
        if bundle.is_file():
            return bundle.read_text("ascii")
        # Not with `pkgutil`: on Windows it joins the names with a backslash, and Ren'Py's loaders take none.
        data: bytes = certifi.__spec__.loader.get_data(bundle.as_posix())  # type: ignore[union-attr]
        return _unix_lines(data.decode("ascii"))
    except ImportError:
        return None
    except Exception as error:  # the loader is foreign code; the system's certificates may be enough
        if as_exhaustion(error):  # a passing failure: a context without these certificates must not be cached
            raise
        _log.warning("certifi's certificates cannot be read: %s", type(error).__name__)
        return None


def _unix_lines(text: str) -> str:
    return text.replace("\r\n", "\n")
