"""The local service: a double of Sudomimus with real pages and real signatures, whose every answer can be set.

`with Emulator() as emulator:` runs it in a thread; `sudomimus-bridge emulator` runs it as a program.
"""

from .._extras import MissingExtra, brought_by

try:
    from ._emulator import Emulator
    from ._players.visitor import visit
except ModuleNotFoundError as _error:
    raise MissingExtra(brought_by("emulator", "The local service", _error)) from _error

__all__ = ["Emulator", "visit"]
