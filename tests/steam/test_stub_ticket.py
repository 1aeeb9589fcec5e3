"""Specifies the layout of a stub's ticket, which `native/steam_api_stub.c` and the local service share."""

from __future__ import annotations

import pytest

from sudomimus_bridge.steam._stub_ticket import MAGIC, StubTicket, read_stub_ticket

NONCE = bytes(range(1, 17))
GIVEN = StubTicket(76561197960287930, 480, NONCE, "me")
HEAD = MAGIC + (76561197960287930).to_bytes(8, "little") + (480).to_bytes(4, "little") + NONCE + b"\x02me"


def test_ticket_is_a_head_and_padding_from_its_nonce() -> None:
    ticket = GIVEN.to_bytes()
    assert len(ticket) == 240 and ticket.startswith(HEAD)
    assert ticket[len(HEAD) :][:18] == bytes([*range(1, 33, 2), 17, 19])


@pytest.mark.parametrize("size", [0, 1, len(HEAD) - 1, len(HEAD), len(HEAD) + 1, 2560])
def test_ticket_has_the_size_that_was_asked_for(size: int) -> None:
    ticket = GIVEN.to_bytes(size)
    assert len(ticket) == size
    assert read_stub_ticket(ticket) == (GIVEN if size >= len(HEAD) else None)


def test_ticket_without_a_byte_of_its_numbers_is_none() -> None:
    anonymous = StubTicket(0, 480, NONCE, "").to_bytes(37)
    assert read_stub_ticket(anonymous) is not None
    assert read_stub_ticket(anonymous[:-1]) is None


def test_identity_is_cut_to_what_its_length_byte_can_say() -> None:
    read = read_stub_ticket(StubTicket(1, 480, NONCE, "x" * 300).to_bytes(600))
    assert read is not None and read.identity == "x" * 255


@pytest.mark.parametrize("ticket", [b"", MAGIC, b"STUBTKT2" + HEAD[8:], b"\0" * 240])
def test_bytes_that_no_stub_made(ticket: bytes) -> None:
    assert read_stub_ticket(ticket) is None


def test_identity_that_is_no_text_is_readable() -> None:
    read = read_stub_ticket(HEAD[:-2] + b"\xff\xfe")
    assert read is not None and read.identity == "\ufffd\ufffd"
