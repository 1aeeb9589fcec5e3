"""The boundary for secrets that are in the open: an exception that passes it leaves the frames behind.

A crash reporter keeps the local variables of every frame in a traceback, whoever raised: a cancelled task, Ctrl-C, a
closed coroutine, a bug. Code that needs a secret's text is called through `sealed`; all other code holds `Secret`s.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

_COROUTINE = 0x80  # inspect.CO_COROUTINE, without the cost of importing inspect

P = ParamSpec("P")
R = TypeVar("R")
E = TypeVar("E", bound=BaseException)


def sealed(function: Callable[P, R]) -> Callable[P, R]:
    """A function whose frames, and those below them, no exception carries out. Its arguments stay visible.

    For plain and async functions, on a worker thread too. The exception itself stays the same object; of its causes,
    contexts and group members only the type and the text stay.
    """
    inner = cast("Callable[..., Any]", function)

    # Each has its handler twice: Ctrl-C may come while the first one runs.
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
    """`error`, after its tracebacks and those of the exceptions behind it are removed.

    `before` is the exception that the caller was handling already: it, and what is behind it, stays as it is.
    """
    kept = {id(each) for each in _all_behind(before, set())}
    if isinstance(error, Exception) and not hasattr(error, "__notes__") and error.__traceback__ is not None:
        error.add_note(f"Raised at {_place(error.__traceback__)}; the frames there held a secret.")
    for each in _all_behind(error, kept):
        each.__traceback__ = None
    return error


def _place(trace: TracebackType) -> str:
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return f"{code.co_filename.replace(chr(92), '/').rpartition('/')[2]}:{trace.tb_lineno}, in {code.co_name}"


def _all_behind(error: BaseException | None, seen: set[int]) -> list[BaseException]:
    """The exception, its causes, contexts and group members; none that is in `seen`."""
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
