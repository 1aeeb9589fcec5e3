"""The steps, the faults, and the cells that cannot exist, each with its reason."""

from __future__ import annotations

from typing import NamedTuple

STEPS = {
    "resolve": "the system looks up the service's name",
    "connect": "TCP connects to the service",
    "TLS": "the TLS handshake",
    "request": "the request with the ticket is sent",
    "headers": "the head of the answer arrives",
    "body": "the body of the answer arrives",
    "Steam's request": "`GetAuthTicketForWebApi` is called",
    "callback": "the ticket's callback arrives",
    "cancel": "`CancelAuthTicket` is called",
    "page": "the player's browser opens the errand's page",
    "poll": "the errand's status is polled",
    "store": "the session is written to disk",
    "renew": "the session is renewed with the refresh token",
}

FAULTS = {
    "refused": "the other side refuses at once",
    "reset": "the connection breaks (RST); Steam: it loses its servers",
    "black hole": "nothing ever answers; a lock is never released",
    "one byte/s": "one byte arrives in each second",
    "half": "the first half arrives, then the end",
    "wrong certificate": "the certificate is not trusted",
    "captive portal": "the login page of a hotel's network answers",
    "proxy 407": "a proxy asks for a password",
    "clock jump": "the calendar jumps: at TLS back by ten years, else ahead by a day",
    "suspend": "the computer sleeps for an hour, and its connections are gone afterwards",
    "full disk": "the disk is full",
    "kill": "Ctrl-C; then, in a second game, SIGKILL",
    "Steam restart": "the Steam client quits, and is there again at the next initialisation",
}

NETWORK = ("resolve", "connect", "TLS", "request", "headers", "body")
STEAM = ("Steam's request", "callback", "cancel")
HAPPENS = ("clock jump", "suspend", "full disk", "kill", "Steam restart")
"""Faults that happen to the computer or to a process, in the middle of the step."""

REASONS = {
    "a": "a datagram, a TCP handshake or a function call has no parts that could come slowly or by half",
    "b": "there is no network in this step",
    "c": "nothing is written to disk in this step",
    "d": "no answer has begun in this step, or it has begun already",
    "e": "certificates are checked in the TLS handshake only",
    "f": "a proxy answers when the connection is made, or in place of the service's answer",
    "g": "a name server is asked by datagrams, which have no connection",
    "h": "a function that returns nothing cannot refuse, and no part of it is a message",
    "i": "a captive portal answers instead of the name server, the TLS handshake or the service",
}


class Cell(NamedTuple):
    """One step that meets one fault."""

    step: str
    fault: str


def impossible(cell: Cell) -> str | None:
    """The letter of the reason why this step cannot meet this fault; None if it can."""
    step, fault = cell
    if fault in HAPPENS:
        return "c" if fault == "full disk" and step not in ("store", "renew") else None
    if step in ("page", "poll", "renew"):
        return None
    if step == "store":
        return None if fault in ("refused", "black hole", "half") else "b"
    if step in STEAM:
        return _impossible_in_steam(step, fault)
    return _IMPOSSIBLE_ON_THE_NETWORK.get(cell)


def _impossible_in_steam(step: str, fault: str) -> str | None:
    if fault in ("wrong certificate", "captive portal", "proxy 407"):
        return "b"
    if fault == "black hole" or (step != "cancel" and fault in ("refused", "reset")):
        return None
    if step == "cancel":
        return "h"
    return None if (step, fault) == ("callback", "half") else "a"


_IMPOSSIBLE_ON_THE_NETWORK = {
    **dict.fromkeys((Cell("headers", "refused"), Cell("body", "refused"), Cell("request", "half")), "d"),
    Cell("resolve", "reset"): "g",
    **dict.fromkeys((Cell("resolve", "one byte/s"), Cell("connect", "one byte/s"), Cell("connect", "half")), "a"),
    **dict.fromkeys((Cell(step, "wrong certificate") for step in NETWORK if step != "TLS"), "e"),
    Cell("connect", "captive portal"): "i",
    **dict.fromkeys((Cell(step, "proxy 407") for step in NETWORK if step not in ("connect", "headers")), "f"),
}

CALLS = {
    "access key": "a login with an access key",
    "establish": "a login through the browser: the inquiry is established",
    "inquiry poll": "a login through the browser: the inquiry is polled",
    "redeem": "a login through the browser: the inquiry is redeemed",
    "device code": "a login with a code: the code is asked for",
    "device poll": "a login with a code: the tokens are polled for",
    "share": "the proactive errand is asked for",
    "log out": "the session is ended",
}
"""The calls of the other flows. Each meets the faults of the network."""

CALL_FAULTS = [fault for fault in FAULTS if fault not in HAPPENS]

CELLS = [cell for step in STEPS for fault in FAULTS if impossible(cell := Cell(step, fault)) is None]
CELLS += [Cell(call, fault) for call in CALLS for fault in CALL_FAULTS]
