"""What all cells share: two local services, certificates, the name server, a proxy, and the games' first process."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.testing import compiled_stub

from ..helpers.patience import PATIENCE, until
from .names import NameServer
from .network import answer

_HERE = Path(__file__).parent


class Game:
    """One game: a connection to its process."""

    def __init__(self, wire: socket.socket, words: Any, pid: int) -> None:
        self.pid = pid
        self._wire = wire
        self._words = words
        self._told: list[dict[str, Any]] = []
        self._over = False
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        with suppress(OSError, ValueError):
            for line in self._words:
                self._told.append(json.loads(line))
        self._over = True

    @property
    def has_answered(self) -> bool:
        """Whether the task is done, or the process has ended."""
        return bool(self._told) or self._over

    def asks(self, task: str) -> None:
        """Let the game begin a task."""
        self._write(task=task)

    def answer(self) -> dict[str, Any]:
        """Wait for the end of the task."""
        until(lambda: self.has_answered)
        return (
            self._told.pop(0)
            if self._told
            else {"status": -1, "seconds": 0.0, "attempts": 0, "detail": "the process ended", "problem": None}
        )

    def does(self, task: str) -> dict[str, Any]:
        """Let the game do a task, and wait for its end."""
        self.asks(task)
        return self.answer()

    def environ(self, **changes: str | None) -> None:
        """Change the game's environment; None unsets a variable."""
        self._write(environ=changes)

    def end(self) -> None:
        """Let the game end, and wait for it."""
        self._write(task="end")
        self.gone()

    def gone(self) -> None:
        """Wait until the process has ended."""
        until(lambda: self._over)
        self._wire.close()

    def _write(self, **message: Any) -> None:
        with suppress(OSError):
            self._wire.sendall(json.dumps(message).encode() + b"\n")


class Games:
    """Starts games: each is forked from a process that has imported everything."""

    def __init__(self, folder: Path) -> None:
        self._waiting: dict[str, Game] = {}
        self._starting = threading.Lock()
        address = folder / "games"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(address))
        self._listener.listen(50)
        threading.Thread(target=self._accept, daemon=True).start()
        environ = {**os.environ, "LD_PRELOAD": str(_clocks(folder))}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.game", str(address)],
            stdin=subprocess.PIPE,
            cwd=_HERE.parents[1],
            env=environ,
            text=True,
        )

    def start(self, name: str, given: dict[str, Any]) -> Game:
        """Start a game, and return once it is ready."""
        with self._starting:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps({"name": name, **given}) + "\n")
            self._process.stdin.flush()
        until(lambda: name in self._waiting)
        return self._waiting.pop(name)

    def close(self) -> None:
        """End the first process; the games end with their connections."""
        self._listener.close()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                wire, _ = self._listener.accept()
                words = wire.makefile("r")
                hello = json.loads(words.readline())
                self._waiting[hello["name"]] = Game(wire, words, hello["pid"])


class Rig:
    """Everything that the cells share."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        unlimited = dict.fromkeys(
            ("attempts_per_application", "attempts_global", "failures_per_application", "failures_global"), 10**6
        )
        self.plain = stack.enter_context(Emulator({"budgets": unlimited}))
        self.gated = stack.enter_context(Emulator({"budgets": unlimited, "claims": {"email": "REQUIRED"}}))
        self.library = compiled_stub()
        self.authority, self._trusted = _certificate(folder, "trusted")
        self._untrusted = _certificate(folder, "untrusted")[1]
        self.names = NameServer()
        stack.callback(self.names.close)
        self.proxy = stack.enter_context(_proxy())
        self.games = Games(folder)
        stack.callback(self.games.close)

    def fronts(self, service: Emulator) -> tuple[str, ssl.SSLContext, ssl.SSLContext]:
        """What each front before this service needs."""
        return service.urls["native"], self._trusted, self._untrusted


@contextmanager
def _proxy() -> Iterator[str]:
    """A proxy that asks everybody for a password."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=50)

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with suppress(OSError), connection:
                    connection.settimeout(10)
                    connection.recv(65536)
                    extra = 'Proxy-Authenticate: Basic realm="proxy"\r\n'
                    connection.sendall(answer("407 Proxy Authentication Required", b"", extra=extra))

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def _clocks(folder: Path) -> Path:
    library = folder / "clocks.so"
    compiler = os.environ.get("CC") or shutil.which("cc") or "cc"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(_HERE / "clocks.c")], check=True)
    return library


def _certificate(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate for all cells, valid for the days around now, and a server's context that uses it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "faults.example")])
    now, week = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=7)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - week)
        .not_valid_after(now + week)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("*.faults.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public, both = folder / f"{name}.pem", folder / f"{name}-key.pem"
    public.write_bytes(certificate)
    both.write_bytes(certificate + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return public, context
