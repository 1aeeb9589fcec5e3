"""Specifies that the vendor's own SDK 4.1, unmodified, works with the local service: every public call, blocking and async.

In `v4` every call succeeds. In `openapi`, the calls that v4 added or changed fail, as they do at a service before v4.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from pydantic import ValidationError

from sudomimus_bridge.emulator import Emulator, visit
from sudomimus_bridge.emulator._players.visitor import NO_TLS

from ..helpers.emulator_helpers import KIM, ROBIN

connect = pytest.importorskip("sudomimus_connect", reason="the vendor's SDK is in the extra `dev`")
session = pytest.importorskip("sudomimus_session")
device = pytest.importorskip("sudomimus_device")
token = pytest.importorskip("sudomimus_token")

TWINS = {"blocking": "", "async": "Async"}
CLASSES = {
    connect: ("ConnectClient",),
    session: ("SessionClient", "RotatingSessionClient"),
    device: ("DeviceClient", "DeviceAuthenticator"),
}
GRANTED = dict.fromkeys(("email", "firstName", "lastName", "staticAvatar", "animatedAvatar"), "GRANTED")


@pytest.fixture(params=["v4", "openapi"])
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    with Emulator({"claims": dict.fromkeys(GRANTED, "OPTIONAL")}, dialect=request.param) as service:
        service.put_player(steam_id=ROBIN, email="robin@example.com", grants=GRANTED)
        yield service


class Sdk:
    """The SDK's clients, configured for a local service. Records the calls that were made."""

    def __init__(self, emulator: Emulator, twin: str) -> None:
        self.prefix = TWINS[twin]
        self.tried: set[tuple[str, str]] = set()
        urls, pem = emulator.urls, Path(emulator.urls["clientKeyFile"]).read_text()
        http: Any = httpx.AsyncClient if self.prefix else httpx.Client
        self.http = http(trust_env=False, verify=NO_TLS, timeout=30)
        shared = {"http_client": self.http}
        self.connect = self.made(
            connect,
            "ConnectClient",
            urls["connect"],
            session_base_url=urls["session"],
            client_auth=connect.ConnectClientAuthWithKey(application_anchor="demo-game", private_key_pem=pem),
            **shared,
        )
        self.session = self.made(
            session,
            "SessionClient",
            urls["session"],
            client_auth=session.SessionClientAuthWithKey(application_anchor="demo-game", private_key_pem=pem),
            **shared,
        )
        self.device = self.made(device, "DeviceClient", urls["device"], **shared)

    def made(self, module: Any, name: str, *arguments: Any, **keywords: Any) -> Any:
        return getattr(module, self.prefix + name)(*arguments, **keywords)

    def store(self) -> Any:
        return self.made(session, "InMemoryTokenStore")

    async def call(self, client: Any, method: str, *arguments: Any, **keywords: Any) -> Any:
        """Call a client's method, and wait for its answer if the client is an async one."""
        self.tried.add((type(client).__name__.removeprefix("Async"), method))
        answer = getattr(client, method)(*arguments, **keywords)
        return await answer if inspect.isawaitable(answer) else answer

    async def fails(self, error: type[Exception], client: Any, method: str, *arguments: Any) -> Any:
        with pytest.raises(error) as caught:
            await self.call(client, method, *arguments)
        return caught.value

    async def close(self) -> None:
        ended = self.http.aclose() if self.prefix else self.http.close()
        if inspect.isawaitable(ended):
            await ended

    @property
    def public(self) -> set[tuple[str, str]]:
        """Every public call of every client class."""
        return {
            (name, method)
            for module, names in CLASSES.items()
            for name in names
            for method, _ in inspect.getmembers(getattr(module, self.prefix + name), inspect.isfunction)
            if not method.startswith("_") and method not in ("close", "aclose")
        }


@pytest.mark.parametrize("twin", TWINS)
def test_every_public_call(emulator: Emulator, twin: str) -> None:
    async def main() -> None:
        sdk = Sdk(emulator, twin)
        try:
            v4 = emulator.config.dialect == "v4"
            pair = await _connect(sdk, emulator, v4=v4)
            await _device(sdk)
            await _session(sdk, pair, v4=v4)
            await _rotation(sdk, emulator)
            await _workload(sdk, emulator, v4=v4)
        finally:
            await sdk.close()
        assert sdk.tried == sdk.public

    anyio.run(main)


