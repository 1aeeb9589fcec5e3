"""The kit for tests of games: a stub of Steam, a local service, a browser with a scripted player, and virtual time.

`pytest_plugins = ["sudomimus_bridge.testing"]` loads the fixtures of `_pytest_plugin`. Other frameworks use the same parts as
context managers (`using_…`). Importing this module imports no part of the kit; each is imported when a test first uses its
name. `docs/testing.md` has recipes.

PYTEST_DONT_REWRITE: these modules have no assertions, so pytest need not rewrite them. Without this word, it would warn if a
test imported them first.
"""

from __future__ import annotations

from .._version import TYPE_CHECKING

if TYPE_CHECKING:
    from .._extras import MissingExtra
    from .._values.clock import SystemClock
    from ._compiled_stub import StubNotCompiled, compiled_stub
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
    "compiled_stub",
    "using_browser",
    "using_environment",
    "using_service",
    "using_steam_library",
    "using_stub_steam",
    "using_virtual_time",
]

if not TYPE_CHECKING:  # otherwise a type checker would accept any name

    def __getattr__(name: str) -> object:
        # One literal import for each name, by which programs that freeze a game's tests find the modules.
        if name in ("LocalService", "ScriptedPlayer"):  # imports the emulator, which is an extra
            from . import _service as home
        elif name == "MissingExtra":
            from .. import _extras as home
        elif name == "ScriptedBrowser":
            from . import _scripted_browser as home
        elif name in ("StubBehaviour", "StubSteam"):
            from . import _stub_steam as home
        elif name in ("StubLibrary", "TicketLeftOpen"):
            from . import _stub_library as home
        elif name in ("StubNotCompiled", "compiled_stub"):
            from . import _compiled_stub as home
        elif name == "SystemClock":
            from .._values import clock as home
        elif name == "VirtualClock":
            from . import _virtual_time as home
        elif name in __all__:
            from . import _using as home
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(home, name)

    # There is no `__dir__`: pytest reads each of its names from a plugin to find fixtures, which would import the whole kit.
    # pytest loads the plugin when a project loads this module as a plugin. Other frameworks need no pytest.
    pytest_plugins = ["sudomimus_bridge.testing._pytest_plugin"]
