"""Specifies errands: when one is needed, returned again, and expired; and their pages, without a script and in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.emulator._players.visitor import NO_TLS, VisitFailed, read_page, visit_errand

from ..helpers.emulator_helpers import KIM, ROBIN, Client, headless_chromium, told


@pytest.fixture
def client() -> Iterator[Client]:
    with Emulator({"claims": {"email": "REQUIRED"}}) as emulator:
        emulator.freeze()
        client = Client(emulator)
        with client.http:
            yield client


def gate(client: Client, reason: str = "ClaimConsentRequired") -> dict[str, str]:
    answer = client.steam()
    assert told(answer) == (403, reason)
    assert set(answer.json()) == {"reason", "claims", "errand"}
    errand: dict[str, str] = answer.json()["errand"]
    return errand


def browser(client: Client) -> httpx.Client:
    return httpx.Client(base_url=client.emulator.urls["native"], trust_env=False, follow_redirects=True, verify=NO_TLS)


# --- the errand itself -----------------------------------------------------------------------------------------------


def test_errand_from_the_claim_gate_to_tokens(client: Client) -> None:
    errand = gate(client)
    assert errand["errandKey"].startswith("ernd_")
    assert errand["url"] == f"{client.emulator.urls['via']}/errand?key={errand['errandKey']}"
    assert errand["expiresAt"].endswith("Z")
    assert client.status(errand["errandKey"]) == "PENDING"
    assert visit_errand(errand["url"], email="robin@example.com") == "done"
    assert client.status(errand["errandKey"]) == "COMPLETED"
    assert client.status(errand["errandKey"]) == "COMPLETED"  # polling changes nothing
    assert client.steam().status_code == 200
    assert client.status(errand["errandKey"]) == "EXPIRED"  # consumed
    assert client.emulator.player().email == "robin@example.com"


def test_granted_claim_without_data_needs_an_errand(client: Client) -> None:
    client.emulator.put_player(steam_id=ROBIN, grants={"email": "GRANTED"})
    errand = gate(client, "RequiredClaimDataMissing")
    assert visit_errand(errand["url"]) == "done"
    assert client.steam().status_code == 200


def test_same_errand_is_returned_while_15_minutes_are_left(client: Client) -> None:
    first = gate(client)
    client.emulator.advance(900)
    assert gate(client) == first
    client.emulator.advance(1)
    second = gate(client)
    assert second["errandKey"] != first["errandKey"]
    assert second["expiresAt"] > first["expiresAt"]
    assert client.status(first["errandKey"]) == "PENDING"  # it has not expired yet


def test_other_requirements_get_another_errand(client: Client) -> None:
    first = gate(client)
    client.emulator.update({"claims.lastName": "REQUIRED"})
    second = gate(client)
    assert first["errandKey"] != second["errandKey"]
    assert gate(client) == second


def test_errand_expires_after_thirty_minutes(client: Client) -> None:
    errand = gate(client)
    client.emulator.advance(1799)
    assert client.status(errand["errandKey"]) == "PENDING"
    client.emulator.advance(1)
    assert client.status(errand["errandKey"]) == "EXPIRED"
    assert visit_errand(errand["url"]) == "expired"


def test_completed_errand_expires_too(client: Client) -> None:
    errand = gate(client)
    visit_errand(errand["url"])
    client.emulator.advance(1800)
    assert client.status(errand["errandKey"]) == "EXPIRED"


@pytest.mark.parametrize("key", ["ernd_unknown", "x", "ernd_%00", "%F0%9F%90%A6"])
def test_unknown_key_is_answered_as_expired(client: Client, key: str) -> None:
    assert client.status(key) == "EXPIRED"


def test_declined_required_claim_ends_the_errand(client: Client) -> None:
    errand = gate(client)
    assert visit_errand(errand["url"], agree=False) == "declined"
    assert client.status(errand["errandKey"]) == "EXPIRED"
    answer = client.steam()
    assert told(answer) == (403, "ClaimConsentRequired")
    assert answer.json()["claims"]["email"] == {"requirement": "REQUIRED", "state": "DENIED"}
    assert answer.json()["errand"]["errandKey"] != errand["errandKey"]


def test_errand_of_an_access_key_needs_no_sign_in_for_consent_only(client: Client) -> None:
    answer = client.access_key()
    assert told(answer) == (403, "ClaimConsentRequired")
    with browser(client) as http:
        page = read_page(http.get(answer.json()["errand"]["url"]))
    assert page.name == "consent"
    assert visit_errand(answer.json()["errand"]["url"]) == "done"
    assert client.access_key().status_code == 200


# --- the proactive errand --------------------------------------------------------------------------------------------


@pytest.fixture
def signed_in(client: Client) -> str:
    client.emulator.update({"claims.email": "OPTIONAL"})
    return str(client.steam().json()["accessToken"])


def test_proactive_errand_forces_a_sign_in(client: Client, signed_in: str) -> None:
    client.emulator.player().email = "robin@example.com"
    answer = client.share(signed_in)
    assert answer.status_code == 200 and set(answer.json()) == {"errand", "claims"}
    url = answer.json()["errand"]["url"]
    with browser(client) as http:
        assert read_page(http.get(url)).name == "sign-in"
    assert visit_errand(url) == "done"
    assert client.share(signed_in).json()["errand"] is None
    assert client.share(signed_in).json()["claims"]["email"]["state"] == "GRANTED"


def test_only_ticked_claims_are_shared(client: Client, signed_in: str) -> None:
    errand = client.share(signed_in).json()["errand"]
    assert visit_errand(errand["url"], share=["firstName"]) == "done"
    assert client.status(errand["errandKey"]) == "COMPLETED"
    assert client.emulator.player().grants.firstName == "GRANTED"
    assert client.emulator.player().grants.email == "DENIED"
    assert client.emulator.player().email is None
    assert client.share(signed_in).json()["errand"] is not None  # a declined claim may be offered again


def test_declined_optional_claim_completes_the_errand(client: Client, signed_in: str) -> None:
    errand = client.share(signed_in).json()["errand"]
    assert visit_errand(errand["url"], agree=False) == "done"
    assert client.status(errand["errandKey"]) == "COMPLETED"
    assert client.emulator.player().grants.firstName == "DENIED"


def test_refused_access_tokens(client: Client, signed_in: str) -> None:
    refresh_token = client.steam().json()["refreshToken"]
    head, body, signature = signed_in.split(".")
    ended = client.steam().json()
    client.session("logout", refreshToken=ended["refreshToken"])
    assert told(client.share(ended["accessToken"])) == (401, "AccessTokenSessionEnded")
    assert told(client.share(None)) == (401, "AccessTokenMissing")
    for token in ("example", refresh_token, f"{head}.{body}.{signature[::-1]}"):
        assert told(client.share(token)) == (401, "AccessTokenInvalid")
    client.emulator.player().disabled = True
    assert told(client.share(signed_in)) == (403, "AccountDisabled")
    client.emulator.update({"application.disabled": True})
    assert told(client.share(signed_in)) == (403, "ApplicationNotActive")
    client.emulator.player().deleted = True
    assert told(client.share(signed_in)) == (401, "AccessTokenUnresolved")


@pytest.mark.parametrize("dialect", ["v4", "openapi", "documents"])
def test_expired_access_token(client: Client, dialect: str) -> None:
    client.emulator.update({"claims.email": "OPTIONAL", "dialect": dialect})
    token = client.steam().json()["accessToken"]
    client.emulator.advance(3598)
    assert client.share(token).status_code == 200
    client.emulator.advance(2)
    assert told(client.share(token)) == (401, "AccessTokenExpired")


@pytest.mark.parametrize(
    ("does", "claim", "expected"),
    [
        ("approves", "REQUIRED", "COMPLETED"),
        ("declines", "REQUIRED", "EXPIRED"),
        ("declines", "OPTIONAL", "COMPLETED"),
        ("nothing", "REQUIRED", "PENDING"),
    ],
)
def test_scripted_player_needs_no_browser(client: Client, does: str, claim: str, expected: str) -> None:
    client.emulator.update({"scripted_player": {"does": does, "after_seconds": 3}, "claims.email": "OFF"})
    token = client.steam().json()["accessToken"]
    client.emulator.update({"claims.email": claim})
    key = client.share(token).json()["errand"]["errandKey"]
    client.emulator.advance(2)
    assert client.status(key) == "PENDING"
    client.emulator.advance(1)
    assert client.status(key) == expected
    assert (client.emulator.player().email is not None) == (does == "approves")


# --- the pages -------------------------------------------------------------------------------------------------------


def test_malformed_email_is_reported_and_not_saved(client: Client) -> None:
    with pytest.raises(VisitFailed, match="does not look like an email"):
        visit_errand(gate(client)["url"], email="robin@nowhere")
    with pytest.raises(VisitFailed, match="Enter your email"):
        visit_errand(gate(client)["url"], email=" ")
    assert client.emulator.player().email is None
    assert client.emulator.player().grants.email == "UNKNOWN"


def test_headers_of_a_page(client: Client) -> None:
    with browser(client) as http:
        answer = http.get(gate(client)["url"])
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie
        assert "http://" not in answer.text and "https://" not in answer.text and "<script" not in answer.text
        assert http.get("/via/static/via.css").headers["content-type"].startswith("text/css")
        expired = http.get("/via/errand")
        assert (expired.status_code, read_page(expired).name) == (410, "expired")


def test_form_without_this_browsers_token_is_refused(client: Client) -> None:
    url = gate(client)["url"]
    with browser(client) as http:
        assert http.post(url, data={"action": "continue"}).status_code == 403
        page = read_page(http.get(url))
        assert read_page(http.post(url, data={"action": "continue", "csrf": "x"})).name == "refused"
        # Agreeing without the sign-in leads back to it.
        assert (
            read_page(http.post(url, data={"action": "agree", "email": "a@b.example", **page.hidden})).name == "sign-in"
        )
    assert client.emulator.player().email is None


def test_page_escapes_typed_text_and_the_games_name(client: Client) -> None:
    client.emulator.update({"application.name": "<b>Game</b>"})
    with browser(client) as http:
        url = gate(client)["url"]
        hidden = read_page(http.get(url)).hidden
        http.post(url, data={"action": "continue", **hidden})
        text = http.post(url, data={"action": "agree", "email": '"><script>', **hidden}).text
    assert "<script>" not in text and "<b>" not in text and "&lt;b&gt;Game" in text


def test_picture_of_another_host_is_not_loaded(client: Client) -> None:
    client.emulator.update({"claims": {"staticAvatar": "REQUIRED", "animatedAvatar": "REQUIRED"}})
    client.emulator.put_player(steam_id=KIM, static_avatar_url="https://pictures.example/kim.png")
    url = client.access_key().json()["errand"]["url"]
    with browser(client) as http:
        assert "pictures.example" not in http.get(url).text


# --- in a real browser -----------------------------------------------------------------------------------------------


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Any]:
    with headless_chromium(tmp_path) as driver:
        yield driver


def test_pages_in_chromium_by_keyboard_on_a_narrow_screen(client: Client, chromium: Any) -> None:
    errand = gate(client)
    chromium.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    )

    def press(*keys: str) -> None:
        chromium.switch_to.active_element.send_keys(*keys)

    def page(name: str) -> None:
        chromium.find_element("css selector", f"main[data-page={name}]")
        wide = chromium.execute_script("return document.documentElement.scrollWidth > window.innerWidth")
        assert not wide, f"{name} is wider than the screen"

    tab, enter, space = "\ue004", "\ue007", "\ue00d"
    chromium.get(errand["url"])
    page("sign-in")
    press(tab)
    assert chromium.switch_to.active_element.get_attribute("id") == "continue"
    press(enter)
    page("consent")
    press(tab)
    assert chromium.switch_to.active_element.get_attribute("id") == "email"
    press("robin@nowhere", enter)
    chromium.find_element("id", "email-error")
    assert chromium.switch_to.active_element.get_attribute("id") == "email"
    press("\ue010", *["\ue003"] * len("nowhere"))  # End, Backspace
    press("example.com", tab)
    assert chromium.switch_to.active_element.get_attribute("id") == "share-firstName"
    press(space, tab)
    assert chromium.switch_to.active_element.get_attribute("id") == "agree"
    press(enter)
    page("done")
    assert client.status(errand["errandKey"]) == "COMPLETED"
    assert client.emulator.player().email == "robin@example.com"
    assert client.emulator.player().grants.firstName == "GRANTED"
