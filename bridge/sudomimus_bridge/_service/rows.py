"""The three kinds of row that the table of `rules` has, and what a row may ask of an answer besides status and reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from .._session.refresh import Fate
from .._values.errors import BridgeError, ServiceUnavailable
from .policy import Act, Backoff, Rule, always
from .port import Answer, Operation, Trouble

Calls = Iterable[Operation]
When = int | Iterable[int | Trouble]
Test = Callable[[Answer], bool]


def row(act: Act, calls: Calls, when: When, reasons: str = "", *, also: Test = always) -> Rule:
    """What no login ends with. `reasons` are separated by spaces."""
    whens = frozenset({when} if isinstance(when, int) else when)
    return Rule(frozenset(calls), whens, tuple(reasons.split()), act, "", fate=Fate.RENEWED, also=also)


def final(
    calls: Calls,
    when: When,
    reasons: str,
    error: type[BridgeError],
    sentence: str,
    fate: Fate = Fate.UNUSED,
    *,
    also: Test = always,
) -> Rule:
    """What ends a login at once."""
    return replace(row(Act.FAIL, calls, when, reasons, also=also), error=error, sentence=sentence, fate=fate)


def again(
    calls: Calls,
    when: When,
    repeats: int,
    backoff: Backoff,
    sentence: str,
    fate: Fate = Fate.UNKNOWN,
    error: type[BridgeError] = ServiceUnavailable,
    *,
    also: Test = always,
) -> Rule:
    """What ends a login when it has come too often. A poll asks again all the same, at its own pace."""
    return replace(
        row(Act.AGAIN, calls, when, also=also),
        sentence=sentence,
        error=error,
        repeats=repeats,
        backoff=backoff,
        fate=fate,
    )


def pending(answer: Answer) -> bool:
    """The player is not done with the page."""
    return answer.confirmation_key is None


def has_errand(answer: Answer) -> bool:
    """There is a page that can be followed."""
    return answer.errand is not None


def unsent(answer: Answer) -> bool:
    """The request never left this machine."""
    return answer.unsent


def clock_is_wrong(answer: Answer) -> bool:
    """A client-auth JWT may be 30 seconds ahead and lives 60 (connect.yaml); half of that leaves room for the way."""
    return answer.skew is not None and abs(answer.skew) > 15


def names_inquiry(answer: Answer) -> bool:
    """A reason of an inquiry's, be it one that this version does not know."""
    return (answer.reason or "").startswith("Inquiry")
