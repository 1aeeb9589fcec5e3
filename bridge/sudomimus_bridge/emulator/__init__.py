"""The local service: a double of Sudomimus with real pages, real signatures and every answer settable.

`with Emulator() as emulator:` runs it in a thread; `sudomimus-bridge emulator` runs it as a program.
"""

from ..extras import MissingExtra, brought_by

try:
    from .config import AccessKey, EmulatorConfig, Player
    from .fault_rules import FaultRule
    from .server import Emulator
    from .visitor import visit, visit_errand
except ModuleNotFoundError as error:
    raise MissingExtra(brought_by("emulator", "The local service", error)) from error

__all__ = ["AccessKey", "Emulator", "EmulatorConfig", "FaultRule", "Player", "visit", "visit_errand"]
