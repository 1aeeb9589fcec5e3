"""Specifies `POST /refresh` and `/logout`: the fate of a refresh token, and that a second request is sent at once or never."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest

from sudomimus_bridge import Bridge
from sudomimus_bridge._login.ports import Ports
from sudomimus_bridge._login.renewal import logout, refresh
from sudomimus_bridge._service.answers import Fate, Refreshed
from sudomimus_bridge._service.remote import open_exchange
from sudomimus_bridge._service.replies import Failed
from sudomimus_bridge._settings import read_settings
from sudomimus_bridge._values.clock import SystemClock
from sudomimus_bridge._values.errors import ConfigurationError, LoginDenied, ServiceUnavailable
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.testing._scripted_browser import RecordingBrowser
from sudomimus_bridge.testing._scripted_service import ScriptedTransport, Step, scripted
from sudomimus_bridge.testing._virtual_time import VirtualClock

from ..helpers.patience import PATIENCE
from ..helpers.service_helpers import EXPOSURE, HIDDEN, ISSUED, REALIZED, Ran, ran, refused
from ..helpers.session_helpers import jwt

LOST = [
    Step(raises=httpx.ReadError),
    Step(raises=httpx.WriteError),
    Step(raises=httpx.RemoteProtocolError),
    Step(raises=httpx.ReadTimeout),
    Step(200, b'{"accessToken":'),
    Step(200, {"accessToken": "only one"}),
    Step(200, b"<html>", {"Content-Type": "text/html"}),
    Step(302, b"", {"Location": "https://login.example/"}),
    refused(502),
    refused(504),
]
LATE = [
    Step(delay=31),
    Step(delay=6, raises=httpx.ReadError),
    Step(502, b"", delay=6),
    Step(200, b'{"accessToken":', delay=6),
]
UNSENT = [
    Step(raises=httpx.ConnectError),
    Step(raises=httpx.ConnectTimeout),
    Step(raises=httpx.PoolTimeout),
    Step(raises=httpx.ProxyError),
]
LATER = [refused(429), refused(503)]


def refreshed(*posts: Step, backend: str = "asyncio") -> tuple[Refreshed, Ran]:
    after = ran("refresh", posts, backend=backend)
    assert isinstance(after.outcome, Refreshed)
    return after.outcome, after


def test_refresh_brings_a_new_pair(backend: str) -> None:
    claims = {"email": {"requirement": "REQUIRED", "state": "GRANTED"}}
    outcome, after = refreshed(
        Step(body={"accessToken": "a.b.c", "refreshToken": "d.e.f", "claims": claims}), backend=backend
    )
    assert (outcome.fate, outcome.error) == (Fate.RENEWED, None)
    assert outcome.result is not None
    assert outcome.result.to_json() == {
        "applicationAnchor": "my-game",
        "accessToken": "a.b.c",
        "refreshToken": "d.e.f",
        "claims": claims,
    }
    (sent,) = after.transport.seen
    assert (sent.host, sent.path) == ("session-api.sudomimus.com", "/refresh")
    assert json.loads(sent.content) == {"refreshToken": "refresh.token.0"}
    assert sent.authorization is None


def ids(step: Step) -> str:
    return f"{step.status} {step.raises and step.raises.__name__} {step.delay or ''}"


@pytest.mark.parametrize("step", LOST, ids=ids)
def test_lost_answer_is_followed_by_a_second_request_at_once(step: Step) -> None:
    outcome, after = refreshed(step, ISSUED)
    assert outcome.fate is Fate.RENEWED
    assert [seen.at for seen in after.transport.seen] == [0, 0]


@pytest.mark.parametrize("step", LATE, ids=ids)
def test_answer_lost_after_a_long_wait_is_not_followed_by_a_second_request(step: Step) -> None:
    """The request may have used the token at its start. The grace window is short, so a second request would end the session."""
    outcome, after = refreshed(step, ISSUED)
    assert outcome.fate is Fate.UNKNOWN and isinstance(outcome.error, ServiceUnavailable)
    assert len(after.transport.seen) == 1


@pytest.mark.parametrize(("seconds", "requests"), [(5.0, 2), (5.1, 1)])
def test_five_seconds_are_a_long_wait(seconds: float, requests: int) -> None:
    _, after = refreshed(Step(delay=seconds, raises=httpx.ReadError), ISSUED)
    assert len(after.transport.seen) == requests


def test_answer_lost_after_a_restart_of_the_clock_is_not_followed_by_a_second_request() -> None:
    clock = VirtualClock()
    after = ran(
        "refresh",
        [Step(raises=httpx.ReadError), ISSUED],
        clock=clock,
        on_request=lambda _seen, _done: clock.restart(),
    )
    assert after.outcome.fate is Fate.UNKNOWN and len(after.transport.seen) == 1


@pytest.mark.parametrize("step", LOST, ids=ids)
def test_token_is_not_sent_a_third_time_after_two_lost_answers(step: Step) -> None:
    outcome, after = refreshed(step)
    assert outcome.fate is Fate.UNKNOWN and isinstance(outcome.error, ServiceUnavailable)
    assert len(after.transport.seen) == 2


@pytest.mark.parametrize("then", [*UNSENT, *LATER, refused(500)], ids=ids)
def test_token_that_may_be_used_stays_uncertain_whatever_the_second_answer_says(then: Step) -> None:
    outcome, after = refreshed(LOST[0], then)
    assert outcome.fate is Fate.UNKNOWN
    assert len(after.transport.seen) == 2


@pytest.mark.parametrize("status", [408, 500, 502, 504])
def test_second_request_does_not_wait_for_a_retry_after(status: int) -> None:
    outcome, after = refreshed(refused(status, Retry_After="120"), ISSUED)
    assert outcome.fate is Fate.RENEWED
    assert [seen.at for seen in after.transport.seen] == [0, 0]


def test_answer_lost_during_the_machines_sleep_is_not_followed_by_a_second_request(backend: str) -> None:
    clock = VirtualClock()
    after = ran(
        "refresh",
        [Step(raises=httpx.ReadError), ISSUED],
        clock=clock,
        on_request=lambda _seen, _done: clock.suspend(8 * 3600),
        backend=backend,
    )
    assert after.outcome.fate is Fate.UNKNOWN and isinstance(after.outcome.error, ServiceUnavailable)
    assert len(after.transport.seen) == 1


REFUSALS = [refused(400), refused(400, "InvalidBody"), refused(404), refused(404, "ApplicationNotFound")]


@pytest.mark.parametrize("then", REFUSALS, ids=ids)
def test_refusal_after_a_lost_answer_is_not_a_wrong_setting(then: Step) -> None:
    outcome, _ = refreshed(refused(502), then)
    assert outcome.fate is Fate.UNKNOWN and isinstance(outcome.error, ServiceUnavailable)
    assert "has a problem" in outcome.error.sentence
    assert "502" in (outcome.error.detail or "")


@pytest.mark.parametrize("reason", ["ClaimConsentRequired", "RequiredClaimDataMissing"])
def test_missing_claim_after_a_lost_answer_does_not_send_the_token_again(reason: str) -> None:
    """The player would first decide on a page, which takes minutes."""
    outcome, _ = refreshed(refused(502), refused(403, reason))
    assert outcome.fate is Fate.UNKNOWN and isinstance(outcome.error, LoginDenied)


@pytest.mark.parametrize("then", [refused(401, "RefreshTokenRevoked"), refused(401)], ids=ids)
def test_ended_session_after_a_lost_answer(then: Step) -> None:
    outcome, _ = refreshed(LOST[0], then)
    assert outcome.fate is Fate.DEAD and isinstance(outcome.error, LoginDenied)


@pytest.mark.parametrize("step", [*UNSENT, *LATER], ids=ids)
def test_unused_token_is_tried_again_after_a_wait(step: Step) -> None:
    outcome, after = refreshed(step, step, ISSUED)
    assert outcome.fate is Fate.RENEWED and len(after.transport.seen) == 3
    outcome, after = refreshed(step)
    assert outcome.fate is Fate.UNUSED and isinstance(outcome.error, ServiceUnavailable)
    assert len(after.transport.seen) == 4


def test_unused_token_is_sent_at_most_eight_times_in_any_mixture() -> None:
    outcome, after = refreshed(*[refused(429)] * 3, *[refused(503)] * 3, *[UNSENT[0]] * 3, ISSUED)
    assert outcome.fate is Fate.UNUSED and len(after.transport.seen) == 8


def test_renewal_without_an_application() -> None:
    tokens = {"accessToken": "a.b.c", "refreshToken": "d.e.f"}
    outcome = ran("refresh", [Step(body=tokens)], application=None).outcome
    assert outcome.result.application_anchor == ""


def test_retry_after_is_heeded_if_the_token_is_unused() -> None:
    _, after = refreshed(refused(503, Retry_After="20"), ISSUED)
    assert after.transport.seen[1].at >= 20


@pytest.mark.parametrize(
    ("posts", "rests"),
    [
        ([refused(503, Retry_After="20"), UNSENT[0], ISSUED], 2),
        ([LOST[0], ISSUED], 0),
        ([refused(429), LOST[0], ISSUED], 1),
        ([ISSUED], 0),
    ],
    ids=["busy", "lost", "busy, then lost", "at once"],
)
def test_unused_token_is_reported_as_unsent_between_tries(posts: list[Step], rests: int) -> None:
    clock = VirtualClock()
    transport, told = ScriptedTransport(clock, posts), []

    @asynccontextmanager
    async def unsent() -> AsyncIterator[None]:
        sent = len(transport.seen)
        yield
        assert len(transport.seen) == sent
        told.append(clock.now())

    async def main() -> Refreshed:
        settings = read_settings({"application": "my-game"}, {})
        ports = Ports(settings, clock=clock, open_service=scripted(transport))
        return await refresh(Secret("r.t.0"), ports, unsent)

    assert clock.run(main).fate is Fate.RENEWED
    assert len(told) == rests
    assert not rests or told[0] > 0


def test_retry_after_beyond_the_timeout_ends_the_renewal_at_once() -> None:
    outcome, after = refreshed(refused(503, Retry_After="4000"))
    assert outcome.fate is Fate.UNUSED and after.seconds < 1


def test_timeout_during_the_request_leaves_the_token_uncertain() -> None:
    after = ran("refresh", [Step(delay=20)], timeout=5)
    assert after.outcome.fate is Fate.UNKNOWN and after.outcome.error.reason == "TimedOut"


@pytest.mark.parametrize("settings", [{}, {"application": "my-game"}], ids=["no application", "no certificates"])
def test_wrong_setting_leaves_the_token_unused(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/does/not/exist.pem")
    outcome = anyio.run(refresh, Secret("refresh.token.0"), Ports(read_settings(settings, {})))
    assert outcome.fate is Fate.UNUSED and isinstance(outcome.error, ConfigurationError)


def test_session_without_an_application_setting_is_renewed(backend: str) -> None:
    """A login by a backend's inquiry needs no such setting, and the answer to /refresh names no application."""
    clock, tokens = VirtualClock(), [jwt(iat=1_000, exp=4_600, serial=serial) for serial in range(2)]
    pairs: list[dict[str, Any]] = [
        {"accessToken": token, "refreshToken": f"refresh.token.{serial}"} for serial, token in enumerate(tokens)
    ]
    posts = [Step(body={"applicationAnchor": "my-game", **pairs[0]}), Step(body=pairs[1])]
    transport = ScriptedTransport(clock, posts, [REALIZED])

    async def main() -> None:
        bridge = Bridge(clock=clock, service=scripted(transport), browser=RecordingBrowser())
        session = bridge.session(stay_signed_in=False)
        await bridge.login_async("browser", exposure_key=EXPOSURE, hidden_key=HIDDEN)
        await clock.sleep(3600)
        assert await session.access_token_async() == tokens[1]

    clock.run(main, backend=backend)
    assert transport.seen[-1].path == "/refresh"


