"""What stands in for the real ports in a whole process: set by `testing` for as long as one test runs, else nothing.

A game makes its bridge where it likes, at import perhaps, and hands it no ports. So each `Bridge` looks here when a login
starts. A port that it was given goes before a stand-in, and so does a setting by keyword before the test's environment.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .._browser.port import Browser
    from .._values.clock import Clock
    from ..steam._port import Steam


class StandIns:
    """Never changed, only replaced: a bridge sees by its identity that the ports it uses are those of before."""

    def __init__(
        self,
        *,
        steam: Steam | None = None,
        browser: Browser | None = None,
        clock: Clock | None = None,
        run: Callable[..., Any] | None = None,
    ) -> None:
        """`run` is called in place of `anyio.run`: an event loop whose time is the clock's."""
        self.steam = steam
        self.browser = browser
        self.clock = clock
        self.run = run


_current = StandIns()


def current() -> StandIns:
    """What stands in now."""
    return _current


def replace(stand_ins: StandIns) -> StandIns:
    """Let these stand in from now on; what stood in until now."""
    global _current
    before, _current = _current, stand_ins
    return before
