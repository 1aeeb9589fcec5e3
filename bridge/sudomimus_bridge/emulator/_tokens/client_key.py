"""The application's client-auth key pair: the private half in a file that only its owner can read.

The service itself keeps the public half alone.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ..._values.folders import TemporaryFolder


@functools.cache
def _client_key() -> rsa.RSAPrivateKey:
    # One for the process, like the application's key.
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def client_public_key() -> rsa.RSAPublicKey:
    """The half that the service checks signatures with."""
    return _client_key().public_key()


class ClientKeyFile:
    """The private half as PEM, in a folder of its own. `remove` deletes it, and so does the end of the program."""

    def __init__(self) -> None:
        self._folder = TemporaryFolder("sudomimus-emulator-")
        self.path = Path(self._folder.name) / "client-key.pem"
        pem = _client_key().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        # The file gets its mode when it is made, so others can read it at no moment.
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            self.path.chmod(0o600)  # a umask can only have taken rights away
            with os.fdopen(descriptor, "wb") as file:
                file.write(pem)
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Delete the file and its folder."""
        self._folder.cleanup()
