"""Specifies whole logins on the real code: the flat API of a compiled library, and HTTP to the local service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from sudomimus_bridge._login.methods import Steam
from sudomimus_bridge._login.ports import Ports
from sudomimus_bridge._login.sign_in import sign_in
from sudomimus_bridge._values.events import LoginResult, Phase, ProgressEvent
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.testing._compiled_stub import open_tickets
from sudomimus_bridge.testing._scripted_browser import AutoBrowser

from ..conftest import StubLog


def test_login_without_an_errand(ports_for: Callable[..., Ports], stub_log: StubLog, backend: str) -> None:
    ports = ports_for()
    phases: list[Phase] = []

    async def login() -> LoginResult:
        try:
            return await sign_in(Steam(), ports, lambda event: phases.append(event.phase))
        finally:
            await ports.aclose()

    result = anyio.run(login, backend=backend)
    assert result.application_anchor == "demo-game"
    assert result.access_token and result.refresh_token
    assert phases == [Phase.REQUESTING_TICKET, Phase.ISSUING, Phase.SUCCEEDED]
    assert stub_log.story() == ["request", "callback", "cancel", "shutdown"]


@pytest.mark.usefixtures("hurried")
def test_errand_is_followed_by_a_second_ticket(
    ports_for: Callable[..., Ports], emulator: Emulator, stub_log: StubLog, backend: str
) -> None:
    emulator.update(claims={"email": "REQUIRED"})
    ports = ports_for(browser=AutoBrowser())
    events: list[ProgressEvent] = []

    async def login() -> LoginResult:
        try:
            return await sign_in(Steam(), ports, events.append)
        finally:
            await ports.aclose()

    result = anyio.run(login, backend=backend)
    emulator.update(claims={"email": "OPTIONAL"})
    assert result.claims["email"]["state"] == "GRANTED"
    assert [event.phase for event in events] == [
        Phase.REQUESTING_TICKET,
        Phase.ISSUING,
        Phase.ERRAND_REQUIRED,
        Phase.WAITING_FOR_BROWSER,
        Phase.ERRAND_COMPLETED,
        Phase.REQUESTING_TICKET,
        Phase.ISSUING,
        Phase.SUCCEEDED,
    ]
    assert stub_log.story() == ["request", "callback", "cancel", "request", "callback", "cancel", "shutdown"]
    assert open_tickets(stub_log.calls) == []


def test_connection_is_opened_while_steam_makes_the_ticket(
    ports_for: Callable[..., Ports], stub_log: StubLog, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEAM_STUB_TICKET_DELAY_MS", "400")
    connect = anyio.connect_tcp
    order: list[str] = []

    async def connect_tcp(*arguments: Any, **keywords: Any) -> Any:
        stream = await connect(*arguments, **keywords)
        order.append("connected")
        return stream

    monkeypatch.setattr(anyio, "connect_tcp", connect_tcp)
    ports = ports_for()

    async def login() -> None:
        try:
            await sign_in(Steam(), ports, lambda event: order.append(event.phase.value))
        finally:
            await ports.aclose()

    anyio.run(login, backend=backend)
    assert order == ["requesting-ticket", "connected", "issuing", "succeeded"]


@pytest.mark.parametrize("dialect", ["documents", "openapi"])
def test_login_in_each_dialect(
    ports_for: Callable[..., Ports], emulator: Emulator, stub_log: StubLog, dialect: str
) -> None:
    emulator.update(dialect=dialect)
    ports = ports_for()

    async def login() -> LoginResult:
        try:
            return await sign_in(Steam(), ports)
        finally:
            await ports.aclose()

    result = anyio.run(login)
    emulator.update(dialect="openapi")
    assert ("staticAvatar" in result.claims) is (dialect == "openapi")
