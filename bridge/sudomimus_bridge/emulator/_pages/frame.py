"""The common parts of all pages below /via: the browser's session, the token of its forms, templates, stylesheet, avatars.

The pages are HTML with plain forms, without a script. Programs that drive them find the controls by fixed ids, and the name
of the page in `<main data-page>`. `errand` and `sign_in` list both.
"""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from .._config.config import Player
from .._memory.state import State
from .._players.claims import Task, avatar_handle
from .._players.consent import items

COOKIE = "sudomimus_emulator"
_MOST_SESSIONS = 1000

HEADERS = {
    "Cache-Control": "no-store",
    # The address contains a key. No link, frame or picture may send it elsewhere.
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclass
class BrowserSession:
    """One browser: the token of its forms, and the account that has signed in for each errand, exposure or device key."""

    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    accounts: dict[str, int] = field(default_factory=dict, repr=False)
    # The device authorizations whose user code the player has confirmed in this browser.
    confirmed: set[str] = field(default_factory=set, repr=False)


class PageFrame:
    """The browsers' sessions and the rendering of pages, for one emulator's state."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._sessions: dict[str, BrowserSession] = {}

    def routes(self) -> list[Route]:
        """The routes of the stylesheet and the avatars."""
        return [
            Route("/via/static/via.css", self.stylesheet, methods=["GET"]),
            Route("/via/avatar/{handle}.svg", self.avatar, methods=["GET"]),
        ]

    def session(self, request: Request) -> tuple[str, BrowserSession]:
        """This browser's cookie and session. Makes both if the browser has none."""
        cookie = request.cookies.get(_cookie_name(request), "")
        if cookie not in self._sessions:
            cookie = secrets.token_urlsafe(24)
            self._sessions[cookie] = BrowserSession()
            while len(self._sessions) > _MOST_SESSIONS:
                self._sessions.pop(next(iter(self._sessions)))
        return cookie, self._sessions[cookie]

    def remember(self, request: Request, response: Response, cookie: str) -> Response:
        """Set the cookie by which the browser keeps its session."""
        response.set_cookie(_cookie_name(request), cookie, path="/via", httponly=True, samesite="lax")
        return response

    def session_of_form(self, request: Request, form: Mapping[str, Any]) -> BrowserSession | None:
        """The session for which a form was made; None if the form is not this browser's."""
        session = self._sessions.get(request.cookies.get(_cookie_name(request), ""))
        csrf = form.get("csrf")
        if session is None or not isinstance(csrf, str):
            return None
        return session if secrets.compare_digest(csrf.encode(), session.csrf.encode()) else None

    def render(self, page: str, *, status: int = 200, **context: Any) -> Response:
        """A page, rendered from its template."""
        template = _environment().get_template(f"{page}.html")
        html = template.render(page=page, application=self._state.config.application.shown_name, **context)
        return Response(html, status_code=status, media_type="text/html", headers=HEADERS)

    def consent(
        self,
        session: BrowserSession,
        player: Player,
        tasks: tuple[Task, ...],
        *,
        signed_in: bool,
        form: Mapping[str, Any] | None = None,
        errors: Mapping[Any, str] | None = None,
    ) -> Response:
        """The consent page: empty, or with the sent form and its errors."""
        errors = errors or {}
        shown = items(player, tasks, self._state.via_url, form, errors)
        return self.render(
            "consent",
            status=422 if errors else 200,
            session=session,
            player=player,
            required=[item for item in shown if item.required],
            optional=[item for item in shown if not item.required],
            errors=errors,
            signed_in=signed_in,
        )

    def back(self, request: Request, query: str | None = None) -> Response:
        """Redirect the browser to the page with 303. The browser uses GET then, so a reload sends no form twice."""
        query = request.url.query if query is None else query
        url = f"{request.url.path}?{query}" if query else request.url.path
        return RedirectResponse(url, status_code=303, headers=HEADERS)  # RFC 9110, 15.4.4

    async def stylesheet(self, _request: Request) -> Response:
        """The stylesheet of all pages."""
        return Response(_stylesheet(), media_type="text/css", headers={"Cache-Control": "no-cache"})

    async def avatar(self, request: Request) -> Response:
        """The picture of a player without one: the first letter of the name, on a colour that depends on the player."""
        handle = request.path_params["handle"]
        with self._state.lock:
            player = next((p for p in self._state.players.values() if avatar_handle(p) == handle), None)
        letter = player.shown_name[:1].upper() if player else "?"
        hue = sum(handle.encode()) * 7 % 360
        svg = _environment().get_template("avatar.svg").render(letter=letter, hue=hue)
        return Response(svg, media_type="image/svg+xml", headers=HEADERS)


class FormPages(ABC):
    """Pages of one kind. Each is a form that is shown and submitted under one path."""

    def __init__(self, state: State, frame: PageFrame) -> None:
        self._state = state
        self._frame = frame

    async def show(self, request: Request) -> Response:
        """Show the page."""
        cookie, session = self._frame.session(request)
        with self._state.lock:
            response = self._page_of(request, session)
        return self._frame.remember(request, response, cookie)

    async def submit(self, request: Request) -> Response:
        """Handle a pressed button, then redirect the browser to `show`."""
        async with request.form(max_files=0, max_fields=50) as form:
            session = self._frame.session_of_form(request, form)
            if session is None:
                return self._frame.render("refused", status=403)
            with self._state.lock:
                return self._submitted(request, session, form)

    @abstractmethod
    def _page_of(self, request: Request, session: BrowserSession) -> Response:
        """The page to show."""

    @abstractmethod
    def _submitted(self, request: Request, session: BrowserSession, form: FormData) -> Response:
        """Carry out the action of a form."""


def _cookie_name(request: Request) -> str:
    """The cookie's name contains the port: a cookie is sent to all ports of a host (RFC 6265, 8.5)."""
    _, port = request.scope["server"]
    return f"{COOKIE}_{port}"


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("sudomimus_bridge.emulator._pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _stylesheet() -> str:
    return _environment().get_template("via.css").render()
