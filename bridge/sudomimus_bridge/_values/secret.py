"""The one type for secrets, the one place that masks a text, and the boundary around code that handles a secret's text.

Tickets, tokens, keys and the URLs of pages are bearer secrets: anyone who reads one can use it. Inside the bridge they are
`Secret`s, which show their text only through `reveal()`. `redact()` is the second defence, for text from elsewhere (a library's
log line, a message of the operating system): it masks every secret that exists in this process.

A crash reporter keeps the local variables of every frame in a traceback, whatever the cause: a cancelled task, Ctrl-C, a
closed coroutine, a bug. So code that needs a secret's text is called through `sealed`, and an exception that crosses it loses
its frames. All other code holds `Secret`s.
"""

from __future__ import annotations

import re
import sys
import weakref
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Any, NoReturn, ParamSpec, TypeVar, cast

MASK = "[secret]"

# The keys are identities. A set would hold only the first of two equal secrets, and forget the text when that one is deleted.
_alive: weakref.WeakValueDictionary[int, Secret] = weakref.WeakValueDictionary()

# The patterns of this module are texts: `re` compiles and keeps them when one is first used, not when a game starts.

# The formats of the service's and Steam's secrets. They find secrets that this process never held as a `Secret`.
_LOOKS_SECRET = r"""(?xs)
    acs_t_[0-9A-Za-z]+                                  # access-key secret
  | (?:ernd|hid|cnf|exp|dvc)_[0-9A-Za-z._~-]{6,}        # errand, hidden, confirmation, exposure and device keys
  | eyJ[0-9A-Za-z_-]{8,}(?:\.[0-9A-Za-z_-]*){0,4}       # JWT
  | -----BEGIN[ A-Z]*PRIVATE[ ]KEY-----.*?(?:-----END[ A-Z]*PRIVATE[ ]KEY-----|\Z)
  | \b[0-9a-fA-F]{64,}\b                                # ticket in hex
"""  # noqa: S105 - a pattern


class Secret:
    """A text that must not reach a log, a traceback, a repr or a crash report.

    `reveal()` returns the text; everything else returns a mask. A secret cannot be pickled, so it cannot be copied into a save.
    Raises `TypeError` for anything but a text.
    """

    __slots__ = ("__weakref__", "_text")

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):  # otherwise `redact` would fail, and with it every error in the process
            try:  # type: ignore[unreachable]
                raise TypeError(f"a secret must be a str, not {type(text).__name__}")
            finally:
                del text  # it may be a secret anyway, and a crash reporter keeps this frame
        self._text = text
        _alive[id(self)] = self

    def reveal(self) -> str:
        """The text itself. Call this in the expression that needs the text; never keep the text in a variable."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return repr(self)

    def __len__(self) -> int:
        return len(self._text)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        from hmac import compare_digest  # imports OpenSSL's hashes, which a game does not need when it starts

        return isinstance(other, Secret) and compare_digest(
            self._text.encode("utf-8", "surrogatepass"), other._text.encode("utf-8", "surrogatepass")
        )

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied: keep it out of saves and messages")


def redact(text: str) -> str:
    """The text, with a mask in place of every secret of this process and of everything that looks like one."""
    # A copy, because other threads create secrets meanwhile.
    alive = [secret for reference in _alive.valuerefs() if (secret := reference()) is not None]
    for secret in sorted(alive, key=len, reverse=True):
        # A short secret is skipped: masking every "a" would hide the message and protect nothing.
        if len(secret) >= 8 and secret.reveal() in text:
            text = text.replace(secret.reveal(), MASK)
    return re.sub(_LOOKS_SECRET, _masked, text)


def _masked(found: re.Match[str]) -> str:
    """The mask, or the text itself if it is part of a path: a folder may be called exp_edition, or be named after a hash.

    A key has no slash beside it.
    """
    if re.match(_MAY_BE_A_NAME, found[0]):
        start = found.start()
        word = re.split(_END_OF_WORD, found.string[:start])[-1] + re.split(_END_OF_WORD, found.string[start:])[0]
        if re.search(_SLASH, word) and not re.search(_IN_URL, word):
            return found[0]
    return MASK


_MAY_BE_A_NAME = r"(?:ernd|hid|cnf|exp|dvc)_|[0-9a-fA-F]+\Z"
_SLASH = r"[/\\]"
_END_OF_WORD = r"[\s\"'<>]"
_IN_URL = r"://|[?&=]|/errand/"


def printable(text: str, keep: str = "") -> str:
    """A text from elsewhere, for a terminal or a log: "?" replaces each character that could control a terminal."""
    return "".join(each if each.isprintable() or each in keep else "?" for each in text)


def looks_secret(text: str) -> bool:
    """Whether the text contains something shaped like a secret, so that it can be refused."""
    return re.search(_LOOKS_SECRET, text) is not None


_COROUTINE = 0x80  # inspect.CO_COROUTINE, without the cost of importing inspect

_RAISED = "Raised at "

P = ParamSpec("P")
R = TypeVar("R")
E = TypeVar("E", bound=BaseException)


def sealed(function: Callable[P, R]) -> Callable[P, R]:
    """Remove the function's frames, and those below it, from every exception that leaves it. The arguments stay visible.

    It works for plain and async functions, also on a worker thread. The exception stays the same object. Its causes, contexts and
    group members keep their types and texts.
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
