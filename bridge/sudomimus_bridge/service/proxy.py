"""Whether a request goes through a proxy: the system's settings, less what would break a login.

httpx would send loopback requests through HTTP_PROXY and fails outright on a SOCKS proxy (BEHAVIOUR, "Errand"), so the
bridge decides for itself.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from ..browser.gate import host_of, is_loopback
from ..sealed import sealed

_log = logging.getLogger("sudomimus_bridge")


@dataclass(frozen=True)
class HttpProxy:
    """An HTTP proxy: its URL without credentials, and the credentials."""

    url: str
    auth: tuple[str, str] | None = field(default=None, repr=False)


@sealed
def proxy_for(url: str) -> HttpProxy | None:
    """The HTTP proxy for `url` by environment, registry or system settings; None for a direct connection."""
    host = host_of(url)
    if is_loopback(host):
        return None
    proxies = getproxies()
    chosen = proxies.get(urlsplit(url).scheme) or proxies.get("all")
    if not chosen or proxy_bypass(host):
        return None
    parts = urlsplit(chosen if "://" in chosen else f"http://{chosen}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        _log.warning("the system's proxy is a %s proxy, which is not supported: connecting directly", parts.scheme)
        return None
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = f":{parts.port}" if parts.port else ""
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return HttpProxy(f"{parts.scheme}://{name}{port}", auth)