async def _connect(sdk: Sdk, emulator: Emulator, *, v4: bool) -> Any:
    assert (await sdk.call(sdk.connect, "health")).service == "sudomimus-connect"
    request = connect.InfoRequest(applicationAnchor="demo-game", locale="en")
    assert (await sdk.call(sdk.connect, "info", request)).applicationName == "Demo Game"
    wanted = connect.EstablishRequest.model_validate(
        {
            "applicationAnchor": "demo-game",
            "authenticationConstraints": [
                {"method": "PASSKEY_REASONED", "payload": {}, "accessTokenTtlSeconds": 600},
                {"method": "STEAM_TICKET", "payload": {"allowedSteamAppIds": [480]}},
            ],
            "realizeConstraints": [{"constraintType": "EMAIL", "payload": {"allowedEmails": ["*@example.com"]}}],
            "returnMethods": [{"type": "STATUS_POLL", "payload": {}}],
        }
    )
    inquiry = await sdk.call(sdk.connect, "establish", wanted)
    keys = {"exposureKey": inquiry.exposureKey, "hiddenKey": inquiry.hiddenKey}
    poll = connect.StatusPollRequest(**keys)
    assert (await sdk.call(sdk.connect, "status_poll", poll)).root.status == "PENDING"
    page = f"{emulator.urls['via']}/?exposure-key={inquiry.exposureKey}"
    assert await anyio.to_thread.run_sync(lambda: visit(page)) == "done"
    realized = (await sdk.call(sdk.connect, "status_poll", poll)).root
    redeem = connect.RedeemRequest(**keys, confirmationKey=realized.confirmationKey)
    pair = await sdk.call(sdk.connect, "redeem", redeem)
    assert (await sdk.fails(connect.ConnectApiError, sdk.connect, "redeem", redeem)).reason == "InquiryAlreadyRedeemed"
    if v4:
        access = await sdk.call(sdk.connect, "verify_access_token", pair.accessToken)
        refresh = await sdk.call(sdk.connect, "verify_refresh_token", pair.refreshToken)
        assert access.body.exp - access.body.iat == 600
        assert (access.body.sub, access.body.aud) == (emulator.player(ROBIN).subject, "demo-game")
        assert (refresh.body.sid, refresh.body.rotationVersion) == (access.body.sid, 1)
    else:
        await sdk.fails(token.TokenError, sdk.connect, "verify_access_token", pair.accessToken)
        await sdk.fails(token.TokenError, sdk.connect, "verify_refresh_token", pair.refreshToken)
    return pair


async def _device(sdk: Sdk) -> None:
    assert (await sdk.call(sdk.device, "health")).service == "sudomimus-device"
    request = device.DeviceAuthorizeRequest(applicationAnchor="demo-game")
    grant = await sdk.call(sdk.device, "device_authorize", request)
    poll = device.DeviceTokenRequest(deviceCode=grant.deviceCode)
    assert (
        await sdk.fails(device.DeviceTokenApiError, sdk.device, "device_token", poll)
    ).error == "authorization_pending"
    slow = await sdk.fails(device.DeviceTokenApiError, sdk.device, "device_token", poll)
    assert (slow.error, slow.interval) == ("slow_down", grant.interval + 5)
    await anyio.to_thread.run_sync(lambda: visit(str(grant.verificationUriComplete), steam_id=KIM))
    assert (await sdk.call(sdk.device, "device_token", poll)).applicationAnchor.root == "demo-game"

    def opens(url: str, _: Any) -> None:
        visit(url)

    authenticator = sdk.made(device, "DeviceAuthenticator", sdk.device, store=sdk.store(), open_url=opens)
    result = await sdk.call(authenticator, "authorize_and_poll", request)
    assert await sdk.call(authenticator, "get_access_token") == result.tokens.accessToken
    another = await sdk.call(sdk.device, "device_authorize", request)
    await anyio.to_thread.run_sync(lambda: visit(str(another.verificationUriComplete)))
    tokens = await sdk.call(authenticator, "poll_for_token", another)
    await sdk.call(authenticator, "seed", session.TokenPair(tokens.accessToken, tokens.refreshToken))
    assert (await sdk.call(authenticator, "get_tokens")).access_token == tokens.accessToken


