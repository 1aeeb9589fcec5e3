"""For tests of games: a stubbed Steam, a local service, a browser with a scripted player, virtual time.

`pytest_plugins = ["sudomimus_bridge.testing"]` brings the fixtures of `pytest_plugin`. The same parts are here as context
managers (`using_…`), for every other framework. Importing this imports nothing else. `docs/testing.md` has recipes.

pytest need not rewrite what has no assertions, and must not complain where a test imported it before: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

from ._lazy import TYPE_CHECKING, importer

if TYPE_CHECKING:
    from .._extras import MissingExtra
    from .._values.clock import SystemClock
    from ._compiled_stub import StubNotCompiled
    from ._scripted_browser import ScriptedBrowser
    from ._service import LocalService, ScriptedPlayer
    from ._stub_library import StubLibrary, TicketLeftOpen
    from ._stub_steam import StubBehaviour, StubSteam
    from ._using import (
        using_browser,
        using_environment,
        using_service,
        using_steam_library,
        using_stub_steam,
        using_virtual_time,
    )
    from ._virtual_time import VirtualClock

_LATER = {
    "LocalService": "_service",
    "MissingExtra": "._extras",
    "ScriptedBrowser": "_scripted_browser",
    "ScriptedPlayer": "_service",
    "StubBehaviour": "_stub_steam",
    "StubLibrary": "_stub_library",
    "StubNotCompiled": "_compiled_stub",
    "StubSteam": "_stub_steam",
    "SystemClock": "._values.clock",
    "TicketLeftOpen": "_stub_library",
    "VirtualClock": "_virtual_time",
    "using_browser": "_using",
    "using_environment": "_using",
    "using_service": "_using",
    "using_steam_library": "_using",
    "using_stub_steam": "_using",
    "using_virtual_time": "_using",
}

__all__ = [
    "LocalService",
    "MissingExtra",
    "ScriptedBrowser",
    "ScriptedPlayer",
    "StubBehaviour",
    "StubLibrary",
    "StubNotCompiled",
    "StubSteam",
    "SystemClock",
    "TicketLeftOpen",
    "VirtualClock",
    "using_browser",
    "using_environment",
    "using_service",
    "using_steam_library",
    "using_stub_steam",
    "using_virtual_time",
]

if not TYPE_CHECKING:
    __getattr__ = importer(__name__, _LATER)

    # pytest loads it if it is told to load this module as a plugin. Other frameworks do not need pytest.
    pytest_plugins = ["sudomimus_bridge.testing._pytest_plugin"]
