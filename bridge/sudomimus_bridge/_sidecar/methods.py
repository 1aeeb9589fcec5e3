"""The table of the sidecar's methods. To add one, add a row, its models in `messages` and its handler in `handlers`."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from .._values.errors import LoginCancelled
from .dispatcher import Call, Method
from .handlers import Handlers
from .interface import Row, checked, read_params


def _initialize(handlers: Handlers, _call: Call) -> dict[str, Any]:
    return handlers.initialize([row.name for row in TABLE])


def _discover(_handlers: Handlers, _call: Call) -> dict[str, Any]:
    return _document()


@cache
def _document() -> dict[str, Any]:
    """Built once, because building takes milliseconds, during which no login makes progress."""
    from .openrpc import document

    return document(TABLE)


TABLE: tuple[Row, ...] = (
    Row(
        "initialize",
        "Return the versions and the names of the methods. Optional.",
        result="InitializeResult",
        answer=_initialize,
        constant=True,
    ),
    Row("login", "Sign a player in.", "LoginParams", "LoginTokens", run=Handlers.login, for_player=True),
    Row(
        "errand",
        "Let a signed-in player share more.",
        "ErrandParams",
        "ErrandOutcome",
        run=Handlers.errand,
        cancelled=partial(LoginCancelled, "The errand was cancelled."),
        for_player=True,
    ),
    Row(
        "player",
        "Return the player of an access token, as far as the player is known.",
        "PlayerParams",
        "PlayerProfile",
        run=Handlers.player,
        cancelled=partial(LoginCancelled, "The request for the player was cancelled."),
        for_player=True,
    ),
    Row(
        "refresh",
        "Renew a session: exchange its refresh token for a new pair of tokens.",
        "RefreshParams",
        "LoginTokens",
        run=Handlers.refresh,
        cancelled=Handlers.refresh_cancelled,
        for_player=True,
    ),
    Row(
        "logout",
        "End a session.",
        "RefreshParams",
        "LogoutOutcome",
        run=Handlers.logout,
        cancelled=partial(
            LoginCancelled, "Signing out was cancelled. The session may still be open: sign out again to end it."
        ),
        for_player=True,
    ),
    Row("done", "Report that the player is done in the browser.", "RequestParams", "DoneResult", answer=Handlers.done),
    Row("cancel", "Cancel a running request.", "RequestParams", "CancelResult", answer=Handlers.cancel),
    Row("rpc.discover", "Return this interface as an OpenRPC document.", result="", answer=_discover),
    Row(
        "shutdown",
        "Cancel the running requests, close Steam, and exit with status 0.",
        run=Handlers.shutdown,
        ends_all=True,
    ),
)


def methods(handlers: Handlers) -> list[Method]:
    """The rows as the dispatcher takes them."""
    return [
        Method(
            row.name,
            partial(read_params, row),
            answer=None if row.answer is None else partial(_answer, row, handlers),
            run=None if row.run is None else partial(_run, row, handlers),
            needs_id=row.for_player,
            cancelled=row.cancelled,
            ends_all=row.ends_all,
        )
        for row in TABLE
    ]


def _answer(row: Row, handlers: Handlers, call: Call) -> Any:
    return _checked(row, row.answer and row.answer(handlers, call))


async def _run(row: Row, handlers: Handlers, call: Call) -> Any:
    return _checked(row, row.run and await row.run(handlers, call))


def _checked(row: Row, result: Any) -> Any:
    return checked(row.result, result) if row.result and not row.constant else result
