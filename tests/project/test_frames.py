"""Specifies that no frame of an exception that leaves the bridge holds a secret, for exceptions at any moment of any flow."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import subprocess
import sys
import time
import traceback
import zlib
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from sudomimus_bridge import Bridge, BridgeError, ConfigurationError, Phase, ProgressEvent
from sudomimus_bridge._sidecar.dispatcher import Dispatcher, Method
from sudomimus_bridge._sidecar.jsonrpc import RpcError, refused
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.emulator._players.visitor import visit, visit_errand

from ..conftest import StubLog
from ..helpers.patience import PATIENCE
from .frames import Secrets

STRIDE = 11

Prepared = Callable[[Bridge, Emulator, Any], Awaitable[Callable[[], Coroutine[Any, Any, Any]]]]
"""Prepares a bridge, and returns the call to interrupt."""


# --- the login methods, and the calls after a login -------------------------------------------------------------------


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
    bridge._runner._opened()[1].outdated(result.access)
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
    """A game on the local service, whose player finishes every page at once."""

    def __init__(self, emulator: Emulator, settings: dict[str, Any]) -> None:
        self.emulator = emulator
        self._settings = settings

    def bridge(self) -> Bridge:
        return Bridge(**self._settings)

    def add_credentials(self, secrets: Secrets) -> None:
        """Add the secrets that the game gives to the bridge."""
        pem = Path(self.emulator.urls["clientKeyFile"]).read_text()
        secrets.add(str(self.emulator.urls["accessKeySecret"]), *pem.splitlines()[1:-1])

    async def prepared(
        self, way: str, bridge: Bridge, on_progress: Callable[[ProgressEvent], None] | None = None
    ) -> Callable[[], Coroutine[Any, Any, Any]]:
        self.emulator.reset(settings=True)
        return await WAYS[way](bridge, self.emulator, on_progress or _player)


def _player(event: ProgressEvent) -> None:
    tracing = sys.gettrace()
    sys.settrace(None)  # Ctrl-C must come in the bridge's own frames, not here
    try:
        if event.phase is Phase.WAITING_FOR_BROWSER and event.errand is not None:
            page = event.errand.url
            visit_errand(page, share={"email"}) if "errand" in page else visit(page)
        elif event.device is not None:
            visit(str(event.device.verification_uri_complete))
    finally:
        sys.settrace(tracing)


@pytest.fixture(scope="module", autouse=True)
def _ignore_warnings_of_interrupted_coroutines() -> Iterator[None]:
    """A coroutine that never ends causes a warning when it is collected, perhaps during another test."""
    hook, sys.unraisablehook = sys.unraisablehook, lambda _unraisable: None
    yield
    gc.collect()
    sys.unraisablehook = hook


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
) -> Game:
    monkeypatch.setenv("BROWSER", "true")
    return Game(emulator, {**emulator.settings, "steam_library": stub_library, "session_folder": tmp_path / "sessions"})


# --- interrupting ----------------------------------------------------------------------------------------------------


class Interrupted:
    """An awaitable that drives a coroutine, and interrupts it at one of its awaits."""

    def __init__(
        self, coroutine: Coroutine[Any, Any, Any], at: int, interrupt: Callable[[], BaseException | None]
    ) -> None:
        """`interrupt` cancels, or returns the exception to raise at that await."""
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
        """Close the coroutine as the interpreter does without an event loop: no await of its clean-up is run."""
        for _ in range(1000):
            try:
                self._coroutine.throw(closing)
            except BaseException as ended:
                self.ended = ended
                return


def interrupted(game: Game, way: str, backend: str, how: str, at: int) -> Interrupted:
    """Interrupt one flow at that await, with a new bridge."""
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


@pytest.mark.parametrize(
    ("backend", "how"),
    [
        ("asyncio", "task"),
        ("asyncio", "scope"),
        ("asyncio", "ctrl-c"),
        ("asyncio", "closed"),
        ("trio", "scope"),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_no_secret_after_an_interruption_at_any_await(
    way: str, backend: str, how: str, game: Game, secrets: Secrets, soak: int
) -> None:
    """With `--soak`, each await is interrupted. In the suite, every `STRIDE`th one is, and each case starts at another await."""
    whole = interrupted(game, way, backend, "scope", -1)
    assert whole.ended is None
    stride = max(1, min(STRIDE, whole.awaits // 4)) if soak == 1 else 1
    found: dict[str, int] = {}
    ends = 0
    for at in range(zlib.crc32(f"{way} {backend} {how}".encode()) % stride, whole.awaits, stride):
        secrets.forget()
        game.add_credentials(secrets)
        ended = interrupted(game, way, backend, how, at).ended
        if ended is not None:
            ends += 1
            found |= dict.fromkeys(secrets.in_frames_of(ended), at)
    assert not found
    assert ends > (whole.awaits // 2 if stride == 1 else 0)


# --- interrupted in other ways ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "how"),
    [("steam", "blocking"), ("steam", "own handler"), ("steam", "asyncio"), ("access-key", "trio")],
)
def test_no_secret_after_ctrl_c_at_a_random_moment(
    way: str, how: str, emulator: Emulator, stub_library: Path, stub_log: StubLog, soak: int
) -> None:
    """A real signal arrives. asyncio cancels the main task; a game's own handler raises in the frame that runs."""
    program = Path(__file__).with_name("interrupted_program.py")
    logins, seed = (8, 1) if soak == 1 else (100 * soak, random.randrange(1_000_000))
    done = subprocess.run(
        [sys.executable, str(program), json.dumps(emulator.urls), way, how, str(logins), str(seed)],
        env={**os.environ, "SUDOMIMUS_STEAM_LIBRARY": str(stub_library)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE + logins,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["found"] == [], seed
    assert set(told["kinds"]) == {"KeyboardInterrupt"}, seed


@pytest.mark.parametrize("way", ["steam", "errand", "device", "renewal"])
def test_no_secret_if_on_progress_raises(way: str, game: Game, secrets: Secrets, backend: str) -> None:
    class Bug(Exception):
        pass

    found: list[str] = []
    ends: list[int] = []

    async def login(event_that_raises: int) -> None:
        events = iter(range(100))

        def door(event: ProgressEvent) -> None:
            if next(events) == event_that_raises:
                raise Bug
            _player(event)

        with game.bridge() as bridge:
            call = await game.prepared(way, bridge)
            if way == "renewal":
                session = bridge.session()
                await session.access_token_async(on_progress=door)
            else:
                call = await WAYS[way](bridge, game.emulator, door)
                await call()

    for event in range(100):
        secrets.forget()
        game.add_credentials(secrets)
        try:
            anyio.run(login, event, backend=backend)
        except Bug as bug:
            ends.append(event)
            found += secrets.in_frames_of(bug)
        else:
            break
    assert not found
    assert ends or way == "renewal"  # by a refresh token, without progress events


@pytest.mark.parametrize("way", ["steam", "errand", "inquiry"])
def test_no_secret_if_asyncio_times_the_login_out(way: str, game: Game, secrets: Secrets, soak: int) -> None:
    found: list[str] = []
    times_out: list[float] = []

    async def login(seconds: float) -> float:
        with game.bridge() as bridge:
            call = await game.prepared(way, bridge)
            began = time.perf_counter()
            async with asyncio.timeout(seconds):
                await call()
            return time.perf_counter() - began

    usual = asyncio.run(login(PATIENCE))
    for part in range(1, 4 * soak):
        secrets.forget()
        game.add_credentials(secrets)
        try:
            asyncio.run(login(usual * part / (5 * soak)))
        except TimeoutError as error:
            times_out.append(part)
            found += secrets.in_frames_of(error)
    assert not found
    assert times_out


def test_rendered_traceback_of_a_timed_out_login_holds_no_ticket(game: Game, secrets: Secrets) -> None:
    """An error tracker renders the traceback with every local variable. The timeout comes while the ticket is being sent."""
    rendered: list[str] = []

    async def main() -> None:
        with game.bridge() as bridge:
            try:
                async with asyncio.timeout(PATIENCE) as limit:

                    def expire(event: ProgressEvent) -> None:
                        if event.phase is Phase.ISSUING:
                            limit.reschedule(asyncio.get_running_loop().time())

                    await bridge.login_async(on_progress=expire)
            except TimeoutError as error:
                rendered.extend(traceback.TracebackException.from_exception(error, capture_locals=True).format())

    asyncio.run(main())
    text = "".join(rendered)
    assert "await bridge.login_async(" in text and "_service" in text
    assert secrets.known and not secrets.in_text(text)


@pytest.mark.parametrize("fails", ["read", "answer", "run"])
def test_no_secret_in_the_frames_of_the_sidecars_dispatcher(fails: str, secrets: Secrets, backend: str) -> None:
    """A method with a bug raises while the dispatcher handles a request that holds tokens."""
    token = "-".join(["not", "a", "known", "kind", "of", "token"])
    secrets.add(token)
    errors: list[Exception] = []

    def explain(error: Exception) -> RpcError:
        errors.append(error)
        return refused(-32603, "A bug.")

    def bug(_params: object) -> None:
        raise ZeroDivisionError

    async def late_bug(_call: object) -> None:
        raise ZeroDivisionError

    async def main() -> None:
        method = Method("refresh", bug if fails == "read" else lambda params: Secret(params["refreshToken"]))
        method = replace(method, run=late_bug) if fails == "run" else replace(method, answer=bug)
        async with anyio.create_task_group() as tasks:
            dispatcher = Dispatcher([method], lambda _line: None, tasks, explain)
            request = {"jsonrpc": "2.0", "id": 1, "method": "refresh", "params": {"refreshToken": token}}
            dispatcher.receive(json.dumps(request).encode())

    anyio.run(main, backend=backend)
    (error,) = errors
    assert isinstance(error, ZeroDivisionError)
    assert not secrets.in_frames_of(error)


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
