"""What the emulator's tests share: a running one, and a player's requests to it."""

from __future__ import annotations

import os
from typing import Any

import httpx

from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.testing.stub_ticket import StubTicket

ROBIN = 76561197960287930
KIM = 76561197960287931


class Client:
    """Sends what a game sends, over a real socket and through no proxy."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.http = httpx.Client(base_url=emulator.urls["native"], trust_env=False, timeout=10)

    def steam(self, ticket: str | None = None, **changes: Any) -> httpx.Response:
        body = {"applicationAnchor": "demo-game", "steamTicketHex": ticket or new_ticket(), "steamAppId": 480}
        return self.http.post("/direct-issue/steam-ticket", json=_without_none(body | changes))

    def access_key(self, **changes: Any) -> httpx.Response:
        urls = self.emulator.urls
        body = {
            "applicationAnchor": "demo-game",
            "accessKeyIdentifier": urls["accessKeyId"],
            "accessKeySecret": urls["accessKeySecret"],
        }
        return self.http.post("/direct-issue/access-key", json=_without_none(body | changes))

    def share(self, access_token: Any) -> httpx.Response:
        return self.http.post("/errand", json=_without_none({"accessToken": access_token}))

    def status(self, key: str) -> str:
        answer = self.http.get(f"/errand/{key}/status")
        assert answer.status_code == 200
        return str(answer.json()["status"])

    def control(self, method: str, path: str, body: Any = None) -> httpx.Response:
        if body is None:
            return self.http.request(method, f"/_emulator/{path}")
        return self.http.request(method, f"/_emulator/{path}", json=body)


def new_ticket(
    steam_id: int = ROBIN, app_id: int = 480, identity: str = "sudomimus", nonce: bytes | None = None
) -> str:
    return StubTicket(steam_id, app_id, nonce or os.urandom(16), identity).to_bytes().hex()


def told(answer: httpx.Response) -> tuple[int, str | None]:
    """Status and reason; None for an empty body."""
    return answer.status_code, answer.json().get("reason") if answer.content else None


def _without_none(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}
