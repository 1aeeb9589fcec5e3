"""Protects a session's text on disk: encrypts it with a key from the system's keyring, or by Windows, or not at all.

The keyring holds a key, not the tokens. Windows' keyring takes 2,560 bytes at most, and a key is written once, while tokens
are replaced often and as a whole.
"""

from __future__ import annotations

import base64
import binascii
import ctypes
import sys
from collections.abc import Callable
from concurrent.futures import Future
from importlib.util import find_spec
from typing import Any, Protocol, TypeVar

from .._runs.threads import start_daemon
from .store import NOT_USED, StoreUnusable

T = TypeVar("T")

KEYRING_SECONDS = 60.0
"""How long a keyring may take to answer: the player may have to type its password. After that, the login goes on."""


class Protection(Protocol):
    """Turns a text into the text on disk, and back. May block if a keyring asks the player to unlock it.

    Each method raises `StoreUnusable`.
    """

    def unlock(self) -> None:
        """Let the player unlock the keyring now, so that `close` need not ask."""
        ...

    def close(self, text: str) -> tuple[str, str]:
        """Protect a text. Returns the kind of protection, in a word, and the text to write."""
        ...

    def open(self, kind: str, data: str) -> str:
        """Return the original of a text that `close` has protected."""
        ...


class FileModeOnly:
    """No encryption: the file is readable for the player alone."""

    kind = "plain"

    def unlock(self) -> None:
        pass

    def close(self, text: str) -> tuple[str, str]:
        return self.kind, text

    def open(self, kind: str, data: str) -> str:
        if kind != self.kind:
            raise _other_protection(kind)
        return data


class WindowsDataProtection:
    """CryptProtectData: Windows encrypts for this user of this machine (dpapi.h)."""

    kind = "windows-data-protection"

    def unlock(self) -> None:
        pass

    def close(self, text: str) -> tuple[str, str]:
        return self.kind, base64.b64encode(_data_protection("CryptProtectData", text.encode())).decode()

    def open(self, kind: str, data: str) -> str:
        if kind != self.kind:
            raise _other_protection(kind)
        try:
            return _data_protection("CryptUnprotectData", base64.b64decode(data)).decode()
        except (ValueError, binascii.Error):
            raise _undecryptable() from None


class KeyringKey:
    """Encryption with a key in the system's keyring, by the libraries `keyring` and `cryptography` (Fernet: AES-CBC and HMAC).

    The key stays in the keyring when the session is forgotten. It decrypts nothing then, and another process may need it.
    """

    kind = "keyring"

    def __init__(self, keyring: Any, name: str) -> None:
        self._keyring = keyring
        self._name = name
        self._key: str | None = None

    def unlock(self) -> None:
        self._held_key()

    def close(self, text: str) -> tuple[str, str]:
        from cryptography.fernet import Fernet

        return self.kind, Fernet(self._held_key() or self._new_key()).encrypt(text.encode()).decode()

    def open(self, kind: str, data: str) -> str:
        from cryptography.fernet import Fernet, InvalidToken

        if kind == FileModeOnly.kind:
            return data  # an earlier run wrote it without a keyring; the next write encrypts it
        if kind != self.kind:
            raise _other_protection(kind)
        if (key := self._held_key()) is None:
            raise _undecryptable()
        try:
            return Fernet(key).decrypt(data.encode()).decode()
        except (InvalidToken, ValueError):
            raise _undecryptable() from None

    def _held_key(self) -> str | None:
        """The key in the keyring; None if it holds none, or a text that is not a key."""
        if self._key is None:
            held = _answer_of(lambda: self._keyring.get_password(SERVICE, self._name))
            self._key = held if _is_key(held) else None
        return self._key

    def _new_key(self) -> str:
        """Make a key. The caller holds the store's lock. Otherwise two processes could each make a key, and one would be lost."""
        from cryptography.fernet import Fernet

        key = Fernet.generate_key().decode()
        _answer_of(lambda: self._keyring.set_password(SERVICE, self._name, key))
        self._key = key
        return key


SERVICE = "sudomimus-bridge"


