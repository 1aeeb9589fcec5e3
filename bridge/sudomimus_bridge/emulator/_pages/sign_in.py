"""The pages of a sign-in in the browser: an inquiry's at `/via/?exposure-key=…`, a device's at `/via/device`.

The controls: #user-code and #next (user-code); #continue and #continue-<SteamID64> (accounts); #agree, #decline and the
fields of consent; #approve and #decline (approve); #switch (not-allowed). The pages: user-code, accounts, consent, approve,
not-allowed, done, revealed, declined, expired, refused.
"""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .._config.config import Player
from .._memory.sign_ins import DeviceAuthorization, Inquiry, SignIn, normal_user_code
from .._players import claims, consent
from .._rules.approval import approve, callback_location, decline, may_sign_in
from .frame import BrowserSession, FormPages


class SignInPages(FormPages):
    """The routes of both kinds of pages, for one emulator's state."""

    def routes(self) -> list[Route]:
        """All routes, each with its full path."""
        return [
            route
            for path in ("/via", "/via/", "/via/device")
            for route in (Route(path, self.show, methods=["GET"]), Route(path, self.submit, methods=["POST"]))
        ]

    # --- showing -----------------------------------------------------------------------------------------------------

    def _page_of(self, request: Request, session: BrowserSession) -> Response:
        sign_in = self._find(request)
        if _is_device(request) and (sign_in is None or _key(sign_in) not in session.confirmed):
            return self._user_code(session, request.query_params.get("user-code", ""))
        if sign_in is None or sign_in.standing == "failed":
            return self._frame.render("expired", status=410)
        if sign_in.standing == "declined":
            return self._frame.render("declined")
        account = session.accounts.get(_key(sign_in))
        if sign_in.standing in ("approved", "spent"):
            return self._over(sign_in, mine=account is not None and account == sign_in.steam_id)
        if self._state.sign_ins.expired(sign_in):
            return self._frame.render("expired", status=410)
        if account is None:
            return self._accounts(session)
        player = self._state.player(account)
        if not may_sign_in(self._state, sign_in, player):
            return self._frame.render("not-allowed", status=403, session=session, player=player)
        tasks = self._tasks(player)
        if tasks:
            return self._frame.consent(session, player, tasks, signed_in=True)
        return self._frame.render("approve", session=session, player=player, device=_is_device(request))

    def _over(self, sign_in: SignIn, *, mine: bool) -> Response:
        if isinstance(sign_in, Inquiry) and mine:
            if sign_in.revealed is not None:
                return self._frame.render("revealed", pair=sign_in.revealed)
            return self._frame.render("done", go_on_to=callback_location(self._state, sign_in))
        return self._frame.render("done")

    def _user_code(self, session: BrowserSession, code: str, error: str | None = None) -> Response:
        status = 422 if error else 200
        return self._frame.render("user-code", status=status, session=session, code=code[:20], error=error)

    def _accounts(self, session: BrowserSession) -> Response:
        state = self._state
        first = state.player(state.config.default_player)
        others = [player for player in state.players.values() if player is not first and not player.deleted]
        return self._frame.render("accounts", session=session, players=[first, *others])

    # --- buttons -----------------------------------------------------------------------------------------------------

    def _code_entered(self, request: Request, session: BrowserSession, form: FormData) -> Response:
        typed = str(form.get("user-code", ""))
        code = normal_user_code(typed)
        device = self._state.sign_ins.by_user_code(code)
        if device is None or device.standing != "pending" or self._state.sign_ins.expired(device):
            error = "No sign-in waits for this code. Check it, or start the sign-in in the game again."
            return self._user_code(session, typed, error if typed.strip() else "Enter the code that the game shows.")
        session.confirmed.add(_key(device))
        return self._frame.back(request, urlencode({"user-code": code}))

    def _submitted(self, request: Request, session: BrowserSession, form: FormData) -> Response:
        if "user-code" in form:
            return self._code_entered(request, session, form)
        sign_in = self._find(request)
        if sign_in is None or sign_in.standing != "pending" or self._state.sign_ins.expired(sign_in):
            return self._frame.back(request)
        if _is_device(request) and _key(sign_in) not in session.confirmed:
            return self._frame.back(request)
        chosen = self._state.players.get(_steam_id(form))
        if chosen is not None:
            session.accounts[_key(sign_in)] = chosen.steam_id
        elif form.get("action") == "switch":
            session.accounts.pop(_key(sign_in), None)
        elif _key(sign_in) in session.accounts:
            return self._decided(request, session, sign_in, form)
        return self._frame.back(request)

    def _decided(self, request: Request, session: BrowserSession, sign_in: SignIn, form: FormData) -> Response:
        state, action = self._state, form.get("action")
        player = state.player(session.accounts[_key(sign_in)])
        if not may_sign_in(state, sign_in, player):
            return self._frame.back(request)
        tasks = self._tasks(player)
        if action == "agree":
            errors = consent.agree(player, tasks, state.via_url, form)
            if errors:
                return self._frame.consent(session, player, tasks, signed_in=True, form=form, errors=errors)
            approve(state, sign_in, player)
        elif action == "approve" and not tasks:
            approve(state, sign_in, player)
        elif action == "decline":
            if tasks and consent.decline(player, tasks):
                approve(state, sign_in, player)  # no claim was required, so the player is signed in
            else:
                decline(sign_in)
        return self._frame.back(request)

    def _tasks(self, player: Player) -> tuple[claims.Task, ...]:
        return claims.asked_at_sign_in(player, self._state.config, self._state.via_url)

    def _find(self, request: Request) -> SignIn | None:
        if _is_device(request):
            return self._state.sign_ins.by_user_code(normal_user_code(request.query_params.get("user-code", "")))
        return self._state.sign_ins.exposed(request.query_params.get("exposure-key", ""))


def _is_device(request: Request) -> bool:
    return request.url.path.endswith("/device")


def _key(sign_in: SignIn) -> str:
    if isinstance(sign_in, DeviceAuthorization):
        return sign_in.device_code
    return sign_in.exposure_key if isinstance(sign_in, Inquiry) else ""


def _steam_id(form: FormData) -> int:
    value = form.get("continue")
    plain = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20
    return int(str(value)) if plain else 0
