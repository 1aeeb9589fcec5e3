"""Every reason that an error can have: the service's, from the table of rules, and the bridge's own, from the code.

`advice` adds what the developer can do. A test compares it with the reasons that are found here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import sudomimus_bridge
from sudomimus_bridge import BridgeError, ServiceUnavailable, SteamUnavailable
from sudomimus_bridge._runs.threads import exhausted
from sudomimus_bridge._service.answers import Trouble
from sudomimus_bridge._service.operations import Operation
from sudomimus_bridge._service.rows import Act, Rule
from sudomimus_bridge._service.rules import RULES
from sudomimus_bridge._session.player_session import sign_in_again
from sudomimus_bridge._sidecar.handlers import Handlers
from sudomimus_bridge._values import errors
from sudomimus_bridge.steam import _results

from .advice import ADVICE, CALLS
from .raised import Own, raised_in
from .tables import marked_up, sentence

PACKAGE = Path(sudomimus_bridge.__file__).parent
_NOT_IN_A_GAME = {"emulator", "testing", "_cli"}
"""Folders whose errors a game never meets."""

_TROUBLES = {
    Trouble.NETWORK: "no connection",
    Trouble.TIMEOUT: "no answer in time",
    Trouble.CERTIFICATE: "an untrusted certificate",
    Trouble.UNREADABLE: "an unreadable answer",
}


# --- the service's --------------------------------------------------------------------------------------------------------


def ending_rules() -> Iterator[Rule]:
    """The rows that can end a login."""
    return (rule for rule in RULES if rule.act in (Act.FAIL, Act.AGAIN))


def of_the_service() -> str:
    """One entry for each reason of the service, then one for each answer without a reason of its own."""
    named: dict[str, list[Rule]] = {}
    for rule in ending_rules():
        for reason in rule.reasons or [unnamed(rule)]:
            named.setdefault(reason, []).append(rule)
    with_reason = sorted((name, rules) for name, rules in named.items() if rules[0].reasons)
    without = [(name, rules) for name, rules in named.items() if not rules[0].reasons]
    parts = ["### The service gives a reason", *(_entry(name, rules) for name, rules in with_reason)]
    parts += ["### The service gives no reason", *(_entry(name, rules, plain=True) for name, rules in without)]
    return "\n\n".join(parts)


def unnamed(rule: Rule) -> str:
    """A name for an answer without a reason: its status, or what went wrong."""
    troubles = [words for trouble, words in _TROUBLES.items() if trouble in rule.when]
    statuses = sorted(when for when in rule.when if isinstance(when, int))
    if troubles:
        return troubles[0].capitalize()
    if len(statuses) > 150:
        return "Any other status"
    if len(statuses) > 50:
        return "Any other status from 500 to 599"
    return ", ".join(map(str, statuses))


def _entry(name: str, rules: list[Rule], *, plain: bool = False) -> str:
    parts = [f"#### {name}" if plain else f"#### `{name}`"]
    alike: dict[tuple[str, str, type[BridgeError]], list[str]] = {}
    for rule in rules:
        calls = _calls(rule, "any other call" if alike else "any call")
        answers = alike.setdefault((rule.sentence, rule.detail, rule.error), [])
        answers.append(f"Answer to {calls}{_when(rule)}: {_repeats(rule)}")
    parts += [_texts(*texts, " ".join(dict.fromkeys(answers))) for texts, answers in alike.items()]
    parts.append(f"**What to do:** {ADVICE[name]}")
    return "\n\n".join(parts)


def _calls(rule: Rule, all_of_them: str) -> str:
    if len(rule.calls) == len(Operation):
        return all_of_them
    return " or ".join(dict.fromkeys(CALLS[each] for each in sorted(rule.calls)))


def _when(rule: Rule) -> str:
    statuses = sorted(when for when in rule.when if isinstance(when, int))
    return f", status {', '.join(map(str, statuses))}" if 0 < len(statuses) < 10 else ""


def _repeats(rule: Rule) -> str:
    if rule.act is not Act.AGAIN:
        return "the request is not repeated."
    times = "once" if rule.repeats == 1 else f"up to {rule.repeats} times"
    return f"the request is repeated {times}."


def _texts(said: str, detail: str, error: type[BridgeError], source: str) -> str:
    plain = detail.replace("{application}", "‹application›").replace("{check}", "‹settings›")
    lines = [
        f"> {said}",
        "",
        f"**Meaning:** {marked_up(sentence(plain))}" if plain else "",
        "",
        f"{source} Raises [`{error.__name__}`](exceptions.md#sudomimus_bridge.{error.__name__}), "
        f"exit status [{error.exit_status}](exit-statuses.md).",
    ]
    return "\n".join(lines)


# --- the bridge's own ------------------------------------------------------------------------------------------------------


def of_the_bridge() -> str:
    """One entry for each reason that the bridge itself gives."""
    parts = []
    for reason, found in own_reasons().items():
        parts.append(f"#### `{reason}`")
        for each in found:
            parts.append(
                _texts(each.sentence, each.detail, getattr(errors, each.error), "The bridge itself makes this error.")
            )
        parts.append(f"**What to do:** {ADVICE[reason]}")
    return "\n\n".join(parts)


@cache
def own_reasons() -> dict[str, list[Own]]:
    """The reasons of the bridge's own, with each of the texts that comes with them."""
    found: dict[str, list[Own]] = {}
    for error in _made():
        found.setdefault(error.reason or "", []).append(
            Own(error.reason or "", type(error).__name__, error.sentence, error.detail or "")
        )
    made = set(found)
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] not in _NOT_IN_A_GAME:
            for own in raised_in(path):
                if own.reason not in made and own not in found.setdefault(own.reason, []):
                    found[own.reason].append(own)
    return {reason: _with_sentences(each) for reason, each in sorted(found.items())}


def _with_sentences(found: list[Own]) -> list[Own]:
    """An error that is made from another has the other's sentence."""
    return [replace(own, sentence=own.sentence or found[0].sentence) for own in found]


def _made() -> list[BridgeError]:
    """An error for each sentence that the code chooses at run time."""
    results = {error.sentence: error for error in map(_results.result_error, reversed(_results.RESULTS))}
    return [
        *reversed(results.values()),
        SteamUnavailable(_results.SHUTTING_DOWN, reason="SteamShutdown"),
        SteamUnavailable(_results.DISCONNECTED, reason="SteamDisconnected"),
        *(exhausted("The system has none left", name) for name in ("NoFilesLeft", "NoMemoryLeft", "NoThreadsLeft")),
        sign_in_again("This sign-in cannot be renewed. Sign in again.", "The service's or the store's own words."),
        Handlers.refresh_cancelled(),
        ServiceUnavailable(
            "64 requests are running already. Wait until one ends, or cancel one.", reason="TooManyRequests"
        ),
    ]
