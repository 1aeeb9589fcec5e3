"""What a game pays for having the bridge: next to nothing at import, nothing heavy before the first login."""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from pathlib import Path

import pytest

from sudomimus_bridge import gentle

from .steam_helpers import run_program

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


def test_starting_a_login_loads_nothing_heavy_on_the_games_own_thread() -> None:
    """The thread that calls `start_login` imports nothing; all of it happens on the login's threads."""
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


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The threads that stepped aside, one entry for each time; nobody sleeps."""
    threads: list[int] = []
    monkeypatch.setattr(gentle, "STEP_SECONDS", -1.0)
    monkeypatch.setattr("sudomimus_bridge.gentle.sleep", lambda _seconds: threads.append(threading.get_ident()))
    return threads


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of some modules that nobody has imported yet."""
    names = [f"{tmp_path.name.replace('-', '_')}_{number}" for number in range(3)]
    for name in names:
        (tmp_path / f"{name}.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    return names


def test_a_gentle_import_steps_aside_at_each_module(steps: list[int], modules: list[str]) -> None:
    before = list(sys.meta_path)
    with gentle.gently():
        import_module(modules[0])
        import_module(modules[1])
        assert steps == [threading.get_ident()] * 2
    import_module(modules[2])
    assert len(steps) == 2
    assert sys.meta_path == before


def test_other_threads_are_not_held_up(steps: list[int], modules: list[str]) -> None:
    with gentle.gently():
        thread = threading.Thread(target=import_module, args=(modules[0],))
        thread.start()
        thread.join()
    assert modules[0] in sys.modules
    assert steps == []


def test_the_list_of_finders_is_replaced_and_never_changed(modules: list[str]) -> None:
    """Another thread may be walking along it: a finder taken out under its feet would have it miss one."""
    before = sys.meta_path
    copy = list(before)
    with gentle.gently():
        sys.meta_path.append(_Other())  # as a game may do meanwhile
        assert before == copy
        assert sys.meta_path is not before
    assert [type(finder) for finder in sys.meta_path if finder not in copy] == [_Other]
    sys.meta_path = before


def test_two_threads_at_once_and_the_last_one_clears_up() -> None:
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with gentle.gently():
            inside.set()
            leave.wait(10)

    before = list(sys.meta_path)
    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait(10)
    with gentle.gently():
        pass
    assert len(sys.meta_path) == len(before) + 1
    leave.set()
    thread.join()
    assert sys.meta_path == before


class _Other:
    def find_spec(self, _name: str, _path: object = None, _target: object = None) -> None:
        return None
