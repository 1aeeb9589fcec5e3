"""Specifies how a stream is cut into lines: chunks of any size give the same lines, and at most one line is kept."""

from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from sudomimus_bridge._sidecar.streams import LineSplitter, Overlong

LIMIT = 8


def cut(stream: bytes, places: list[int]) -> list[bytes | Overlong]:
    splitter, lines, start = LineSplitter(LIMIT), list[bytes | Overlong](), 0
    for place in [*sorted(places), len(stream)]:
        lines += splitter.feed(stream[start : max(start, place)])
        start = max(start, place)
    return [*lines, *splitter.rest()]


@given(st.lists(st.binary(max_size=LIMIT + 4).map(lambda line: line.replace(b"\n", b"")), max_size=8), st.data())
def test_chunks_of_any_size_give_the_same_lines(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"\n".join(lines)
    places = data.draw(st.lists(st.integers(0, len(stream)), max_size=20))
    expected: list[bytes | Overlong] = [line if len(line) <= LIMIT else Overlong.LINE for line in lines]
    if lines and lines[-1] == b"":
        expected.pop()
    if expected and isinstance(expected[0], bytes):
        expected[0] = expected[0].removeprefix(b"\xef\xbb\xbf")
    assert cut(stream, places) == expected


def test_overlong_line_is_reported_at_once_and_not_kept() -> None:
    splitter = LineSplitter(1000)
    reported = [line for _ in range(10_000) for line in splitter.feed(b"x" * 1000)]
    assert reported == [Overlong.LINE]
    assert sys.getsizeof(splitter._kept) < 3000
    assert list(splitter.feed(b"\nnext\n")) == [b"next"]


def test_byte_order_mark_is_removed_only_at_the_beginning() -> None:
    assert cut(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n", [1, 2]) == [b"a", b"\xef\xbb\xbfb"]
