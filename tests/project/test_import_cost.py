"""What a game pays for having the bridge: next to nothing at import, nothing heavy before the first login."""

from __future__ import annotations

import sys
import threading
from importlib import import_module, reload
from importlib.util import find_spec
from pathlib import Path

import pytest

from sudomimus_bridge._runs import small_steps

from ..helpers.patience import PATIENCE
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
    monkeypatch.setattr(small_steps, "STEP_SECONDS", -1.0)
    monkeypatch.setattr(
        "sudomimus_bridge._runs.small_steps.sleep", lambda _seconds: threads.append(threading.get_ident())
    )
    return threads


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of some modules that nobody has imported yet."""
    names = [f"{tmp_path.name.replace('-', '_')}_{number}" for number in range(3)]
    for name in names:
        (tmp_path / f"{name}.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    return names


def test_import_in_small_steps_steps_aside_at_each_module(steps: list[int], modules: list[str]) -> None:
    with small_steps.in_small_steps():
        import_module(modules[0])
        import_module(modules[1])
        assert steps == [threading.get_ident()] * 2
    import_module(modules[2])
    assert len(steps) == 2


def test_other_threads_are_not_held_up(steps: list[int], modules: list[str]) -> None:
    with small_steps.in_small_steps():
        thread = threading.Thread(target=import_module, args=(modules[0],))
        thread.start()
        thread.join()
    assert modules[0] in sys.modules
    assert steps == []


def test_what_a_game_does_to_the_finders_meanwhile_stays(steps: list[int], modules: list[str]) -> None:
    """The list is the one that was there: who is just putting a finder into it puts it where Python looks."""
    finders, copy, other = sys.meta_path, list(sys.meta_path), _Other()
    with small_steps.in_small_steps():
        assert sys.meta_path is finders
        put_in = finders.insert
        import_module(modules[0])
    put_in(0, other)
    assert sys.meta_path is finders and other in finders
    with small_steps.in_small_steps():
        pass
    finders.remove(other)
    assert [finder for finder in finders if finder not in copy] in ([], [small_steps._finder])
    assert finders.count(small_steps._finder) == 1


def test_a_thread_that_looks_for_a_module_meanwhile_misses_no_finder(modules: list[str]) -> None:
    if small_steps._finder in sys.meta_path:
        sys.meta_path.remove(small_steps._finder)
    asked: list[str] = []

    class Asked(_Other):
        def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
            asked.append(fullname)
            with small_steps.in_small_steps():
                pass  # as another thread does while this one walks along the list

    first = Asked()
    sys.meta_path.insert(0, first)
    try:
        import_module(modules[0])
    finally:
        sys.meta_path.remove(first)
    assert set(asked) == {modules[0]} and modules[0] in sys.modules


def test_reloading_and_failing_go_as_ever(steps: list[int], modules: list[str], tmp_path: Path) -> None:
    broken = tmp_path / f"{modules[0]}_broken.py"
    broken.write_text("raise ZeroDivisionError")
    with small_steps.in_small_steps():
        module = import_module(modules[0])
        assert reload(module) is module
        with pytest.raises(ZeroDivisionError):
            import_module(broken.stem)
        with pytest.raises(ModuleNotFoundError):
            import_module(f"{modules[0]}_missing")
        assert small_steps._finder.find_spec(fullname=modules[0], path=None, target=None) is None  # type: ignore[func-returns-value]
    count = len(steps)
    assert find_spec(f"{modules[0]}_missing") is None
    assert len(steps) == count > 0


def test_two_threads_at_once(steps: list[int], modules: list[str]) -> None:
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with small_steps.in_small_steps():
            inside.set()
            leave.wait(PATIENCE)
            import_module(modules[0])

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait(PATIENCE)
    with small_steps.in_small_steps():
        pass
    leave.set()
    thread.join()
    assert steps == [thread.ident]
    assert sys.meta_path.count(small_steps._finder) == 1


class _Other:
    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        return None