def test_repr_of_an_outcome_holds_no_token() -> None:
    outcome, _ = refreshed(ISSUED)
    assert "refresh.token" not in repr(outcome) and "access.token" not in repr(outcome)


# --- logout ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("revoked", [True, False])
def test_logout(revoked: bool, backend: str) -> None:
    after = ran("logout", [Step(body={"revoked": revoked})], backend=backend)
    assert after.outcome is revoked
    (sent,) = after.transport.seen
    assert (sent.host, sent.path, sent.body) == (
        "session-api.sudomimus.com",
        "/logout",
        {"refreshToken": "refresh.token.0"},
    )


@pytest.mark.parametrize(
    "trouble", [*LOST, *LATE, *UNSENT, *LATER, refused(500), Step(200, {"revoked": "yes"})], ids=ids
)
def test_logout_is_retried(trouble: Step) -> None:
    after = ran("logout", [trouble, Step(body={"revoked": True})])
    assert after.outcome is True and len(after.transport.seen) == 2


def test_time_over_during_a_logout() -> None:
    after = ran("logout", [Step(delay=20)], timeout=5)
    assert isinstance(after.error, ServiceUnavailable) and after.error.reason == "TimedOut"
    assert after.seconds == 5


# --- whether the request was sent, on real sockets --------------------------------------------------------------------


