"""The boundary around code that handles a secret's text: an exception that crosses it loses its frames.

A crash reporter keeps the local variables of every frame in a traceback, whatever the cause: a cancelled task, Ctrl-C, a
closed coroutine, a bug. Code that needs a secret's text is called through `sealed`; all other code holds `Secret`s.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

_COROUTINE = 0x80  # inspect.CO_COROUTINE, without the cost of importing inspect

_RAISED = "Raised at "

P = ParamSpec("P")
R = TypeVar("R")
E = TypeVar("E", bound=BaseException)


def sealed(function: Callable[P, R]) -> Callable[P, R]:
    """Remove the function's frames, and those below it, from every exception that leaves it. Its arguments stay visible.

    For plain and async functions, also on a worker thread. The exception stays the same object. Its causes, contexts and group
    members keep their types and texts.
    """
    inner = cast("Callable[..., Any]", function)

    # Each wrapper has two handlers: Ctrl-C may come while the first one runs.
    if function.__code__.co_flags & _COROUTINE:

        @wraps(function)
        async def call_async(*args: Any, **keywords: Any) -> Any:
            before = sys.exception()
            try:
                try:
                    return await inner(*args, **keywords)
                except BaseException as error:  # noqa: BLE001 - passed on
                    raise without_frames(error, before)  # noqa: B904 - the same one
            except BaseException as error:  # noqa: BLE001 - passed on
                raise without_frames(error, before)  # noqa: B904

        return cast("Callable[P, R]", call_async)

    @wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        before = sys.exception()
        try:
            try:
                return inner(*args, **keywords)
            except BaseException as error:  # noqa: BLE001 - passed on
                raise without_frames(error, before)  # noqa: B904 - the same one
        except BaseException as error:  # noqa: BLE001 - passed on
            raise without_frames(error, before)  # noqa: B904

    return cast("Callable[P, R]", call)


def without_frames(error: E, before: BaseException | None = None) -> E:
    """Remove the traceback of an error, and of the exceptions behind it, and return the error.

    `before` is the exception that the caller was handling already. It and the exceptions behind it stay as they are.
    """
    kept = {id(each) for each in _all_behind(before, set())}
    if isinstance(error, Exception) and not hasattr(error, "__notes__") and error.__traceback__ is not None:
        error.add_note(f"{_RAISED}{_place(error.__traceback__)}; the frames there held a secret.")
    for each in _all_behind(error, kept):
        each.__traceback__ = None
    return error


def place_of(error: BaseException) -> str | None:
    """The place that raised an exception, also if its frames have been removed. None if it was never raised."""
    note = next((each for each in getattr(error, "__notes__", ()) if each.startswith(_RAISED)), None)
    if note is not None:
        return str(note).removeprefix(_RAISED).partition(";")[0]
    return None if error.__traceback__ is None else _place(error.__traceback__)


def _place(trace: TracebackType) -> str:
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return f"{code.co_filename.replace(chr(92), '/').rpartition('/')[2]}:{trace.tb_lineno}, in {code.co_name}"


def _all_behind(error: BaseException | None, seen: set[int]) -> list[BaseException]:
    """The exception with its causes, contexts and group members, except for those in `seen`."""
    found: list[BaseException] = []
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        found.append(each)
        waiting += [each.__cause__, each.__context__]
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions
    return found
