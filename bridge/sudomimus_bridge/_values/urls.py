"""Hosts and URLs: the questions that settings, proxies and the gate for pages ask of them."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

HOST = re.compile(r"(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?", re.IGNORECASE)
"""A host as a URL has it, in ASCII, with or without a port. Brackets hold an IPv6 address (RFC 3986)."""


def is_browser_host(text: str) -> bool:
    """Whether the text is a host, with or without a port, as the setting `browser_hosts` takes it."""
    match = HOST.fullmatch(text)
    return match is not None and (match["port"] is None or 1 <= int(match["port"]) <= 65535)


def is_loopback(host: str) -> bool:
    """Whether a URL's host is this computer: `localhost`, 127.0.0.0/8 or ::1."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def host_of(url: str) -> str:
    """The host of a URL of the settings, which are checked when they are read."""
    return urlsplit(url).hostname or ""
