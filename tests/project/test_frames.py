"""No secret stands in any frame of an exception that leaves the bridge, whoever raises it and whenever."""

from __future__ import annotations

import asyncio
import gc
import sys
import zlib
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from sudomimus_bridge import Bridge, BridgeError, ConfigurationError, Phase, ProgressEvent
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.emulator._players.visitor import visit, visit_errand

from ..conftest import StubLog
from ..helpers.frames import Secrets

STRIDE = 11

Prepared = Callable[[Bridge, Emulator, Any], Awaitable[Callable[[], Coroutine[Any, Any, Any]]]]
"""Does what comes before, and gives the call that is interrupted."""


# --- the ways in, and what comes after them --------------------------------------------------------------------------


async def by_steam(bridge: Bridge, emulator: Emulator, door: Any) -> Any:
    return lambda: bridge.login_async(on_progress=door)


async def by_steam_with_an_errand(bridge: Bridge, emulator: Emulator, door: Any) -> Any:
    emulator.update({"claims.email": "REQUIRED"})
    return lambda: bridge.login_async(on_progress=door)


async def by_access_key(bridge: Bridge, emulator: Emulator, door: Any) -> Any:
    key = {"access_key_id": emulator.urls["accessKeyId"], "access_key_secret": emulator.urls["accessKeySecret"]}
    return lambda: bridge.login_async("access-key", door, **key)


async def by_inquiry(bridge: Bridge, emulator: Emulator, door: Any) -> Any:
    keys = emulator.establish()
    return lambda: bridge.login_async("browser", door, exposure_key=keys["exposureKey"], hidden_key=keys["hiddenKey"])


async def by_client_key(bridge: Bridge, emulator: Emulator, door: Any) -> Any:
    return lambda: bridge.login_async("browser", door, client_key_file=emulator.urls["clientKeyFile"])


async def by_device(bridge: Bridge, emulator: Emulator, door: Any) -> Any:
    return lambda: bridge.login_async("device", door)


async def renewing(bridge: Bridge, emulator: Emulator, door: Any) -> Any:
    session = bridge.session()
    result = await (await by_inquiry(bridge, emulator, door))()
    bridge._flows()[1].outdated(result.access)
    return lambda: session.access_token_async(on_progress=door)


async def signing_out(bridge: Bridge, emulator: Emulator, door: Any) -> Any:
    session = bridge.session()
    await (await by_inquiry(bridge, emulator, door))()
    return session.logout_async


async def sharing(bridge: Bridge, emulator: Emulator, door: Any) -> Any:
    emulator.update({"claims.email": "OPTIONAL"})
    token = (await (await by_access_key(bridge, emulator, door))()).access_token
    return lambda: bridge.share_async(token, door)


WAYS: dict[str, Prepared] = {
    "steam": by_steam,
    "errand": by_steam_with_an_errand,
    "access-key": by_access_key,
    "inquiry": by_inquiry,
    "client-key": by_client_key,
    "device": by_device,
    "renewal": renewing,
    "logout": signing_out,
    "share": sharing,
}


class Game:
    """A game beside the local service, whose player does every page at once."""

    def __init__(self, emulator: Emulator, settings: dict[str, Any]) -> None:
        self._emulator = emulator
        self._settings = settings

    def bridge(self) -> Bridge:
        return Bridge(**self._settings)

    def tell(self, secrets: Secrets) -> None:
        """What the bridge is given."""
        pem = Path(self._emulator.urls["clientKeyFile"]).read_text()
        secrets.add(str(self._emulator.urls["accessKeySecret"]), *pem.splitlines()[1:-1])

    async def prepared(self, way: str, bridge: Bridge) -> Callable[[], Coroutine[Any, Any, Any]]:
        self._emulator.reset(settings=True)
        return await WAYS[way](bridge, self._emulator, _player)


def _player(event: ProgressEvent) -> None:
    tracing = sys.gettrace()
    sys.settrace(None)  # Ctrl-C comes in the bridge's own frames
    try:
        if event.phase is Phase.WAITING_FOR_BROWSER and event.errand is not None:
            page = event.errand.url
            visit_errand(page, share={"email"}) if "errand" in page else visit(page)
        elif event.device is not None:
            visit(str(event.device.verification_uri_complete))
    finally:
        sys.settrace(tracing)


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Secrets:
    return Secrets(monkeypatch)


@pytest.fixture
def game(
    emulator: Emulator,
    stub_library: Path,
    stub_log: StubLog,
    hurried: None,
    secrets: Secrets,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Game]:
    monkeypatch.setenv("BROWSER", "true")
    yield Game(emulator, {**emulator.settings, "steam_library": stub_library, "session_folder": tmp_path / "sessions"})
    gc.collect()  # an interrupted coroutine complains when it is collected: here, and not during another test


# --- interrupting ----------------------------------------------------------------------------------------------------


