"""How a session's text lies on the disk: encrypted with a key from the system's keyring, by Windows, or as it is.

The keyring holds a key, not the tokens: Windows' takes no more than 2,560 bytes, and a key is written once, while
tokens are replaced whole, on the disk, in the moment they change.
"""

from __future__ import annotations

import base64
import binascii
import ctypes
import logging
import sys
from collections.abc import Callable
from concurrent.futures import Future
from importlib.util import find_spec
from typing import Any, Protocol, TypeVar

from .._runs.threads import start_daemon

T = TypeVar("T")

_log = logging.getLogger(__name__)

KEYRING_SECONDS = 60.0
"""How long a keyring may take to answer: the player may be typing its password. One that hangs must not keep a login."""


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

    def unlock(self) -> None:
        """Ask the player for what there is to be asked, ahead of `close`. Raises `ProtectionFailed`."""
        ...

    def close(self, text: str) -> tuple[str, str]:
        """How it was done, in a word, and what to write. Raises `ProtectionFailed`."""
        ...

    def open(self, kind: str, data: str) -> str:
        """The text again. Raises `ProtectionFailed`."""
        ...


class FileModeOnly:
    """As it is, in a file that only the player can read."""

    kind = "plain"

    def unlock(self) -> None:
        pass

    def close(self, text: str) -> tuple[str, str]:
        return self.kind, text

    def open(self, kind: str, data: str) -> str:
        if kind != self.kind:
            raise ProtectionFailed(_other_protection(kind))
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
        self._key: str | None = None

    def unlock(self) -> None:
        self._held_key()

    def close(self, text: str) -> tuple[str, str]:
        from cryptography.fernet import Fernet

        return self.kind, Fernet(self._held_key() or self._new_key()).encrypt(text.encode()).decode()

    def open(self, kind: str, data: str) -> str:
        from cryptography.fernet import Fernet, InvalidToken

        if kind == FileModeOnly.kind:
            return data  # kept before there was a keyring; the next write encrypts it
        if kind != self.kind:
            raise ProtectionFailed(_other_protection(kind))
        if (key := self._held_key()) is None:
            raise ProtectionFailed(_UNREADABLE)
        try:
            return Fernet(key).decrypt(data.encode()).decode()
        except (InvalidToken, ValueError):
            raise ProtectionFailed(_UNREADABLE) from None

    def _held_key(self) -> str | None:
        """The keyring's key; None where it holds none, or something that is no key."""
        if self._key is None:
            held = _answer_of(lambda: self._keyring.get_password(SERVICE, self._name))
            self._key = held if _is_key(held) else None
        return self._key

    def _new_key(self) -> str:
        """Under the store's lock: of two new keys one would be lost."""
        from cryptography.fernet import Fernet

        key = Fernet.generate_key().decode()
        _answer_of(lambda: self._keyring.set_password(SERVICE, self._name, key))
        self._key = key
        return key


SERVICE = "sudomimus-bridge"


def _answer_of(ask: Callable[[], T]) -> T:
    """What a keyring answers, in time. Raises `ProtectionFailed`."""
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
        _log.warning("The extra `keyring` is incomplete: %s. A frozen game must bring all of it.", error)
        raise ProtectionFailed(
            "This copy of the game cannot encrypt a saved sign-in. You stay signed in until you quit.", for_good=True
        ) from None
    except BaseException as error:  # noqa: BLE001 - as above: nothing of it may end a login
        why = "it does not answer" if not answer.done() else type(error).__name__
        raise ProtectionFailed(
            f"The system's keyring cannot be used ({why}): unlock it to stay signed in. "
            "This sign-in lasts until the program ends.",
            for_good=True,
        ) from None


def _is_key(held: object) -> bool:
    try:
        return isinstance(held, str) and len(base64.urlsafe_b64decode(held)) == 32
    except ValueError:
        return False


_UNREADABLE = "The saved sign-in cannot be decrypted by this user on this computer, and is not used. Sign in again."


def _other_protection(kind: str) -> str:
    return (
        f"The saved sign-in is protected by {kind[:40]!a}, which is not available here, and is not used. Sign in again."
    )


def best_protection(name: str) -> Protection:
    """The system's keyring if the extra `keyring` is installed and the system has one; else what the platform offers.

    Raises `ProtectionFailed` if the system does not say in time which keyring it has.
    """
    keyring = _answer_of(_system_keyring)
    if keyring is not None:
        return KeyringKey(keyring, name)
    return WindowsDataProtection() if sys.platform == "win32" else FileModeOnly()


def _system_keyring() -> Any:
    """The system's keyring; None if the extra is not installed or the system has none.

    Raises `ImportError` if the extra is installed but incomplete, as in a frozen game: its developer meant to encrypt.
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

    keyring finds its backends by package metadata, which some freezers leave out. A backend that is imported is known to it,
    and the import statements tell a freezer what to bring.
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
            raise ProtectionFailed(_UNREADABLE)
        try:
            return ctypes.string_at(result.data, result.size)
        finally:
            kernel.LocalFree(result.data)

else:

    def _data_protection(name: str, data: bytes) -> bytes:  # noqa: ARG001
        raise ProtectionFailed(_UNREADABLE)
