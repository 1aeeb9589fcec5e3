"""Connects to a host by name: looks the name up, then tries its addresses in turn. A cancelled task abandons the look-up.

`anyio.connect_tcp` would look up the name on a thread that the event loop joins at its end. If the name server does not
answer, such a thread lives for ten seconds or more. So anyio gets only addresses.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address
from itertools import chain, zip_longest

import anyio
from anyio.abc import SocketStream

from .._runs.threads import shared_in_thread

STAGGER_SECONDS = 0.25
"""How long an address may take before the next one is tried beside it (RFC 8305, section 5)."""


async def connect_tcp(host: str, port: int, local_host: str | None = None) -> SocketStream:
    """Connect to the first address of the host that answers. If none does, raises the `OSError` of the first address."""
    addresses = await _addresses(host, port)
    connected: list[SocketStream] = []
    errors: list[OSError] = []

    async def attempt(address: str, over: anyio.Event) -> None:
        try:
            stream = await anyio.connect_tcp(address, port, local_host=local_host)
        except OSError as error:
            errors.append(error)
        else:
            connected.append(stream)
            tasks.cancel_scope.cancel()
        finally:
            over.set()

    try:
        async with anyio.create_task_group() as tasks:
            for address in addresses:
                over = anyio.Event()
                tasks.start_soon(attempt, address, over)
                with anyio.move_on_after(STAGGER_SECONDS):
                    await over.wait()
        if not connected:
            raise errors[0]
        stream = connected.pop(0)
    finally:
        errors.clear()  # breaks the reference cycle between an error and this frame
        for unwanted in connected:
            await anyio.aclose_forcefully(unwanted)
    return stream


async def _addresses(host: str, port: int) -> list[str]:
    """The host's addresses, alternating between its families (RFC 8305, section 4). Raises `OSError`."""
    try:
        return [str(ip_address(host))]
    except ValueError:
        pass
    found = await shared_in_thread(("look-up", host, port), lambda: _look_up(host, port))
    first = [address for family, address in found if family == found[0][0]]
    others = [address for family, address in found if family != found[0][0]]
    return [address for address in chain.from_iterable(zip_longest(first, others)) if address is not None]


def _look_up(host: str, port: int) -> list[tuple[int, str]]:
    """Each address once, with its family, in the system's order of preference (RFC 6724)."""
    found = socket.getaddrinfo(_ascii(host), port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((family, _numeric(*address)) for family, _, _, _, address in found))


def _ascii(host: str) -> bytes:
    if host.isascii():
        return host.encode()
    import idna

    return idna.encode(host, uts46=True)


def _numeric(address: str, _port: int, _flow: int = 0, zone: int = 0) -> str:
    """An address as text. A link-local address has its zone (RFC 4007)."""
    return f"{address}%{zone}" if zone and "%" not in address else address
