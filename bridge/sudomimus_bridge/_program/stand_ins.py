"""Ports that replace the real ones in a whole process. `testing` sets them while a test runs; otherwise there are none.

A game may create its bridge anywhere, perhaps at import, and gives it no ports. So each `Bridge` looks for replacements here
when a flow starts. A port that the bridge was given wins over a replacement, and a setting by keyword wins over the test's
environment.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .._browser.system import Browser
    from .._values.clock import Clock
    from ..steam._port import Steam


class StandIns:
    """Immutable. `Bridge` compares identity to notice a replacement."""

    def __init__(
        self,
        *,
        steam: Steam | None = None,
        browser: Browser | None = None,
        clock: Clock | None = None,
        run: Callable[..., Any] | None = None,
    ) -> None:
        """`run` replaces `anyio.run`: it runs an event loop with the time of `clock`."""
        self.steam = steam
        self.browser = browser
        self.clock = clock
        self.run = run


_current = StandIns()


def current() -> StandIns:
    """The replacements that apply now."""
    return _current


def replace(stand_ins: StandIns) -> StandIns:
    """Use these replacements from now on. Returns the previous ones."""
    global _current
    before, _current = _current, stand_ins
    return before
