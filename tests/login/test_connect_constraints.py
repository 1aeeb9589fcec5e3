"""Specifies the constraints of an inquiry: they are sent as the contract says, and a wrong one is refused before it is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

import sudomimus_bridge
from sudomimus_bridge import AuthenticationConstraint, Constraints, RealizeConstraint, ReturnMethod
from sudomimus_bridge._service.constraints import read_constraints
from sudomimus_bridge._values.errors import ConfigurationError
from sudomimus_bridge.emulator import Emulator

from ..helpers.emulator_helpers import Client
from ..helpers.service_helpers import ESTABLISHED, ISSUED, REALIZED, by_key, ran

POLL = {"type": "STATUS_POLL", "payload": {}}
EMPTY = [
    "PASSKEY_USERNAMELESS",
    "PASSKEY_REASONED",
    "EMAIL_VERIFICATION",
    "STEAM_OPENID",
    "ACCESS_KEY_DIRECT",
    "BATTLENET_OAUTH",
    "X_OAUTH",
    "ENTERPRISE_FEDERATION_DOMAIN_MANAGED",
]
AUTHENTICATION = [
    *[(AuthenticationConstraint(method), {"method": method, "payload": {}}) for method in EMPTY],
    (
        AuthenticationConstraint("STEAM_TICKET", allowed_steam_app_ids=(480, 481)),
        {"method": "STEAM_TICKET", "payload": {"allowedSteamAppIds": [480, 481]}},
    ),
    (AuthenticationConstraint("GOOGLE_OAUTH"), {"method": "GOOGLE_OAUTH", "payload": {}}),
    (
        AuthenticationConstraint("GOOGLE_OAUTH", allowed_hosted_domains=["example.org"]),
        {"method": "GOOGLE_OAUTH", "payload": {"allowedHostedDomains": ["example.org"]}},
    ),
    (AuthenticationConstraint("GITHUB_OAUTH"), {"method": "GITHUB_OAUTH", "payload": {"allowedGitHubOrgs": []}}),
    (
        AuthenticationConstraint("GITHUB_OAUTH", allowed_git_hub_orgs=["octo"]),
        {"method": "GITHUB_OAUTH", "payload": {"allowedGitHubOrgs": ["octo"]}},
    ),
    (
        AuthenticationConstraint("DISCORD_OAUTH", allowed_discord_guilds=["1", "2"]),
        {"method": "DISCORD_OAUTH", "payload": {"allowedDiscordGuilds": ["1", "2"]}},
    ),
    (
        AuthenticationConstraint("ENTERPRISE_FEDERATION_APPLICATION_MANAGED", connector_anchor="acme"),
        {"method": "ENTERPRISE_FEDERATION_APPLICATION_MANAGED", "payload": {"connectorAnchor": "acme"}},
    ),
    (
        AuthenticationConstraint("X_OAUTH", access_token_ttl_seconds=60, refresh_token_ttl_seconds=31536000),
        {"method": "X_OAUTH", "payload": {}, "accessTokenTtlSeconds": 60, "refreshTokenTtlSeconds": 31536000},
    ),
]
REALIZE = [
    (
        RealizeConstraint("EMAIL", allowed_emails=["*@example.org", "kim@example.com"]),
        {"constraintType": "EMAIL", "payload": {"allowedEmails": ["*@example.org", "kim@example.com"]}},
    ),
    (
        RealizeConstraint("STEAM_ID", allowed_steam_ids=["*"]),
        {"constraintType": "STEAM_ID", "payload": {"allowedSteamIds": ["*"]}},
    ),
    (
        RealizeConstraint("ACCOUNT_ALIAS", allowed_account_aliases=["blue-fox"]),
        {"constraintType": "ACCOUNT_ALIAS", "payload": {"allowedAccountAliases": ["blue-fox"]}},
    ),
    (
        RealizeConstraint("SECTOR_SUBJECT", allowed_sector_subjects=["a"], access_token_ttl_seconds=604800),
        {
            "constraintType": "SECTOR_SUBJECT",
            "payload": {"allowedSectorSubjects": ["a"]},
            "accessTokenTtlSeconds": 604800,
        },
    ),
    (RealizeConstraint("EVERYONE"), {"constraintType": "EVERYONE", "payload": {}}),
]
RETURN = [
    (ReturnMethod("STATUS_POLL"), POLL),
    (ReturnMethod("REVEAL"), {"type": "REVEAL", "payload": {}}),
    (
        ReturnMethod("CALLBACK", callback_url="https://example.org/done?x=1#y"),
        {"type": "CALLBACK", "payload": {"callbackUrl": "https://example.org/done?x=1#y"}},
    ),
]
ALL = Constraints([made for made, _ in AUTHENTICATION], [made for made, _ in REALIZE], [made for made, _ in RETURN])
ALL_JSON = {
    "authenticationConstraints": [body for _, body in AUTHENTICATION],
    "realizeConstraints": [body for _, body in REALIZE],
    "returnMethods": [body for _, body in RETURN],
}


def test_each_constraint_is_sent_as_the_contract_has_it() -> None:
    sent = ran("browser", [ESTABLISHED, ISSUED], [REALIZED], credentials=by_key(constraints=ALL)).sent("/establish")
    assert json.loads(sent[0].content) == {"applicationAnchor": "my-game", **ALL_JSON}


def test_only_given_constraints_and_the_poll_are_sent() -> None:
    sent = ran("browser", [ESTABLISHED, ISSUED], [REALIZED], credentials=by_key()).sent("/establish")
    assert json.loads(sent[0].content) == {"applicationAnchor": "my-game", "returnMethods": [POLL]}


def test_constraints_from_json() -> None:
    assert read_constraints(ALL_JSON).to_json() == ALL_JSON


def test_local_service_accepts_each_constraint(emulator: Emulator) -> None:
    client = Client(emulator)
    with client.http:
        local = ReturnMethod("CALLBACK", callback_url="http://localhost:8000/done")
        narrowing = Constraints(
            ALL.authentication_constraints, ALL.realize_constraints, [ReturnMethod("STATUS_POLL"), local]
        )
        assert client.establish(**narrowing.to_json()).status_code == 200


A, R, M = AuthenticationConstraint, RealizeConstraint, ReturnMethod
MANY = [str(n) for n in range(129)]
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"authentication_constraints": []}, "authenticationConstraints is empty"),
    ({"realize_constraints": []}, "realizeConstraints is empty"),
    ({"return_methods": []}, "returnMethods is empty"),
    ({"return_methods": ()}, "returnMethods is empty"),
    ({"authentication_constraints": [A("X_OAUTH")] * 17}, "more than 16"),
    ({"realize_constraints": [R("EVERYONE")] * 17}, "more than 16"),
    ({"return_methods": [M("STATUS_POLL")] * 4}, "more than 3"),
    ({"return_methods": [M("REVEAL")]}, "has no STATUS_POLL"),
    ({"authentication_constraints": "X_OAUTH"}, "must be a list"),
    ({"authentication_constraints": ["X_OAUTH"]}, "is not of the class AuthenticationConstraint"),
    ({"authentication_constraints": [A("TELEPATHY")]}, "authenticationConstraints[0].method must be one of"),
    ({"authentication_constraints": [A([])]}, "authenticationConstraints[0].method must be one of P"),  # type: ignore[arg-type]
    ({"authentication_constraints": [A({})]}, "authenticationConstraints[0].method must be one of PA"),  # type: ignore[arg-type]
    ({"realize_constraints": [R("SOME")]}, "realizeConstraints[0].constraintType must be one of"),
    ({"return_methods": [M("DIRECT_ISSUE")]}, "returnMethods[0].type must be one of"),
    ({"authentication_constraints": [A("STEAM_TICKET")]}, "allowedSteamAppIds is missing"),
    ({"authentication_constraints": [A("STEAM_TICKET", allowed_steam_app_ids=[])]}, "allowedSteamAppIds is empty"),
    ({"authentication_constraints": [A("STEAM_TICKET", allowed_steam_app_ids=[0])]}, "whole number from 1"),
    ({"authentication_constraints": [A("STEAM_TICKET", allowed_steam_app_ids=[True])]}, "whole number from 1"),
    ({"authentication_constraints": [A("STEAM_TICKET", allowed_steam_app_ids=[480, 480])]}, "an entry twice"),
    ({"authentication_constraints": [A("X_OAUTH", allowed_steam_app_ids=[480])]}, "does not belong to X_OAUTH"),
    ({"authentication_constraints": [A("X_OAUTH", access_token_ttl_seconds=59)]}, "from 60 to 604800"),
    ({"authentication_constraints": [A("X_OAUTH", access_token_ttl_seconds=604801)]}, "from 60 to 604800"),
    ({"realize_constraints": [R("EVERYONE", refresh_token_ttl_seconds=86399)]}, "from 86400 to 31536000"),
    ({"realize_constraints": [R("EVERYONE", refresh_token_ttl_seconds=1.5)]}, "from 86400 to 31536000"),  # type: ignore[arg-type]
    ({"realize_constraints": [R("EMAIL")]}, "allowedEmails is missing"),
    ({"realize_constraints": [R("EMAIL", allowed_emails=[])]}, "allowedEmails is empty"),
    ({"realize_constraints": [R("EMAIL", allowed_emails=["x" * 255])]}, "more than 254"),
    ({"realize_constraints": [R("EMAIL", allowed_emails=MANY)]}, "more than 128"),
    ({"realize_constraints": [R("EMAIL", allowed_emails="kim@example.com")]}, "must be a list"),
    ({"realize_constraints": [R("STEAM_ID", allowed_steam_ids=["robin"])]}, "is not a text that the service takes"),
    (
        {"realize_constraints": [R("ACCOUNT_ALIAS", allowed_account_aliases=["\ud800"])]},
        "allowedAccountAliases[0] is not a text",
    ),
    (
        {"realize_constraints": [R("STEAM_ID", allowed_steam_ids=[76561197960287930])]},  # type: ignore[list-item]
        "is not a text that the service takes",
    ),
    ({"authentication_constraints": [A("GITHUB_OAUTH", allowed_git_hub_orgs=["é" * 1025])]}, "more than"),
    ({"return_methods": [M("STATUS_POLL"), M("CALLBACK")]}, "callbackUrl is missing"),
    ({"return_methods": [M("STATUS_POLL"), M("CALLBACK", callback_url="http://example.org/")]}, "must be https"),
    ({"return_methods": [M("STATUS_POLL"), M("CALLBACK", callback_url="ftp://example.org/")]}, "https URL"),
    ({"return_methods": [M("STATUS_POLL"), M("CALLBACK", callback_url="https://[")]}, "not a well-formed URL"),
    ({"return_methods": [M("STATUS_POLL", callback_url="https://example.org/")]}, "does not belong to STATUS_POLL"),
    (
        {
            "realize_constraints": [
                R("EMAIL", allowed_emails=[f"{n}{'x' * 240}" for n in range(m, m + 128)]) for m in range(3)
            ]
        },
        "more than 65536 bytes",
    ),
]


@pytest.mark.parametrize(("given", "words"), WRONG, ids=[words for _, words in WRONG])
def test_constraint_that_the_service_refuses_is_not_sent(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Constraints(**given)
    assert words in str(caught.value.detail)
    assert "xxx" not in str(caught.value.detail) and "kim@" not in str(caught.value.detail)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "must be a JSON object"),
        ({"returnMethod": []}, "does not belong there"),
        ({"returnMethods": {}}, "returnMethods must be a list"),
        ({"authenticationConstraints": []}, "authenticationConstraints is empty"),
        ({"authenticationConstraints": [3]}, "must be an object"),
        ({"authenticationConstraints": [{"method": "X_OAUTH"}]}, "payload is missing"),
        ({"authenticationConstraints": [{"payload": {}}]}, "method is missing"),
        ({"authenticationConstraints": [{"method": "X_OAUTH", "payload": {"a": 1}}]}, "does not belong to"),
        ({"returnMethods": [{"type": "STATUS_POLL", "payload": {"type": "REVEAL"}}]}, "does not belong to"),
        (
            {"returnMethods": [{"type": "CALLBACK", "payload": {}, "callbackUrl": "https://a.example/"}]},
            "payload.callbackUrl is missing",
        ),
        (
            {"authenticationConstraints": [{"method": "X_OAUTH", "payload": {"allowed_steam_app_ids": []}}]},
            "does not belong to",
        ),
    ],
)
def test_json_with_other_members_is_refused(value: object, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_constraints(value)
    assert words in str(caught.value.detail)


def test_package_exports_the_constraints() -> None:
    for name in ("Constraints", "AuthenticationConstraint", "RealizeConstraint", "ReturnMethod", "AccessTokenRefused"):
        assert name in sudomimus_bridge.__all__
        assert getattr(sudomimus_bridge, name).__name__ == name
