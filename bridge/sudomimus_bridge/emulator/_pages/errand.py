"""The pages of an errand, to which the claim gate or a proactive errand sends the player.

The controls: #continue (sign-in); #email, #firstName, #lastName (missing data), #share-<claim> (optional claims), #agree and
#decline (consent). The pages: sign-in, consent, done, declined, expired, refused.
"""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .._memory.errands import Errand
from .._players import consent
from .frame import BrowserSession, FormPages


class ErrandPages(FormPages):
    """The routes of the errand's pages, for one emulator's state."""

    def routes(self) -> list[Route]:
        """All routes, each with its full path."""
        return [
            Route("/via/errand", self.show, methods=["GET"]),
            Route("/via/errand", self.submit, methods=["POST"]),
        ]

    def _page_of(self, request: Request, session: BrowserSession) -> Response:
        errand = self._state.errands.live(request.query_params.get("key", ""))
        if errand is None:
            return self._frame.render("expired", status=410)
        if errand.outcome == "declined":
            return self._frame.render("declined")
        if errand.outcome == "completed":
            return self._frame.render("done")
        player = self._state.player(errand.steam_id)
        if errand.forces_sign_in and errand.key not in session.accounts:
            return self._frame.render("sign-in", session=session, player=player)
        return self._frame.consent(session, player, errand.tasks, signed_in=errand.forces_sign_in)

    def _submitted(self, request: Request, session: BrowserSession, form: FormData) -> Response:
        errand = self._state.errands.live(request.query_params.get("key", ""))
        if errand is not None and errand.outcome == "open":
            action = form.get("action")
            if action == "continue":
                session.accounts[errand.key] = errand.steam_id
            elif errand.forces_sign_in and errand.key not in session.accounts:
                pass  # back to the sign-in page
            elif action == "decline":
                done = consent.decline(self._state.player(errand.steam_id), errand.tasks)
                errand.outcome = "completed" if done else "declined"
            elif action == "agree":
                return self._agreed(request, session, errand, form)
        return self._frame.back(request)

    def _agreed(self, request: Request, session: BrowserSession, errand: Errand, form: FormData) -> Response:
        player, state = self._state.player(errand.steam_id), self._state
        errors = consent.agree(player, errand.tasks, state.via_url, form)
        if errors:
            signed_in = errand.forces_sign_in
            return self._frame.consent(session, player, errand.tasks, signed_in=signed_in, form=form, errors=errors)
        errand.outcome = "completed"
        return self._frame.back(request)
