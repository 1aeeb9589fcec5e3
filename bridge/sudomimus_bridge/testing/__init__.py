"""For tests of games: a stubbed Steam, a local service, a browser with a scripted player, virtual time.

`pytest_plugins = ["sudomimus_bridge.testing"]` brings the fixtures of `pytest_plugin`. The same parts are here as context
managers (`using_…`), for every other framework. Importing this imports nothing else. `docs/testing.md` has recipes.

pytest need not rewrite what has no assertions, and must not complain where a test imported it before: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

from .._lazy import TYPE_CHECKING, importer

if TYPE_CHECKING:
    from ..clock import SystemClock
    from ..extras import MissingExtra
    from .compiled_stub import StubNotCompiled
    from .scripted_browser import ScriptedBrowser
    from .service import LocalService, ScriptedPlayer
    from .stub_library import StubLibrary, TicketLeftOpen
    from .stub_steam import StubBehaviour, StubSteam
    from .using import (
        using_browser,
        using_environment,
        using_service,
        using_steam_library,
        using_stub_steam,
        using_virtual_time,
    )
    from .virtual_time import VirtualClock

_LATER = {
    "LocalService": "service",
    "MissingExtra": ".extras",
    "ScriptedBrowser": "scripted_browser",
    "ScriptedPlayer": "service",
    "StubBehaviour": "stub_steam",
    "StubLibrary": "stub_library",
    "StubNotCompiled": "compiled_stub",
    "StubSteam": "stub_steam",
    "SystemClock": ".clock",
    "TicketLeftOpen": "stub_library",
    "VirtualClock": "virtual_time",
    "using_browser": "using",
    "using_environment": "using",
    "using_service": "using",
    "using_steam_library": "using",
    "using_stub_steam": "using",
    "using_virtual_time": "using",
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
    pytest_plugins = ["sudomimus_bridge.testing.pytest_plugin"]
