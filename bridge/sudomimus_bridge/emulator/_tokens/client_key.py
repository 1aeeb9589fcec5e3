"""The application's client-auth key pair. The private key is in a file that only its owner can read.

The service itself uses only the public key.
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
    # One key for the process, like the application's.
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def client_public_key() -> rsa.RSAPublicKey:
    """The public key, with which the service verifies signatures."""
    return _client_key().public_key()


class ClientKeyFile:
    """The private key as PEM, in a folder of its own. `remove` deletes it, and the end of the program does, too."""

    def __init__(self) -> None:
        self._folder = TemporaryFolder("sudomimus-emulator-")
        self.path = Path(self._folder.name) / "client-key.pem"
        pem = _client_key().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        # The file is created with its mode, so no other user can ever read it.
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            self.path.chmod(0o600)  # the umask can only have removed permissions
            with os.fdopen(descriptor, "wb") as file:
                file.write(pem)
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Delete the file and its folder."""
        self._folder.cleanup()
