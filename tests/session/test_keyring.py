"""Specifies the encryption of stored tokens with a key in the system's keyring, and keyrings that fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import anyio
import pytest

from sudomimus_bridge import Bridge
from sudomimus_bridge._session import protection
from sudomimus_bridge._session.protection import FileModeOnly, KeyringKey, WindowsDataProtection, best_protection
from sudomimus_bridge._session.store import StoreUnusable
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.testing._virtual_time import VirtualClock

from ..helpers.patience import PATIENCE
from ..helpers.session_disk import RECORD, still_signed_in, store_in
from ..helpers.session_helpers import ModelService
from ..helpers.steam_helpers import run_program

pytest.importorskip("cryptography")


class KeyringInMemory:
    """The part of a keyring backend that the bridge uses."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], str] = {}
        self.locked = False
        self.asked = 0

    def get_password(self, service: str, name: str) -> str | None:
        self.asked += 1
        if self.locked:
            raise RuntimeError("locked: access-1")
        return self.held.get((service, name))

    def set_password(self, service: str, name: str, value: str) -> None:
        if self.locked:
            raise RuntimeError("locked")
        self.held[service, name] = value


def test_file_holds_no_token_if_there_is_a_keyring(tmp_path: Path) -> None:
    keyring = KeyringInMemory()
    store = store_in(tmp_path, KeyringKey(keyring, "my-game"))
    store.write(RECORD)
    content = store.path.read_text()
    assert not any(word in content for word in ("access-1", "refresh-1", "my-game"))
    assert store_in(tmp_path, KeyringKey(keyring, "my-game")).read() == RECORD
    assert all("refresh-1" not in value for value in keyring.held.values())


def test_unencrypted_record_is_read_and_then_encrypted(tmp_path: Path) -> None:
    store_in(tmp_path).write(RECORD)
    store = store_in(tmp_path, KeyringKey(KeyringInMemory(), "my-game"))
    assert store.read() == RECORD
    store.write(RECORD)
    assert "refresh-1" not in store.path.read_text()


def test_record_cannot_be_decrypted_with_another_key(tmp_path: Path) -> None:
    store_in(tmp_path, KeyringKey(KeyringInMemory(), "my-game")).write(RECORD)
    for other in (KeyringKey(KeyringInMemory(), "my-game"), FileModeOnly()):
        with pytest.raises(StoreUnusable, match="Sign in again"):
            store_in(tmp_path, other).read()


def test_locked_keyring_is_asked_once_and_the_login_succeeds(tmp_path: Path) -> None:
    keyring = KeyringInMemory()
    keyring.locked = True
    sentence = still_signed_in(tmp_path, KeyringKey(keyring, "my-game"))
    assert "keyring" in sentence
    assert "access-1" not in sentence
    assert keyring.asked == 1


def test_locked_keyring_with_a_saved_session(tmp_path: Path) -> None:
    keyring = KeyringInMemory()
    store_in(tmp_path, KeyringKey(keyring, "my-game")).write(RECORD)
    keyring.locked = True
    assert "Unlock it to stay signed in" in still_signed_in(tmp_path, KeyringKey(keyring, "my-game"))


def test_keyring_of_the_system_is_used_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = pytest.importorskip("keyring")
    backend = pytest.importorskip("keyring.backend")

    class Working(backend.KeyringBackend):  # type: ignore[misc, name-defined]
        priority = 5

        def get_password(self, service: str, username: str) -> str | None:
            return None

        def set_password(self, service: str, username: str, password: str) -> None:
            pass

    before = keyring.get_keyring()
    try:
        keyring.set_keyring(Working())
        assert isinstance(best_protection("my-game"), KeyringKey)
        import keyring.backends.fail

        keyring.set_keyring(keyring.backends.fail.Keyring())
        without = WindowsDataProtection if sys.platform == "win32" else FileModeOnly
        assert isinstance(best_protection("my-game"), without)
    finally:
        keyring.set_keyring(before)


# --- backends of the keyring library that fail ------------------------------------------------------------------------


@pytest.fixture
def system_keyring() -> Iterator[Callable[..., None]]:
    """Replace the system's keyring. The two functions are its methods."""
    keyring = pytest.importorskip("keyring")
    backend = pytest.importorskip("keyring.backend")

    def use(get: Callable[[], Any], put: Callable[[], Any] = lambda: None) -> None:
        class Backend(backend.KeyringBackend):  # type: ignore[misc, name-defined]
            priority = 5

            def get_password(self, service: str, username: str) -> Any:
                return get()

            def set_password(self, service: str, username: str, password: str) -> None:
                put()

        keyring.set_keyring(Backend())

    before = keyring.get_keyring()
    yield use
    keyring.set_keyring(before)


