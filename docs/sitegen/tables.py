"""Tables of the settings, the exit statuses, the errors and the waits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sudomimus_bridge import BridgeError
from sudomimus_bridge._service import policy
from sudomimus_bridge._settings import TABLE, Setting
from sudomimus_bridge._values import errors

_WORD = re.compile(r"[a-z][a-z-]*(?![\w.(])")
_NAME = re.compile(r"(?<!‹)(?:--[a-z][\w-]*|\b[A-Za-z]\w*_\w+(?:\(\))?|\b[a-z]+(?:\.[a-z]+)*\(\)|\bachievement\.\w+)")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table. A cell holds one line. Python-Markdown takes a bar in code as it is."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def code(text: object) -> str:
    """A text as code, or nothing."""
    return f"`{text}`" if text else ""


def settings() -> str:
    """Every setting: flag, variable, keyword, and what it does."""
    return table(
        ("flag", "what it sets", "variable", "keyword"),
        (
            (
                code(each.flag + (f" {each.metavar}" if each.metavar else "")),
                sentence(each.help),
                code(each.variable + ("=1" if each.switch else "")),
                code(each.keyword) + _type(each),
            )
            for each in TABLE
        ),
    )


def _type(setting: Setting) -> str:
    if setting.switch:
        return " (bool)"
    kinds = {"SECONDS": "float, seconds", "ID": "int", "HOST": "list of str", "PATH": "str or Path"}
    return f" ({kinds.get(setting.metavar, 'str')})"


def sentence(text: str) -> str:
    """A text as a sentence. A name at its beginning keeps its case."""
    first = text[:1].upper() if _WORD.match(text) else text[:1]
    return first + text[1:] + ("" if text.endswith((".", "…", ":")) else ".")


def marked_up(text: str) -> str:
    """A plain text with the names in it as code: flags, variables, functions and settings."""
    return "`".join(part if index % 2 else _NAME.sub(r"`\g<0>`", part) for index, part in enumerate(text.split("`")))


def classes() -> list[type[BridgeError]]:
    """The errors, in the order of their exit statuses."""
    found = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, BridgeError)]
    return sorted((kind for kind in found if kind is not BridgeError), key=lambda kind: kind.exit_status)


def error_classes() -> str:
    """Every error class, with what the command line and the sidecar make of it."""
    return table(
        ("exception", "meaning", "exit status", "`kind` in the sidecar", "may succeed later"),
        (
            (
                f"[`{kind.__name__}`](exceptions.md#sudomimus_bridge.{kind.__name__})",
                (kind.__doc__ or "").split("\n")[0].split(" (exit")[0].removesuffix(".") + ".",
                str(kind.exit_status),
                code(kind.kind),
                "yes" if kind.retryable else "no",
            )
            for kind in classes()
        ),
    )


def exit_statuses() -> str:
    """Every exit status of the command line."""
    statuses = {
        0: ("Tokens were issued, nothing was left to decide, or every check passed.", ""),
        70: ("A bug of the bridge. Nothing that Steam, the service or the network does ends with it.", ""),
    }
    for kind in classes():
        meaning = (kind.__doc__ or "").split("\n")[0].split(" (exit")[0].removesuffix(".") + "."
        statuses.setdefault(
            kind.exit_status, (meaning, f"[`{kind.__name__}`](exceptions.md#sudomimus_bridge.{kind.__name__})")
        )
    return table(
        ("status", "meaning", "exception"),
        ((f"`{status}`", meaning, name) for status, (meaning, name) in sorted(statuses.items())),
    )


_WAITS = {
    "AT_ONCE": "Steam refused a ticket; a client's clock was wrong",
    "SOON": "409: another ticket is enough",
    "NETWORK": "no connection",
    "UPSTREAM": "502, other 5xx, time-outs, unreadable answers",
    "BUDGET": "429 and 503: too many players",
    "PATIENT": "any of these, in a patient login",
    "ERRAND_POLL": "an errand's page is not finished",
    "INQUIRY_POLL": "a sign-in in the browser is not finished",
}


def waits() -> str:
    """How long the bridge waits after each kind of answer."""
    rows = []
    for name, when in _WAITS.items():
        spacing: policy.Spacing = getattr(policy, name)
        if spacing.regular:
            text = f"{spacing.seconds:g} s, doubled with each failure in a row up to {spacing.most:g} s"
        elif not spacing.most:
            text = "none"
        else:
            low = f"{spacing.certain * spacing.seconds:.0f} to " if spacing.certain else "up to "
            text = (
                f"{low}{spacing.seconds:g} s, then {spacing.growth:g} times as long each time, up to {spacing.most:g} s"
            )
        rows.append((when, text))
    return table(("after", "wait"), rows)
