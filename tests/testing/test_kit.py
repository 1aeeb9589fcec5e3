"""Specifies the pytest plugin, in projects of their own: every way to load it, each fixture, and its failures."""

from __future__ import annotations

from pathlib import Path

import pytest

import sudomimus_bridge

from ..conftest import Project
from ..helpers.steam_helpers import run_program

pytestmark = pytest.mark.once

NAMED = "-psudomimus_bridge.testing"


def said(result: pytest.RunResult, *sentences: str) -> None:
    text = result.stdout.str()
    for sentence in sentences:
        assert sentence in text


SIGN_IN = """
    def test_sign_in(sudomimus_bridge):
        assert sudomimus_bridge.login().application_anchor == "my-game"
"""
IS_THERE = """
    def test_it_is_there(sudomimus_virtual_time):
        assert sudomimus_virtual_time.elapsed == 0
"""
CONFTEST = "pytest_plugins = ['sudomimus_bridge.testing']"


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The metadata of an installed distribution, with its list of files, which makes pytest rewrite them."""
    folder = tmp_path_factory.mktemp("installed")
    information = folder / "sudomimus_bridge-0.dist-info"
    information.mkdir()
    information.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: sudomimus-bridge\nVersion: 0\n")
    information.joinpath("entry_points.txt").write_text(
        "[pytest11]\nsudomimus_bridge.testing = sudomimus_bridge.testing\n"
    )
    information.joinpath("RECORD").write_text("sudomimus_bridge/__init__.py,,\nsudomimus_bridge/_program/bridge.py,,\n")
    package = Path(str(sudomimus_bridge.__file__)).parent
    folder.joinpath("sudomimus_bridge").symlink_to(package, target_is_directory=True)
    return folder


@pytest.fixture
def entry_point(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(installed))


@pytest.mark.parametrize(
    ("arguments", "conftest"),
    [
        ([NAMED], ""),
        ([], CONFTEST),
        ([], "import sudomimus_bridge.testing._pytest_plugin\n" + CONFTEST),
        ([NAMED], CONFTEST),
    ],
    ids=["-p", "conftest", "imported first", "both"],
)
def test_plugin_named_by_the_project(project: Project, arguments: list[str], conftest: str) -> None:
    project(*arguments, conftest=conftest, test_it=IS_THERE).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("arguments", "conftest", "test_it"),
    [([], "", SIGN_IN), ([NAMED], "", IS_THERE), ([], CONFTEST, IS_THERE), ([NAMED], CONFTEST, IS_THERE)],
    ids=["alone", "and -p", "and conftest", "and both"],
)
@pytest.mark.usefixtures("entry_point")
def test_plugin_found_by_its_entry_point(
    project: Project, monkeypatch: pytest.MonkeyPatch, arguments: list[str], conftest: str, test_it: str
) -> None:
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    project(*arguments, conftest=conftest, test_it=test_it).assert_outcomes(passed=1)


@pytest.mark.usefixtures("entry_point")
def test_plugin_switched_off(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    result = project("-pno:sudomimus_bridge.testing", test_it=SIGN_IN)
    result.assert_outcomes(errors=1)
    said(result, "fixture 'sudomimus_bridge' not found")


def test_plugin_imports_nothing_before_a_fixture_is_used(project: Project) -> None:
    project(
        NAMED,
        test_it="""
        import sys

        def test_nothing_is_imported_before_a_fixture_is_used():
            loaded = set(sys.modules)
            assert "sudomimus_bridge.testing._pytest_plugin" in loaded
            ours = {name for name in loaded if name.startswith("sudomimus_bridge.")}
            assert not ours & {f"sudomimus_bridge.{n}" for n in ("_program.bridge", "_settings", "emulator", "testing._using")}
            assert not loaded & {"httpx", "httpcore", "anyio", "starlette", "pydantic", "uvicorn", "trio"}
        """,
    ).assert_outcomes(passed=1)


def test_every_fixture_is_documented(project: Project) -> None:
    result = project(NAMED, "--fixtures", "-v", test_it="")
    names = [line.split()[0] for line in result.outlines if line.startswith("sudomimus_")]
    assert sorted(names) == [
        "sudomimus_application",
        "sudomimus_bridge",
        "sudomimus_browser",
        "sudomimus_dialect",
        "sudomimus_environment",
        "sudomimus_player",
        "sudomimus_service",
        "sudomimus_steam",
        "sudomimus_steam_app_id",
        "sudomimus_steam_library",
        "sudomimus_virtual_time",
    ]
    ours = result.stdout.str().partition("from sudomimus_bridge.testing._pytest_plugin")[2]
    assert "no docstring available" not in ours.partition("fixtures defined from")[0]


def test_fixtures_in_parallel_workers(project: Project) -> None:
    project(
        NAMED,
        "-pxdist",
        "-n2",
        test_it="""
        import pytest

        @pytest.mark.parametrize("number", range(8))
        def test_an_errand(number, sudomimus_bridge, sudomimus_service, sudomimus_player, sudomimus_virtual_time):
            if number % 2:
                sudomimus_service.requires("email")
            sudomimus_bridge.login()
            assert ("email" in sudomimus_player.shared) is bool(number % 2)
        """,
    ).assert_outcomes(passed=8)


LEFT_OPEN = """
    import time

    from sudomimus_bridge import Bridge
    from sudomimus_bridge.testing import StubBehaviour

    bridge = Bridge()

    def test_python(sudomimus_steam, sudomimus_service):
        sudomimus_steam.script(StubBehaviour(silent=True))
        bridge.start_login()
        while not sudomimus_steam.open_tickets:
            time.sleep(0.001)

    def test_compiled(sudomimus_steam_library, sudomimus_service):
        sudomimus_steam_library.script(ticket_callback="never")
        bridge.start_login()
        while not sudomimus_steam_library.open_tickets:
            time.sleep(0.001)

    def test_cancelled(sudomimus_steam_library, sudomimus_service):
        sudomimus_steam_library.script(ticket_callback="never")
        login = bridge.start_login()
        while not sudomimus_steam_library.open_tickets:
            time.sleep(0.001)
        login.cancel()