def failed(url: str, backend: str) -> Failed:
    async def flow() -> object:
        exchange = await open_exchange(url, SystemClock())
        try:
            return await exchange.post("/refresh", {"refreshToken": "x"})
        finally:
            await exchange.aclose()

    reply = anyio.run(flow, backend=backend)
    assert isinstance(reply, Failed)
    return reply


@pytest.fixture
def deaf() -> Iterator[str]:
    """A server that takes a connection, reads the request, and closes without a word."""
    listener = socket.create_server(("127.0.0.1", 0))

    def work() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread.join(PATIENCE)
    listener.close()


def test_refused_connection_leaves_the_token_unused(backend: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert failed(f"http://127.0.0.1:{port}", backend).unsent


def test_unknown_host_leaves_the_token_unused(backend: str) -> None:
    assert failed("https://does-not-exist.invalid", backend).unsent


def test_request_that_was_read_may_have_used_the_token(deaf: str, backend: str) -> None:
    assert not failed(deaf, backend).unsent


# --- whole, on the local service ------------------------------------------------------------------------------------------


@pytest.fixture
def ports(emulator: Emulator) -> Iterator[Ports]:
    urls = emulator.urls
    yield Ports(read_settings({"application": urls["application"], "session_url": urls["session"]}, {}))
    emulator.reset(settings=True)


def token(emulator: Emulator) -> Secret:
    return Secret(emulator.open_session().refresh_token)


def test_refreshed_session_is_ended_by_logout(ports: Ports, emulator: Emulator, backend: str) -> None:
    first = token(emulator)

    async def flow() -> list[object]:
        one = await refresh(first, ports)
        assert one.result is not None
        two = await refresh(one.result.refresh, ports)
        assert two.result is not None
        ended = await logout(two.result.refresh, ports)
        again = await logout(two.result.refresh, ports)
        late = await refresh(two.result.refresh, ports)
        return [one.fate, two.fate, ended, again, late.fate, late.error and late.error.reason]

    assert anyio.run(flow, backend=backend) == [
        Fate.RENEWED,
        Fate.RENEWED,
        True,
        False,
        Fate.DEAD,
        "RefreshTokenRevoked",
    ]


def test_second_request_gets_the_pair_of_a_lost_answer(ports: Ports, emulator: Emulator) -> None:
    emulator.fault(path="/session/refresh", when="after", reset=True, times=1)
    outcome = anyio.run(refresh, token(emulator), ports)
    assert outcome.fate is Fate.RENEWED
    assert [entry.path for entry in emulator.requests].count("/session/refresh") == 2


def test_refresh_says_that_a_claim_became_required(ports: Ports, emulator: Emulator) -> None:
    given = token(emulator)
    emulator.update({"claims.email": "REQUIRED"})
    outcome = anyio.run(refresh, given, ports)
    assert outcome.fate is Fate.CLAIMS and outcome.error is not None
    emulator.update({"claims.email": "OPTIONAL"})
    assert anyio.run(refresh, given, ports).fate is Fate.RENEWED
