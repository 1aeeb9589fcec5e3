"""Specifies `quietly`: no page is opened or waited for. If one is needed, the login ends with the reason `PageNeeded`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from sudomimus_bridge import Bridge, ErrandNotCompleted
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.testing._compiled_stub import open_tickets
from sudomimus_bridge.testing._scripted_browser import RecordingBrowser
from sudomimus_bridge.testing._scripted_service import Step, errand_step

from ..cli.test_program import NOT_FOR_DEMO, Ended, Program, on_stub
from ..conftest import StubLog
from ..helpers.patience import finish
from ..helpers.service_helpers import ISSUED, by_inquiry, by_key, ran
from ..helpers.sidecar_helpers import Launcher, launchers

OFFER = Step(body=errand_step().body)


def is_page_needed(error: object) -> bool:
    return isinstance(error, ErrandNotCompleted) and error.reason == "PageNeeded" and "quietly" in str(error.detail)


@pytest.mark.parametrize(
    ("how", "posts", "more", "requests"),
    [
        ("steam", [errand_step()], {}, ["/direct-issue/steam-ticket"]),
        ("access-key", [errand_step()], {}, ["/direct-issue/access-key"]),
        ("share", [OFFER], {}, ["/errand"]),
        ("browser", [], {"credentials": by_inquiry()}, []),
        ("browser", [], {"credentials": by_key()}, []),
        ("device", [], {}, []),
    ],
    ids=["steam", "access-key", "share", "inquiry", "client-key", "device"],
)
def test_flow_that_needs_a_page_ends_at_once(
    how: str, posts: list[Step], more: dict[str, Any], requests: list[str], backend: str
) -> None:
    """A login that always needs a page sends no request, so it leaves neither an inquiry nor a code behind."""
    ended = ran(how, posts, [], backend=backend, quietly=True, **more)
    assert is_page_needed(ended.outcome) and ended.error.exit_status == 5
    assert [seen.path for seen in ended.transport.seen] == requests
    assert ended.browser.pages == [] and ended.seconds < 5
    assert not {"errand-required", "waiting-for-browser"} & set(ended.phases)


@pytest.mark.parametrize("how", ["steam", "access-key"])
def test_quiet_login_that_needs_no_page_signs_in(how: str) -> None:
    assert ran(how, [ISSUED], quietly=True).result.access_token


def test_quiet_share_with_nothing_owed_succeeds() -> None:
    assert not ran("share", [Step(body={"errand": None, "claims": {}})], quietly=True).outcome.completed


def test_detail_names_the_required_claims_and_sentence_names_no_setting() -> None:
    error = ran("steam", [errand_step()], quietly=True).error
    assert "email" in str(error.detail) and "SUDOMIMUS_QUIETLY" in str(error.detail)
    assert "quietly" not in error.sentence and "browser" in error.sentence


# --- on the command line ---------------------------------------------------------------------------------------------


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Program]:
    for program in on_stub(emulator, stub_library, stub_log):
        urls = emulator.urls
        program.environ |= {
            "SUDOMIMUS_ACCESS_KEY_ID": urls["accessKeyId"],
            "SUDOMIMUS_ACCESS_KEY_SECRET": urls["accessKeySecret"],
            "SUDOMIMUS_EXPOSURE_KEY": "exp_0123456789",
            "SUDOMIMUS_HIDDEN_KEY": "hid_0123456789",
            "BROWSER": "false",
        }
        yield program


def needs_a_page(ended: Ended) -> None:
    assert (ended.status, ended.out) == (5, ""), ended.err
    assert ended.error.endswith("reason: PageNeeded")
    assert "Open this page" not in ended.err and "A page has opened" not in ended.err


@pytest.mark.parametrize("method", ["steam", "access-key", "browser", "device"])
@pytest.mark.parametrize("by", ["flag", "variable"])
def test_each_login_method_of_the_command_line(program: Program, method: str, by: str) -> None:
    program.emulator.update({"claims.email": "REQUIRED"})
    if by == "variable":
        program.environ["SUDOMIMUS_QUIETLY"] = "1"
    needs_a_page(program.run("login", method, "--json", *(["--quietly"] if by == "flag" else [])))
    program.every_ticket_was_cancelled_once(1 if method == "steam" else 0)


def test_other_commands_that_need_a_page(program: Program) -> None:
    token = program.run("login", "steam", "--json").json["accessToken"]
    program.emulator.update({"claims.email": "OPTIONAL"})
    needs_a_page(program.run("errand", "--json", "--quietly", text=token))
    needs_a_page(program.run("demo", "--claim-gate", "--quietly", **NOT_FOR_DEMO))


# --- for one login ---------------------------------------------------------------------------------------------------


LIFETIME = 3600
LONGER_THAN_IS_LEFT = LIFETIME - 0.0001
"""For `valid_for`, in seconds. The lifetime counts from the start of the request, so less than this is left of a new token."""

MakeBridge = Callable[..., tuple[Bridge, RecordingBrowser]]


@pytest.fixture
def make_bridge(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[MakeBridge]:
    made: list[Bridge] = []

    def make(**more: Any) -> tuple[Bridge, RecordingBrowser]:
        browser = RecordingBrowser()
        made.append(Bridge(**emulator.settings, steam_library=stub_library, browser=browser, **more))
        return made[-1], browser

    yield make
    for bridge in made:
        bridge.close()


def test_quietly_for_one_login_by_each_call(make_bridge: MakeBridge, emulator: Emulator, stub_log: StubLog) -> None:
    emulator.update({"claims.email": "REQUIRED"})
    bridge, browser = make_bridge()
    for sign_in in (
        lambda: bridge.login(quietly=True),
        lambda: anyio.run(lambda: bridge.login_async(quietly=True)),
        lambda: finish(bridge.start_login(quietly=True)),
        lambda: bridge.login("device", quietly=True),
    ):
        with pytest.raises(ErrandNotCompleted) as ended:
            sign_in()
        assert is_page_needed(ended.value)
    assert browser.pages == [] and open_tickets(stub_log.calls) == []


def test_one_login_may_open_a_page_although_the_setting_is_quiet(make_bridge: MakeBridge, emulator: Emulator) -> None:
    emulator.update({"claims.email": "REQUIRED"})
    bridge, browser = make_bridge(quietly=True)
    with pytest.raises(ErrandNotCompleted) as ended:
        bridge.login()
    assert is_page_needed(ended.value) and browser.pages == []
    login = bridge.start_login(quietly=False)
    while not browser.pages:
        assert login.poll() is None
    login.cancel()


@pytest.mark.parametrize("steam_is_there", [True, False])
def test_quiet_request_for_an_access_token(
    make_bridge: MakeBridge, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, steam_is_there: bool
) -> None:
    """The token comes by a Steam ticket or the refresh token. `quietly` is the keyword or the setting."""
    for setting, keyword in ((False, True), (True, None)):
        emulator.reset(settings=True)
        emulator.update({"tokens.access_token_ttl_seconds": LIFETIME})
        monkeypatch.setenv("STEAM_STUB_RUNNING", "1")
        bridge, browser = make_bridge(quietly=setting)
        session = bridge.session(stay_signed_in=False)
        bridge.login()
        emulator.update({"claims.email": "REQUIRED"})
        if not steam_is_there:
            bridge.close()
            monkeypatch.setenv("STEAM_STUB_RUNNING", "0")
        with pytest.raises(ErrandNotCompleted) as ended:
            session.access_token(LONGER_THAN_IS_LEFT, quietly=keyword)
        assert is_page_needed(ended.value) and browser.pages == []


# --- a launcher ------------------------------------------------------------------------------------------------------


@pytest.fixture
def start(program: Program) -> Iterator[Callable[..., Launcher]]:
    yield from launchers(program)


@pytest.mark.parametrize("method", ["steam", "access-key", "browser", "device"])
def test_quiet_login_of_a_launcher(start: Callable[..., Launcher], program: Program, method: str) -> None:
    program.emulator.update({"claims.email": "REQUIRED"})
    launcher = start()
    error = launcher.call("login", {"method": method, "quietly": True})["error"]
    assert error["data"] == {"kind": "errand-not-completed", "reason": "PageNeeded", "retryable": True}
    launcher.close_input()
    assert launcher.end()[0] == 0
