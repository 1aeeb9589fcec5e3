"""Chooses the proxy for a request: the system's proxy, except if it would break a login.

httpx would send loopback requests through HTTP_PROXY, and an httpx client cannot be created if a SOCKS proxy is set. So the
bridge chooses the proxy itself.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import re
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes, urlsplit
from urllib.request import getproxies, proxy_bypass

from .._values.errors import ConfigurationError
from .._values.secret import Secret, sealed
from .._values.urls import host_of, is_loopback

_log = logging.getLogger("sudomimus_bridge")

_SYSTEM = "the system's proxy settings"
_KIND = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_NAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?", re.IGNORECASE
)


@dataclass(frozen=True)
class HttpProxy:
    """An HTTP proxy: its URL without credentials, and the credentials."""

    url: str
    auth: tuple[bytes, bytes] | None = field(default=None, repr=False)
    source: str = _SYSTEM
    """The environment variable that names it, or the system's settings."""

    @property
    def shown(self) -> str:
        """The proxy as an error shows it, such as "the proxy 127.0.0.1:9 (HTTPS_PROXY)"."""
        return f"the proxy {self.url.partition('://')[2]} ({self.source})"


@sealed
def proxy_for(url: str) -> HttpProxy | None:
    """The HTTP proxy for `url` in the environment, the registry or the system's settings; None for a direct connection.

    Raises `ConfigurationError` if the setting is not the address of a proxy. The error does not repeat the setting, which may
    hold a password.
    """
    source, address = chosen_proxy(url)
    if source is None or unsupported(address):
        if source is not None:
            _log.warning("%s names a proxy of another kind than HTTP: the bridge connects directly", source)
        return None
    proxy = _parsed(source, address)
    if proxy is None:
        raise ConfigurationError(
            "This computer's network settings are wrong, so no connection can be made. Ask the person who looks after it.",
            detail=f"{source} must be the address of a proxy, such as http://proxy.example:3128. In its user name and password, "
            "write #, / and ? as %23, %2F and %3F.",
        )
    return proxy


def chosen_proxy(url: str) -> tuple[str | None, Secret]:
    """The setting that names a proxy for `url`, and its value; None if no setting does."""
    host, scheme = host_of(url), urlsplit(url).scheme
    if is_loopback(host):
        return None, Secret("")
    try:
        proxies = getproxies()
        kind = scheme if proxies.get(scheme) else "all"
        address = Secret((proxies.get(kind) or "").strip())
    except Exception as error:  # noqa: BLE001 - the registry or macOS may hold anything
        _log.warning("%s cannot be read (%s): the bridge connects directly", _SYSTEM, type(error).__name__)
        return None, Secret("")
    finally:
        proxies = {}  # out of this frame, which a crash reporter may keep
    if not address or _bypassed(host):
        return None, Secret("")
    named = [name for name, value in os.environ.items() if name.lower() == f"{kind}_proxy" and value.strip()]
    # urllib prefers the variable in lower case.
    return min(named, key=lambda name: not name.islower(), default=_SYSTEM), address


def unsupported(address: Secret) -> bool:
    """Whether the address names a proxy of another kind than HTTP, such as SOCKS."""
    kind = _KIND.match(address.reveal())
    return kind is not None and kind[1].lower() not in ("http", "https")


def _bypassed(host: str) -> bool:
    try:
        return bool(proxy_bypass(host))
    except Exception as error:  # noqa: BLE001 - this list is a setting of the system, too
        _log.warning("the list of hosts without a proxy cannot be read (%s), and is ignored", type(error).__name__)
        return False


def _parsed(source: str, address: Secret) -> HttpProxy | None:
    """The proxy at this address; None if it is malformed, or has a `#` or `?`: the text after it may belong to a password."""
    try:
        if not address.reveal().isprintable() or "#" in address.reveal() or "?" in address.reveal():
            return None
        parts = urlsplit(address.reveal() if _KIND.match(address.reveal()) else f"http://{address.reveal()}")
        host, port = parts.hostname or "", parts.port
        if port == 0 or parts.path not in ("", "/"):
            return None
        if ":" in host:
            name = f"[{ipaddress.IPv6Address(host)}]"
        else:
            name = host if host.isascii() else host.encode("idna").decode("ascii")
            if not _NAME.fullmatch(name):
                return None
        # UTF-8, as most proxies read it (RFC 7617, 2.1).
        auth = (unquote_to_bytes(parts.username), unquote_to_bytes(parts.password or "")) if parts.username else None
        return HttpProxy(f"{parts.scheme}://{name}{f':{port}' if port else ''}", auth, source)
    except ValueError:
        return None
    finally:
        parts = None  # type: ignore[assignment]  # out of this frame
