"""`python -m tests.faults`: run the fault matrix in a network and mount namespace of its own. Linux only.

    python -m tests.faults [--out docs/faults.md] [--cell "STEP × FAULT"] [--timeout 8] [--json]

The name server, the full disk and the ports are real; the namespace keeps them away from this machine.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from .table import CELLS, Cell

_INSIDE = "FAULTS_INSIDE"
_NAMESPACE = ["unshare", "--map-root-user", "--net", "--mount"]


def namespaces_can_be_made() -> bool:
    """Whether this user may make the namespaces that the matrix needs."""
    return (
        shutil.which("unshare") is not None
        and not subprocess.run([*_NAMESPACE, "true"], check=False, capture_output=True).returncode
    )


def main() -> int:
    """Run the cells. The exit status is 1 if one is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, help="write the matrix to this file")
    parser.add_argument("--cell", action="append", help='run this cell, such as "TLS × reset"; repeatable')
    parser.add_argument("--timeout", type=float, default=8.0, help="the time limit of each login, in seconds")
    parser.add_argument("--at-once", type=int, default=12, help="how many cells run at once")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    arguments = parser.parse_args()
    if os.environ.get(_INSIDE) is None:
        if not namespaces_can_be_made():
            print("The fault matrix needs Linux's network and mount namespaces.", file=sys.stderr)
            return 2
        return _inside()
    cells = [Cell(*text.split(" × ")) for text in arguments.cell or ()] or CELLS
    return _run(cells, arguments)


def _inside() -> int:
    """Run this command again in a namespace, whose name server is this program."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "resolv.conf")
        settings.write_text("nameserver 127.0.0.1\n")
        script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
        command = [*_NAMESPACE, "sh", "-ec", script, str(settings), sys.executable, "-m", "tests.faults", *sys.argv[1:]]
        return subprocess.run(command, env={**os.environ, _INSIDE: folder}, check=False).returncode


def _run(cells: list[Cell], arguments: argparse.Namespace) -> int:
    os.environ["FAULTS_TIMEOUT"] = f"{arguments.timeout:g}"  # before the import of what reads it
    from .cells import Run
    from .report import report
    from .rig import Rig

    up, running = 0x1, 0x40
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", up | running))  # SIOCSIFFLAGS
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        rig = Rig(folder, stack)
        with ThreadPoolExecutor(arguments.at_once) as pool:
            results = list(pool.map(lambda each: Run(rig, each[1], each[0]).result(), enumerate(cells)))
    for result in results:
        print(
            json.dumps({**asdict(result), "holds": result.holds})
            if arguments.json
            else f"{'holds' if result.holds else 'FAILS'} {result}",
            flush=True,
        )
    if arguments.out:
        arguments.out.write_text(report(results), encoding="utf-8")
    return 0 if all(result.holds for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
