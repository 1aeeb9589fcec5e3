"""Specifies the constraints in the body of `/establish`, and the players that they admit, over a real socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sudomimus_bridge.emulator import Emulator, visit

from ..helpers.emulator_helpers import KIM, ROBIN, Client, keys, page, realized, said, told


@pytest.fixture
def client() -> Iterator[Client]:
    with Emulator() as emulator:
        emulator.freeze()
        emulator.advance(1 - emulator._state.clock.now() % 1)  # on the second, as tokens have it
        client = Client(emulator)
        with client.http:
            yield client


def authentication(method: str, payload: Any = None, **more: Any) -> dict[str, Any]:
    return {"authenticationConstraints": [{"method": method, "payload": payload or {}, **more}]}


def realize(kind: str, payload: Any = None, **more: Any) -> dict[str, Any]:
    return {"realizeConstraints": [{"constraintType": kind, "payload": payload or {}, **more}]}


def returning(kind: str, payload: Any = None) -> dict[str, Any]:
    return {"returnMethods": [{"type": kind, "payload": payload or {}}]}


def callback(url: str) -> dict[str, Any]:
    return returning("CALLBACK", {"callbackUrl": url})


FIT = [
    {},
    *(
        authentication(method)
        for method in (
            *("PASSKEY_USERNAMELESS", "PASSKEY_REASONED", "EMAIL_VERIFICATION", "STEAM_OPENID", "ACCESS_KEY_DIRECT"),
            *("GOOGLE_OAUTH", "DISCORD_OAUTH", "BATTLENET_OAUTH", "X_OAUTH", "ENTERPRISE_FEDERATION_DOMAIN_MANAGED"),
        )
    ),
    authentication("STEAM_TICKET", {"allowedSteamAppIds": [480]}),
    authentication("GOOGLE_OAUTH", {"allowedHostedDomains": ["example.com"]}),
    authentication("GITHUB_OAUTH", {"allowedGitHubOrgs": []}),
    authentication("DISCORD_OAUTH", {"allowedDiscordGuilds": ["1"]}),
    authentication("ENTERPRISE_FEDERATION_APPLICATION_MANAGED", {"connectorAnchor": "okta"}),
    authentication("STEAM_OPENID", accessTokenTtlSeconds=60, refreshTokenTtlSeconds=86_400),
    authentication("STEAM_OPENID", accessTokenTtlSeconds=604_800, refreshTokenTtlSeconds=31_536_000),
    realize("EMAIL", {"allowedEmails": ["*@example.com"]}),
    realize("STEAM_ID", {"allowedSteamIds": ["*", "76561197960287930"]}),
    realize("ACCOUNT_ALIAS", {"allowedAccountAliases": ["robin"]}),
    realize("SECTOR_SUBJECT", {"allowedSectorSubjects": ["x"]}, accessTokenTtlSeconds=60),
    realize("EVERYONE"),
    returning("STATUS_POLL"),
    returning("REVEAL"),
    callback("http://localhost:8080/back?a=1#part"),
    callback("http://[::1]:8080/"),
    {"returnMethods": [{"type": kind, "payload": {}} for kind in ("STATUS_POLL", "REVEAL", "STATUS_POLL")]},
]

UNFIT = [
    {"applicationAnchor": None},
    {"applicationAnchor": 7},
    *({name: []} for name in ("authenticationConstraints", "realizeConstraints", "returnMethods")),
    *({name: None} for name in ("authenticationConstraints", "realizeConstraints", "returnMethods")),
    *({name: {}} for name in ("authenticationConstraints", "realizeConstraints", "returnMethods")),
    authentication("TELEPATHY"),
    authentication("STEAM_OPENID", {"extra": 1}),
    {"authenticationConstraints": [{"method": "STEAM_OPENID"}]},
    authentication("STEAM_TICKET"),
    authentication("STEAM_TICKET", {"allowedSteamAppIds": []}),
    authentication("STEAM_TICKET", {"allowedSteamAppIds": [480, 480]}),
    authentication("STEAM_TICKET", {"allowedSteamAppIds": [0]}),
    authentication("STEAM_TICKET", {"allowedSteamAppIds": ["480"]}),
    authentication("STEAM_TICKET", {"allowedSteamAppIds": list(range(1, 130))}),
    authentication("GITHUB_OAUTH"),
    authentication("GITHUB_OAUTH", {"allowedGitHubOrgs": ["é" * 1025]}),
    authentication("GOOGLE_OAUTH", {"allowedHostedDomains": [""]}),
    authentication("ENTERPRISE_FEDERATION_APPLICATION_MANAGED", {"connectorAnchor": " "}),
    *(
        authentication("STEAM_OPENID", **{name: value})
        for name, values in {
            "accessTokenTtlSeconds": (59, 604_801, 60.5, "60", None, True),
            "refreshTokenTtlSeconds": (86_399, 31_536_001),
        }.items()
        for value in values
    ),
    {"authenticationConstraints": authentication("STEAM_OPENID")["authenticationConstraints"] * 17},
    realize("EMAIL"),
    realize("EMAIL", {"allowedEmails": []}),
    realize("EMAIL", {"allowedEmails": ["a" * 255]}),
    realize("STEAM_ID", {"allowedSteamIds": ["robin"]}),
    realize("STEAM_ID", {"allowedSteamIds": ["1" * 21]}),
    realize("ACCOUNT_ALIAS", {"allowedAccountAliases": [""]}),
    realize("SECTOR_SUBJECT", {"allowedSectorSubjects": ["x", "x"]}),
    realize("EVERYONE", {"extra": 1}),
    realize("NOBODY"),
    returning("DIRECT_ISSUE"),
    returning("STATUS_POLL", {"extra": 1}),
    {"returnMethods": returning("STATUS_POLL")["returnMethods"] * 4},
    callback("http://example.com/"),
    callback("ftp://localhost/"),
    callback("https:///nowhere"),
    callback("not a url"),
    callback("https://[broken/"),
    callback("https://localhost/{exposureKey}"),
    callback("https://localhost/" + "x" * 2040),
    {
        "authenticationConstraints": [
            {"method": "GITHUB_OAUTH", "payload": {"allowedGitHubOrgs": [f"{n}-{'x' * 600}" for n in range(110)]}}
        ]
    },
]


@pytest.mark.parametrize("narrowing", FIT, ids=lambda value: json.dumps(value)[:60])
def test_constraints_that_fit_the_contract_are_accepted(client: Client, narrowing: dict[str, Any]) -> None:
    assert told(client.establish(**narrowing)) == (200, None)


@pytest.mark.parametrize(
    "more",
    [
        {"later": 1},
        {"returnMethods": [{"type": "STATUS_POLL", "payload": {}, "later": 1}]},
        {
            "realizeConstraints": [
                {"constraintType": "EMAIL", "payload": {"allowedEmails": ["a@b.example"], "later": 1}}
            ]
        },
        {"authenticationConstraints": [{"method": "X_OAUTH", "payload": {}, "later": 1}]},
    ],
)
def test_only_v4_refuses_unknown_members(client: Client, more: dict[str, Any]) -> None:
    assert told(client.establish(**more)) == (400, "InvalidBody")
    client.emulator.update(dialect="openapi")
    assert told(client.establish(**more)) == (200, None)


@pytest.mark.parametrize("narrowing", UNFIT, ids=lambda value: json.dumps(value)[:60])
def test_constraints_that_do_not_fit_the_contract_are_refused(client: Client, narrowing: dict[str, Any]) -> None:
    assert told(client.establish(**narrowing)) == (400, "InvalidBody")


@pytest.mark.parametrize(
    ("setting", "method"),
    [
        ("status_poll", returning("STATUS_POLL")),
        ("reveal", returning("REVEAL")),
        ("callback", callback("http://localhost/")),
    ],
)
def test_layer_3_allows_return_methods(client: Client, setting: str, method: dict[str, Any]) -> None:
    client.emulator.update({f"application.{setting}": False})
    assert told(client.establish(**method)) == (403, "Layer3Denied")
    assert client.establish().status_code == 200


def test_callback_needs_an_allowed_domain(client: Client) -> None:
    assert told(client.establish(**callback("https://game.example/"))) == (400, "CallbackDomainNotAllowed")
    client.emulator.update({"application.allowed_callback_domains": ["game.example"]})
    assert client.establish(**callback("https://game.example/")).status_code == 200


def test_constraints_choose_the_player_who_may_sign_in(client: Client) -> None:
    client.emulator.update({"claims.email": "OFF"})  # otherwise Robin would have to enter one
    kim, robin = client.emulator.player(KIM), client.emulator.player(ROBIN)
    robin.account_alias = "robin-1"
    for narrowing, allowed in [
        (realize("EMAIL", {"allowedEmails": ["*@example.com"]}), KIM),
        (realize("STEAM_ID", {"allowedSteamIds": [str(KIM)]}), KIM),
        (realize("SECTOR_SUBJECT", {"allowedSectorSubjects": [kim.subject]}), KIM),
        (realize("ACCOUNT_ALIAS", {"allowedAccountAliases": ["robin-1"]}), ROBIN),
        (authentication("EMAIL_VERIFICATION"), KIM),
    ]:
        for steam_id in (KIM, ROBIN):
            ended = visit(page(client, keys(client, **narrowing)), steam_id=steam_id)
            assert ended == ("done" if steam_id == allowed else "not-allowed")


@pytest.mark.parametrize(
    ("settings", "narrowing"),
    [
        ({"application.browser_methods": []}, {}),
        ({}, authentication("ACCESS_KEY_DIRECT")),
        ({"application.browser_methods": ["STEAM_OPENID"]}, authentication("GOOGLE_OAUTH")),
        ({"application.allowed_steam_ids": [str(KIM)]}, realize("EVERYONE")),  # layer 2 is an AND of both
        ({"players": [{"steam_id": ROBIN, "disabled": True}]}, {}),
        ({"players": [{"steam_id": ROBIN, "refused": "EmailDomainBlocked"}]}, {}),
        ({"application.disabled": True}, {}),
    ],
)
def test_player_who_may_not_sign_in(client: Client, settings: dict[str, Any], narrowing: dict[str, Any]) -> None:
    inquiry = keys(client, **narrowing)
    client.emulator.update(settings)
    assert visit(page(client, inquiry)) == "not-allowed"
    assert client.connect("status-poll", inquiry).json() == {"status": "PENDING"}


def test_shortest_lifetime_of_the_matching_constraints_applies(client: Client) -> None:
    inquiry = realized(
        client,
        authenticationConstraints=[
            {"method": "STEAM_OPENID", "payload": {}, "accessTokenTtlSeconds": 900},
            {"method": "GOOGLE_OAUTH", "payload": {}, "accessTokenTtlSeconds": 60},  # not allowed here: no match
        ],
        realizeConstraints=[
            {"constraintType": "EVERYONE", "payload": {}, "accessTokenTtlSeconds": 1200},
            {"constraintType": "STEAM_ID", "payload": {"allowedSteamIds": ["*"]}, "refreshTokenTtlSeconds": 86_400},
        ],
    )
    answer = client.connect("redeem", inquiry).json()
    for token, seconds in ((answer["accessToken"], 900), (answer["refreshToken"], 86_400)):
        envelope = said(token)
        assert envelope["exp"] - envelope["iat"] == seconds
    # A renewed token has the same lifetime.
    renewed = client.session("refresh", refreshToken=answer["refreshToken"]).json()["accessToken"]
    envelope = said(renewed)
    assert envelope["exp"] - envelope["iat"] == 900
