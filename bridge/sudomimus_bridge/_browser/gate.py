"""The gate that every page's URL passes before the bridge opens or shows it.

The URL comes from the network, and the bridge gives it to the player's operating system. So the gate accepts only a plain https
URL on an allowed host, and refuses every other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from .._values.errors import ServiceUnavailable
from .._values.secret import Secret, sealed
from .._values.urls import HOST, host_of, is_loopback

MAX_LENGTH = 4096
_DEFAULT_PORTS = {"https": 443, "http": 80}

# Only the characters of RFC 3986. The authority has no userinfo, the host is ASCII, and brackets contain IPv6 only.
_URL = re.compile(
    rf"(?P<scheme>https?)://{HOST.pattern}"
    r"(?:[/?#][A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class BrowserGate:
    """Admits pages of the hosts in `browser_hosts`.

    If it is empty, the gate admits the host of `via_url`, and every loopback host if the service itself is on one.
    """

    browser_hosts: Sequence[str]
    via_url: str

    @sealed
    def admit(self, page: Secret, *, service_url: str) -> Secret:
        """Return the page if it may be opened. `service_url` is the API that sent it.

        Raises `ServiceUnavailable`. Its detail says which rule the URL breaks, without repeating the URL.
        """
        # The URL is read in another frame: a crash reporter that keeps local variables must not find it in this one.
        if (why := self._why_refused(page.reveal(), is_loopback(host_of(service_url)))) is not None:
            raise ServiceUnavailable(
                "The page for your sign-in looks wrong, so it was not opened. Please tell the game's makers.",
                reason="PageRefused",
                detail=f"The service sent a page that the bridge does not open: {why}.",
            )
        return page

    def _why_refused(self, url: str, service_on_loopback: bool) -> str | None:
        match = _URL.fullmatch(url) if len(url) <= MAX_LENGTH else None
        if match is None:
            return _what_is_wrong(url)
        scheme, host = match["scheme"].lower(), match["host"].lower()
        port = int(match["port"]) if match["port"] else _DEFAULT_PORTS[scheme]
        if not 1 <= port <= 65535:
            return "its port is not a port number"
        if scheme == "http" and not (service_on_loopback and is_loopback(host)):
            return "it is not an https address"
        if not self._allows(host, port, scheme, service_on_loopback):
            where = host[:80] if port == _DEFAULT_PORTS[scheme] else f"{host[:80]}:{port}"
            return f"its host, {where}, is not allowed by browser_hosts (--browser-host)"
        return None

    def _allows(self, host: str, port: int, scheme: str, service_on_loopback: bool) -> bool:
        if not self.browser_hosts and service_on_loopback and is_loopback(host):
            return True
        via = urlsplit(self.via_url)
        for allowed in self.browser_hosts or [via.netloc]:
            match = HOST.fullmatch(allowed)
            if match is None or match["host"].lower() != host:
                continue
            if int(match["port"]) == port if match["port"] else port == _DEFAULT_PORTS[scheme] or is_loopback(host):
                return True
        return False


def _what_is_wrong(url: str) -> str:
    if len(url) > MAX_LENGTH:
        return f"it is longer than {MAX_LENGTH} characters"
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return "it contains characters that an address must not contain"
    if not url.lower().startswith(("https://", "http://")):
        return "it is not an https address"
    if "@" in re.split(r"[/?#]", url.split("://")[1])[0]:
        return "it contains a user name"
    return "it is not a well-formed address"
