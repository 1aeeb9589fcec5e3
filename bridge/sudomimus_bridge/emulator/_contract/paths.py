"""Every request that the local service answers, by method and path. A key in a path is written as its name in braces.

The journal records these names instead of the real paths, and a fault rule must match at least one of them.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache

from .calls import CALLS

REQUESTS: dict[str, str] = {
    **{call.path: call.method for call in CALLS},
    # Besides the service's own calls: the JWK Set at its well-known address (RFC 8615), and the pages.
    "/.well-known/jwks.json": "GET",
    "/connect/.well-known/jwks.json": "GET",
    "/via": "GET POST",
    "/via/": "GET POST",
    "/via/errand": "GET POST",
    "/via/device": "GET POST",
    "/via/static/via.css": "GET",
    "/via/avatar/{handle}.svg": "GET",
}
"""Path to methods. A GET also answers HEAD."""


def template(path: str) -> str:
    """The name of a request's path, without the keys in it; "(unknown)" if the service has no such path."""
    if path in REQUESTS and "{" not in path:
        return path
    if path.startswith("/errand/") and path.endswith("/status") and path.count("/") >= 3:
        return "/errand/{errandKey}/status"
    if path.startswith("/session/applications/") and path.endswith("/jwks.json"):
        return "/session/applications/{applicationAnchor}/jwks.json"
    return "/via/avatar/{handle}.svg" if path.startswith("/via/avatar/") else "(unknown)"


def check_pattern(method: str, pattern: str) -> None:
    """Raise ValueError if no request can match this method and this shell pattern of a path."""
    paths = [path for path in REQUESTS if _overlap(_tokens(pattern), _tokens(path))]
    if not paths:
        close = get_close_matches(pattern.rstrip("*/"), REQUESTS, n=1, cutoff=0.6)
        hint = f"did you mean {close[0]!r}?" if close else "the paths are those of the service, for instance /errand"
        raise ValueError(f"no request has the path {pattern!r}; {hint}")
    methods = {method for path in paths for method in REQUESTS[path].split()}
    if "GET" in methods:
        methods.add("HEAD")
    if method.upper() not in {"*", *methods}:
        raise ValueError(f"no request to {pattern!r} has the method {method!r}; use {' or '.join(sorted(methods))}")


_ANY, _STAR = object(), object()


def _tokens(pattern: str) -> tuple[object, ...]:
    """A pattern as characters, `_ANY` for one unknown character and `_STAR` for any number of them."""
    tokens: list[object] = []
    at = 0
    while at < len(pattern):
        sign, close = pattern[at], -1
        if sign in "[{":
            close = pattern.find({"[": "]", "{": "}"}[sign], at + 1)
        if close >= 0:
            tokens.append(_ANY if sign == "[" else _STAR)
            at = close
        else:
            tokens.append({"*": _STAR, "?": _ANY}.get(sign, sign))
        at += 1
    return tuple(tokens)


@cache
def _overlap(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """Whether some text matches both patterns."""
    if not one or not other:
        return all(token is _STAR for token in one or other)
    if one[0] is _STAR:
        return _overlap(one[1:], other) or _overlap(one, other[1:])
    if other[0] is _STAR:
        return _overlap(other, one)
    return (_ANY in (one[0], other[0]) or one[0] == other[0]) and _overlap(one[1:], other[1:])
