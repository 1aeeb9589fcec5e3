"""The rows of the table in `rules`: their fields, their three kinds, and the conditions that a row may add."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from .._values.errors import BridgeError, ServiceUnavailable
from .answers import Answer, Fate, Trouble
from .operations import Operation
from .policy import AT_ONCE, BUDGET, Spacing

Test = Callable[[Answer[Any]], bool]


class Act(Enum):
    """The next step of a flow."""

    DONE = auto()
    ERRAND = auto()
    """Send the player on the errand, then try again."""
    WAIT = auto()
    """The player is not done: poll again."""
    SLOWER = auto()
    """Poll again, and less often from now on."""
    AGAIN = auto()
    """Retry: wait, then make another attempt, with a fresh ticket if the call needs one."""
    FAIL = auto()


def always(_: Answer[Any]) -> bool:
    """No further condition."""
    return True


@dataclass(frozen=True)
class Rule:
    """One row: the answers that it matches, the flow's next step, and the two texts of the error that may end the flow.

    The texts may contain `{application}` and `{check}`. `{check}` names the settings that a refused request depends on.
    """

    calls: frozenset[Operation]
    when: frozenset[int | Trouble]
    reasons: tuple[str, ...]
    """The service's reasons that the row matches. An empty tuple matches every reason, and an answer without one."""
    act: Act
    sentence: str = ""
    """For the player: what happened, and what the player can do."""
    detail: str = ""
    """For the developer: what to change."""
    error: type[BridgeError] = ServiceUnavailable
    repeats: int = 0
    """How many times one login may go on after such an answer."""
    spacing: Spacing = AT_ONCE
    fate: Fate = Fate.UNKNOWN
    """The state of a refresh token after such an answer."""
    also: Test = always

    def matches(self, operation: Operation, answer: Answer[Any]) -> bool:
        """Whether this row is about this answer to this call."""
        return (
            operation in self.calls
            and (answer.trouble or answer.status) in self.when
            and (not self.reasons or answer.reason in self.reasons)
            and self.also(answer)
        )

    @property
    def passes(self) -> bool:
        """Whether the service or the network cannot be used for now. A patient login goes on after any number of such answers.

        An untrusted certificate counts too: it may belong to the login page of a hotel's network.
        """
        return self.error is ServiceUnavailable and (self.act is Act.AGAIN or Trouble.CERTIFICATE in self.when)

    @property
    def crowd(self) -> bool:
        """Whether the service says that too many players sign in at once."""
        return self.spacing is BUDGET


Calls = Iterable[Operation]
When = int | Iterable[int | Trouble]


def row(act: Act, calls: Calls, when: When, reasons: str = "", *, also: Test = always) -> Rule:
    """A row that never raises an error. `reasons` are separated by spaces."""
    return Rule(frozenset(calls), _whens(when), tuple(reasons.split()), act, fate=Fate.RENEWED, also=also)


def final(
    calls: Calls,
    when: When,
    reasons: str,
    error: type[BridgeError],
    texts: tuple[str, str],
    fate: Fate = Fate.UNUSED,
    *,
    also: Test = always,
) -> Rule:
    """A row that ends a login at once. `texts`: the sentence and the detail."""
    kinds, whens = tuple(reasons.split()), _whens(when)
    return Rule(frozenset(calls), whens, kinds, Act.FAIL, *texts, error=error, fate=fate, also=also)


def again(
    calls: Calls,
    when: When,
    repeats: int,
    spacing: Spacing,
    texts: tuple[str, str],
    fate: Fate = Fate.UNKNOWN,
    error: type[BridgeError] = ServiceUnavailable,
    *,
    also: Test = always,
) -> Rule:
    """A row that ends a login if it matches more than `repeats` times. Polls have their own spacing and no such limit."""
    return Rule(
        frozenset(calls), _whens(when), (), Act.AGAIN, *texts, error, repeats, spacing=spacing, fate=fate, also=also
    )


def _whens(when: When) -> frozenset[int | Trouble]:
    return frozenset({when} if isinstance(when, int) else when)


# --- conditions that a row may add ----------------------------------------------------------------------------------------


def pending(answer: Answer[Any]) -> bool:
    """The answer has no confirmation key: the player is not done with the page."""
    return answer.value is None


def has_errand(answer: Answer[Any]) -> bool:
    """The answer has a page that the player can follow."""
    return answer.errand is not None


def unsent(answer: Answer[Any]) -> bool:
    """The request never left this computer."""
    return answer.unsent


def clock_is_wrong(answer: Answer[Any]) -> bool:
    """The clocks differ by more than 15 seconds. The service allows a JWT to be 30 seconds ahead; the request takes time, too."""
    return answer.skew is not None and abs(answer.skew) > 15


def names_inquiry(answer: Answer[Any]) -> bool:
    """The reason is about the inquiry, even if this version does not know it."""
    return (answer.reason or "").startswith("Inquiry")