"""


@pytest.mark.usefixtures("stub_library")
def test_open_ticket_fails_the_test(project: Project) -> None:
    result = project(NAMED, test_it=LEFT_OPEN)
    result.assert_outcomes(passed=3, errors=2)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_python*",
            "1 Steam ticket was left open (handle 1). *call its cancel() or the bridge's close() before the test ends.",
            "*ERROR at teardown of test_compiled*",
            "1 Steam ticket was left open (handle * of process *). *",
        ]
    )
    assert "Traceback" not in result.stdout.str()
    assert "During handling" not in result.stdout.str()


@pytest.mark.usefixtures("stub_library")
def test_steam_misused_fails_the_test(project: Project) -> None:
    result = project(
        NAMED,
        test_it="""
        import ctypes

        def test_it(sudomimus_steam_library):
            ctypes.CDLL(str(sudomimus_steam_library.library)).SteamAPI_ManualDispatch_RunFrame(1)
        """,
    )
    result.assert_outcomes(passed=1, errors=1)
    said(result, "Steam was misused: ")


def test_without_a_compiler_it_skips(project: Project) -> None:
    result = project(
        NAMED,
        "-rs",
        conftest="""
        from sudomimus_bridge.testing import StubNotCompiled, _stub_library as stub_library

        def none():
            raise StubNotCompiled("No C compiler was found: install cc.")

        stub_library.compiled_stub = none
        """,
        test_it="def test_it(sudomimus_steam_library): pass",
    )
    result.assert_outcomes(skipped=1)
    said(result, "sudomimus_steam_library needs a C compiler: No C compiler was found: install cc.")


def test_without_the_extra(project: Project) -> None:
    result = project(
        NAMED,
        conftest="import sys; sys.modules['uvicorn'] = None",
        test_it="""
        def test_service(sudomimus_service): pass
        def test_bridge(sudomimus_bridge): pass
        def test_steam(sudomimus_steam, sudomimus_browser, sudomimus_virtual_time): pass
        """,
    )
    result.assert_outcomes(passed=1, errors=2)
    said(
        result,
        "The local service needs uvicorn. Install it: python -m pip install 'sudomimus-bridge[emulator]'",
    )
    assert "Traceback" not in result.stdout.str()


@pytest.mark.parametrize(
    ("fixtures", "sentence"),
    [
        ("sudomimus_virtual_time, sudomimus_steam_library", "Use sudomimus_virtual_time with sudomimus_steam: "),
        ("sudomimus_bridge, sudomimus_steam, sudomimus_steam_library", "A test has one Steam: "),
    ],
)
def test_fixtures_that_exclude_each_other(project: Project, fixtures: str, sentence: str) -> None:
    result = project(NAMED, test_it=f"def test_it({fixtures}): pass")
    result.assert_outcomes(errors=1)
    said(result, sentence)


def test_page_that_the_player_cannot_finish_fails_the_test(project: Project) -> None:
    result = project(
        NAMED,
        test_it="""
        import pytest
        from sudomimus_bridge import Bridge, ErrandNotCompleted

        def test_it(sudomimus_steam, sudomimus_service, sudomimus_browser, sudomimus_virtual_time):
            sudomimus_service.requires("email")
            sudomimus_browser.completes(email="not an address")
            with Bridge(timeout=60) as bridge, pytest.raises(ErrandNotCompleted):
                bridge.login()
        """,
    )
    result.assert_outcomes(passed=1, errors=1)
    said(result, "VisitFailed: the page refused what was entered")


def test_without_pytest() -> None:
    done = run_program(
        """
        import sys
        sys.modules["pytest"] = None
        from sudomimus_bridge import Bridge
        from sudomimus_bridge.testing import using_browser, using_service, using_stub_steam
        with using_service(), using_browser(), using_stub_steam() as steam, Bridge() as bridge:
            print(bridge.login().application_anchor)
        print([call for call, _ in steam.calls])
        """
    )
    assert (done.stdout, done.stderr) == ("my-game\n['open', 'request', 'cancel', 'shutdown']\n", "")