def _answer_of(ask: Callable[[], T]) -> T:
    """Return a keyring's answer. Raises `StoreUnusable` if there is none within `KEYRING_SECONDS`."""
    answer: Future[T] = Future()

    def work() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:  # noqa: BLE001 - each platform's keyring raises errors of its own
            answer.set_exception(error)

    try:
        start_daemon(work, name="sudomimus-bridge keyring")
        return answer.result(KEYRING_SECONDS)
    except ImportError as error:
        raise StoreUnusable(
            "This copy of the game cannot encrypt a saved sign-in. You stay signed in until you quit.",
            detail=f"The extra keyring is incomplete: {error}. A frozen game must bring all of it.",
            for_good=True,
        ) from None
    except BaseException as error:  # noqa: BLE001 - likewise: no error of a keyring may end a login
        why = "it does not answer" if not answer.done() else type(error).__name__
        raise StoreUnusable(
            "Your computer's keyring is locked or does not answer. Unlock it to stay signed in after you quit.",
            detail=f"The system's keyring cannot be used: {why}.",
            for_good=True,
        ) from None


def _is_key(held: object) -> bool:
    try:
        return isinstance(held, str) and len(base64.urlsafe_b64decode(held)) == 32
    except ValueError:
        return False


def _undecryptable() -> StoreUnusable:
    return StoreUnusable(NOT_USED, detail="The saved session cannot be decrypted by this user on this computer.")


def _other_protection(kind: str) -> StoreUnusable:
    return StoreUnusable(NOT_USED, detail=f"The saved session is protected by {kind[:40]!a}, which is not available.")


def best_protection(name: str) -> Protection:
    """The system's keyring, if the extra `keyring` is installed and there is one. Else Windows' encryption, or the file mode.

    Raises `StoreUnusable` if the keyring does not answer in time, or the extra is incomplete.
    """
    keyring = _answer_of(_system_keyring)
    if keyring is not None:
        return KeyringKey(keyring, name)
    return WindowsDataProtection() if sys.platform == "win32" else FileModeOnly()


def _system_keyring() -> Any:
    """The system's keyring; None if the extra is not installed or the system has none.

    Raises `ImportError` if the extra is installed but incomplete, as in a frozen game: the developer wants encryption.
    """
    if find_spec("keyring") is None or find_spec("cryptography") is None:
        return None
    keyring = import_keyring()
    try:
        backend = keyring.get_keyring()
        usable = not isinstance(backend, keyring.backends.fail.Keyring) and backend.priority > 0
    except Exception:  # noqa: BLE001 - a broken keyring configuration is no keyring
        return None
    return backend if usable else None


def import_keyring() -> Any:
    """Import the extra `keyring`, its backends by name. Raises `ImportError`.

    keyring finds its backends by package metadata, which some freezers leave out. It also finds every backend that is
    imported, and the import statements tell a freezer which modules to include.
    """
    import cryptography.fernet  # noqa: F401
    import keyring.backends.chainer
    import keyring.backends.fail

    if sys.platform == "win32":
        import keyring.backends.Windows
    elif sys.platform == "darwin":
        import keyring.backends.macOS
    else:
        import keyring.backends.kwallet
        import keyring.backends.libsecret
        import keyring.backends.SecretService
    return keyring


if sys.platform == "win32":

    class _Blob(ctypes.Structure):
        _fields_ = (("size", ctypes.c_uint32), ("data", ctypes.POINTER(ctypes.c_char)))

    def _data_protection(name: str, data: bytes) -> bytes:
        function, kernel = getattr(ctypes.WinDLL("crypt32"), name), ctypes.WinDLL("kernel32")
        kernel.LocalFree.argtypes = [ctypes.c_void_p]
        source, result = _Blob(len(data), ctypes.create_string_buffer(data, len(data))), _Blob()
        no_prompt = 0x1  # CRYPTPROTECT_UI_FORBIDDEN
        if not function(ctypes.byref(source), None, None, None, None, no_prompt, ctypes.byref(result)):
            raise _undecryptable()
        try:
            return ctypes.string_at(result.data, result.size)
        finally:
            kernel.LocalFree(result.data)

else:

    def _data_protection(name: str, data: bytes) -> bytes:  # noqa: ARG001
        raise _undecryptable()
