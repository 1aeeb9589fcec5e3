"""The parts of pages that are built from the code. A page names one in a comment: `<!-- part: settings -->`."""

from __future__ import annotations

from collections.abc import Callable

from . import command_line, local_service, reasons, sidecar, tables

PARTS: dict[str, Callable[[], str]] = {
    "settings": tables.settings,
    "exit-statuses": tables.exit_statuses,
    "error-classes": tables.error_classes,
    "commands": command_line.commands,
    "sidecar-methods": sidecar.methods,
    "sidecar-messages": sidecar.messages,
    "service-reasons": reasons.of_the_service,
    "own-reasons": reasons.of_the_bridge,
    "waits": tables.waits,
    "local-service-settings": local_service.settings,
    "local-service-faults": local_service.faults,
    "local-service-paths": local_service.paths,
}
