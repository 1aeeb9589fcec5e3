"""Specifies the pages of a browser or device sign-in, in a visitor without script and in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.emulator import Emulator, visit
from sudomimus_bridge.emulator._players.visitor import NO_TLS, VisitFailed, read_page
from sudomimus_bridge.testing._scripted_browser import AutoBrowser

from ..helpers.emulator_helpers import KIM, ROBIN, Client, headless_chromium, keys, page


@pytest.fixture
def client() -> Iterator[Client]:
    with Emulator({"claims": {"email": "OFF", "firstName": "OFF"}}) as emulator:
        emulator.freeze()
        client = Client(emulator)
        with client.http:
            yield client


def browser(client: Client) -> httpx.Client:
    return httpx.Client(base_url=client.emulator.urls["native"], trust_env=False, follow_redirects=True, verify=NO_TLS)


def inquiry(client: Client, **narrowing: Any) -> tuple[dict[str, str], str]:
    keys = client.emulator.establish(narrowing)
    return keys, f"{client.emulator.urls['via']}/?exposure-key={keys['exposureKey']}"


def device(client: Client) -> dict[str, Any]:
    body: dict[str, Any] = client.device("device-authorize", {"applicationAnchor": "demo-game"}).json()
    return body


def status(client: Client, keys: dict[str, str]) -> str:
    answer = client.connect("status-poll", keys).json()
    return str(answer.get("status") or answer["reason"])


# --- an inquiry ------------------------------------------------------------------------------------------------------


def test_player_chooses_an_account_and_approves(client: Client) -> None:
    keys, url = inquiry(client)
    with browser(client) as http:
        page = read_page(http.get(url))
        assert page.name == "accounts"
        assert set(page.buttons) == {"continue", f"continue-{KIM}"}
        assert page.buttons["continue"] == ("continue", str(ROBIN))
        page = read_page(http.post(url, data={**page.hidden, "continue": str(KIM)}))
        assert (page.name, set(page.buttons)) == ("approve", {"approve", "decline"})
        assert status(client, keys) == "PENDING"
        page = read_page(http.post(url, data={**page.hidden, "action": "approve"}))
        assert page.name == "done"
    assert status(client, keys) == "REALIZED"


def test_base_url_works_without_its_slash(client: Client) -> None:
    keys, url = inquiry(client)
    assert visit(url.replace("/via/?", "/via?")) == "done"
    assert status(client, keys) == "REALIZED"


@pytest.mark.parametrize("query", ["", "?exposure-key=", "?exposure-key=exp_unknown", "?exposure-key=%00"])
def test_address_without_a_known_key_shows_the_expired_page(client: Client, query: str) -> None:
    with browser(client) as http:
        answer = http.get(f"/via/{query}")
    assert (answer.status_code, read_page(answer).name) == (410, "expired")


def test_inquiry_that_expires_while_the_page_is_open(client: Client) -> None:
    keys, url = inquiry(client)
    with browser(client) as http:
        page = read_page(http.get(url))
        client.emulator.advance(900)
        assert read_page(http.post(url, data={**page.hidden, "continue": str(ROBIN)})).name == "expired"
    assert status(client, keys) == "InquiryExpired"


def test_approval_needs_an_account(client: Client) -> None:
    keys, url = inquiry(client)
    with browser(client) as http:
        page = read_page(http.get(url))
        for form in (
            {"action": "approve"},
            {"action": "agree"},
            {"continue": "1"},
            {"continue": "²"},
            {"continue": "9" * 5000},
            {},
        ):
            assert read_page(http.post(url, data={**page.hidden, **form})).name == "accounts"
        assert http.post(url, data={"action": "approve", "csrf": "x"}).status_code == 403
    with browser(client) as http:
        assert http.post(url, data={"continue": str(ROBIN)}).status_code == 403
    assert status(client, keys) == "PENDING"


def test_two_services_in_one_browser_do_not_disturb_each_other(client: Client) -> None:
    with Emulator({"claims": {"email": "OFF", "firstName": "OFF"}}) as emulator, browser(client) as person:
        second = Client(emulator)
        (here, url), (there, other) = inquiry(client), inquiry(second)
        pages = [(address, read_page(person.get(address))) for address in (url, other)]
        for address, shown in pages:  # both pages are open before the first form is sent
            chosen = read_page(person.post(address, data={**shown.hidden, "continue": str(ROBIN)}))
            assert read_page(person.post(address, data={**chosen.hidden, "action": "approve"})).name == "done"
        with second.http:
            assert status(client, here) == status(second, there) == "REALIZED"


def test_account_chosen_in_one_browser_is_not_chosen_in_another(client: Client) -> None:
    _, url = inquiry(client)
    with browser(client) as http, browser(client) as other:
        hidden = read_page(http.get(url)).hidden
        assert read_page(http.post(url, data={**hidden, "continue": str(ROBIN)})).name == "approve"
        hidden = read_page(other.get(url)).hidden
        assert read_page(other.post(url, data={**hidden, "action": "approve"})).name == "accounts"


def test_approval_alone_does_not_pass_the_claim_gate(client: Client) -> None:
    client.emulator.update({"claims.email": "REQUIRED"})
    keys, url = inquiry(client)
    with browser(client) as http:
        hidden = read_page(http.get(url)).hidden
        assert read_page(http.post(url, data={**hidden, "continue": str(ROBIN)})).name == "consent"
        assert read_page(http.post(url, data={**hidden, "action": "approve"})).name == "consent"
        answer = http.post(url, data={**hidden, "action": "agree", "email": "nobody"})
        assert (answer.status_code, read_page(answer).name) == (422, "consent")
    assert status(client, keys) == "PENDING"
    with pytest.raises(VisitFailed, match="does not look like an email"):
        visit(url, email="robin@nowhere")


def test_player_who_declines_optional_claims_is_signed_in(client: Client) -> None:
    client.emulator.update({"claims.firstName": "OPTIONAL"})
    keys, url = inquiry(client)
    assert visit(url, agree=False) == "done"
    assert status(client, keys) == "REALIZED"
    assert client.emulator.player().grants.firstName == "DENIED"
    # A player who declined a claim is not asked about it again.
    _, url = inquiry(client)
    assert visit(url, agree=False) == "declined"


def test_player_can_switch_from_an_account_that_is_not_allowed(client: Client) -> None:
    keys, url = inquiry(client, realizeConstraints=[_only(KIM)])
    with browser(client) as http:
        hidden = read_page(http.get(url)).hidden
        answer = http.post(url, data={**hidden, "continue": str(ROBIN)})
        assert (answer.status_code, read_page(answer).name) == (403, "not-allowed")
        assert read_page(http.post(url, data={**hidden, "action": "approve"})).name == "not-allowed"
        assert read_page(http.post(url, data={**hidden, "action": "switch"})).name == "accounts"
        http.post(url, data={**hidden, "continue": str(KIM)})
        assert read_page(http.post(url, data={**hidden, "action": "approve"})).name == "done"
    assert status(client, keys) == "REALIZED"


def test_only_the_browser_that_signed_in_sees_the_callback_link(client: Client) -> None:
    back = {"type": "CALLBACK", "payload": {"callbackUrl": "http://localhost:9/back?a=1"}}
    keys, url = inquiry(client, returnMethods=[back])
    with browser(client) as http:
        hidden = read_page(http.get(url)).hidden
        http.post(url, data={**hidden, "continue": str(ROBIN)})
        text = http.post(url, data={**hidden, "action": "approve"}).text
        assert f"http://localhost:9/back?a=1&amp;exposure-key={keys['exposureKey']}&amp;confirmation-key=cnf_" in text
    with browser(client) as http:
        assert "confirmation-key" not in http.get(url).text


def test_only_the_browser_that_signed_in_sees_revealed_tokens(client: Client) -> None:
    _, url = inquiry(client, returnMethods=[{"type": "REVEAL", "payload": {}}])
    with browser(client) as http:
        hidden = read_page(http.get(url)).hidden
        http.post(url, data={**hidden, "continue": str(ROBIN)})
        text = http.post(url, data={**hidden, "action": "approve"}).text
    assert text.count(">eyJ") == 2
    token = next(part for part in text.replace("<", ">").split(">") if part.startswith("eyJ"))
    assert client.share(token).status_code == 200
    with browser(client) as http:
        assert "eyJ" not in http.get(url).text


# --- a device --------------------------------------------------------------------------------------------------------


def test_complete_address_still_asks_to_compare_the_code(client: Client) -> None:
    code = device(client)
    with browser(client) as http:
        page = read_page(http.get(code["verificationUriComplete"]))
        assert (page.name, page.fields["user-code"]) == ("user-code", code["userCode"])
        url = code["verificationUriComplete"]
        # Before the code is confirmed, the player can neither choose an account nor approve.
        for form in ({"continue": str(ROBIN)}, {"action": "approve"}):
            assert read_page(http.post(url, data={**page.hidden, **form})).name == "user-code"
        answer = http.post(url, data={**page.hidden, "user-code": page.fields["user-code"]})
        assert read_page(answer).name == "accounts"


@pytest.mark.parametrize(
    ("typed", "told"),
    [("", "Enter the code"), ("  ", "Enter the code"), ("WRON-GCDE", "No sign-in waits"), ("<b>", "No sign-in waits")],
)
def test_unknown_code_is_reported(client: Client, typed: str, told: str) -> None:
    with browser(client) as http:
        page = read_page(http.get("/via/device"))
        answer = http.post("/via/device", data={**page.hidden, "user-code": typed})
    assert answer.status_code == 422
    assert told in read_page(answer).errors[0]
    assert "<b>" not in answer.text


def test_expired_or_used_code_is_reported(client: Client) -> None:
    first, second = device(client), device(client)
    assert visit(first["verificationUriComplete"]) == "done"
    client.emulator.advance(600)
    for code in (first, second):
        with pytest.raises(VisitFailed, match="No sign-in waits"):
            visit(code["verificationUri"], user_code=code["userCode"])


def test_auto_browser_completes_all_pages(client: Client) -> None:
    import anyio

    keys, url = inquiry(client)
    code = device(client)
    for address in (url, code["verificationUriComplete"]):
        assert anyio.run(AutoBrowser().open, Secret(address))
    assert status(client, keys) == "REALIZED"
    assert client.device("device-token", {"deviceCode": code["deviceCode"]}).status_code == 200
    assert not anyio.run(AutoBrowser().open, Secret(code["verificationUri"]))


# --- in a real browser -----------------------------------------------------------------------------------------------


def test_inquiry_and_device_in_chromium_by_keyboard_on_a_narrow_screen(client: Client, tmp_path: Path) -> None:
    client.emulator.update({"claims.firstName": "OPTIONAL"})
    tab, enter = "\ue004", "\ue007"
    code, (keys, url) = device(client), inquiry(client)
    with headless_chromium(tmp_path) as chromium:
        chromium.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": 320, "height": 740, "deviceScaleFactor": 1, "mobile": True}
        )

        def press(*pressed: str) -> None:
            chromium.switch_to.active_element.send_keys(*pressed)

        def page(name: str) -> None:
            chromium.find_element("css selector", f"main[data-page={name}]")
            wide = chromium.execute_script("return document.documentElement.scrollWidth > window.innerWidth")
            assert not wide, f"{name} is wider than the screen"

        def focus() -> str:
            return str(chromium.switch_to.active_element.get_attribute("id"))

        chromium.get(code["verificationUri"])
        page("user-code")
        press(tab)
        press("xxxx", enter)
        chromium.find_element("id", "user-code-error")
        assert focus() == "user-code"
        press("\ue010", *["\ue003"] * 4)  # End, Backspace
        press(code["userCode"].lower(), enter)
        page("accounts")
        press(tab)
        assert focus() == "continue"
        press(enter)
        page("consent")
        press(tab, tab)
        assert focus() == "agree"
        press(enter)
        page("done")
        assert client.device("device-token", {"deviceCode": code["deviceCode"]}).status_code == 200

        chromium.get(url)
        page("accounts")
        press(tab, tab)
        assert focus() == f"continue-{KIM}"
        press(enter)
        page("consent")
        press(tab, tab, tab)
        assert focus() == "decline"
        press(enter)
        page("done")
        assert status(client, keys) == "REALIZED"
        # If the page's own policy blocks a part of it, the browser's log says so.
        assert [entry for entry in chromium.get_log("browser") if "Content Security Policy" in entry["message"]] == []


def _only(steam_id: int) -> dict[str, Any]:
    return {"constraintType": "STEAM_ID", "payload": {"allowedSteamIds": [str(steam_id)]}}


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"application.anchor": "my-game"}, "My Game"),
        ({"application.anchor": "solo"}, "Solo"),
        ({"application": {"anchor": "my-game", "name": "The Last Ferry"}}, "The Last Ferry"),
        ({}, "Demo Game"),
    ],
)
def test_pages_show_the_configured_application_name(client: Client, settings: dict[str, Any], name: str) -> None:
    client.emulator.update(settings)
    anchor = client.emulator.config.application.anchor
    assert f'<p class="eyebrow">{name}</p>' in client.http.get(page(client, keys(client))).text
    answer = client.connect("info", {"applicationAnchor": anchor, "locale": "en"}).json()
    assert answer["applicationName"] == name
