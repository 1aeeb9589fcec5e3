"""Reading JSON from the service so that every door can write it again.

Python's parser accepts more than JSON, and some of it cannot be written again: NaN, an integer of 400 digits, half of a
surrogate pair, or very deep nesting. Such a value in a claim must not lose the tokens beside it, because the refresh token is
used up by then. So the odd value is replaced, and the rest of the answer is used.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

MAX_DEPTH = 64
"""Levels of nesting. The contract needs four; pydantic writes up to 255."""

_MAX_DIGITS = 300
"""Digits of an integer. A float can represent any such number. Python refuses to read or write 4,300 digits."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def read_json(content: bytes) -> Any:
    """Parse a text. Null replaces a number that JSON or a float cannot hold, and any value that is nested too deeply; U+FFFD
    replaces half of a surrogate pair. Raises `ValueError` if the text is not JSON.
    """
    try:
        value = json.loads(content, parse_constant=lambda _: None, parse_float=_finite, parse_int=_integer)
    except RecursionError:
        raise ValueError("the text nests too deeply") from None
    return _plain(value, MAX_DEPTH)


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _integer(text: str) -> int | None:
    return int(text) if len(text) <= _MAX_DIGITS else None


def _plain(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if not isinstance(value, (dict, list)):
        return value
    if depth == 0:
        return None
    if isinstance(value, list):
        return [_plain(item, depth - 1) for item in value]
    return {_plain(name, depth): _plain(item, depth - 1) for name, item in value.items()}
