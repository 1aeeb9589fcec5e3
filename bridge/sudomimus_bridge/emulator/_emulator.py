"""The running local service: one socket on 127.0.0.1 and one thread around `Controls`.

`with Emulator() as emulator:` starts and stops it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from ._config.config import EmulatorConfig
from ._contract.dialects import DialectName
from ._controls import Controls
from ._tokens.client_key import ClientKeyFile
from ._web.application import application
from ._web.server import ThreadedServer

HOST = "127.0.0.1"


class Emulator(Controls):
    """A double of the Sudomimus service. It runs on a thread during a `with` block, or from `start` to `stop`."""

    def __init__(
        self,
        config: EmulatorConfig | Mapping[str, Any] | None = None,
        *,
        port: int = 0,
        dialect: DialectName | None = None,
    ) -> None:
        """Check the settings.

        Args:
            config: The settings (docs/reference/local-service.md): `{"claims": {"email": "REQUIRED"}}`.
            port: The port on 127.0.0.1; 0 takes any free one.
            dialect: The state of the real service to play: "v4", "openapi" or "documents".

        Raises:
            ValueError: A setting is wrong. The message names it.
        """
        super().__init__(config, dialect=dialect)
        self._wanted_port = port
        self._server: ThreadedServer | None = None
        self._client_key: ClientKeyFile | None = None

    def start(self) -> Self:
        """Bind a port and serve it on a new thread. Returns when the service listens.

        Raises `OSError` if the port is in use. If the start fails, no thread, socket or key file remains.
        """
        if self._server is not None:
            raise RuntimeError("the emulator is running already")
        # asyncio disables Nagle's delay (40 ms for each answer) only if the socket names its protocol.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            if os.name == "posix":  # on Windows the option would let two processes share the port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((HOST, self._wanted_port))
            self._state.addresses.native = f"http://{HOST}:{listener.getsockname()[1]}"
            self._client_key = ClientKeyFile()
            self._state.client_key_file = str(self._client_key.path)
            self._server = ThreadedServer(application(self, self._state, self._faults), self._state.clock)
            self._server.start(listener)
        except BaseException:
            self.stop()
            listener.close()
            raise
        return self

    def stop(self) -> None:
        """Break open connections, close the socket and wait for the end of the thread. May be called twice."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()
        if self._client_key is not None:
            self._client_key.remove()
            self._client_key = self._state.client_key_file = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that point a `Bridge` here: `Bridge(**emulator.settings)`."""
        apis = {f"{name}_url": self.urls[name] for name in ("native", "connect", "device", "session", "via")}
        return {"application": self.urls["application"], "steam_app_id": self.urls["steamAppId"], **apis}