def raising(error: BaseException) -> Callable[..., None]:
    def ask(*_: str) -> None:
        raise error

    return ask


@pytest.mark.parametrize("name", ["KeyringLocked", "InitError", "NoKeyringError", "PasswordSetError"])
def test_errors_of_the_keyring_library(name: str, tmp_path: Path, system_keyring: Callable[..., None]) -> None:
    error = getattr(pytest.importorskip("keyring.errors"), name)
    system_keyring(raising(error("dismissed")))
    assert f"cannot be used: {name}." in still_signed_in(tmp_path, best_protection("my-game"))
    system_keyring(lambda: None, raising(error("dismissed")))
    assert f"cannot be used: {name}." in still_signed_in(tmp_path, best_protection("my-game"))
    assert not list(tmp_path.glob("*.session"))


@pytest.mark.parametrize("error", [OSError(5, "I/O"), SystemExit(1), KeyboardInterrupt(), UnicodeError("?")], ids=repr)
def test_errors_that_no_keyring_should_raise(error: BaseException, tmp_path: Path) -> None:
    keyring = KeyringInMemory()
    keyring.get_password = raising(error)  # type: ignore[method-assign]
    assert f"cannot be used: {type(error).__name__}." in still_signed_in(tmp_path, KeyringKey(keyring, "my-game"))


@pytest.mark.parametrize("held", ["", "no key", b"bytes", 7, "ß", "A" * 44])
def test_malformed_key_is_replaced(held: Any, tmp_path: Path) -> None:
    keyring = KeyringInMemory()
    keyring.held["sudomimus-bridge", "my-game"] = held
    store = store_in(tmp_path, KeyringKey(keyring, "my-game"))
    store.write(RECORD)
    assert store_in(tmp_path, KeyringKey(keyring, "my-game")).read() == RECORD


def test_keyring_that_loses_the_key(tmp_path: Path) -> None:
    store_in(tmp_path, KeyringKey(KeyringInMemory(), "my-game")).write(RECORD)
    with pytest.raises(StoreUnusable, match="cannot be decrypted"):
        store_in(tmp_path, KeyringKey(KeyringInMemory(), "my-game")).read()


def test_keyring_that_hangs_does_not_delay_the_login_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protection, "KEYRING_SECONDS", 0.05)
    never = threading.Event()
    keyring = KeyringInMemory()
    keyring.get_password = lambda *_: never.wait(PATIENCE)  # type: ignore[assignment, method-assign]
    try:
        assert "it does not answer." in still_signed_in(tmp_path, KeyringKey(keyring, "my-game"))
    finally:
        never.set()


@pytest.mark.parametrize("what", ["get_keyring", "priority", "import"])
def test_login_succeeds_if_the_look_up_of_the_keyring_hangs(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emulator: Emulator
) -> None:
    """A session bus may accept the connection and never answer."""
    keyring = pytest.importorskip("keyring")
    monkeypatch.setattr(protection, "KEYRING_SECONDS", 0.05)
    hung, never = threading.Event(), threading.Event()

    def hang(*_: Any) -> Any:
        hung.set()
        never.wait()
        raise RuntimeError

    if what == "get_keyring":
        monkeypatch.setattr(keyring, "get_keyring", hang)
    elif what == "priority":
        backend = type("Backend", (), {"priority": property(hang)})
        monkeypatch.setattr(keyring, "get_keyring", backend)
    else:
        finder = type("Finder", (), {"find_spec": lambda _, name, *__: hang() if name == "keyring" else None})
        monkeypatch.delitem(sys.modules, "keyring")
        monkeypatch.setattr(sys, "meta_path", [finder(), *sys.meta_path])
    try:
        urls = emulator.urls
        with Bridge(**emulator.settings, session_folder=tmp_path) as bridge:
            session = bridge.session(stay_signed_in=True)
            key = {"access_key_id": urls["accessKeyId"], "access_key_secret": urls["accessKeySecret"]}
            bridge.login("access-key", **key)
            assert session.access_token()
            assert "does not answer" in str(session.problem)
        assert hung.is_set()
        assert not list(tmp_path.glob("*.session"))
    finally:
        never.set()


