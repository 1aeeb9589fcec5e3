"""Specifies the cost of an import: `sudomimus_bridge` imports only itself, and nothing heavy before the first login."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import anyio
import pytest

from sudomimus_bridge import ConfigurationError
from sudomimus_bridge._runs import small_steps
from sudomimus_bridge._runs.running import Running

from ..helpers.patience import PATIENCE, until
from ..helpers.steam_helpers import run_program

HEAVY = """
        heavy = set(
            "anyio asyncio certifi ctypes email h11 hashlib hmac http httpcore httpx idna json logging pydantic pydantic_core "
            "queue segno selectors sniffio socket ssl subprocess trio urllib.request uuid webbrowser".split()
        )
        def loaded():
            return sorted(heavy & set(sys.modules))
"""


def test_importing_the_package_loads_only_itself() -> None:
    done = run_program(
        """
        import sys
        before = set(sys.modules)
        import sudomimus_bridge
        print(sorted(set(sys.modules) - before - {"__future__"}))
        """
    )
    assert done.stdout == "['sudomimus_bridge', 'sudomimus_bridge._version']\n", done.stderr


def test_nothing_heavy_is_loaded_before_the_first_login() -> None:
    done = run_program(
        """
        import sys"""
        + HEAVY
        + """
        import sudomimus_bridge
        for name in sudomimus_bridge.__all__:
            getattr(sudomimus_bridge, name)
        with sudomimus_bridge.Bridge(application="my-game", steam_app_id=480, native_url="https://native.example"):
            print(loaded())
        """
    )
    assert done.stdout == "[]\n", done.stderr


def test_start_of_a_login_imports_nothing_on_the_games_own_thread() -> None:
    """The thread that calls `start_login` imports nothing. The login's own threads import everything."""
    done = run_program(
        """
        import sys, threading, time"""
        + HEAVY
        + """
        from sudomimus_bridge import Bridge, BridgeError
        here, seen = threading.get_ident(), set()

        class Watch:
            def find_spec(self, name, path=None, target=None):
                if threading.get_ident() == here:
                    seen.add(name)

        sys.meta_path.insert(0, Watch())
        bridge = Bridge(application="my-game", steam_app_id=480, native_url="http://127.0.0.1:9", steam_library="nowhere")
        login = bridge.start_login()
        try:
            while login.poll() is None:
                time.sleep(0.005)
        except BridgeError as error:
            print(error.reason, "anyio" in loaded(), sorted(seen))
        """
    )
    assert done.stdout == "LibraryNotFound True []\n", done.stderr


# --- in small steps ------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _interval() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


def test_switch_interval_is_short_only_while_a_thread_imports() -> None:
    sys.setswitchinterval(0.005)
    with small_steps.in_small_steps():
        assert sys.getswitchinterval() == pytest.approx(small_steps.INTERVAL_SECONDS, abs=1.5e-6)
    assert sys.getswitchinterval() == pytest.approx(0.005)
    with pytest.raises(ZeroDivisionError), small_steps.in_small_steps():
        raise ZeroDivisionError
    assert sys.getswitchinterval() == pytest.approx(0.005)


@pytest.mark.parametrize("own", [0.00005, 0.0001])
def test_shorter_switch_interval_of_the_game_is_kept(own: float) -> None:
    sys.setswitchinterval(own)
    with small_steps.in_small_steps():
        assert sys.getswitchinterval() == pytest.approx(own, abs=1.5e-6)
    assert sys.getswitchinterval() == pytest.approx(own, abs=1.5e-6)


@pytest.mark.parametrize("own", [0.0001, 0.002, 0.02])
def test_switch_interval_that_the_game_sets_during_an_import_is_kept(own: float) -> None:
    with small_steps.in_small_steps():
        sys.setswitchinterval(own)
    assert sys.getswitchinterval() == pytest.approx(own, abs=1.5e-6)


def test_last_of_two_importing_threads_restores_the_switch_interval() -> None:
    sys.setswitchinterval(0.005)
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with small_steps.in_small_steps():
            inside.set()
            leave.wait(PATIENCE)

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait(PATIENCE)
    with small_steps.in_small_steps():
        pass
    assert sys.getswitchinterval() == pytest.approx(small_steps.INTERVAL_SECONDS, abs=1.5e-6)
    leave.set()
    thread.join()
    assert sys.getswitchinterval() == pytest.approx(0.005)


def test_login_leaves_no_finder_behind() -> None:
    """`sys.meta_path` belongs to the game."""
    done = run_program(
        """
        import sys, time
        from sudomimus_bridge import Bridge
        prepared = Bridge(application="my-game").start_prepare()
        while prepared.poll() is None:
            time.sleep(0.001)
        print([each for each in sys.meta_path if 'sudomimus' in type(each).__module__], round(sys.getswitchinterval(), 4))
        """
    )
    assert done.stdout == "[] 0.005\n", done.stderr


def test_beginning_of_a_started_flow_takes_short_turns() -> None:
    sys.setswitchinterval(0.005)
    goes_on, seen = threading.Event(), list[float]()

    async def flow(*_: object) -> bool:
        seen.append(sys.getswitchinterval())
        await anyio.to_thread.run_sync(goes_on.wait, PATIENCE)
        return True

    running = Running(flow)
    running.start()
    try:
        until(lambda: seen)
        assert seen == [pytest.approx(small_steps.INTERVAL_SECONDS, abs=1.5e-6)]
    finally:
        goes_on.set()
    running.join(PATIENCE)
    assert running.poll() is True
    assert sys.getswitchinterval() == pytest.approx(0.005)


def test_flow_that_goes_on_takes_turns_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page of an errand may wait for half an hour."""
    monkeypatch.setattr(small_steps, "BEGINNING_SECONDS", 0.0)
    sys.setswitchinterval(0.005)
    began, goes_on = threading.Event(), threading.Event()

    async def flow(*_: object) -> bool:
        began.set()
        await anyio.to_thread.run_sync(goes_on.wait, PATIENCE)
        return True

    running = Running(flow)
    running.start()
    try:
        assert began.wait(PATIENCE)
        until(lambda: running.poll() is None and sys.getswitchinterval() > 0.004)
    finally:
        goes_on.set()
    running.join(PATIENCE)
    assert sys.getswitchinterval() == pytest.approx(0.005)


def test_flow_that_fails_leaves_the_switch_interval_as_it_was() -> None:
    sys.setswitchinterval(0.005)

    async def flow(*_: object) -> bool:
        raise ConfigurationError(detail="no")

    running = Running(flow)
    running.start()
    running.join(PATIENCE)
    with pytest.raises(ConfigurationError):
        running.poll()
    assert sys.getswitchinterval() == pytest.approx(0.005)
