"""The one type for secrets, and the one place that masks a text.

Tickets, tokens, keys and the URLs of pages are bearer secrets: anyone who reads one can use it. Inside the bridge they are
`Secret`s, which show their text only through `reveal()`. `redact()` is the second defence, for text from elsewhere (a library's
log line, a message of the operating system): it masks every secret that exists in this process.
"""

from __future__ import annotations

import re
import weakref
from typing import Any, NoReturn

MASK = "[secret]"

# By identity: of two equal secrets, a set would hold only the first, and lose the text together with it.
_alive: weakref.WeakValueDictionary[int, Secret] = weakref.WeakValueDictionary()

# The shapes of the service's and Steam's secrets, for a text with a secret that was never a `Secret` of this process.
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
    return _LOOKS_SECRET.sub(_masked, text)


def _masked(found: re.Match[str]) -> str:
    """The mask, except in a path: a folder may be called exp_edition or contain a hash. A key has no slash beside it."""
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
    """A foreign text for a terminal or a log: each character that could control a terminal becomes "?"."""
    return "".join(each if each.isprintable() or each in keep else "?" for each in text)


def looks_secret(text: str) -> bool:
    """Whether the text contains something shaped like a secret, so that it can be refused."""
    return _LOOKS_SECRET.search(text) is not None