@pytest.mark.parametrize("stored", [False, True])
def test_cancel_while_the_keyring_asks_the_player(stored: bool, tmp_path: Path) -> None:
    asked, answer, answered = threading.Event(), threading.Event(), []
    keyring = KeyringInMemory()
    if stored:
        store_in(tmp_path, KeyringKey(keyring, "my-game")).write(RECORD)

    def ask(*_: str) -> None:
        asked.set()
        answered.append(answer.wait(PATIENCE))

    keyring.get_password = ask  # type: ignore[assignment, method-assign]
    service = ModelService(VirtualClock())

    async def main() -> None:
        keeper = service.session(disk=store_in(tmp_path, KeyringKey(keyring, "my-game")))
        async with anyio.create_task_group() as group:
            if stored:
                group.start_soon(keeper.record)
            else:
                group.start_soon(keeper.adopt, service.record())
            while not asked.is_set():
                await anyio.sleep(0.001)
            group.cancel_scope.cancel()

    try:
        service.clock.run(main)  # type: ignore[attr-defined]
        assert answered == []
    finally:
        answer.set()
    assert stored or not list(tmp_path.glob("*.session"))


# --- the extra in a frozen game ------------------------------------------------------------------------------------------


def test_backends_are_found_without_package_metadata() -> None:
    """Some freezers leave the metadata out, by which keyring finds its backends."""
    pytest.importorskip("keyring")
    done = run_program(
        """
        from keyring import backend
        backend.metadata.entry_points = lambda **_: ()
        from sudomimus_bridge._session.protection import _system_keyring
        _system_keyring()
        print(sorted(name.__module__ for name in backend.KeyringBackend._classes))
        """,
        cold=True,  # `entry_points` must be replaced before keyring imports its backends
    )
    own = {"win32": "Windows", "darwin": "macOS"}.get(sys.platform, "SecretService")
    assert f"keyring.backends.{own}" in done.stdout, done.stderr


@pytest.mark.parametrize("missing", ["cryptography.fernet", "keyring.backends.chainer", "jaraco.functools"])
def test_tokens_are_not_stored_unencrypted_if_the_extra_is_incomplete(missing: str) -> None:
    pytest.importorskip("keyring")
    done = run_program(
        f"""
        import sys
        sys.modules[{missing!r}] = None
        from sudomimus_bridge._session.protection import best_protection
        from sudomimus_bridge._session.store import StoreUnusable
        try:
            print(best_protection("my-game"))
        except StoreUnusable as failed:
            print(failed.sentence)
            print(failed.detail, file=sys.stderr)
        """
    )
    assert done.stdout == "This copy of the game cannot encrypt a saved sign-in. You stay signed in until you quit.\n"
    assert missing.partition(".")[0] in done.stderr


def test_without_the_extra_the_platforms_own_protection_is_used() -> None:
    done = run_program(
        """
        import sys
        for name in ("keyring", "cryptography"):
            sys.modules[name] = None
        from sudomimus_bridge._session.protection import best_protection
        print(type(best_protection("my-game")).__name__)
        """
    )
    assert done.stdout.strip() == ("WindowsDataProtection" if sys.platform == "win32" else "FileModeOnly"), done.stderr


# --- a real keyring ------------------------------------------------------------------------------------------------------

# A session bus and a keyring of their own, which end with the program.
ON_A_DESKTOP = (
    *("dbus-run-session", "--", "sh", "-c"),
    'printf secret | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1; exec "$@"',
    "sh",
)


@pytest.mark.skipif(sys.platform != "linux", reason="gnome-keyring is Linux's")
def test_gnome_keyring_holds_the_key(tmp_path: Path) -> None:
    pytest.importorskip("keyring")
    if not (shutil.which("dbus-run-session") and shutil.which("gnome-keyring-daemon")):
        pytest.skip("a real keyring is needed: apt-get install dbus gnome-keyring")
    program = """
        import keyring
        from sudomimus_bridge._session.protection import SERVICE, best_protection
        written = best_protection("my-game").close("refresh-1")
        print(best_protection("my-game").open(*written), written[0], type(keyring.get_keyring()).__module__)
        print(len(keyring.get_password(SERVICE, "my-game")), "refresh-1" in written[1])
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DBUS_SESSION_BUS_ADDRESS", "PYTHON_KEYRING_BACKEND")
    }
    done = subprocess.run(
        [*ON_A_DESKTOP, sys.executable, "-c", dedent(program)],
        env={**kept, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stdout.splitlines() == ["refresh-1 keyring keyring.backends.SecretService", "44 False"], done.stderr
