"""Specifies `import_steamworks`: PyPI's package, upstream's layout, and no package at all."""

from __future__ import annotations

import ctypes
import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from sudomimus_bridge._values.errors import BridgeError, ConfigurationError
from sudomimus_bridge.steam.steamworkspy import SteamworksPySteam, import_steamworks
from sudomimus_bridge.testing._compiled_stub import StubNotCompiled, compiled_stub

from ..conftest import StubLog
from ..helpers import steamworkspy_stub
from ..helpers.steam_helpers import run_program
from ..helpers.steamworkspy_stub import lay_out_game, layer_name

pytestmark = pytest.mark.usefixtures("stub_log")


@pytest.fixture
def package() -> Path:
    """The folder of the real package."""
    spec = importlib.util.find_spec("steamworkspy")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package steamworkspy is needed: pip install 'sudomimus-bridge[steamworkspy]'")
    return Path(spec.submodule_search_locations[0])


@pytest.fixture
def game(tmp_path: Path) -> Path:
    """The folder of a game, which is also the working directory."""
    try:
        return lay_out_game(tmp_path)
    except StubNotCompiled as error:
        pytest.skip(f"the compiled stubs of Steam and SteamworksPy are needed: {error}")


SIGN_IN = """
    import anyio
    from sudomimus_bridge._values.clock import SystemClock
    from sudomimus_bridge.steam.steamworkspy import SteamworksPySteam, import_steamworks
    from sudomimus_bridge.steam._ticket import web_api_ticket

    async def ticket(steamworks):
        steam = SteamworksPySteam(steamworks)
        async with anyio.create_task_group() as tasks:

            async def frames():
                while True:
                    steamworks.run_callbacks()
                    await anyio.sleep(0.002)

            tasks.start_soon(frames)
            app_id = await steam.open()
            async with web_api_ticket(steam, SystemClock()) as ticket_hex:
                print(app_id, len(ticket_hex))
            await steam.aclose()
            tasks.cancel_scope.cancel()

    def sign_in(STEAMWORKS):
        steamworks = STEAMWORKS()
        steamworks.initialize()
        anyio.run(ticket, steamworks)
        steamworks.unload()
"""


def sign_in(story: str, *arguments: str) -> list[str]:
    done = run_program(SIGN_IN + story, *arguments)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout.splitlines()


def test_package_from_pypi(package: Path, game: Path, stub_log: StubLog) -> None:
    """It also works beside a folder with the name `steamworks` that is no Python package."""
    (game / "steamworks").mkdir()
    told = sign_in("""
    import sys
    STEAMWORKS = import_steamworks(".")
    assert import_steamworks() is STEAMWORKS
    from steamworks.steamworks import STEAMWORKS as the_same
    assert the_same is STEAMWORKS
    print(sys.modules[STEAMWORKS.__module__].__file__)
    sign_in(STEAMWORKS)
    """)
    assert told == [str(package / "steamworks" / "__init__.py"), "480 480"]
    assert stub_log.story() == ["request", "callback", "cancel", "shutdown"]


def test_alias_that_the_game_created(package: Path, game: Path) -> None:
    """The alias's `__path__` says where the game keeps the libraries."""
    told = sign_in(
        """
    import ctypes, sys, types
    sys.modules["steamworks"] = alias = types.ModuleType("steamworks")
    alias.__path__ = [sys.argv[1], sys.argv[2]]
    from steamworks.steamworks import STEAMWORKS
    assert import_steamworks() is STEAMWORKS
    sign_in(STEAMWORKS)
    """,
        str(game),
        str(package),
    )
    assert told == ["480 480"]


@pytest.fixture
def upstream(package: Path, game: Path) -> Path:
    """The package in upstream's layout, in the game's folder: the same code one level higher, with the libraries inside."""
    folder = game / "steamworks"
    shutil.copytree(package / "steamworks", folder, ignore=shutil.ignore_patterns("__pycache__"))
    for source in folder.rglob("*.py"):
        text = source.read_text(encoding="utf-8").replace("steamworks.steamworks", "steamworks")
        source.write_text(text, encoding="utf-8")
    for library in (layer_name(), compiled_stub().name):
        shutil.move(game / library, folder / library)
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="LD_LIBRARY_PATH, or its like on macOS, is needed")
def test_package_in_upstreams_layout(upstream: Path, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", str(upstream))  # as the package's documentation requires on Linux
    told = sign_in("""
    from steamworks import STEAMWORKS
    assert import_steamworks() is STEAMWORKS
    sign_in(STEAMWORKS)
    """)
    assert told == ["480 480"]
    assert stub_log.story() == ["request", "callback", "cancel", "shutdown"]


def test_folder_is_refused_for_upstreams_package(upstream: Path) -> None:
    done = run_program(SIGN_IN + '    import_steamworks(".")')
    assert "The installed package steamworks takes no folder" in done.stderr


def test_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("steamworks", "steamworkspy"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigurationError) as missing:
        import_steamworks()
    assert str(missing.value.detail).endswith("Install it: pip install 'sudomimus-bridge[steamworkspy]'.")


def test_broken_package_raises_its_own_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "steamworks").mkdir()
    (tmp_path / "steamworks" / "__init__.py").write_text("import what_it_needs", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="what_it_needs"):
        import_steamworks()


def test_missing_folder_of_libraries(package: Path) -> None:
    done = run_program(SIGN_IN + '    import_steamworks("libs")')
    assert "There is no folder" in done.stderr


