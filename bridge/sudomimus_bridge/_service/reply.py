"""What one HTTP exchange ends with, and what the four APIs need of whoever makes it. Plain values: nothing heavy here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from .._values.secret import Secret
from .port import Trouble

Sign = Callable[[bytes], Secret]
"""The value of the header Authorization for a body, by the exact bytes that are sent."""


@dataclass(frozen=True)
class Replied:
    """An answer arrived whole: its status, its JSON object where it has one, and what Retry-After says in seconds."""

    status: int
    body: dict[str, Any] = field(repr=False)
    flaw: str | None
    """Why the body is not the JSON object that was promised; None where it is."""
    retry_after: float | None
    date: float | None
    """The service's own time, seconds since 1970, from the header Date."""


@dataclass(frozen=True)
class Failed:
    """No answer arrived, or none that may be believed."""

    trouble: Trouble
    detail: str
    unsent: bool = False
    """The request never left this machine: no connection came to be."""


class Requests(Protocol):
    """Sends requests to one API of the service. Never raises for what comes back."""

    base_url: str

    async def warm(self) -> None:
        """Open a connection ahead of the next request. Never raises: the request will say what is wrong."""
        ...

    async def post(self, path: str, body: Mapping[str, Any], sign: Sign | None = None) -> Replied | Failed:
        """POST a JSON object."""
        ...

    async def get(self, path: str, bearer: Secret | None = None) -> Replied | Failed:
        """GET a JSON object. `bearer` is the token of RFC 6750's header, if the call needs one."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...
