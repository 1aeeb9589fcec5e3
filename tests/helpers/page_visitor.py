"""A browser with a player who agrees to everything: does one page of the local service. The address is the argument."""

from __future__ import annotations

import sys

from sudomimus_bridge.emulator import visit

visit(sys.argv[1])
