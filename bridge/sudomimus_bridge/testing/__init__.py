"""For tests of games: a stubbed Steam, a local service, a browser with a scripted player, virtual time.

`pytest_plugins = ["sudomimus_bridge.testing"]` brings the fixtures of `pytest_plugin`. The same parts are here as context
managers (`using_…`), for every other framework. Importing this imports nothing else. `docs/testing.md` has recipes.

pytest need not rewrite what has no assertions, and must not complain where a test imported it before: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

pytest_plugins = ["sudomimus_bridge.testing.pytest_plugin"]
"""What pytest loads where this module is named as a plugin. Nobody else needs pytest."""

_LATER = {
    "LocalService": "service",
    "MissingExtra": ".extras",
    "ScriptedBrowser": "scripted_browser",
    "ScriptedPlayer": "service",
    "StubBehaviour": "stub_steam",
    "StubLibrary": "stub_library",
    "StubNotCompiled": "compiled_stub",
    "StubSteam": "stub_steam",
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
    "TicketLeftOpen",
    "VirtualClock",
    "using_browser",
    "using_environment",
    "using_service",
    "using_steam_library",
    "using_stub_steam",
    "using_virtual_time",
]


def __getattr__(name: str) -> Any:
    if name in _LATER:
        from importlib import import_module

        return getattr(import_module(f".{_LATER[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
