"""The one type for secrets, and the one place where a text is masked.

Tickets, tokens, keys and the URLs of pages are bearer secrets: whoever reads one, has it. They travel through the bridge
as `Secret`, which shows itself only when asked by name. `redact()` is the second line of defence, for text that someone
else wrote (a library's log line, an operating system's message): every secret alive in this process is masked in it.
"""

from __future__ import annotations

import re
import weakref
from typing import Any, NoReturn

MASK = "[secret]"

# By identity: of two that are equal, a set would know the first alone, and forget the text with it.
_alive: weakref.WeakValueDictionary[int, Secret] = weakref.WeakValueDictionary()

# What the service's and Steam's secrets look like, for text that holds one this process never made a `Secret` of.
_LOOKS_SECRET = re.compile(
    r"""
    acs_t_[0-9A-Za-z]+                                  # access-key secret
  | (?:ernd|hid|cnf|exp|dvc)_[0-9A-Za-z._~-]{6,}        # errand, hidden, confirmation, exposure and device keys
  | eyJ[0-9A-Za-z_-]{8,}(?:\.[0-9A-Za-z_-]*){0,4}       # JWT
  | -----BEGIN[ A-Z]*PRIVATE[ ]KEY-----.*?(?:-----END[ A-Z]*PRIVATE[ ]KEY-----|\Z)
  | \b[0-9a-fA-F]{64,}\b                                # ticket in hex
    """,
    re.VERBOSE | re.DOTALL,
)


class Secret:
    """A text that must not reach a log, a traceback, a repr or a crash report.

    `reveal()` gives the text; everything else gives a mask. It cannot be pickled or copied into a save. Raises `TypeError`
    for anything but a text.
    """

    __slots__ = ("__weakref__", "_text")

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):  # or `redact` would stumble over it, and with it every error in the process
            try:  # type: ignore[unreachable]
                raise TypeError(f"a secret must be a str, not {type(text).__name__}")
            finally:
                del text  # it may be a secret all the same, and a crash reporter keeps this frame
        self._text = text
        _alive[id(self)] = self

    def reveal(self) -> str:
        """The text itself. Call it in the expression that needs it; never keep the answer in a variable."""
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
        from hmac import compare_digest  # brings OpenSSL's hashes, which a game that only starts up does not need

        return isinstance(other, Secret) and compare_digest(
            self._text.encode("utf-8", "surrogatepass"), other._text.encode("utf-8", "surrogatepass")
        )

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied: keep it out of saves and messages")


def redact(text: str) -> str:
    """`text` with every secret of this process, and whatever looks like one, replaced by a mask."""
    # A copy, made in one step: other threads make secrets meanwhile.
    alive = [secret for reference in _alive.valuerefs() if (secret := reference()) is not None]
    for secret in sorted(alive, key=len, reverse=True):
        # Short texts are skipped: masking every "a" would hide the message and save nothing.
        if len(secret) >= 8 and secret.reveal() in text:
            text = text.replace(secret.reveal(), MASK)
    return _LOOKS_SECRET.sub(_masked, text)


def _masked(found: re.Match[str]) -> str:
    """The mask, but not in a path: a folder may be called exp_edition or hold a hash. A key has no slash beside it."""
    if _MAY_BE_A_NAME.match(found[0]):
        start = found.start()
        word = _END_OF_WORD.split(found.string[:start])[-1] + _END_OF_WORD.split(found.string[start:])[0]
        if _SLASH.search(word) and not _IN_URL.search(word):
            return found[0]
    return MASK


_MAY_BE_A_NAME = re.compile(r"(?:ernd|hid|cnf|exp|dvc)_|[0-9a-fA-F]+\Z")
_SLASH = re.compile(r"[/\\]")
_END_OF_WORD = re.compile(r"[\s\"'<>]")
_IN_URL = re.compile(r"://|[?&=]|/errand/")


def printable(text: str, keep: str = "") -> str:
    """A text that somebody else wrote, for a terminal or a log: each character that would steer a terminal becomes "?"."""
    return "".join(each if each.isprintable() or each in keep else "?" for each in text)


def looks_secret(text: str) -> bool:
    """Whether `text` holds something of a secret's shape: for refusing it where a secret does not belong."""
    return _LOOKS_SECRET.search(text) is not None
