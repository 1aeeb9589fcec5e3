"""The table of the sidecar's methods: a row names its models in `messages` and what answers it. To add a method, add a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .._values.errors import LoginCancelled
from .dispatcher import Call, Method
from .flows import Flows
from .jsonrpc import INVALID_PARAMS, refused, shown_name

if TYPE_CHECKING:
    from pydantic import ValidationError

    from .messages import Message


@dataclass(frozen=True)
class Row:
    """A method. `params` and `result` are names in `messages`; None stands for no params, and for null."""

    name: str
    summary: str
    params: str | None = None
    result: str | None = None
    answer: Callable[[Flows, Call], Any] | None = None
    """Gives the result at once."""
    run: Callable[[Flows, Call], Any] | None = None
    """Gives it some time, beside other requests."""
    cancelled: Callable[[], Exception] = LoginCancelled
    """What it ends with where it is cancelled."""
    ends_all: bool = False
    """It cancels the others, and cannot be cancelled itself."""
    signs_in: bool = False
    """It tells progress, it may end with one of the bridge's errors, and its result is for somebody."""
    constant: bool = False
    """Its result never varies, so that pydantic need not be loaded to check it: that takes as long as Python's start."""


@cache
def _document() -> dict[str, Any]:
    """Made once: it takes milliseconds, in which no login has its turn."""
    from .openrpc import document

    return document(TABLE)


TABLE: tuple[Row, ...] = (
    Row(
        "initialize",
        "Say who answers and what it can do. Optional.",
        result="InitializeResult",
        answer=lambda flows, _: flows.initialize([row.name for row in TABLE]),
        constant=True,
    ),
    Row("login", "Sign a player in.", "LoginParams", "LoginTokens", run=Flows.login, signs_in=True),
    Row(
        "errand",
        "Let a signed-in player share more.",
        "ErrandParams",
        "ErrandOutcome",
        run=Flows.errand,
        cancelled=partial(LoginCancelled, "The errand was cancelled."),
        signs_in=True,
    ),
    Row(
        "refresh",
        "Renew a session: a new pair of tokens for its refresh token.",
        "RefreshParams",
        "LoginTokens",
        run=Flows.refresh,
        cancelled=Flows.refresh_cancelled,
        signs_in=True,
    ),
    Row(
        "logout",
        "End a session.",
        "RefreshParams",
        "LogoutOutcome",
        run=Flows.logout,
        cancelled=partial(LoginCancelled, "Signing out was cancelled. The session may go on: try again to end it."),
        signs_in=True,
    ),
    Row("done", "The player says: done in the browser.", "RequestParams", "DoneResult", answer=Flows.done),
    Row("cancel", "Cancel a running request.", "RequestParams", "CancelResult", answer=Flows.cancel),
    Row("rpc.discover", "This interface as an OpenRPC document.", result="", answer=lambda *_: _document()),
    Row("shutdown", "Cancel what runs, let go of Steam, and exit with status 0.", run=Flows.shutdown, ends_all=True),
)


def methods(flows: Flows) -> list[Method]:
    """The rows as the dispatcher takes them."""
    return [_method(row, flows) for row in TABLE]


def model(name: str) -> type[Message]:
    """A model of `messages`, which is imported for the first one."""
    found: type[Message] = getattr(import_module(".messages", __package__), name)
    return found


def checked(name: str, value: dict[str, Any]) -> dict[str, Any]:
    """A message on its way out, as its model has it. Raises where it is not what the interface says."""
    return model(name).model_validate(value, by_alias=True).model_dump(mode="json", by_alias=True, exclude_unset=True)


def read_params(row: Row, params: Any) -> Message | None:
    """The params of a call. Raises `RpcError` -32602 with the field that is wrong, repeating no value."""
    if isinstance(params, list):
        if params:
            raise refused(INVALID_PARAMS, "They must be given by name, in an object.", "params")
        params = {}
    given = params or {}
    if row.params is None:
        if given:
            raise refused(INVALID_PARAMS, "There is no such param.", _field(next(iter(given))))
        return None
    wanted = model(row.params)
    from pydantic import ValidationError

    try:
        return wanted.model_validate(given)
    except ValidationError as error:
        raise refused(INVALID_PARAMS, *_what_is_wrong(error)) from None


def _method(row: Row, flows: Flows) -> Method:
    def out(result: Any) -> Any:
        return checked(row.result, result) if row.result and not row.constant else result

    def answered(call: Call) -> Any:
        return out(row.answer(flows, call)) if row.answer is not None else None

    async def run(call: Call) -> Any:
        return out(await row.run(flows, call)) if row.run is not None else None

    return Method(
        row.name,
        partial(read_params, row),
        answer=answered if row.answer is not None else None,
        run=run if row.run is not None else None,
        needs_asker=row.signs_in,
        cancelled=row.cancelled,
        ends_all=row.ends_all,
    )


_WORDS = {
    "missing": "It is missing.",
    "extra_forbidden": "There is no such param.",
    "string_too_short": "It is empty.",
    "string_too_long": "It is too long.",
    "string_pattern_mismatch": "It holds characters that no token has.",
    "string_unicode": "It holds half of a character.",
    "not_for_method": 'It goes with the method "browser" alone.',
}
_TYPES = {
    "string_type": "a string",
    "int_type": "a number",
    "float_type": "a number",
    "bool_type": "true or false",
    "none_required": "null",
}


def _what_is_wrong(error: ValidationError) -> tuple[str, str]:
    """Of the first field that is wrong: what is wrong with it, and its name."""
    errors = error.errors(include_url=False, include_input=False)
    here = [each for each in errors if each["loc"][:1] == errors[0]["loc"][:1]]
    if here[0]["type"] == "literal_error":
        problem = f"It must be {here[0]['ctx']['expected']}."
    elif types := dict.fromkeys(_TYPES[each["type"]] for each in here if each["type"] in _TYPES):
        problem = f"It must be {' or '.join(types)}."
    else:
        problem = _WORDS.get(here[0]["type"], "It is not valid.")
    if here[0]["loc"]:
        return problem, _field(str(here[0]["loc"][0]))
    # About params that do not go together; else it is a name that holds half a character.
    together = here[0].get("ctx", {}).get("field")
    return problem, _field(together) if together else "params"


def _field(name: str) -> str:
    return f"params.{shown_name(name)}"
