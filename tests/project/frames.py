"""Finds secrets in the frames of an exception, as a crash reporter would record them."""

from __future__ import annotations

import base64
import json
import traceback
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from sudomimus_bridge._values import secret
from sudomimus_bridge._values.secret import Secret

_TESTS = str(Path(__file__).parents[1])
_PIECE = 24


class Secrets:
    """Records each `Secret` that this process creates from now on, and the texts that `add` gets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._texts: set[str] = set()
        self._pieces: dict[str, str] = {}
        made = Secret.__init__

        def noted(self_: Secret, text: str) -> None:
            made(self_, text)
            self.add(text.partition("?")[2] if text.startswith("http") else text)  # a page's host is not secret

        monkeypatch.setattr(Secret, "__init__", noted)

    def add(self, *texts: str) -> None:
        for text in texts:
            if text not in self._texts and len(text) >= 8:
                self._texts.add(text)
                self._pieces |= dict.fromkeys(_pieces(text), text)

    def forget(self) -> None:
        """Forget the secrets of the previous login."""
        self._texts.clear()
        self._pieces.clear()

    def in_frames_of(self, error: BaseException) -> list[str]:
        """The places that show a secret: frames and messages of the exception, its causes, its contexts, its group."""
        found = []
        for place, shown in seen_by_crash_reporter(error):
            if self.in_text(shown):
                found.append(place)
        return found

    def in_text(self, text: str) -> bool:
        """Whether a text shows a secret."""
        return secret.looks_secret(text) or any(piece in text for piece in self._pieces)

    @property
    def known(self) -> int:
        """The number of secrets so far."""
        return len(self._texts)


def seen_by_crash_reporter(error: BaseException) -> Iterable[tuple[str, str]]:
    """Each message, and each local variable of each frame, as an error tracker records them. Frames of the tests are left out."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield f"message of {type(each)}", str(each)
        for frame, line in traceback.walk_tb(each.__traceback__):
            code = frame.f_code
            if not code.co_filename.startswith(_TESTS):
                for name, value in frame.f_locals.items():
                    with suppress(Exception):  # an object that is not fully constructed
                        yield f"{code.co_filename}:{line} {code.co_name} {name}", repr(value)
        waiting += [
            each.__cause__,
            each.__context__,
            *(each.exceptions if isinstance(each, BaseExceptionGroup) else ()),
        ]


def _pieces(text: str) -> set[str]:
    """Parts of a secret in every form in which a library may hold it: raw, JSON, bytes, hex, base64."""
    whole = {text, json.dumps(text)[1:-1], repr(text.encode())[2:-1], text.encode().hex()}
    whole |= {base64.b64encode(text.encode()[shift:]).decode() for shift in range(3)}
    try:
        ticket = bytes.fromhex(text)
    except ValueError:
        ticket = b""
    if ticket:
        whole |= {repr(ticket)[2:-1], *(base64.b64encode(ticket[shift:]).decode() for shift in range(3))}
        whole |= {
            repr(ticket[at : at + 12])[2:-1] for at in range(0, len(ticket) - 12, 12) if any(ticket[at : at + 12])
        }
    pieces = set()
    for form in whole:
        middle = max(0, len(form) // 2 - _PIECE // 2)
        pieces |= {form[:_PIECE], form[middle : middle + _PIECE], form[-_PIECE:]}
    return {piece for piece in pieces if len(piece) >= 8 and len(set(piece)) > 4}
