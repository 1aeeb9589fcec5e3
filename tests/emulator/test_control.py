"""Specifies the three ways to change the emulator's settings: Python, the control API, and the command line."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from sudomimus_bridge._cli import emulator as command
from sudomimus_bridge.emulator import Emulator, visit
from sudomimus_bridge.emulator._config.config import EmulatorConfig, merged
from sudomimus_bridge.emulator._players.visitor import visit_errand

from ..helpers.emulator_helpers import KIM, ROBIN, Client, new_ticket, told
from ..helpers.patience import PATIENCE, until


@pytest.fixture
def client() -> Iterator[Client]:
    with Emulator() as emulator:
        emulator.freeze()
        client = Client(emulator)
        with client.http:
            yield client


# --- Python ----------------------------------------------------------------------------------------------------------


def test_urls_have_the_members_of_the_json_line(client: Client) -> None:
    urls = client.emulator.urls
    assert list(urls) == [
        *("native", "connect", "device", "session", "via"),
        *("application", "steamAppId", "accessKeyId", "accessKeySecret", "clientKeyFile"),
    ]
    assert urls["native"].startswith("http://127.0.0.1:") and urls["via"] == urls["native"] + "/via"
    assert (urls["application"], urls["steamAppId"]) == ("demo-game", 480)
    assert [urls[api] for api in ("connect", "device", "session")] == [
        f"{urls['native']}/{api}" for api in ("connect", "device", "session")
    ]


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX file modes")
def test_only_the_owner_can_read_the_client_key_and_stop_removes_it() -> None:
    with Emulator() as emulator:
        path = Path(emulator.urls["clientKeyFile"])
        assert path.read_text().startswith("-----BEGIN PRIVATE KEY-----")
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert not path.parent.exists()
    assert emulator.urls["clientKeyFile"] is None


def test_failed_start_on_a_used_port_leaves_no_key_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Emulator() as emulator:
        port = int(emulator.urls["native"].rpartition(":")[2])
        with pytest.raises(OSError):
            Emulator(port=port).start()
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_two_emulators_share_nothing() -> None:
    with Emulator() as one, Emulator() as two:
        one.update({"application.disabled": True})
        one.player().email = "robin@example.com"
        assert one.urls["native"] != two.urls["native"]
        assert two.config.application.disabled is False and two.player().email is None


def test_change_with_one_wrong_setting_changes_nothing(client: Client) -> None:
    with pytest.raises(ValueError, match=r"^dialect: Input should be"):
        client.emulator.update({"claims.email": "REQUIRED", "dialect": "klingon"})
    assert client.emulator.config.claims.email == "OPTIONAL"
    with pytest.raises(ValidationError):
        client.emulator.config.claims.email = "SOMETIMES"  # type: ignore[assignment]
    client.emulator.config.claims.email = "REQUIRED"
    assert told(client.steam()) == (403, "ClaimConsentRequired")


def test_names_as_paths_in_snake_case_and_in_camel_case() -> None:
    config = merged(
        EmulatorConfig(),
        {
            "application.allowedSteamAppIds": [1, 2],
            "access_keys": [],
            "claims": {"firstName": "OFF"},
            "steamSeconds": 1,
        },
    )
    assert config.application.allowed_steam_app_ids == [1, 2]
    assert config.claims.firstName == "OFF" and config.claims.email == "OPTIONAL"
    assert config.access_keys == [] and config.steam_seconds == 1


def test_reset_forgets_what_happened_and_keeps_the_settings(client: Client) -> None:
    client.emulator.update({"claims.email": "REQUIRED"})
    ticket = new_ticket()
    errand = client.steam(ticket).json()["errand"]
    visit_errand(errand["url"])
    client.emulator.reset()
    assert client.emulator.requests == []
    assert client.emulator.player().email is None
    assert client.status(errand["errandKey"]) == "EXPIRED"
    assert told(client.steam(ticket)) == (403, "ClaimConsentRequired")


def test_request_that_began_before_a_reset_is_not_recorded_after_it(client: Client) -> None:
    client.emulator.fault(path="/health", delay=0.5)
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(client.http.get, "/health")
        until(lambda: client.emulator._faults.active[0].applied)
        client.emulator.reset()
        assert answer.result().status_code == 200
    assert client.emulator.requests == []


def test_reset_can_restore_the_settings(client: Client) -> None:
    key = client.emulator.urls["accessKeyId"]
    client.emulator.update({"claims.email": "REQUIRED", "faults": [{"status": 500}], "access_keys": []})
    client.emulator.reset(settings=True)
    assert client.steam().status_code == 200
    assert client.emulator.urls["accessKeyId"] == key
    assert not client.emulator._state.clock.frozen


def test_stop_may_be_repeated_and_frees_the_port() -> None:
    emulator = Emulator().start()
    port = int(emulator.urls["native"].rpartition(":")[2])
    emulator.stop()
    emulator.stop()
    with Emulator(port=port) as again:
        assert again.urls["native"].endswith(f":{port}")


def test_no_secret_in_the_journal_or_a_repr(client: Client) -> None:
    client.emulator.update({"claims.email": "REQUIRED"})
    ticket = new_ticket()
    errand = client.steam(ticket).json()["errand"]
    visit_errand(errand["url"])
    client.status(errand["errandKey"])
    client.access_key()
    client.http.get(f"/{errand['errandKey']}")
    inquiry = client.emulator.establish()
    visit(f"{client.emulator.urls['via']}/?exposure-key={inquiry['exposureKey']}")
    confirmation_key = client.connect("status-poll", inquiry).json()["confirmationKey"]
    token = client.connect("redeem", {**inquiry, "confirmationKey": confirmation_key}).json()["refreshToken"]
    client.session("refresh", refreshToken=token)
    device = client.device("device-authorize", {"applicationAnchor": "demo-game"}).json()
    visit(device["verificationUriComplete"])
    sign_ins = client.emulator._state.sign_ins
    text = client.control("GET", "requests").text + client.control("GET", "state").text
    text += (
        repr(client.emulator.requests)
        + repr(client.emulator.config)
        + repr(client.emulator._state.errands.live("x"))
        + repr(client.emulator.sessions)
        + repr(sign_ins.exposed(inquiry["exposureKey"]))
        + repr(sign_ins.device(device["deviceCode"]))
    )
    for secret in (
        *(errand["errandKey"], ticket, client.emulator.urls["accessKeySecret"], token, confirmation_key),
        *(inquiry["exposureKey"], inquiry["hiddenKey"], device["deviceCode"], device["userCode"]),
    ):
        assert secret not in text
    assert {
        *("POST /direct-issue/steam-ticket", "GET /errand/{errandKey}/status", "GET /via/errand", "GET /via/"),
        *("POST /connect/redeem", "POST /session/refresh", "POST /device/device-authorize", "GET /via/device"),
    } <= {f"{entry.method} {entry.path}" for entry in client.emulator.requests}


# --- control API -----------------------------------------------------------------------------------------------------


def test_settings_over_http(client: Client) -> None:
    answer = client.control("PATCH", "config", {"claims": {"email": "REQUIRED"}, "dialect": "documents"})
    assert answer.status_code == 200
    assert answer.json()["claims"]["email"] == "REQUIRED"
    assert answer.json()["claims"]["firstName"] == "OPTIONAL"
    assert told(client.steam()) == (403, "ClaimConsentRequired")
    state = client.control("GET", "state").json()
    assert state["errands"] == {"PENDING": 1, "COMPLETED": 0, "EXPIRED": 0}
    assert {player["steamId"] for player in state["players"]} == {str(ROBIN), str(KIM)}


@pytest.mark.parametrize(
    ("path", "method", "body", "expected"),
    [
        ("config", "PATCH", {"claims": {"email": "MAYBE"}}, "claims.email: Input should be"),
        ("config", "PATCH", {"colour": "red"}, "colour: there is no such setting"),
        ("config", "PATCH", {"budgets.attemptsGlobal": -1}, "greater than or equal to 0"),
        ("config", "PATCH", [1], "must be a JSON object"),
        ("faults", "POST", {}, "changes nothing"),
        ("faults", "POST", ["* * 500", "nonsense"], "not a part of a fault"),
        ("players", "POST", {"email": "x@y.example"}, "steamId"),
        ("players", "POST", {"steamId": str(ROBIN), "shoeSize": 43}, "no such setting"),
        ("config", "PATCH", {"device.interval": 0}, "greater than or equal to 1"),
        ("inquiries", "POST", {"returnMethods": []}, "returnMethods: "),
        ("sessions", "POST", {"revoked": "maybe"}, "revoked: "),
        ("sessions", "POST", {"deleted": True}, "no such setting"),
        ("clock", "POST", {"advance": -1}, "not negative"),
        ("clock", "POST", {"rewind": 1}, "advance"),
        ("clock", "POST", {"frozen": "false"}, "true or false"),
        ("clock", "POST", {"advance": 1e300, "frozen": True}, "year 9000"),
        ("clock", "POST", {"advance": 10**400}, "year 9000"),
        ("config", "PATCH", {"errands.lifetimeSeconds": 1e300}, "less than or equal to"),
        ("config", "PATCH", {"device.lifetimeSeconds": 10**400}, "less than or equal to"),
        ("config", "PATCH", {"budgets.windowSeconds": 1e-320}, "greater than or equal to"),
        ("config", "PATCH", {"steamLog": "."}, "a folder is not a log"),
        ("faults", "POST", {"headers": {"X": "a\r\nY: b"}}, "a header is one line"),
        ("faults", "POST", {"headers": {"X Y": "a"}}, "a header's name"),
        ("faults", "POST", {"redirect": "https://example.com/€"}, "percent-encode"),
        ("faults", "POST", {"contentType": "text/plain "}, "a header is one line"),
    ],
)
def test_error_names_what_is_wrong_with_a_change(
    client: Client, path: str, method: str, body: Any, expected: str
) -> None:
    answer = client.control(method, path, body)
    assert answer.status_code == 422
    assert expected in answer.json()["error"]
    state = client.control("GET", "state").json()
    assert (state["faults"], state["clock"]["frozen"]) == ([], True)
    client.emulator.update({"claims.email": "REQUIRED"})
    assert told(client.steam()) == (403, "ClaimConsentRequired"), "the change took effect in part"


@pytest.mark.parametrize(
    "raw", ['{"advance": NaN}', '{"advance": Infinity}', "[" * 100_000, '{"errands.lifetimeSeconds": Infinity}']
)
def test_body_that_is_not_json_changes_nothing(client: Client, raw: str) -> None:
    headers = {"Content-Type": "application/json"}
    for path, method in (("clock", "POST"), ("config", "PATCH")):
        answer = client.http.request(method, f"/_emulator/{path}", content=raw, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (422, "the body is not JSON")
    assert client.control("GET", "state").status_code == 200


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 10**400, -1])
def test_clock_refuses_to_go_back_or_beyond_the_calendar(client: Client, seconds: float) -> None:
    before = client.emulator._state.clock.now()
    with pytest.raises(ValueError, match="the clock"):
        client.emulator.advance(seconds)
    assert client.emulator._state.clock.now() == before


@pytest.mark.parametrize("name", ["errands.lifetime_seconds", "sessions.grace_seconds", "steam_seconds"])
def test_setting_cannot_be_nan_or_infinity(client: Client, name: str) -> None:
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match=rf"^{name}: "):
            client.emulator.update({name: value})


def test_write_needs_the_content_type_of_json(client: Client) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded"):
        answer = client.http.post("/_emulator/clock", content=b'{"advance": 1}', headers={"Content-Type": content_type})
        assert answer.status_code == 415
    bad = client.http.post("/_emulator/clock", content=b"{", headers={"Content-Type": "application/json"})
    assert (bad.status_code, bad.json()["error"]) == (422, "the body is not JSON")


def test_request_with_another_host_name_is_refused(client: Client) -> None:
    assert client.http.get("/_emulator/state", headers={"Host": "evil.example"}).status_code == 400
    assert client.http.get("/_emulator/state", headers={"Host": "localhost:1234"}).status_code == 200


def test_faults_players_and_clock_over_http(client: Client) -> None:
    answer = client.control("POST", "faults", ["POST /direct-issue/* 503 times=1", {"path": "/health", "status": 500}])
    assert answer.status_code == 201 and len(answer.json()["faults"]) == 2
    assert client.steam().status_code == 503
    assert client.control("GET", "state").json()["faults"][0]["applied"] == 1
    assert client.control("DELETE", "faults").status_code == 204
    assert client.http.get("/health").status_code == 200

    changed = client.control("POST", "players", {"steamId": str(ROBIN), "email": "r@example.com"}).json()
    assert (changed["firstName"], changed["email"]) == ("Robin", "r@example.com")
    added = client.control("POST", "players", {"steamId": "76561198000000009", "grants": {"email": "DENIED"}})
    assert added.json()["grants"]["email"] == "DENIED"
    assert 76561198000000009 in client.emulator.players

    before = client.control("GET", "state").json()["clock"]["now"]
    assert client.control("POST", "clock", {"advance": 90}).json() == {"now": before + 90, "frozen": True}
    assert client.control("POST", "clock", {"frozen": False}).json()["frozen"] is False
    entry = client.control("GET", "requests").json()["requests"][0]
    assert (entry["path"], entry["status"], entry["fault"]) == ("/direct-issue/steam-ticket", 503, "status")


def test_inquiries_sessions_and_accounts_over_http(client: Client) -> None:
    answer = client.control("POST", "inquiries", {"returnMethods": [{"type": "STATUS_POLL", "payload": {}}]})
    assert answer.status_code == 201 and set(answer.json()) == {"exposureKey", "hiddenKey"}
    assert client.connect("status-poll", answer.json()).json() == {"status": "PENDING"}
    client.device("device-authorize", {"applicationAnchor": "demo-game"})
    tokens = [client.emulator.open_session(steam_id).refresh_token for steam_id in (ROBIN, KIM)]
    changed = client.control("POST", "sessions", {"suspended": True, "steamId": str(KIM)}).json()
    assert changed == {"changed": 1, "sessions": {"active": 1, "suspended": 1, "revoked": 0, "expired": 0}}
    assert told(client.session("refresh", refreshToken=tokens[1])) == (401, "RefreshTokenSuspended")
    client.control("POST", "sessions", {"suspended": False})
    assert client.session("refresh", refreshToken=tokens[1]).status_code == 200
    assert client.control("POST", "sessions", {"revoked": True}).json()["sessions"]["revoked"] == 2
    assert told(client.session("refresh", refreshToken=tokens[0])) == (401, "RefreshTokenRevoked")
    state = client.control("GET", "state").json()
    assert (state["inquiries"]["pending"], state["devices"]["pending"], state["sessions"]["revoked"]) == (1, 1, 2)
    client.control("POST", "clock", {"advance": 1000})
    state = client.control("GET", "state").json()
    assert (state["inquiries"]["expired"], state["devices"]["expired"]) == (1, 1)
    assert client.control("DELETE", f"players/{KIM}").status_code == 204
    assert KIM not in client.emulator.players


# --- command line ----------------------------------------------------------------------------------------------------

_RUN = """
import sys
from sudomimus_bridge._cli.main import main
sys.argv.insert(1, "emulator")
sys.exit(main())
"""


@contextlib.contextmanager
def _command(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", _RUN, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    ) as process:
        try:
            yield process
        finally:
            process.kill()  # if the test failed, the process still runs


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_program_prints_the_json_line_and_ends_on_a_signal(number: signal.Signals, tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"dialect": "documents", "claims": {"email": "REQUIRED"}}))
    arguments = [
        "--json",
        "--config",
        str(settings),
        "--set",
        "application.anchor=my-game",
        "--set",
        "claims.email=OFF",
    ]
    arguments += ["--fault", "GET /health 503 times=1", "--steam-log", str(tmp_path / "steam.jsonl")]
    with _command(*arguments) as process:
        assert process.stdout is not None and process.stderr is not None
        urls = json.loads(process.stdout.readline())
        with httpx.Client(base_url=urls["native"], trust_env=False) as http:
            assert [http.get("/health").status_code for _ in range(2)] == [503, 200]
            ticket = {"applicationAnchor": "my-game", "steamTicketHex": new_ticket(), "steamAppId": 480}
            assert set(http.post("/direct-issue/steam-ticket", json=ticket).json()["claims"]) == {
                *("email", "firstName", "lastName")
            }
            for api in ("connect", "device", "session"):
                assert http.get(f"{urls[api]}/health").status_code == 200
        assert Path(urls["clientKeyFile"]).exists()
        process.send_signal(number)
        assert process.wait(timeout=PATIENCE) == 130
        assert not Path(urls["clientKeyFile"]).parent.exists()
        assert (process.stdout.read(), process.stderr.read()) == ("", "")


def test_summary_for_a_person() -> None:
    with _command("--set", "claims.email=REQUIRED") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(21)]
        process.send_signal(signal.SIGINT)
        text = "".join(lines) + process.stdout.read()
        process.wait(timeout=PATIENCE)
    for expected in (
        "SUDOMIMUS_NATIVE_URL=http://127.0.0.1:",
        "SUDOMIMUS_SESSION_URL=http",
        "client-key.pem",
        "demo-game",
        "email REQUIRED",
        "/_emulator/config",
    ):
        assert expected in text


def test_summary_of_odd_settings(tmp_path: Path) -> None:
    from sudomimus_bridge._cli.output import Output

    settings = {"application": {"anchor": "a; b", "allowed_steam_app_ids": []}, "access_keys": []}
    written = tmp_path / "written"
    with (
        written.open("wb") as file,
        Emulator({**settings, "players": [{"steam_id": ROBIN, "first_name": "漢"}]}) as emulator,
    ):
        command._announce(emulator, Output(file.fileno(), "ascii"), as_json=False)
    text = written.read_text("ascii")
    assert "SUDOMIMUS_APPLICATION='a; b'\n" in text
    assert "\\u6f22" in text
    assert "None" not in text


def _fails(*arguments: str) -> str:
    with _command(*arguments) as process:
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (2, "")
    assert err.count("\n") == 1
    return err


def test_used_port_is_reported() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"cannot listen on 127.0.0.1:{port}" in _fails("--json", "--port", port)


def test_wrong_settings_are_reported(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    deep = tmp_path / "deep.json"
    deep.write_text("[" * 100_000)
    assert "claims.email" in _fails("--set", "claims.email=MAYBE", "--json")
    assert "is not JSON" in _fails("--config", str(broken))
    # These cases run in this process, which is faster.
    from sudomimus_bridge._cli.output import Output
    from sudomimus_bridge._cli.terminal import Terminal

    parser = __import__("argparse").ArgumentParser()
    command.add_arguments(parser)
    for arguments in (
        ["--config", str(tmp_path / "absent.json")],
        ["--set", "claims.email"],
        ["--set", "colour=red"],
        ["--fault", "nonsense"],
        ["--fault", '{"odd": 1}'],
        ["--port", "65536"],
        ["--steam-log", str(tmp_path)],
        ["--config", str(deep)],
    ):
        assert command.run(parser.parse_args(arguments), Terminal(io.StringIO()), Output(None, "utf-8")) == 2
