"""Specifies invariants that hold after any schedule of faults, in virtual time.

hypothesis chooses the behaviour of Steam, network, service, browser and player. The flow, the rules, the HTTP client above its
transport and the ticket's context manager are the real ones.
"""

from __future__ import annotations

import io
import logging
import traceback
from dataclasses import dataclass
from typing import Any

import anyio
import httpx
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from sudomimus_bridge._login.errand import share
from sudomimus_bridge._login.methods import AccessKey, Steam
from sudomimus_bridge._login.ports import Ports
from sudomimus_bridge._login.sign_in import sign_in
from sudomimus_bridge._runs.signals import DoneSignal
from sudomimus_bridge._service.policy import MAX_ATTEMPTS, MAX_ERRANDS
from sudomimus_bridge._settings import read_settings
from sudomimus_bridge._values.errors import BridgeError, LoginCancelled
from sudomimus_bridge._values.events import ErrandResult, LoginResult, Phase, ProgressEvent
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.testing._scripted_browser import RecordingBrowser
from sudomimus_bridge.testing._scripted_service import ScriptedTransport, Step, scripted
from sudomimus_bridge.testing._stub_steam import StubBehaviour, StubSteam
from sudomimus_bridge.testing._virtual_time import VirtualClock

EXAMPLES, SOAKED_EXAMPLES = 200, 1200  # for each backend; the methods other than Steam get a quarter of it

ACCESS, REFRESH = "opaque-access-0f3b7d21", "opaque-refresh-91c4ae57"
KEY_ID, KEY_SECRET = "acs_k_4f9d5f61-8e3a-4f0e-9f65-0123456789ab", "acs_t_" + "0123456789abcdef" * 4

GOOD_PAGES = ["https://via.sudomimus.com/errand?key={}", "https://VIA.sudomimus.com:443/errand?key={}#x"]
BAD_PAGES = [
    "http://via.sudomimus.com/errand?key={}",
    "https://via.sudomimus.com.evil.example/errand?key={}",
    "https://via.sudomimus.com@evil.example/{}",
    "https://via.sudomimus.com:8443/{}",
    "https://via.sudomimus.com\\@evil.example/{}",
    "javascript:alert('{}')",
    "file:///etc/passwd?{}",
    "--proxy-server=evil.example {}",
    "https://via.sudomimus.com/\n{}",
    "http://127.0.0.1/{}",
    "",
]
STATES = st.fixed_dictionaries(
    {
        "requirement": st.sampled_from(["OFF", "OPTIONAL", "REQUIRED", "SYNTHETIC", "SYNTHETIC_ONLY", "NEW"]),
        "state": st.sampled_from(["UNKNOWN", "GRANTED", "DENIED", "NEW"]),
    }
)
CLAIMS = st.one_of(st.none(), st.just([1]), st.dictionaries(st.sampled_from(["email", "firstName", "shoe"]), STATES))
DELAYS = st.sampled_from([0.0, 0.01, 0.3, 5.0, 29.0, 45.0, 4000.0])
RAISES = st.sampled_from(
    [
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.ReadError,
        httpx.ReadTimeout,
        httpx.RemoteProtocolError,
        httpx.ProxyError,
    ]
)
HEADERS = st.sampled_from(
    [
        {},
        {"Retry-After": "3"},
        {"Retry-After": "99999"},
        {"Retry-After": "Wed, 10 Jun 2026 12:00:00 GMT"},
        {"Content-Type": "text/html"},
    ]
)


@st.composite
def issued(draw: st.DrawFn) -> Step:
    body = {"accessToken": ACCESS, "refreshToken": REFRESH, "claims": draw(CLAIMS), "extra": {"deep": [1]}}
    for name in draw(st.sets(st.sampled_from(sorted(body)), max_size=2)):
        del body[name]
    return Step(200, body, draw(HEADERS), draw(DELAYS))


