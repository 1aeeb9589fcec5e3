"""Specifies the ledger of open tickets, and the errors for Steam's results."""

from __future__ import annotations

from functools import partial

import pytest

from sudomimus_bridge import SteamUnavailable
from sudomimus_bridge.steam import _abi as abi
from sudomimus_bridge.steam import _results as results
from sudomimus_bridge.steam._ledger import Ledger, PendingTicket

from ..helpers.fake_steam import ticket_callback


def outcome(ticket: PendingTicket) -> str:
    """The ticket in hex, or the reason why there is none; "waiting" if there is no answer yet."""
    if ticket.answer is None:
        return "waiting"
    try:
        return ticket.taken().reveal()
    except SteamUnavailable as error:
        return str(error.reason)


def watched(ledger: Ledger, number: int) -> PendingTicket:
    return ledger.watch(number, lambda: None)


def test_answer_wakes_its_ticket_once() -> None:
    ledger, woken = Ledger(), list[int]()
    one, two = ledger.enter(1), ledger.enter(2)
    tickets = [ledger.watch(number, partial(woken.append, number)) for number in (one, two)]
    assert ledger.waiting is True and ledger.numbers() == [one, two]
    ledger.deliver(ticket_callback(2, b"\x02"))
    ledger.deliver(ticket_callback(2, b"\x03"))
    assert woken == [two] and [outcome(ticket) for ticket in tickets] == ["waiting", "02"]
    assert ledger.waiting is True
    ledger.deliver(ticket_callback(1, b"\x01"))
    assert [ledger.waiting] == [False]
    ledger.fail_all("Steam is closing.", "SteamShutdown")
    assert [outcome(ticket) for ticket in tickets] == ["01", "02"]


def test_answer_may_come_before_its_handle() -> None:
    ledger = Ledger()
    ledger.deliver(ticket_callback(5, b"\x05"))
    assert outcome(watched(ledger, ledger.enter(5))) == "05"
    assert outcome(watched(ledger, ledger.enter(5))) == "waiting"


def test_answer_of_an_open_ticket_is_not_kept_for_a_later_one() -> None:
    ledger = Ledger()
    number = ledger.enter(1)
    ledger.deliver(ticket_callback(1))
    ledger.strike(number)
    assert outcome(watched(ledger, ledger.enter(1))) == "waiting"


def test_latest_thirty_two_early_answers_are_kept() -> None:
    ledger = Ledger()
    for handle in range(1, 34):
        ledger.deliver(ticket_callback(handle, b"\x01"))
    assert outcome(watched(ledger, ledger.enter(1))) == "waiting"
    assert [outcome(watched(ledger, ledger.enter(handle))) for handle in range(2, 34)] == ["01"] * 32


def test_shutdown_forgets_tickets_and_early_answers() -> None:
    ledger = Ledger()
    ledger.enter(1)
    ledger.deliver(ticket_callback(2))
    ledger.forget_all()
    assert ledger.numbers() == [] and not ledger.waiting
    assert outcome(watched(ledger, ledger.enter(2))) == "waiting"


def test_ticket_that_is_not_open_has_an_error_at_once() -> None:
    assert outcome(Ledger().watch(1, lambda: None)) == "SteamShutdown"
    with pytest.raises(SteamUnavailable, match="Steam is closing") as ended:
        PendingTicket().taken()
    assert ended.value.reason == "SteamShutdown"


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (b"", "waiting"),
        (ticket_callback(1)[:11], "waiting"),
        (ticket_callback(1, result=2)[:12], "TicketFailed"),
        (ticket_callback(1, result=15), "TicketDenied"),
        (ticket_callback(1, result=0), "TicketFailed"),
        (ticket_callback(1, b"\x07"), "07"),
        (ticket_callback(1, b"\x07" * 2560), "07" * 2560),
        (ticket_callback(1, b"\x07", size=0), "TicketUnreadable"),
        (ticket_callback(1, b"\x07", size=-1), "TicketUnreadable"),
        (ticket_callback(1, b"\x07" * 2560, size=2561) + b"\x07", "TicketUnreadable"),
        (ticket_callback(1, b"\x07" * 4)[:15], "TicketUnreadable"),
    ],
)
def test_bytes_of_a_callback(response: bytes, expected: str) -> None:
    ledger = Ledger()
    ticket = watched(ledger, ledger.enter(1))
    ledger.deliver(response)
    assert outcome(ticket) == expected


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (2, "could not confirm who you are. Restart"),
        (3, "not connected"),
        (10, "is busy"),
        (15, "owns the game"),
        (16, "took too long"),
        (20, "servers are not available"),
        (21, "Nobody is signed in"),
        (25, "is busy"),
        (34, "somewhere else"),
        (48, "not connected"),
        (84, "is busy"),
        (1234, "(error 1234)"),
    ],
)
def test_error_of_each_result(result: int, words: str) -> None:
    error = results.result_error(result)
    assert words in error.sentence and ("error" in error.sentence) == (result == 1234)
    assert error.reason == ("TicketDenied" if result == 15 else "TicketFailed")
    assert error.detail == f"Steam answered with EResult {result}."


@pytest.mark.parametrize(
    ("reason", "passes"),
    [
        ("SteamNotRunning", True),
        ("SteamInitFailed", True),
        ("InitTimeout", True),
        ("TicketFailed", True),
        ("NoTicketHandle", True),
        ("TicketUnreadable", True),
        ("NoCallback", True),
        ("SteamShutdown", True),
        ("SteamDisconnected", True),
        ("TicketDenied", False),
        ("LibraryNotFound", False),
        ("HostHasNotInitialised", False),
        (None, False),
    ],
)
def test_trouble_that_may_pass(reason: str | None, passes: bool) -> None:
    assert results.may_pass(SteamUnavailable("", reason=reason)) is passes


def test_reasons_of_errors() -> None:
    assert results.other_app(1, 2).reason == "SteamAppIdMismatch"
    assert results.thread_is_gone().reason == "ProgramEndsOrForked"
    assert results.no_handle().reason == "NoTicketHandle"
    assert results.unreadable_ticket(7).detail == "No ticket has the size that Steam gave: m_cubTicket is 7."
    assert results.host_has_not_started().reason == "HostHasNotInitialised"
    assert results.init_error(abi.INIT_FAILED, "", running=True).detail == "ESteamAPIInitResult 1"
