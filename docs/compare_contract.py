"""Compare the bridge with an OpenAPI document of the service's: `python docs/compare_contract.py FILE…` (`make contracts`).

`USES` is the table of what the bridge sends and reads. The statuses and reasons come from the bridge's rules, and everything
else that the project knows from the local service's own description of its dialects. The command lists what is new in the
document and what it lacks. It exits with status 1 if something is new, and with 2 if a document cannot be read.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from openapi_document import Described, Document, Unreadable, read_document
from sudomimus_bridge._service.answers import Answer
from sudomimus_bridge._service.apis import USERINFO
from sudomimus_bridge._service.operations import Operation
from sudomimus_bridge._service.rules import RULES, error_for, rule_for
from sudomimus_bridge.emulator._contract.calls import BASES, CALLS
from sudomimus_bridge.emulator._contract.dialects import DIALECTS
from sudomimus_bridge.emulator._contract.openapi import description

# --- the table -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Use:
    """One call of the bridge: the members that it sends and reads. Those inside another one stand behind a dot."""

    call: str
    sends: frozenset[str]
    reads: frozenset[str]


def _use(call: str, sends: str = "", reads: str = "") -> Use:
    return Use(call, frozenset(sends.split()), frozenset(reads.split()))


_TOKENS = "accessToken refreshToken claims"
_NEW_TOKENS = f"applicationAnchor {_TOKENS}"
_ERRAND = "errand.errandKey errand.url errand.expiresAt"
_GATE = f"reason {_NEW_TOKENS} {_ERRAND}"

USES = (
    _use("POST /direct-issue/steam-ticket", "applicationAnchor steamTicketHex steamAppId", _GATE),
    _use("POST /direct-issue/access-key", "applicationAnchor accessKeyIdentifier accessKeySecret", _GATE),
    _use("POST /errand", "accessToken", f"reason claims {_ERRAND}"),
    _use("GET /errand/{}/status", "", "status"),
    _use(
        "POST /establish",
        "Authorization applicationAnchor authenticationConstraints realizeConstraints returnMethods",
        "reason exposureKey hiddenKey",
    ),
    _use("POST /status-poll", "exposureKey hiddenKey", "reason status confirmationKey"),
    _use("POST /redeem", "exposureKey hiddenKey confirmationKey", f"reason {_NEW_TOKENS}"),
    _use(
        "POST /device-authorize",
        "applicationAnchor",
        "reason deviceCode userCode verificationUri verificationUriComplete expiresIn interval",
    ),
    _use("POST /device-token", "deviceCode", f"error interval {_NEW_TOKENS}"),
    _use("POST /refresh", "refreshToken", f"reason {_TOKENS}"),
    _use("POST /logout", "refreshToken", "reason revoked"),
    _use(
        f"GET {USERINFO}",
        "Authorization",
        "sub name given_name family_name email email_verified picture picture_animated",
    ),
)

EVERYWHERE = frozenset(f"reason {_NEW_TOKENS} errand {_ERRAND}".split())
"""Members that the bridge looks for in every answer, because one function reads it. A call need not have them."""

NOT_READ = frozenset({"message"})
"""Members of answers that the bridge knows and never reads."""

ANY_CALL = frozenset({"InvalidBody"})
"""Reasons that any call may give, and that need no rule of their own."""

_OPERATIONS = {f"POST {operation}": operation for operation in Operation}


# --- what the project knows ------------------------------------------------------------------------------------------


@cache
def known_calls() -> Mapping[str, Described]:
    """Everything that the project knows about each call, by the call's path at its own API."""
    known: dict[str, Described] = {}
    for dialect in DIALECTS.values():
        described = Document(description(dialect, "")).calls()
        for call in CALLS:
            name = f"{call.method} {re.sub('{[^}]*}', '{}', call.name)}"
            whole = f"{call.method} {re.sub('{[^}]*}', '{}', BASES[call.api] + call.name)}"
            into = known.setdefault(name, Described())
            if said := described.get(whole):
                into.sends |= said.sends
                into.reads |= said.reads | NOT_READ
                into.reasons |= said.reasons
            into.statuses |= set(call.answers)
            into.reasons |= {(status, reason) for status, reasons in call.reasons.items() for reason in reasons}
    for use in USES:
        known[use.call].sends |= use.sends
        known[use.call].reads |= use.reads
    return known


