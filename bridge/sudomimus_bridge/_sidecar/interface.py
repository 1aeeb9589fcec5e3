"""Describes the sidecar's methods, and checks their messages against the models in `messages`.

`messages` imports pydantic, which takes as long as Python's start, so it is imported when the first message needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._values.errors import LoginCancelled
from .dispatcher import Call
from .jsonrpc import INVALID_PARAMS, refused, shown_name

if TYPE_CHECKING:
    from pydantic import ValidationError

    from .messages import Message


@dataclass(frozen=True)
class Row:
    """One method of the interface. `params` and `result` name models; None means no params, or null."""

    name: str
    summary: str
    params: str | None = None
    result: str | None = None
    answer: Callable[[Any, Call], Any] | None = None
    """Returns the result at once. Like `run`, it takes the sidecar's `Handlers` as its first argument."""
    run: Callable[[Any, Call], Any] | None = None
    """Takes a while, beside other requests."""
    cancelled: Callable[[], Exception] = LoginCancelled
    """Makes the error for a request that is cancelled."""
    ends_all: bool = False
    """The method cancels the other requests and cannot be cancelled itself."""
    for_player: bool = False
    """The method acts for a player: it may end with one of the bridge's errors, and its result must reach a caller."""
    constant: bool = False
    """The result is always the same, so it is sent unchecked and pydantic is not imported for it."""


def model(name: str) -> type[Message]:
    """A model of `messages`."""
    from . import messages

    found: type[Message] = getattr(messages, name)
    return found


def checked(name: str, value: dict[str, Any]) -> dict[str, Any]:
    """An outgoing message, checked by its model. Raises if it does not fit the interface."""
    return model(name).model_validate(value, by_alias=True).model_dump(mode="json", by_alias=True, exclude_unset=True)


def read_params(row: Row, params: Any) -> Message | None:
    """The params of a call. Raises `RpcError` -32602, which names the wrong field and repeats no value."""
    if isinstance(params, list):
        if params:
            raise refused(INVALID_PARAMS, "They must be given by name, in an object.", "params")
        params = {}
    given = params or {}
    if row.params is None:
        if given:
            raise refused(INVALID_PARAMS, "There is no such param.", _field(next(iter(given))))
        return None
    expected = model(row.params)
    from pydantic import ValidationError

    try:
        return expected.model_validate(given)
    except ValidationError as error:
        raise refused(INVALID_PARAMS, *_problem_and_field(error)) from None


_PROBLEMS = {
    "missing": "It is missing.",
    "extra_forbidden": "There is no such param.",
    "string_too_short": "It is empty.",
    "string_too_long": "It is too long.",
    "string_pattern_mismatch": "It holds characters that no token has.",
    "string_unicode": "It holds a lone surrogate, which is half of a character.",
    "not_for_method": 'It is only for the method "browser".',
}
_TYPES = {
    "string_type": "a string",
    "int_type": "a number",
    "float_type": "a number",
    "bool_type": "true or false",
    "none_required": "null",
}


def _problem_and_field(error: ValidationError) -> tuple[str, str]:
    """The problem with the first wrong field, and its name."""
    errors = error.errors(include_url=False, include_input=False)
    here = [each for each in errors if each["loc"][:1] == errors[0]["loc"][:1]]
    if here[0]["type"] == "literal_error":
        problem = f"It must be {here[0]['ctx']['expected']}."
    elif types := dict.fromkeys(_TYPES[each["type"]] for each in here if each["type"] in _TYPES):
        problem = f"It must be {' or '.join(types)}."
    else:
        problem = _PROBLEMS.get(here[0]["type"], "It is not valid.")
    if here[0]["loc"]:
        return problem, _field(str(here[0]["loc"][0]))
    # The error is about params that exclude each other, or about a name with a lone surrogate.
    field = here[0].get("ctx", {}).get("field")
    return problem, _field(field) if field else "params"


def _field(name: str) -> str:
    return f"params.{shown_name(name)}"