class Interrupted:
    """An awaitable that drives a coroutine, and interrupts it at one of its awaits."""

    def __init__(
        self, coroutine: Coroutine[Any, Any, Any], at: int, interrupt: Callable[[], BaseException | None]
    ) -> None:
        """`interrupt` cancels, or gives what is raised at that await."""
        self._coroutine = coroutine
        self._at = at
        self._interrupt = interrupt
        self.awaits = 0
        self.ended: BaseException | None = None

    def __await__(self) -> Generator[Any, Any, Any]:
        sent, error = None, None
        while True:
            try:
                trap = self._coroutine.send(sent) if error is None else self._coroutine.throw(error)
            except StopIteration as stop:
                return stop.value
            except BaseException as ended:
                self.ended = ended
                raise
            self.awaits += 1
            sent, error = None, self._interrupt() if self.awaits - 1 == self._at else None
            if isinstance(error, GeneratorExit):
                return self._closed(error)
            if error is None:
                try:
                    sent = yield trap
                except BaseException as thrown:
                    error = thrown

    def _closed(self, closing: GeneratorExit) -> None:
        """As `close()` does it, on no event loop: what the coroutine still wants to wait for is not waited for."""
        try:
            self._coroutine.throw(closing)
        except BaseException as ended:
            self.ended = ended


def interrupted(game: Game, way: str, backend: str, how: str, at: int) -> Interrupted:
    """Interrupt one flow at that await, on a bridge of its own."""
    made: list[Interrupted] = []

    async def main() -> None:
        with game.bridge() as bridge, anyio.CancelScope() as scope:
            call = await game.prepared(way, bridge)

            def interrupt() -> BaseException | None:
                if how == "task":
                    task = asyncio.current_task()
                    assert task is not None
                    task.cancel()
                elif how == "scope":
                    scope.cancel()
                else:
                    return KeyboardInterrupt() if how == "ctrl-c" else GeneratorExit()
                return None

            made.append(Interrupted(call(), at, interrupt))
            await made[0]

    try:
        anyio.run(main, backend=backend)
    except BaseException:
        if not made or made[0].ended is None:
            raise
    return made[0]


# Nobody waits any more for what an interrupted coroutine wanted to clean up.
_LEFT_BEHIND = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]


@pytest.mark.parametrize(
    ("backend", "how"),
    [
        ("asyncio", "task"),
        ("asyncio", "scope"),
        pytest.param("asyncio", "ctrl-c", marks=_LEFT_BEHIND),
        pytest.param("asyncio", "closed", marks=_LEFT_BEHIND),
        pytest.param("trio", "scope", marks=_LEFT_BEHIND),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_no_secret_after_an_interruption_at_any_await(
    way: str, backend: str, how: str, game: Game, secrets: Secrets, soak: int
) -> None:
    """At every await with `--soak`; in the suite at every `STRIDE`th, and each case begins at another one."""
    whole = interrupted(game, way, backend, "scope", -1)
    assert whole.ended is None
    stride = max(1, min(STRIDE, whole.awaits // 4)) if soak == 1 else 1
    found: dict[str, int] = {}
    ends = 0
    for at in range(zlib.crc32(f"{way} {backend} {how}".encode()) % stride, whole.awaits, stride):
        secrets.forget()
        game.tell(secrets)
        ended = interrupted(game, way, backend, how, at).ended
        if ended is not None:
            ends += 1
            found |= dict.fromkeys(secrets.in_frames_of(ended), at)
    assert not found
    assert ends > (whole.awaits // 2 if stride == 1 else 0)


# --- other errors ----------------------------------------------------------------------------------------------------


def test_no_environment_in_the_frames_of_a_wrong_setting(secrets: Secrets, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "acs_t_" + "0123456789abcdef" * 4
    secrets.add(key)
    monkeypatch.setenv("SUDOMIMUS_ACCESS_KEY_SECRET", key)
    with pytest.raises(ConfigurationError) as wrong:
        Bridge(timeout=-1)
    assert not secrets.in_frames_of(wrong.value)


def test_no_credential_in_the_frames_of_a_wrong_call(secrets: Secrets) -> None:
    key = "-".join(["not", "a", "known", "kind", "of", "key"])
    secrets.add(key)
    bridge: Any = Bridge(application="my-game")
    calls: list[Callable[[], Any]] = [
        lambda: bridge.login("steam", access_key_secret=key),
        lambda: bridge.login("access-key", acces_key_secret=key),
        lambda: bridge.login("browser", client_key=key.encode()),
        lambda: bridge.share(key.encode()),
    ]
    for call in calls:
        with pytest.raises((TypeError, BridgeError)) as wrong:
            call()
        assert not secrets.in_frames_of(wrong.value)


def test_no_key_in_the_frames_of_a_file_that_is_no_text(secrets: Secrets, tmp_path: Path) -> None:
    key = "-".join(["not", "a", "known", "kind", "of", "key"])
    secrets.add(key)
    (tmp_path / "key.pem").write_bytes(key.encode() + b"\xff")
    with pytest.raises(ConfigurationError) as wrong:
        Bridge(application="my-game").login("browser", client_key_file=tmp_path / "key.pem")
    assert not secrets.in_frames_of(wrong.value)
