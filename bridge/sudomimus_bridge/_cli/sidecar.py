"""`sidecar`: serves a launcher on the standard pipes. What it does there is `sudomimus_bridge._sidecar`'s."""

from __future__ import annotations

import argparse

from .._sidecar.server import run
from .arguments import given_settings


def sidecar(arguments: argparse.Namespace) -> int:
    """Serve until the launcher is gone, or says so, or a signal comes."""
    return run(given_settings(arguments))
