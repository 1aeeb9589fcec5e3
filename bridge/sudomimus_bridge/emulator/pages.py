"""The pages below /via: what a player meets in the browser when an errand has to be done.

HTML from templates and plain forms, no script. The controls have names that stay, for whoever drives them:
#continue (sign-in); #email, #firstName, #lastName (missing data), #share-<claim> (what is optional), #agree and
#decline (consent). `<main data-page>` says which page it is: sign-in, consent, done, declined, expired, refused.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from . import consent
from .claims import avatar_handle
from .errands import Errand
from .state import State

COOKIE = "sudomimus_emulator"
_MOST_SESSIONS = 1000

_HEADERS = {
    "Cache-Control": "no-store",
    # The errand key stands in the address: it must not leave with a link, a frame or a picture.
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclass
class Session:
    """A browser, the token its forms carry, and the errands for which it has signed in."""

    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    signed_in: set[str] = field(default_factory=set, repr=False)


class Pages:
    """The routes of the pages, bound to one emulator's state."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._sessions: dict[str, Session] = {}

    def routes(self) -> list[Route]:
        """All routes, each with its full path."""
        return [
            Route("/via/errand", self.show, methods=["GET"]),
            Route("/via/errand", self.submit, methods=["POST"]),
            Route("/via/static/via.css", self.stylesheet, methods=["GET"]),
            Route("/via/avatar/{handle}.svg", self.avatar, methods=["GET"]),
        ]

    async def show(self, request: Request) -> Response:
        """The page on which this errand stands."""
        cookie, session = self._session(request)
        with self._state.lock:
            response = self._page_of(request, session)
        response.set_cookie(COOKIE, cookie, path="/via", httponly=True, samesite="lax")
        return response

    async def submit(self, request: Request) -> Response:
        """Continue, Agree or Decline; afterwards the browser is sent back to `show`."""
        session = self._sessions.get(request.cookies.get(COOKIE, ""))
        async with request.form(max_files=0, max_fields=50) as form:
            csrf = form.get("csrf")
            if (
                session is None
                or not isinstance(csrf, str)
                or not secrets.compare_digest(csrf.encode(), session.csrf.encode())
            ):
                return self._render("refused", status=403)
            with self._state.lock:
                return self._submitted(request, session, form)

    def _page_of(self, request: Request, session: Session) -> Response:
        errand = self._state.errands.live(request.query_params.get("key", ""))
        if errand is None:
            return self._render("expired", status=410)
        if errand.outcome == "declined":
            return self._render("declined")
        if errand.outcome == "completed":
            return self._render("done")
        if errand.forces_sign_in and errand.key not in session.signed_in:
            return self._render("sign-in", session=session, player=self._state.player(errand.steam_id))
        return self._consent(errand, session)

    def _submitted(self, request: Request, session: Session, form: FormData) -> Response:
        errand = self._state.errands.live(request.query_params.get("key", ""))
        if errand is not None and errand.outcome == "open":
            action = form.get("action")
            if action == "continue":
                session.signed_in.add(errand.key)
            elif errand.forces_sign_in and errand.key not in session.signed_in:
                pass  # back to the sign-in page
            elif action == "decline":
                consent.decline(self._state, errand)
            elif action == "agree":
                errors = consent.agree(self._state, errand, form)
                if errors:
                    return self._consent(errand, session, form=form, errors=errors, status=422)
        # 303: the browser fetches the next page with GET, and a reload sends nothing twice (RFC 9110, 15.4.4).
        return RedirectResponse(f"{request.url.path}?{request.url.query}", status_code=303, headers=_HEADERS)

    def _consent(self, errand: Errand, session: Session, **more: Any) -> Response:
        form, errors = more.get("form"), more.get("errors", {})
        items = consent.items(self._state, errand, form, errors)
        return self._render(
            "consent",
            status=more.get("status", 200),
            session=session,
            player=self._state.player(errand.steam_id),
            required=[item for item in items if item.required],
            optional=[item for item in items if not item.required],
            errors=errors,
            signed_in=errand.forces_sign_in,
        )

    def _render(self, page: str, *, status: int = 200, **context: Any) -> Response:
        template = _environment().get_template(f"{page}.html")
        html = template.render(page=page, application=self._state.config.application.name, **context)
        return Response(html, status_code=status, media_type="text/html", headers=_HEADERS)

    def _session(self, request: Request) -> tuple[str, Session]:
        cookie = request.cookies.get(COOKIE, "")
        if cookie not in self._sessions:
            cookie = secrets.token_urlsafe(24)
            self._sessions[cookie] = Session()
            while len(self._sessions) > _MOST_SESSIONS:
                self._sessions.pop(next(iter(self._sessions)))
        return cookie, self._sessions[cookie]

    async def stylesheet(self, _request: Request) -> Response:
        """The one stylesheet."""
        return Response(_stylesheet(), media_type="text/css", headers={"Cache-Control": "no-cache"})

    async def avatar(self, request: Request) -> Response:
        """The picture the service draws for a player who has none: the first letter on a colour of their own."""
        handle = request.path_params["handle"]
        with self._state.lock:
            player = next((p for p in self._state.players.values() if avatar_handle(p) == handle), None)
        letter = player.shown_name[:1].upper() if player else "?"
        hue = sum(handle.encode()) * 7 % 360
        svg = _environment().get_template("avatar.svg").render(letter=letter, hue=hue)
        return Response(svg, media_type="image/svg+xml", headers=_HEADERS)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("sudomimus_bridge.emulator"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _stylesheet() -> str:
    return _environment().get_template("via.css").render()
