"""The one gate that every URL passes before it may be opened or shown.

The URL of a page comes from the network. Whatever gets through here is handed to the player's operating system, so the
gate knows what it lets in (a plain https URL on an allowed host) and refuses all else, rather than the reverse.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from .._values.errors import ServiceUnavailable
from .._values.sealed import sealed
from .._values.secret import Secret

MAX_LENGTH = 4096
_DEFAULT_PORTS = {"https": 443, "http": 80}

# The characters of RFC 3986 and no others; the authority has no userinfo, the host is ASCII, and brackets hold IPv6 only.
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?:[/?#][A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*)?",
    re.IGNORECASE,
)
_HOST = re.compile(r"(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?", re.IGNORECASE)


@dataclass(frozen=True)
class BrowserGate:
    """Which pages may be opened: the setting `browser_hosts` (empty for the default) and the base URL of the pages."""

    browser_hosts: Sequence[str]
    via_url: str

    @sealed
    def admit(self, page: Secret, *, service_url: str) -> Secret:
        """The page, if it may be opened where `service_url` answered with it.

        Raises `ServiceUnavailable` with a sentence that says which rule it breaks, without repeating the URL.
        """
        # The URL is looked at in another frame: a crash reporter that keeps local variables must not find it in this one.
        if (why := self._why_refused(page.reveal(), is_loopback(host_of(service_url)))) is not None:
            raise ServiceUnavailable(
                f"The service sent a page that may not be opened: {why}. "
                "Nothing was opened; please tell the game's makers.",
                reason="PageRefused",
            )
        return page

    def _why_refused(self, url: str, service_on_loopback: bool) -> str | None:
        match = _URL.fullmatch(url) if len(url) <= MAX_LENGTH else None
        if match is None:
            return _what_is_wrong(url)
        scheme, host = match["scheme"].lower(), match["host"].lower()
        port = int(match["port"]) if match["port"] else _DEFAULT_PORTS[scheme]
        if not 1 <= port <= 65535:
            return "its port is not a port"
        if scheme == "http" and not (service_on_loopback and is_loopback(host)):
            return "it is not an https address"
        if not self._allows(host, port, scheme, service_on_loopback):
            where = host[:80] if port == _DEFAULT_PORTS[scheme] else f"{host[:80]}:{port}"
            return f"its host, {where}, is not one that this game may open"
        return None

    def _allows(self, host: str, port: int, scheme: str, service_on_loopback: bool) -> bool:
        if not self.browser_hosts and service_on_loopback and is_loopback(host):
            return True
        via = urlsplit(self.via_url)
        for allowed in self.browser_hosts or [via.netloc]:
            match = _HOST.fullmatch(allowed)
            if match is None or match["host"].lower() != host:
                continue
            if int(match["port"]) == port if match["port"] else port == _DEFAULT_PORTS[scheme] or is_loopback(host):
                return True
        return False


def is_browser_host(text: str) -> bool:
    """Whether `text` is a host, with or without a port, as `--browser-host` takes it."""
    match = _HOST.fullmatch(text)
    return match is not None and (match["port"] is None or 1 <= int(match["port"]) <= 65535)


def is_loopback(host: str) -> bool:
    """Whether a host, as it stands in a URL, is this machine: `localhost`, 127.0.0.0/8 or ::1."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def host_of(url: str) -> str:
    """The host of a URL of the settings, which are checked when they are read."""
    return urlsplit(url).hostname or ""


def _what_is_wrong(url: str) -> str:
    if len(url) > MAX_LENGTH:
        return f"it is longer than {MAX_LENGTH} characters"
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return "it holds characters that do not belong in an address"
    if not url.lower().startswith(("https://", "http://")):
        return "it is not an https address"
    if "@" in re.split(r"[/?#]", url.split("://", 1)[1])[0]:
        return "it holds a user name"
    return "it is not a well-formed address"