def _has_rule(call: str, status: int, reason: str | None = None) -> bool:
    """Whether the bridge has a rule for exactly this: for the reason if there is one, otherwise for the status."""
    operation = _OPERATIONS.get(call)
    if operation is None:
        return False
    if reason is None:
        return rule_for(operation, Answer(status=status)) is not RULES[-1]
    return any(operation in row.calls and status in row.when and reason in row.reasons for row in RULES)


def _today(call: str, status: int, reason: str | None = None) -> str:
    """What the bridge makes of such an answer as it is now."""
    operation = _OPERATIONS.get(call)
    if operation is None:
        return ""
    error = error_for(operation, Answer(status=status, reason=reason), None)
    return f' (today: {type(error).__name__}, "{error.sentence}")' if error.sentence else ""


# --- the comparison --------------------------------------------------------------------------------------------------


@dataclass
class Findings:
    """What is new in a document, and what it lacks."""

    new: list[str] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)


def compare(document: Document) -> Findings:
    """Compare a document with everything that the project knows."""
    findings, known, calls = Findings(), known_calls(), document.calls()
    for call, described in calls.items():
        if call not in known:
            findings.new.append(f"{call}: the call")
            continue
        findings.new += [f"{call}: {what}" for what in _new(call, described, known[call])]
    apis = {api for call in calls if not call.endswith(" /health") for api in _apis(call)}
    for use in USES:
        if use.call in calls:
            findings.lacks += [f"{use.call}: {what}" for what in _lacking(use, calls[use.call], known[use.call])]
        elif _apis(use.call) & apis:
            findings.lacks.append(f"{use.call}: the call")
    return findings


def _apis(call: str) -> set[str]:
    return {each.api for each in CALLS if f"{each.method} {re.sub('{[^}]*}', '{}', each.name)}" == call}


def _new(call: str, said: Described, known: Described) -> Iterator[str]:
    for member in sorted(said.sends - known.sends):
        yield f"the request's {member}"
    for member in sorted(said.reads - known.reads - EVERYWHERE):
        yield f"the answer's {member}"
    for status in sorted(said.statuses - known.statuses):
        if not _has_rule(call, status):
            yield f"status {status}{_today(call, status)}"
    anywhere = ANY_CALL | {reason for _, reason in known.reasons}
    for tied, reason in sorted(said.reasons - known.reasons, key=str):
        if tied is None and reason not in anywhere:
            yield f"reason {reason}"
        elif tied is not None and not _has_rule(call, tied, reason):
            yield f"reason {reason} of {tied}{_today(call, tied, reason)}"


def _lacking(use: Use, said: Described, known: Described) -> Iterator[str]:
    for member in sorted(use.sends - said.sends):
        yield f"the request's {member}, which the bridge sends"
    for member in sorted(use.reads - said.reads):
        yield f"the answer's {member}, which the bridge reads"
    for status in sorted(known.statuses - said.statuses):
        yield f"status {status}"
    for tied, reason in sorted(known.reasons - said.reasons, key=str):
        if tied in said.statuses and (None, reason) not in said.reasons:
            yield f"reason {reason} of {tied}"


def main(arguments: list[str]) -> int:
    """Print the findings about each document."""
    if not arguments:
        print("Name the documents: make contracts SPEC=FILE", file=sys.stderr)
        return 2
    new = 0
    for name in arguments:
        try:
            document = read_document(Path(name))
            findings = compare(document)
        except Unreadable as error:
            print(f"{name} cannot be compared: {error}.", file=sys.stderr)
            return 2
        new += len(findings.new)
        print(f"{Path(name).name} ({document.title}): {len(findings.new)} new, {len(findings.lacks)} lacking")
        for what in findings.new:
            print(f"  new      {what}")
        for what in findings.lacks:
            print(f"  lacking  {what}")
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