# --- on small packages, in this process ----------------------------------------------------------------------------------


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in which packages are found first. Nothing of SteamworksPy is imported before or after."""
    kept = {name: sys.modules.pop(name) for name in _of_steamworks()}
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in _of_steamworks():
        del sys.modules[name]
    sys.modules.update(kept)


def _of_steamworks() -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] in ("steamworks", "steamworkspy")]


def write(folder: Path, text: str = "class STEAMWORKS: pass") -> Path:
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(text, encoding="utf-8")
    return folder


def as_pypi_has_it(packages: Path) -> Path:
    package = write(packages / "steamworkspy", "")
    write(package / "steamworks")
    return package


@pytest.mark.parametrize("beside", ["nothing", "a folder of the game", "another package of that name"])
def test_layout_of_pypi(packages: Path, beside: str) -> None:
    package = as_pypi_has_it(packages)
    if beside == "a folder of the game":
        (packages / "steamworks").mkdir()
    elif beside == "another package of that name":
        write(packages / "steamworks", "")
    found = import_steamworks()
    assert Path(sys.modules[found.__module__].__file__ or "") == package / "steamworks" / "__init__.py"
    assert list(sys.modules["steamworks"].__path__) == [str(package)]
    assert import_steamworks() is found


def test_folder_of_libraries_comes_first(packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package, libraries = as_pypi_has_it(packages), packages / "libs"
    with pytest.raises(ConfigurationError, match="There is no folder"):
        import_steamworks(libraries)
    libraries.mkdir()
    monkeypatch.chdir(packages)
    import_steamworks("libs")
    assert list(sys.modules["steamworks"].__path__) == [str(libraries), str(package)]


def test_alias_of_the_game_is_kept(packages: Path) -> None:
    alias = sys.modules["steamworks"] = ModuleType("steamworks")
    alias.__path__ = [str(packages / "elsewhere")]
    within = sys.modules["steamworks.steamworks"] = ModuleType("steamworks.steamworks")
    within.STEAMWORKS = object()  # type: ignore[attr-defined]
    assert import_steamworks() is within.STEAMWORKS
    assert sys.modules["steamworks"] is alias


def test_layout_of_upstream(packages: Path) -> None:
    write(packages / "steamworks")
    assert import_steamworks().__module__ == "steamworks"
    with pytest.raises(ConfigurationError, match="takes no folder"):
        import_steamworks(packages)


def test_module_is_not_the_package(packages: Path) -> None:
    (packages / "steamworkspy.py").write_text("", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="is not installed"):
        import_steamworks()


@pytest.mark.parametrize(
    ("platform", "there", "loads"), [("linux", True, True), ("linux", False, False), ("darwin", True, False)]
)
def test_steams_library_is_loaded_first_on_linux(
    packages: Path, platform: str, there: bool, loads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, loaded = as_pypi_has_it(packages), list[str]()
    if there:
        (package / "libsteam_api.so").write_bytes(b"")
    monkeypatch.setattr(ctypes, "CDLL", loaded.append)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "platform", platform)
        import_steamworks()
    assert loaded == ([str(package / "libsteam_api.so")] if loads else [])


# --- the port ------------------------------------------------------------------------------------------------------------


def test_argument_that_is_no_steamworks_object() -> None:
    no_calls, no_library = type("A", (), {"_cdll": None}), type("B", (), {"run_callbacks": lambda: True})
    for other in (None, object(), no_calls, no_library):
        with pytest.raises(ConfigurationError) as wrong:
            SteamworksPySteam(other)
        assert "not the game's STEAMWORKS object" in str(wrong.value.detail)


async def _ask_too_early(steam: SteamworksPySteam) -> None:
    await steam.get_auth_ticket_for_web_api("sudomimus")


def test_ticket_request_before_open(backend: str) -> None:
    import anyio

    library = ctypes.CDLL(None) if sys.platform != "win32" else ctypes.CDLL("kernel32")
    steam = SteamworksPySteam(type("STEAMWORKS", (), {"run_callbacks": lambda self: True, "_cdll": library})())
    with pytest.raises(BridgeError) as early:
        anyio.run(_ask_too_early, steam, backend=backend)
    assert "before it was opened" in str(early.value.detail)
    anyio.run(steam.aclose, backend=backend)
    steam.drop()


def test_package_is_imported_only_when_it_is_needed() -> None:
    done = run_program("""
        import sys
        before = set(sys.modules)
        import sudomimus_bridge
        from sudomimus_bridge import Bridge
        from sudomimus_bridge.steam.steamworkspy import SteamworksPySteam, import_steamworks
        heavy = {"steamworks", "steamworkspy", "ctypes", "anyio", "asyncio", "httpx", "ssl"}
        print(sorted(heavy & (set(sys.modules) - before)))
    """)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="the words are those of the loaders of Linux and macOS")
def test_steamworkspy_of_sdk_157_needs_that_sdk(package: Path, game: Path) -> None:
    """The error for an old library names exactly one SDK for this reason."""
    lay_out_game(game, sdk=157)
    shutil.copy2(compiled_stub(159), game)
    done = run_program(SIGN_IN + '    import_steamworks(".")()')
    assert "OSError" in done.stderr
    assert "SteamAPI_Init" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("sdk", [None, 157])
def test_stub_compiles_without_a_checkout(sdk: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steamworkspy_stub, "_built", lambda *_: None)
    try:
        folder = lay_out_game(tmp_path / "new" / "game", sdk=sdk, app_id=42)
    except StubNotCompiled as error:
        pytest.skip(str(error))
    assert (folder / layer_name()).stat().st_size > 0
    assert (folder / "steam_appid.txt").read_text(encoding="ascii") == "42\n"


def test_error_for_a_stub_that_does_not_compile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        compiled_stub()
    except StubNotCompiled as error:
        pytest.skip(str(error))
    monkeypatch.setattr(steamworkspy_stub, "_built", lambda *_: None)
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(StubNotCompiled, match="no-such-compiler"):
        lay_out_game(tmp_path)
