"""Checks of hosts and URLs, for the settings, the proxies and the gate for pages."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

HOST = re.compile(r"(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?", re.IGNORECASE)
"""A host as a URL has it, in ASCII, with or without a port. Brackets hold an IPv6 address (RFC 3986)."""


def is_loopback(host: str) -> bool:
    """Whether a URL's host is this computer: `localhost`, 127.0.0.0/8 or ::1."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def host_of(url: str) -> str:
    """The host of a URL from the settings. `_settings` has checked the URL, so this never raises."""
    return urlsplit(url).hostname or ""