@st.composite
def gated(draw: st.DrawFn) -> Step:
    key = f"ernd_secret{draw(st.integers(1, 4))}"
    page = draw(st.sampled_from(GOOD_PAGES * 6 + BAD_PAGES)).format(key)
    errand: dict[str, Any] = {"errandKey": key, "url": page, "expiresAt": "1999-01-01T00:00:00Z"}
    for name in draw(st.sets(st.sampled_from(sorted(errand)), max_size=1)):
        errand[name] = draw(st.sampled_from([None, 5, "", errand[name]]))
    status = draw(st.sampled_from([403, 403, 403, 200]))
    return Step(status, {"reason": "ClaimConsentRequired", "claims": draw(CLAIMS), "errand": errand}, {}, draw(DELAYS))


@st.composite
def refused(draw: st.DrawFn) -> Step:
    status = draw(
        st.sampled_from([400, 401, 401, 403, 404, 408, 409, 418, 429, 429, 500, 502, 503, 504, 302, 204, 599])
    )
    body = draw(
        st.sampled_from(
            [b"", {"reason": "Layer2Denied"}, {"reason": 5}, {"reason": f"leak {ACCESS}\x00"}, b"<html>", [1]]
        )
    )
    return Step(status, body, draw(HEADERS), draw(DELAYS))


def deep() -> bytes:
    return b"[" * 100_000


def long() -> bytes:
    return b"x" * 300_000


def huge_number() -> bytes:
    return b"9" * 10_000


BROKEN = st.one_of(
    st.builds(Step, raises=RAISES, delay=DELAYS),
    st.builds(Step, body=st.binary(max_size=40), delay=DELAYS),
    st.sampled_from([deep, long, huge_number]).map(lambda body: Step(body=body)),
    st.just(Step(body={"accessToken": "\ud800", "refreshToken": "x"})),
    st.just(Step(chunk_delay=50)),
)
POSTS = st.lists(st.one_of(issued(), gated(), gated(), refused(), BROKEN), min_size=1, max_size=10)
POLL = st.one_of(
    st.sampled_from(["PENDING", "PENDING", "COMPLETED", "COMPLETED", "EXPIRED", "NEW"]).map(
        lambda s: Step(body={"status": s})
    ),
    refused(),
    BROKEN,
)
BEHAVIOUR = st.builds(
    StubBehaviour,
    delay=st.sampled_from([-1.0, 0.0, 0.06, 0.4, 12.0, 30.0]),
    result=st.sampled_from([1, 1, 1, 1, 1, 1, 2, 3, 16, 25, 999]),
    size=st.sampled_from([240, 240, 240, 240, 2560, 64, 0, -1, 2561, 2**31 - 1]),
    no_handle=st.sampled_from([False] * 9 + [True]),
    silent=st.sampled_from([False] * 9 + [True]),
    other_handle=st.booleans(),
    twice=st.booleans(),
    goes_away=st.sampled_from([None] * 8 + ["shutdown", "disconnect"]),
)


@dataclass(frozen=True)
class Schedule:
    """The random values of one login."""

    posts: list[Step]
    polls: list[Step]
    behaviours: list[StubBehaviour]
    running: bool
    browser_opens: bool
    no_browser: bool
    timeout: float
    cancel_after: float | None
    done_at: set[int]


SCHEDULES = st.builds(
    Schedule,
    posts=POSTS,
    polls=st.lists(POLL, min_size=1, max_size=8),
    behaviours=st.lists(BEHAVIOUR, min_size=1, max_size=6),
    running=st.sampled_from([True] * 9 + [False]),
    browser_opens=st.booleans(),
    no_browser=st.booleans(),
    timeout=st.sampled_from([0.05, 3.0, 60.0, 3600.0]),
    cancel_after=st.one_of(st.none(), st.none(), st.floats(0, 5000)),
    done_at=st.sets(st.integers(0, 9)),
)


