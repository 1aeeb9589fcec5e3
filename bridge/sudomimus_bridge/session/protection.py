"""How a session's text lies on the disk: encrypted with a key from the system's keyring, by Windows, or as it is.

The keyring holds a key, not the tokens: Windows' takes no more than 2,560 bytes, and a key is written once, while
tokens are replaced whole, on the disk, in the moment they change.
"""

from __future__ import annotations

import base64
import binascii
import ctypes
import sys
from typing import Any, Protocol


class ProtectionFailed(Exception):
    """The text cannot be encrypted or read. `sentence` says why, for the player.

    `for_good`: asking again would bother the player again.
    """

    def __init__(self, sentence: str, *, for_good: bool = False) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.for_good = for_good


class Protection(Protocol):
    """Turns a text into what may lie on the disk, and back. May block, where a keyring asks the player to unlock it."""

    def close(self, text: str) -> tuple[str, str]:
        """How it was done, in a word, and what to write. Raises `ProtectionFailed`."""
        ...

    def open(self, kind: str, data: str) -> str:
        """The text again. Raises `ProtectionFailed`."""
        ...


class FileModeOnly:
    """As it is, in a file that only the player can read."""

    kind = "plain"

    def close(self, text: str) -> tuple[str, str]:
        """See `Protection.close`."""
        return self.kind, text

    def open(self, kind: str, data: str) -> str:
        """See `Protection.open`."""
        if kind != self.kind:
            raise ProtectionFailed(_other_protection(kind))
        return data


class WindowsDataProtection:
    """CryptProtectData: Windows encrypts for this user of this machine (dpapi.h)."""

    kind = "windows-data-protection"

    def close(self, text: str) -> tuple[str, str]:
        """See `Protection.close`."""
        return self.kind, base64.b64encode(_data_protection("CryptProtectData", text.encode())).decode()

    def open(self, kind: str, data: str) -> str:
        """See `Protection.open`."""
        if kind != self.kind:
            raise ProtectionFailed(_other_protection(kind))
        try:
            return _data_protection("CryptUnprotectData", base64.b64decode(data)).decode()
        except (ValueError, binascii.Error):
            raise ProtectionFailed(_UNREADABLE) from None


class KeyringKey:
    """Encrypted with a key that the system's keyring holds, through the `keyring` library (Fernet: AES-CBC and HMAC).

    The key stays in the keyring when the session is forgotten: it opens nothing then, and another process may be about to
    use it.
    """

    kind = "keyring"

    def __init__(self, keyring: Any, name: str) -> None:
        self._keyring = keyring
        self._name = name
        self._key: bytes | None = None

    def close(self, text: str) -> tuple[str, str]:
        """See `Protection.close`."""
        from cryptography.fernet import Fernet

        return self.kind, Fernet(self._get_key(make=True)).encrypt(text.encode()).decode()

    def open(self, kind: str, data: str) -> str:
        """See `Protection.open`."""
        from cryptography.fernet import Fernet, InvalidToken

        if kind == FileModeOnly.kind:
            return data  # kept before there was a keyring; the next write encrypts it
        if kind != self.kind:
            raise ProtectionFailed(_other_protection(kind))
        try:
            return Fernet(self._get_key(make=False)).decrypt(data.encode()).decode()
        except (InvalidToken, ValueError):
            raise ProtectionFailed(_UNREADABLE) from None

    def _get_key(self, *, make: bool) -> bytes:
        if self._key is not None:
            return self._key
        from cryptography.fernet import Fernet

        try:
            held = self._keyring.get_password(SERVICE, self._name)
            if held is None and make:
                held = Fernet.generate_key().decode()
                self._keyring.set_password(SERVICE, self._name, held)
        except Exception as error:  # noqa: BLE001 - each platform's keyring raises errors of its own
            raise ProtectionFailed(
                f"The system's keyring cannot be used ({type(error).__name__}): unlock it to stay signed in. "
                "This sign-in lasts until the program ends.",
                for_good=True,
            ) from None
        if held is None:
            raise ProtectionFailed(_UNREADABLE)
        self._key = held.encode()
        return self._key


SERVICE = "sudomimus-bridge"

_UNREADABLE = "The saved sign-in cannot be decrypted by this user on this computer, and is not used. Sign in again."


def _other_protection(kind: str) -> str:
    return (
        f"The saved sign-in is protected by {kind[:40]!a}, which is not available here, and is not used. Sign in again."
    )


def best_protection(name: str) -> Protection:
    """The system's keyring where the extra `keyring` is installed and the system has one; else what the platform offers."""
    keyring = _system_keyring()
    if keyring is not None:
        return KeyringKey(keyring, name)
    return WindowsDataProtection() if sys.platform == "win32" else FileModeOnly()


def _system_keyring() -> Any:
    try:
        import cryptography.fernet  # noqa: F401
        import keyring
        import keyring.backends.fail
    except ImportError:
        return None
    try:
        backend = keyring.get_keyring()
        usable = not isinstance(backend, keyring.backends.fail.Keyring) and backend.priority > 0
    except Exception:  # noqa: BLE001 - a broken keyring configuration is no keyring
        return None
    return backend if usable else None


if sys.platform == "win32":

    class _Blob(ctypes.Structure):
        _fields_ = (("size", ctypes.c_uint32), ("data", ctypes.POINTER(ctypes.c_char)))

    def _data_protection(name: str, data: bytes) -> bytes:
        function, kernel = getattr(ctypes.WinDLL("crypt32"), name), ctypes.WinDLL("kernel32")
        kernel.LocalFree.argtypes = [ctypes.c_void_p]
        source, result = _Blob(len(data), ctypes.create_string_buffer(data, len(data))), _Blob()
        no_prompt = 0x1  # CRYPTPROTECT_UI_FORBIDDEN
        if not function(ctypes.byref(source), None, None, None, None, no_prompt, ctypes.byref(result)):
            raise ProtectionFailed(_UNREADABLE)
        try:
            return ctypes.string_at(result.data, result.size)
        finally:
            kernel.LocalFree(result.data)

else:

    def _data_protection(name: str, data: bytes) -> bytes:  # noqa: ARG001
        raise ProtectionFailed(_UNREADABLE)
