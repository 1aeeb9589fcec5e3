"""The fixtures. Each wraps a context manager of `_using` and reports its failures as pytest does.

pytest loads this plugin in every run of an environment that has the bridge, so it imports only pytest until a test uses a
fixture. PYTEST_DONT_REWRITE: see `testing`.
"""

# ruff: noqa: ARG001 - a fixture's arguments name the fixtures that it needs

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from .._program.bridge import Bridge
    from ..emulator._contract.dialects import DialectName
    from ._scripted_browser import ScriptedBrowser
    from ._service import LocalService, ScriptedPlayer
    from ._stub_library import StubLibrary
    from ._stub_steam import StubSteam
    from ._virtual_time import VirtualClock

T = TypeVar("T")


@pytest.fixture
def sudomimus_application() -> str:
    """The application anchor of the local service. Override this fixture with your game's anchor."""
    return "my-game"


@pytest.fixture
def sudomimus_steam_app_id() -> int:
    """The Steam app id of both stubs, which the local service accepts. Override this fixture with your game's id."""
    return 480


@pytest.fixture
def sudomimus_dialect() -> DialectName:
    """The state of the service that the local service plays: "v4", "openapi" or "documents". Override it to test another."""
    return "v4"


@pytest.fixture
def sudomimus_environment(sudomimus_application: str, sudomimus_steam_app_id: int) -> Iterator[None]:
    """Hide this machine: no settings, no Steam, no service, no browser. Every other fixture starts with this one."""
    from ._using import using_environment

    with using_environment(sudomimus_application, sudomimus_steam_app_id):
        yield


@pytest.fixture
def sudomimus_service(
    sudomimus_environment: None,
    sudomimus_application: str,
    sudomimus_steam_app_id: int,
    sudomimus_dialect: DialectName,
) -> Iterator[LocalService]:
    """The local service, reset for each test: `requires("email")`, `too_busy(retry_after=2)`, `drops()`, `requests`."""
    from ._using import using_service

    with _told(using_service(sudomimus_application, sudomimus_steam_app_id, sudomimus_dialect)) as service:
        yield service


@pytest.fixture
def sudomimus_player(sudomimus_service: LocalService) -> ScriptedPlayer:
    """The player of both stubs of Steam: `shares(email="robin@example.com")`, `withholds("email")`."""
    from ._service import ScriptedPlayer

    return ScriptedPlayer(sudomimus_service, sudomimus_service.config.default_player)


@pytest.fixture
def sudomimus_browser(sudomimus_environment: None) -> Iterator[ScriptedBrowser]:
    """A browser with a scripted player: `completes(after=600)`, `declines()`, `never_comes()`, `does_not_open()`."""
    from ._using import using_browser

    with _told(using_browser()) as browser:
        yield browser


@pytest.fixture
def sudomimus_steam(sudomimus_environment: None) -> Iterator[StubSteam]:
    """Steam in pure Python, for games in this process: `script(StubBehaviour(silent=True))`, `running = False`, `calls`.

    The test fails if a ticket is still open at its end.
    """
    from ._using import using_stub_steam

    with _told(using_stub_steam()) as steam:
        yield steam


@pytest.fixture
def sudomimus_steam_library(sudomimus_environment: None, tmp_path: Path) -> Iterator[StubLibrary]:
    """The compiled `libsteam_api` stub, for games in any process: `script(ticket_result=2)`, `story()`, `open_tickets`.

    Skips the test if there is no C compiler. The test fails if a ticket is still open at its end, or if Steam was misused.
    """
    from ._using import using_steam_library

    with _told(using_steam_library(tmp_path / "steam.jsonl")) as library:
        yield library


@pytest.fixture
def sudomimus_virtual_time(request: pytest.FixtureRequest) -> Iterator[VirtualClock]:
    """Virtual time for all bridges of this process and for the local service: minutes pass in a fraction of a second.

    `run(main)` runs your async code in virtual time. `elapsed` is the virtual time that has passed.
    """
    if "sudomimus_steam_library" in request.fixturenames:
        pytest.fail(
            "Use sudomimus_virtual_time with sudomimus_steam: the compiled library of sudomimus_steam_library answers in "
            "real time.",
            pytrace=False,
        )
    from ._using import using_virtual_time

    with using_virtual_time() as clock:
        yield clock


@pytest.fixture
def sudomimus_bridge(
    request: pytest.FixtureRequest, sudomimus_service: LocalService, sudomimus_browser: ScriptedBrowser
) -> Iterator[Bridge]:
    """A `Bridge` on the local service, the scripted browser and a stub of Steam. It is closed when the test ends.

    Steam is `sudomimus_steam`, unless the test uses `sudomimus_steam_library`.
    """
    if "sudomimus_steam_library" not in request.fixturenames:
        request.getfixturevalue("sudomimus_steam")
    elif "sudomimus_steam" in request.fixturenames:
        pytest.fail("A test has one Steam: use sudomimus_steam or sudomimus_steam_library, not both.", pytrace=False)
    else:
        request.getfixturevalue("sudomimus_steam_library")
    from .._program.bridge import Bridge

    with Bridge() as bridge:
        yield bridge


@contextmanager
def _told(part: AbstractContextManager[T]) -> Iterator[T]:
    """Report the part's own errors as pytest does, without a traceback."""
    from .._extras import MissingExtra
    from ._compiled_stub import StubNotCompiled
    from ._stub_library import TicketLeftOpen

    try:
        with part as value:
            yield value
    except StubNotCompiled as error:
        raise pytest.skip.Exception(f"sudomimus_steam_library needs a C compiler: {error}") from None
    except (MissingExtra, TicketLeftOpen) as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
