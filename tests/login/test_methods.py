"""Specifies the ways in one by one: their row of the table, the sources of their credentials, and what they check."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sudomimus_bridge._login.methods import METHODS, AccessKey, Browser, Device, Method, Steam, method_named
from sudomimus_bridge._login.ports import Ports
from sudomimus_bridge._login.sign_in import sign_in
from sudomimus_bridge._service.constraints import Constraints
from sudomimus_bridge._service.operations import Operation
from sudomimus_bridge._settings import Settings, read_settings
from sudomimus_bridge._values.errors import ConfigurationError
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.testing._scripted_service import ScriptedTransport, Step, scripted
from sudomimus_bridge.testing._stub_steam import StubBehaviour, StubSteam
from sudomimus_bridge.testing._virtual_time import VirtualClock

from ..helpers.service_helpers import ACCESS_KEY, EXPOSURE, HIDDEN, ISSUED, REALIZED, ran

ID, SECRET = ACCESS_KEY[0], ACCESS_KEY[1].reveal()
KEY_ID, KEY_SECRET = "SUDOMIMUS_ACCESS_KEY_ID", "SUDOMIMUS_ACCESS_KEY_SECRET"
INQUIRY = {"SUDOMIMUS_EXPOSURE_KEY": EXPOSURE, "SUDOMIMUS_HIDDEN_KEY": HIDDEN}
OTHER_ID = ID.replace("4f9d", "0000")


def settings(**given: Any) -> Settings:
    return read_settings({"application": "my-game", **given}, {})


def refused(method: Method, **given: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        method.check(settings(**given))
    return str(caught.value.detail)


# --- the table -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "method", "operation", "silent"),
    [
        ("steam", Steam, Operation.STEAM_TICKET, True),
        ("access-key", AccessKey, Operation.ACCESS_KEY, True),
        ("browser", Browser, Operation.REDEEM, False),
        ("device", Device, Operation.DEVICE_TOKEN, False),
    ],
)
def test_row_of_a_method(name: str, method: type[Method], operation: Operation, silent: bool) -> None:
    assert method_named(name) is METHODS[name] is method
    assert (method.name, method.operation, method.silent) == (name, operation, silent)
    assert method.credentials == set(inspect.signature(method).parameters) - {"environ"}


def test_there_are_no_other_methods() -> None:
    assert len(METHODS) == 4
    with pytest.raises(ConfigurationError, match="must be one of steam, access-key, browser, device"):
        method_named("carrier-pigeon")


@pytest.mark.parametrize("method", [Steam(environ={}), AccessKey(environ={}), Device(environ={})])
def test_method_needs_an_application(method: Method) -> None:
    assert "application" in refused(method, application=None)


# --- access key ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "given", "at_hand"),
    [
        ({KEY_ID: ID, KEY_SECRET: SECRET}, {}, True),
        ({KEY_ID: ID}, {"access_key_secret": SECRET}, True),
        ({KEY_SECRET: SECRET}, {"access_key_id": ID}, True),
        ({}, {"access_key_id": ID, "access_key_secret": Secret(SECRET)}, True),
        ({KEY_ID: ID}, {}, False),
        ({KEY_SECRET: SECRET}, {}, False),
        ({KEY_ID: "", KEY_SECRET: " "}, {}, False),
        ({}, {}, False),
    ],
)
def test_access_key_is_at_hand_if_both_halves_are_known(
    environ: Mapping[str, str], given: dict[str, Any], at_hand: bool
) -> None:
    method = AccessKey(environ=environ, **given)
    assert method.at_hand is at_hand
    if at_hand:
        method.check(settings())
    else:
        assert "is set" in refused(method)


def test_access_key_of_this_process_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_ID, ID)
    monkeypatch.setenv(KEY_SECRET, SECRET)
    assert AccessKey().at_hand


def test_given_half_of_an_access_key_wins_over_the_environment() -> None:
    environ = {KEY_ID: OTHER_ID, KEY_SECRET: SECRET[::-1]}
    assert "malformed" in refused(AccessKey(environ=environ))
    identifier, secret = AccessKey(access_key_id=ID, access_key_secret=SECRET, environ=environ)._halves()
    assert identifier == ID and secret is not None and secret.reveal() == SECRET
    assert AccessKey(environ={KEY_ID: ""})._halves() == (None, None)


# --- browser -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "given", "exposure"),
    [
        ({}, {"exposure_key": "exp_given", "hidden_key": HIDDEN}, "exp_given"),
        (INQUIRY, {}, EXPOSURE),
        (INQUIRY, {"exposure_key": "exp_given"}, "exp_given"),
        ({**INQUIRY, "SUDOMIMUS_CLIENT_KEY": "key"}, {}, EXPOSURE),
        (INQUIRY, {"client_key": "key"}, None),
        (INQUIRY, {"client_key_file": "path"}, None),
        ({"SUDOMIMUS_CLIENT_KEY": "key"}, {}, None),
        ({}, {"client_key": "key", "constraints": Constraints()}, None),
    ],
)
def test_inquiry_wins_unless_a_client_key_is_given(
    environ: Mapping[str, str], given: dict[str, Any], exposure: str | None
) -> None:
    inquiry = Browser(environ=environ, **given).inquiry
    assert (inquiry.exposure_key.reveal() if inquiry else None) == exposure


@pytest.mark.parametrize(
    ("environ", "given", "words"),
    [
        ({}, {"client_key": "key", "exposure_key": EXPOSURE}, "but not both"),
        ({}, {"client_key_file": "path", "hidden_key": HIDDEN}, "but not both"),
        ({}, {"exposure_key": EXPOSURE}, "the hidden key (SUDOMIMUS_HIDDEN_KEY)"),
        ({}, {"hidden_key": HIDDEN}, "the exposure key (SUDOMIMUS_EXPOSURE_KEY)"),
        ({"SUDOMIMUS_EXPOSURE_KEY": EXPOSURE}, {}, "the hidden key (SUDOMIMUS_HIDDEN_KEY)"),
        ({"SUDOMIMUS_HIDDEN_KEY": HIDDEN}, {}, "the exposure key (SUDOMIMUS_EXPOSURE_KEY)"),
        ({"SUDOMIMUS_CLIENT_KEY": "key"}, {"exposure_key": "", "hidden_key": ""}, "the exposure key"),
        (INQUIRY, {"constraints": Constraints()}, "cannot be constrained"),
        ({}, {}, "needs an inquiry or a client key"),
        ({}, {"client_key_file": "nowhere"}, "The file of --client-key-file cannot be read"),
    ],
)
def test_wrong_credentials_of_a_login_through_the_browser(
    environ: Mapping[str, str], given: dict[str, Any], words: str
) -> None:
    assert words in refused(Browser(environ=environ, **given))


def test_only_a_client_key_needs_the_application() -> None:
    Browser(environ=INQUIRY).check(settings(application=None))
    by_key = Browser(client_key="key", environ={})
    by_key.check(settings())
    assert "application" in refused(by_key, application=None)


def test_answer_without_a_name_of_the_application_has_none() -> None:
    tokens = Step(body={"accessToken": "a.b.c", "refreshToken": "d.e.f"})
    assert ran("browser", [tokens], [REALIZED], application=None).result.application_anchor == ""


def test_first_client_key_wins(tmp_path: Path) -> None:
    file, environ = tmp_path / "key.pem", {"SUDOMIMUS_CLIENT_KEY": "of the environment"}
    file.write_text("of the file\n", encoding="utf-8")

    def used(**given: Any) -> str:
        return Browser(environ=environ, **given)._pem().reveal()

    assert used(client_key="given", client_key_file=file) == "given"
    assert used(client_key_file=file) == "of the file"
    assert used() == "of the environment"
    file.write_text("\n", encoding="utf-8")
    assert used(client_key_file=file) == "of the environment"


# --- Steam ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("setting", "signs_in"), [(None, True), (480, True), (481, False)])
def test_steam_must_run_the_app_of_the_setting(setting: int | None, signs_in: bool) -> None:
    steam = StubSteam(VirtualClock(), app_id=480)
    after = ran("steam", steam=steam, steam_app_id=setting)
    if signs_in:
        assert after.transport.seen[0].body["steamAppId"] == 480
    else:
        assert after.error.reason == "SteamAppIdMismatch"
        assert after.transport.seen == [] and ("request", 1) not in steam.calls


def test_service_is_connected_to_while_steam_creates_the_ticket(backend: str) -> None:
    clock, order = VirtualClock(), list[str]()

    class Connecting(ScriptedTransport):
        async def warm(self, url: str) -> None:
            order.append(f"connects to {url}")
            await clock.sleep(1)
            order.append("connected")

    connecting = Connecting(clock, [ISSUED])
    connecting.on_request = lambda seen: order.append(seen.path)
    steam = StubSteam(clock, behaviours=[StubBehaviour(delay=2)])
    ports = Ports(settings(), steam=steam, clock=clock, open_service=scripted(connecting))
    clock.run(sign_in, Steam(), ports, None, None, backend=backend)
    assert order == ["connects to https://native-api.sudomimus.com", "connected", "/direct-issue/steam-ticket"]
