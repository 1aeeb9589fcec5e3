"""Which certificates are trusted: the system's, and certifi's where nothing else was asked for.

Some game Pythons cannot read the system's store, and some cannot find certifi by `importlib.resources` (renpy/FACTS): the
context is built here from an explicit path, and httpx is never left to build its own.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from ..errors import ConfigurationError


def tls_context() -> ssl.SSLContext:
    """A context that verifies. `SSL_CERT_FILE` and `SSL_CERT_DIR`, where set, replace the defaults, as with OpenSSL.

    Raises `ConfigurationError` where one of them names nothing: every connection would fail for no visible reason.
    """
    chosen = False
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if value := os.environ.get(variable):
            chosen = True
            if not Path(value).exists():
                raise ConfigurationError(
                    f"{variable} names {value}, which does not exist. Correct it, or unset it to use the system's certificates."
                )
    context = ssl.create_default_context()
    if not chosen and (bundle := certifi_bundle()) is not None:
        context.load_verify_locations(bundle)
    return context


def certifi_bundle() -> Path | None:
    """The path of certifi's certificates, without asking certifi to find it."""
    try:
        import certifi
    except ImportError:
        return None
    bundle = Path(certifi.__file__).parent / "cacert.pem"
    return bundle if bundle.is_file() else None
