"""Helpers of the emulator's tests: an HTTP client with each call of the service, tickets, inquiries, and Chromium."""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sudomimus_bridge.emulator import Emulator, visit
from sudomimus_bridge.emulator._players.visitor import NO_TLS
from sudomimus_bridge.steam._stub_ticket import StubTicket

from .patience import PATIENCE

ROBIN = 76561197960287930
KIM = 76561197960287931


class Client:
    """Sends a game's requests over a real socket, without a proxy."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.http = httpx.Client(base_url=emulator.urls["native"], trust_env=False, timeout=PATIENCE, verify=NO_TLS)

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

    def connect(self, path: str, body: Any) -> httpx.Response:
        return self.http.post(f"{self.emulator.urls['connect']}/{path}", json=body)

    def device(self, path: str, body: Any) -> httpx.Response:
        return self.http.post(f"{self.emulator.urls['device']}/{path}", json=body)

    def session(self, path: str, **body: Any) -> httpx.Response:
        return self.http.post(f"{self.emulator.urls['session']}/{path}", json=_without_none(body))

    def profile(self, name: str, access_token: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {access_token}"}
        return self.http.get(f"{self.emulator.urls['session']}/{name}", headers=headers)

    def establish(self, **narrowing: Any) -> httpx.Response:
        """Send a signed `/establish`, as a backend does."""
        return self.send_signed("connect", "establish", {"applicationAnchor": "demo-game"} | narrowing)

    def send_signed(self, api: str, path: str, body: Any, token: str | None = None) -> httpx.Response:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        token = token or self.client_jwt(raw, aud=f"sudomimus-{api}")
        headers = {"Content-Type": "application/json", "Authorization": f"SudomimusClientJWT {token}"}
        return self.http.post(f"{self.emulator.urls[api]}/{path}", content=raw, headers=headers)

    def client_jwt(self, raw: bytes, *, key: Any = None, algorithm: str = "RS256", **changes: Any) -> str:
        """The client-auth JWT for these bytes (docs/contracts/service.md). A change of None removes a claim."""
        now = int(self.emulator._state.clock.now())
        claims = {
            "iss": "demo-game",
            "aud": "sudomimus-connect",
            "iat": now,
            "exp": now + 60,
            "jti": str(uuid.uuid4()),
            "body_sha256": base64.b64encode(hashlib.sha256(raw).digest()).decode(),
        }
        key = key or _private_key(Path(self.emulator.urls["clientKeyFile"]).read_bytes())
        return jwt.encode(_without_none(claims | changes), key, algorithm=algorithm)

    def resigned(self, token: str, header: dict[str, Any]) -> str:
        """The client JWT with another JOSE header and a valid RS256 signature."""
        key = _private_key(Path(self.emulator.urls["clientKeyFile"]).read_bytes())
        head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=")
        signed = head + b"." + token.split(".")[1].encode()
        signature = key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()

    def control(self, method: str, path: str, body: Any = None) -> httpx.Response:
        if body is None:
            return self.http.request(method, f"/_emulator/{path}")
        return self.http.request(method, f"/_emulator/{path}", json=body)


@functools.cache
def _private_key(pem: bytes) -> Any:
    """The key, loaded once: loading checks it, which takes as long as the rest of a test."""
    return load_pem_private_key(pem, None)


def new_ticket(
    steam_id: int = ROBIN, app_id: int = 480, identity: str = "sudomimus", nonce: bytes | None = None
) -> str:
    return StubTicket(steam_id, app_id, nonce or os.urandom(16), identity).to_bytes().hex()


def said(token: str) -> dict[str, Any]:
    """The members of a token's header and body, unverified. `sub` is the player in every dialect."""
    return jwt.get_unverified_header(token) | jwt.decode(token, options={"verify_signature": False})


def told(answer: httpx.Response) -> tuple[int, str | None]:
    """The status and the reason of an answer; the reason is None if the body is empty."""
    return answer.status_code, answer.json().get("reason") if answer.content else None


def _without_none(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def keys(client: Client, **narrowing: Any) -> dict[str, str]:
    """The keys of a new inquiry, as a game gets them from its backend."""
    return client.emulator.establish(narrowing)


def page(client: Client, inquiry: dict[str, str]) -> str:
    """The address of an inquiry's page."""
    return f"{client.emulator.urls['via']}/?exposure-key={inquiry['exposureKey']}"


def realized(client: Client, **narrowing: Any) -> dict[str, str]:
    """The three keys of an inquiry whose player has finished the page."""
    inquiry = keys(client, **narrowing)
    assert visit(page(client, inquiry)) == "done"
    answer = client.connect("status-poll", inquiry)
    assert (answer.status_code, answer.json()["status"]) == (200, "REALIZED")
    return {**inquiry, "confirmationKey": answer.json()["confirmationKey"]}


@contextlib.contextmanager
def headless_chromium(folder: Path) -> Iterator[Any]:
    """A real browser that keeps its profile in `folder`. Skips the test if there is none."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("chromium and chromedriver are not both installed")
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    flags = (
        "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking "
        "disable-component-update disable-sync hide-scrollbars window-size=360,740"
    )
    for flag in flags.split():
        options.add_argument(f"--{flag}")
    options.add_argument(f"--user-data-dir={folder / 'profile'}")
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    browser.implicitly_wait(120)
    try:
        yield browser
    finally:
        browser.quit()