async def _session(sdk: Sdk, pair: Any, *, v4: bool) -> None:
    client, error = sdk.session, session.SessionApiError
    assert (await sdk.call(client, "health")).service == "sudomimus-session"
    standing = await sdk.call(client, "introspect", session.IntrospectRequest(accessToken=pair.accessToken))
    assert standing.status == "active"
    renewed = await sdk.call(client, "refresh", session.RefreshRequest(refreshToken=pair.refreshToken))
    subject = "nobody"
    if v4:
        key = (await sdk.call(client, "application_jwks", "demo-game")).keys[0]
        assert "BEGIN PUBLIC KEY" in await sdk.call(client, "resolve_application_public_key", "demo-game", key.kid)
        await sdk.call(client, "clear_jwks_cache")
        assert (await sdk.fails(error, client, "application_jwks", "nobody")).status == 404
        access = await sdk.call(client, "verify_access_token", renewed.accessToken)
        assert (await sdk.call(client, "verify_refresh_token", renewed.refreshToken)).body.rotationVersion == 2
        subject = access.body.sub
        shown = await sdk.call(client, "userinfo", renewed.accessToken)
        assert (shown.sub, shown.email, shown.name) == (subject, "robin@example.com", "Robin Marsh")
        assert str(shown.picture) == str(shown.picture_animated) and shown.email_verified
        state = await sdk.call(client, "claim_state", renewed.accessToken)
        assert (state.claims.given_name.requirement, state.claims.given_name.state) == ("OPTIONAL", "GRANTED")
        refused = await sdk.fails(error, client, "userinfo", "no.token.this")
        assert (refused.status, refused.body.error) == (401, "invalid_token")
    else:
        for method, *arguments in (
            ("application_jwks", "demo-game"),
            ("resolve_application_public_key", "demo-game", "any"),
            ("userinfo", renewed.accessToken),
            ("claim_state", renewed.accessToken),
        ):
            assert (await sdk.fails(error, client, method, *arguments)).status == 404
        await sdk.call(client, "clear_jwks_cache")
        await sdk.fails(token.TokenError, client, "verify_access_token", renewed.accessToken)
        await sdk.fails(token.TokenError, client, "verify_refresh_token", renewed.refreshToken)
    assert (await sdk.call(client, "logout", session.LogoutRequest(refreshToken=pair.refreshToken))).revoked
    spent = session.RefreshRequest(refreshToken=renewed.refreshToken)
    assert (await sdk.fails(error, client, "refresh", spent)).reason == "RefreshTokenRevoked"
    everywhere = session.RevokeAllRequest(subject=subject)
    if v4:
        assert (await sdk.call(client, "revoke_all", everywhere)).revoked.value is True
    else:
        await sdk.fails(ValidationError, client, "revoke_all", everywhere)  # the older answer has a count


async def _rotation(sdk: Sdk, emulator: Emulator) -> None:
    rotating = sdk.made(session, "RotatingSessionClient", sdk.session, sdk.store())
    pair = emulator.open_session()
    await sdk.call(rotating, "seed", session.TokenPair(pair.access_token, pair.refresh_token))
    access = await sdk.call(rotating, "refresh")
    assert access == await sdk.call(rotating, "get_access_token") != pair.access_token
    assert (await sdk.call(rotating, "get_tokens")).access_token == access
    await sdk.call(rotating, "logout")
    assert await sdk.call(rotating, "get_tokens") is None


async def _workload(sdk: Sdk, emulator: Emulator, *, v4: bool) -> None:
    """A session that an Agent's access key began. The SDK has no Native client, so this test sends the key itself."""
    emulator.config.access_keys[0].workload = "agent-1"
    urls, player = emulator.urls, emulator.player(KIM)
    key = {"accessKeyIdentifier": urls["accessKeyId"], "accessKeySecret": urls["accessKeySecret"]}
    body = {"applicationAnchor": "demo-game", **key}
    with httpx.Client(trust_env=False, verify=NO_TLS, timeout=30) as http:
        pair = http.post(f"{urls['native']}/direct-issue/access-key", json=body).json()
    renewed = await sdk.call(sdk.session, "refresh", session.RefreshRequest(refreshToken=pair["refreshToken"]))
    for access in (pair["accessToken"], renewed.accessToken):
        if not v4:
            await sdk.fails(token.TokenError, sdk.session, "verify_workload_access_token", access)
            continue
        body = (await sdk.call(sdk.session, "verify_workload_access_token", access)).body
        assert (body.sub, body.act.sub, body.aud) == (player.subject, "agent-1", "demo-game")
        await sdk.fails(token.TokenError, sdk.session, "verify_access_token", access)
        assert (await sdk.call(sdk.session, "userinfo", access)).sub == player.subject
        standing = await sdk.call(sdk.session, "introspect", session.IntrospectRequest(accessToken=access))
        assert standing.status == "active"
    if v4:
        await sdk.fails(
            token.TokenError, sdk.session, "verify_workload_access_token", emulator.open_session().access_token
        )
