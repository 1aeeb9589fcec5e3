"""Specifies that every answer matches the OpenAPI description: schemathesis generates requests in every dialect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from sudomimus_bridge.emulator import Emulator

from ..helpers.emulator_helpers import Client

pytestmark = pytest.mark.once

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is in the extra `dev`")
checks = pytest.importorskip("schemathesis.specs.openapi.checks")
core = pytest.importorskip("schemathesis.checks")

EXAMPLES = 4
CONFORMS = (
    core.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
)


@pytest.fixture
def client() -> Iterator[Client]:
    budgets = {"attempts_per_application": 10**9, "attempts_global": 10**9, "failures_per_application": 10**9}
    with Emulator({"budgets": {**budgets, "failures_global": 10**9}}) as emulator:
        client = Client(emulator)
        with client.http:
            yield client


class Credentials:
    """Signs a request as the application, or adds a player's access token, depending on its path."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __call__(self, request: Any) -> Any:
        path, raw = request.path_url, request.body or b""
        raw = raw.encode() if isinstance(raw, str) else raw
        if path in ("/connect/establish", "/session/revoke-all"):
            api = path.split("/")[1]
            request.headers["Authorization"] = (
                f"SudomimusClientJWT {self._client.client_jwt(raw, aud=f'sudomimus-{api}')}"
            )
        elif path in ("/session/userinfo", "/session/claim-state"):
            request.headers["Authorization"] = f"Bearer {self._client.emulator.open_session().access_token}"
        return request


@pytest.mark.parametrize("dialect", ["documents", "openapi", "v4"])
def test_every_answer_matches_the_description(client: Client, dialect: Any, soak: int) -> None:
    client.emulator.update(dialect=dialect)
    document = client.control("GET", "openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    met: dict[str, set[int]] = {}
    for operation in (result.ok() for result in schema.get_all_operations()):
        # Only requests with a body can be invalid: any text is a valid errand key.
        modes = list(schemathesis.GenerationMode) if operation.body else [schemathesis.GenerationMode.POSITIVE]
        for mode in modes:
            cases = operation.as_strategy(generation_mode=mode)
            _send(client, cases, met.setdefault(operation.label, set()), EXAMPLES * soak)
    assert set(met) == {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    assert all(statuses for statuses in met.values())


def _send(client: Client, cases: Any, statuses: set[int], examples: int) -> None:
    @settings(max_examples=examples, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(case=cases, known=strategies.booleans())
    def run(case: Any, known: bool) -> None:
        if known:
            _name_what_exists(client, case)
        answer = case.call(base_url=client.emulator.urls["native"], auth=Credentials(client))
        statuses.add(answer.status_code)
        case.validate_response(answer, checks=CONFORMS)

    run()


def _name_what_exists(client: Client, case: Any) -> None:
    """Put the real application, player and tokens into a generated request, so that it passes the first checks."""
    pair = client.emulator.open_session()
    urls = client.emulator.urls
    known = {
        "applicationAnchor": "demo-game",
        "steamAppId": 480,
        "accessKeyIdentifier": urls["accessKeyId"],
        "accessKeySecret": urls["accessKeySecret"],
        "accessToken": pair.access_token,
        "refreshToken": pair.refresh_token,
        "subject": client.emulator.player().subject,
        **client.emulator.establish(),
    }
    for part in (case.body, case.path_parameters):
        if isinstance(part, dict):
            part.update({name: known[name] for name in part if name in known})


def test_description_follows_the_dialect(client: Client) -> None:
    def schemas(dialect: str) -> Any:
        return client.http.get(f"/_emulator/openapi.json?dialect={dialect}").json()["components"]["schemas"]

    assert "staticAvatar" not in schemas("documents")["Claims"]["properties"]
    assert "SYNTHETIC" in schemas("documents")["Claim"]["properties"]["requirement"]["enum"]
    assert "SYNTHETIC" not in schemas("v4")["Claim"]["properties"]["requirement"]["enum"]
    assert "applicationPublicKey" in schemas("openapi")["Info"]["required"]
    assert "applicationPublicKey" not in schemas("v4")["Info"]["properties"]
    assert schemas("openapi")["SteamTicketRequest"]["additionalProperties"] is True
    assert schemas("v4")["SteamTicketRequest"]["additionalProperties"] is False
    paths = client.control("GET", "openapi.json").json()["paths"]
    assert "/session/userinfo" in paths and "/direct-issue/steam-ticket" in paths
    client.emulator.update(dialect="openapi")
    assert "/session/userinfo" not in client.control("GET", "openapi.json").json()["paths"]
    answer = client.http.get("/_emulator/openapi.json?dialect=klingon")
    assert answer.status_code == 404 and "there are documents, openapi, v4" in answer.json()["error"]
