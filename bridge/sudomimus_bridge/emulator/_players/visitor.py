"""A visitor that completes the emulator's pages over HTTP as a person would: it reads a form, fills it in and submits it.

`demo --auto` and tests use it.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx

_MOST_PAGES = 8
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For a client of the local service, whose pages use http. A client without it loads all trusted certificates."""


class VisitFailed(Exception):
    """The visit reached no last page. The message names the page, but not its address, which is secret."""


@dataclass
class Page:
    """The visible parts of a page: its name, the form's fields and ticks, the buttons and the errors."""

    name: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    hidden: dict[str, str] = field(default_factory=dict)
    ticks: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self._in_error = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        page, name, value = self.page, given.get("name", ""), given.get("value", "")
        self._in_error = "error" in given.get("class", "").split()
        if tag == "main":
            page.name = given.get("data-page", "")
        elif tag == "button":
            page.buttons[given.get("id", "")] = (name, value)
        elif tag == "input":
            kind = given.get("type", "text")
            kinds = {"hidden": page.hidden, "checkbox": page.ticks}
            kinds.get(kind, page.fields)[name] = value

    def handle_data(self, data: str) -> None:
        if self._in_error and data.strip():
            self.page.errors.append(data.strip())


def visit(
    url: str,
    *,
    agree: bool = True,
    email: str = "robin@example.com",
    share: Iterable[str] | None = None,
    first_name: str = "Robin",
    last_name: str = "Marsh",
    user_code: str | None = None,
    steam_id: int | None = None,
) -> str:
    """Complete a page of the local service as a player would.

    Args:
        url: The page's address.
        agree: Whether the player agrees, which also approves a sign-in.
        email: What the player enters if a page asks for an address.
        share: The names of the optional claims to tick; None ticks all.
        first_name: What the player enters as a first name.
        last_name: What the player enters as a last name.
        user_code: The code to type if the address has none.
        steam_id: The account to choose; None takes the first.

    Returns:
        The name of the last page: "done", "revealed", "declined", "expired" or "not-allowed".

    Raises:
        VisitFailed: A page refuses what was entered.
    """
    answers = {"email": email, "firstName": first_name, "lastName": last_name}
    if user_code is not None:
        answers["user-code"] = user_code
    wanted = None if share is None else set(share)
    # Without trust_env, no proxy of the environment gets a loopback address or a page's key.
    with httpx.Client(trust_env=False, follow_redirects=True, timeout=10, verify=NO_TLS) as browser:
        response = browser.get(url)
        for _ in range(_MOST_PAGES):
            page = read_page(response)
            if page.errors:
                raise VisitFailed(f"the page refused what was entered: {' '.join(page.errors)}")
            press = _press(page, agree=agree, steam_id=steam_id)
            if press is None:
                return page.name
            form = dict(page.hidden)
            form |= {name: answers.get(name, value) for name, value in page.fields.items()}
            form |= {name: on for name, on in page.ticks.items() if wanted is None or name[len("share-") :] in wanted}
            name, value = page.buttons[press]
            response = browser.post(str(response.url), data=form | {name: value})
    raise VisitFailed(f"there was no last page among {_MOST_PAGES} pages")


def visit_errand(
    url: str,
    *,
    agree: bool = True,
    email: str = "robin@example.com",
    share: Iterable[str] | None = None,
    first_name: str = "Robin",
    last_name: str = "Marsh",
) -> str:
    """Complete the errand at `url`. Returns the name of the last page: "done", "declined" or "expired". See `visit`."""
    return visit(url, agree=agree, email=email, share=share, first_name=first_name, last_name=last_name)


def _press(page: Page, *, agree: bool, steam_id: int | None) -> str | None:
    """The button to press on this page; None on a last page."""
    if page.name == "accounts":
        other = f"continue-{steam_id}"
        return other if other in page.buttons else "continue"
    return {
        "sign-in": "continue",
        "user-code": "next",
        "consent": "agree" if agree else "decline",
        "approve": "approve" if agree else "decline",
    }.get(page.name)


def read_page(response: httpx.Response) -> Page:
    """The page in an answer. Raises VisitFailed if there is none."""
    reader = _Reader()
    reader.feed(response.text)
    if not reader.page.name:
        raise VisitFailed(f"this is not a page of the local service (status {response.status_code})")
    return reader.page