def check(schedule: Schedule, how: str, backend: str) -> None:
    clock = VirtualClock()
    transport = ScriptedTransport(clock, schedule.posts, schedule.polls)
    steam = StubSteam(clock, behaviours=schedule.behaviours, running=schedule.running)
    browser = RecordingBrowser(opens=schedule.browser_opens)
    most_open = 0
    events: list[ProgressEvent] = []
    done = DoneSignal()

    def progress(event: ProgressEvent) -> None:
        nonlocal most_open
        events.append(event)
        most_open = max(most_open, len(steam.open_tickets))
        if event.phase is Phase.WAITING_FOR_BROWSER and len(events) % 10 in schedule.done_at:
            done.set()

    async def flow() -> tuple[LoginResult | ErrandResult | BridgeError, float]:
        given_settings = {
            "application": "my-game",
            "steam_app_id": 480,
            "timeout": schedule.timeout,
            "no_browser": schedule.no_browser,
        }
        ports = Ports(
            read_settings(given_settings, {}),
            steam=steam,
            browser=browser,
            clock=clock,
            open_service=scripted(transport),
        )
        outcome: LoginResult | ErrandResult | BridgeError = LoginCancelled()
        with anyio.move_on_after(schedule.cancel_after if schedule.cancel_after is not None else 1e9):
            try:
                if how == "steam":
                    outcome = await sign_in(Steam(), ports, progress, done)
                elif how == "access-key":
                    outcome = await sign_in(
                        AccessKey(access_key_id=KEY_ID, access_key_secret=Secret(KEY_SECRET)), ports, progress, done
                    )
                else:
                    outcome = await share(Secret(ACCESS), ports, progress, done)
            except BridgeError as error:
                outcome = error
        ended = clock.now()
        await ports.aclose()
        return outcome, ended

    log = io.StringIO()
    handler = logging.StreamHandler(log)
    root = logging.getLogger()
    root.addHandler(handler)
    level, root.level = root.level, logging.DEBUG
    try:
        outcome, ended = clock.run(flow, backend=backend)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)

    event(f"{how}: {type(outcome).__name__}")

    # One ticket at a time, and each is cancelled once.
    requests = [handle for kind, handle in steam.calls if kind == "request"]
    cancels = [handle for kind, handle in steam.calls if kind == "cancel"]
    assert steam.open_tickets == []
    assert sorted(requests) == sorted(cancels)
    assert most_open <= 1
    order = [kind for kind, _ in steam.calls if kind in ("request", "cancel")]
    assert order == ["request", "cancel"] * len(requests)

    # Attempts and time are bounded.
    posts = [seen for seen in transport.seen if seen.method == "POST"]
    assert len(requests) <= MAX_ATTEMPTS
    assert len(posts) <= MAX_ATTEMPTS + (how == "share")
    assert ended <= schedule.timeout + 0.01
    if how == "steam":
        tickets = [seen.body["steamTicketHex"] for seen in posts]
        assert len(set(tickets)) == len(tickets)
    assert len({page.reveal() for page in browser.pages}) == len(browser.pages) <= MAX_ERRANDS

    # The login ends with a result, or with a typed error that has a sentence.
    if isinstance(outcome, BridgeError):
        assert type(outcome) is not BridgeError
        assert outcome.sentence.endswith((".", "!"))
    else:
        assert isinstance(outcome, ErrandResult if how == "share" else LoginResult)

    # No refused page was opened, and no secret appears anywhere.
    allowed = {page.format(f"ernd_secret{n}") for page in GOOD_PAGES for n in range(1, 5)}
    assert {page.reveal() for page in browser.pages} <= allowed
    told = [log.getvalue(), repr(events), str(events), repr(outcome), str(outcome)]
    if isinstance(outcome, BridgeError):
        told += [str(outcome.detail), str(outcome.reason)]
        told += package_frames(outcome)
    secrets = [
        ACCESS,
        REFRESH,
        KEY_SECRET,
        "ernd_secret",
        *(seen.body.get("steamTicketHex", ACCESS)[:40] for seen in posts),
    ]
    for text in told:
        for secret in secrets:
            assert secret not in text


def package_frames(error: BaseException) -> list[str]:
    """The traceback as a crash reporter keeps it, with local variables, without this file's own frames."""
    frames = traceback.TracebackException.from_exception(error, capture_locals=True, lookup_lines=False).stack
    return [repr(frame.locals) for frame in frames if "/tests/" not in frame.filename]


@pytest.mark.parametrize("how", ["steam", "access-key", "share"])
def test_invariants_hold_in_random_schedules(how: str, backend: str, soak: int) -> None:
    @settings(
        max_examples=(EXAMPLES if soak == 1 else SOAKED_EXAMPLES * soak) // (1 if how == "steam" else 4),
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(SCHEDULES)
    def holds(schedule: Schedule) -> None:
        check(schedule, how, backend)

    holds()
