"""Specifies the bundle for a game: pure Python, only what a login needs, and a login on Ren'Py's trimmed standard library."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import os
import re
import ssl
import subprocess
import sys
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import certifi
import pytest

from sudomimus_bridge import ConfigurationError
from sudomimus_bridge._renpy import bundle
from sudomimus_bridge._renpy.installer import install
from sudomimus_bridge._service import certificates
from sudomimus_bridge._settings import Settings
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.emulator._players.visitor import visit_errand
from sudomimus_bridge.testing._compiled_stub import open_tickets

from ..conftest import StubLog
from ..helpers import renpy_achievement
from ..helpers.patience import PATIENCE
from ..helpers.renpy_helpers import interpreter

LIST = Path(__file__).parents[1] / "data" / "renpy-stdlib-modules.txt"


@pytest.fixture(scope="module")
def game(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `game` of a game in which the bridge is installed."""
    folder = tmp_path_factory.mktemp("project") / "game"
    folder.mkdir()
    (folder / "script.rpy").write_text("label start:\n    return\n")
    install(folder.parent)
    return folder


class TestContents:
    def test_it_holds_the_modules_of_a_login_and_no_others(self, game: Path) -> None:
        inside = {path.relative_to(game / "python-packages").as_posix() for path in game.rglob("*.py")}
        ours = {path.split("/")[1] for path in inside if path.startswith("sudomimus_bridge/")}
        assert {"_program", "_public", "_runs", "_values", "steam", "_service", "_login", "_browser", "_renpy"} <= ours
        assert not ours & {"_cli", "emulator", "testing", "_sidecar", "__main__.py"}
        assert not inside & {
            f"sudomimus_bridge/_renpy/{name}.py" for name in ("bundle", "installer", "manifest", "pip_target")
        }
        tops = {path.split("/")[0] for path in inside}
        assert tops - {"sniffio"} == {
            "sudomimus_bridge", "httpx", "httpcore", "h11", "anyio", "idna", "certifi", "segno", "typing_extensions.py"
        }  # fmt: skip

    def test_each_script_lies_once_in_the_folder_of_the_bridge(self, game: Path) -> None:
        shipped = {path.name for path in bundle.SCRIPTS.rglob("*.rpy")}
        installed = [path for path in game.rglob("*.rpy") if path.name != "script.rpy"]
        assert {path.name for path in installed} == shipped
        assert {path.relative_to(game).parts[0] for path in installed} <= {"sudomimus"}

    def test_every_package_comes_with_its_licence(self, game: Path) -> None:
        for folder in (game / "python-packages").glob("*.dist-info"):
            licences = [path for path in folder.rglob("*") if re.match("LICEN|COPYING", path.name)]
            assert licences, folder.name
            assert {path.suffix for path in folder.rglob("*")} <= {"", ".md", ".txt"}

    def test_it_holds_no_compiled_file_and_no_further_script(self, game: Path) -> None:
        names = [path.name for path in (game / "python-packages").rglob("*") if path.is_file()]
        assert not [
            name for name in names if name.endswith((".so", ".pyd", ".dll", ".dylib", ".pyc", ".rpy", "_ren.py"))
        ]

    def test_no_module_has_a_raw_string_that_old_renpys_would_change(self, game: Path) -> None:
        """Ren'Py 8.0 turns characters outside of Latin-1 into escapes before it compiles; a raw string takes them literally."""
        for path in (game / "python-packages" / "sudomimus_bridge").rglob("*.py"):
            with path.open("rb") as file:
                for token in tokenize.tokenize(file.readline):
                    raw = token.type == tokenize.STRING and "r" in re.split("['\"]", token.string)[0].lower()
                    assert not raw or token.string.isascii(), f"{path.name}:{token.start[0]}"

    def test_no_module_imports_a_module_that_renpy_lacks(self, game: Path) -> None:
        missing = set(sys.stdlib_module_names) - _library()[0]
        for path in (game / "python-packages" / "sudomimus_bridge").rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and not node.level:
                    names = [node.module or ""]
                tops = {name.split(".")[0] for name in names}
                built_in_on_windows = {"msvcrt"}  # Python's own subprocess needs it there
                assert not {top for top in tops & missing - built_in_on_windows if not _is_compiled(top)}, path.name


class TestRequirements:
    @pytest.mark.parametrize(
        ("requirement", "is_needed"),
        [
            ("idna>=2.8", True),
            ("httpcore==1.*", True),
            ("h11 (>=0.16)", True),
            ("typing_extensions>=4.5; python_version < '3.13'", True),
            ('exceptiongroup>=1.0.2; python_version < "3.11"', False),
            ("importlib-metadata>=3.6.0; python_version < '3.10'", False),
            ('tomli; python_version <= "3.11"', True),
            ('newer; python_version >= "3.14"', True),
            ("winloop; platform_system == 'Windows'", True),
            ('trio>=0.32.0; extra == "trio"', False),
            ("brotli; (platform_python_implementation == 'CPython') and extra == 'brotli'", False),
        ],
    )
    def test_requirements_of_any_python_count_and_extras_do_not(self, requirement: str, is_needed: bool) -> None:
        assert bool(bundle.needed([requirement])) is is_needed

    def test_missing_package_is_reported_with_the_pip_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bundle, "REQUIREMENTS", ("no-such-package",))
        with pytest.raises(ConfigurationError, match=r"no-such-package is not installed here.*python -m pip install"):
            bundle.packages()

    def test_compiled_package_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bundle, "REQUIREMENTS", ("pydantic-core",))
        with pytest.raises(ConfigurationError, match="pydantic-core is installed here with compiled code"):
            bundle.packages()

    def test_package_without_a_list_of_its_files_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # keyring imports `importlib_metadata`, whose class then takes the place of the standard one.
        monkeypatch.setattr(type(importlib.metadata.distribution("httpx")), "files", None)
        with pytest.raises(ConfigurationError, match="without a list of its files"):
            bundle.packages()


class TestCertificates:
    def test_certificates_come_from_certifis_loader_if_it_lies_in_no_folder(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bundled = Path(certifi.__file__).with_name("cacert.pem").read_bytes()
        # As Ren'Py 8.0 has it: a path below the game's folder, and a loader that knows where that is.
        monkeypatch.setattr(certifi, "__file__", "python-packages/certifi/__init__.py")
        loader = SimpleNamespace(get_data=lambda path: {"python-packages/certifi/cacert.pem": bundled}[path])
        monkeypatch.setattr(certifi, "__spec__", SimpleNamespace(loader=loader))
        assert certificates.certifi_certificates() == bundled.decode()

    def test_the_systems_certificates_are_used_if_certifis_cannot_be_read(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(certifi, "__file__", "python-packages/certifi/__init__.py")
        monkeypatch.setattr(certifi, "__spec__", SimpleNamespace(loader=SimpleNamespace(get_data=open)))
        assert certificates.certifi_certificates() is None

    def test_certifis_certificates_are_used_if_windows_cannot_be_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(self: ssl.SSLContext, purpose: object = None) -> None:
            raise NameError("enum_certificates")

        certificates._context.cache_clear()
        monkeypatch.setattr(ssl.SSLContext, "load_default_certs", fail)
        assert certificates.tls_context().cert_store_stats()["x509_ca"] > 50
        certificates._context.cache_clear()


# --- on the library that Ren'Py carries ---------------------------------------------------------------------------------


def _library() -> tuple[set[str], set[str]]:
    """The modules of the list, and the compiled modules that its head names as missing."""
    text = LIST.read_text(encoding="utf-8")
    lacking = re.search(r"but not: ([^)]*)\)", text)
    assert lacking is not None
    return {line for line in text.split("\n") if line and not line.startswith("#")}, set(lacking[1].split())


def _is_compiled(name: str) -> bool:
    spec = importlib.util.find_spec(name)
    return spec is not None and not str(spec.origin).endswith(".py")


PROGRAM = """
import json, sys
game, allowed, lacking, settings, standin = json.loads(sys.argv[1])
sys.path.append(game + "/python-packages")

from importlib.machinery import ExtensionFileLoader, PathFinder

class Trimmed:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        spec = PathFinder.find_spec(name, path)
        compiled = name in sys.builtin_module_names or isinstance(getattr(spec, "loader", None), ExtensionFileLoader)
        brought = compiled and spec is not None and "-packages" in (spec.origin or "")
        pure_and_not_listed = top in sys.stdlib_module_names and top not in allowed and not compiled
        if not (brought or top in lacking or pure_and_not_listed):
            return None
        raise ModuleNotFoundError("Ren'Py has no " + name, name=name)

for name in list(sys.modules):
    top = name.partition(".")[0]
    if top in lacking or (getattr(sys.modules[name], "__file__", None) or "").endswith(".py") and top not in allowed:
        if name != "__main__":
            del sys.modules[name]
sys.meta_path.insert(0, Trimmed())
for name in ("tomllib", "sqlite3", "unittest", "_decimal"):
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    raise SystemExit(name + " was imported")

# Some Ren'Pys find neither resources nor metadata in game/python-packages, and no certificates on Windows.
import importlib.metadata, importlib.resources, ssl
def fail(*arguments, **more):
    raise TypeError("'certifi' is not a package")
importlib.resources.files = importlib.resources.as_file = fail
importlib.metadata.MetadataPathFinder.find_distributions = lambda *arguments, **more: iter(())
ssl.SSLContext.load_default_certs = lambda self, purpose=None: None

from sudomimus_bridge import Bridge
steam = None
if standin:
    import importlib.util
    spec = importlib.util.spec_from_file_location("renpy_achievement", standin)
    module = importlib.util.module_from_spec(spec)
    sys.modules["renpy_achievement"] = module
    spec.loader.exec_module(module)
    achievement = module.CompiledAchievement(settings["steam_library"])
    from sudomimus_bridge._renpy.steam import steam_port
    steam = steam_port(achievement)

import time
def show(event):
    if event.errand is not None and event.phase.value == "waiting-for-browser":
        print(json.dumps({"page": event.errand.url}), flush=True)
        sys.stdin.readline()  # the player is done in the browser, and says so
        login.done()

with Bridge(steam=steam, **settings) as bridge:
    login = bridge.start_login(on_progress=show)
    while (result := login.poll()) is None:
        if standin:
            achievement.steam.periodic()
        time.sleep(0.02)
if standin:
    achievement.shut_down()

from sudomimus_bridge._service.certificates import tls_context
import segno
print(json.dumps({
    "application": result.application_anchor,
    "claims": result.claims,
    "foreign": sorted(
        name for name, module in sys.modules.items()
        if (path := getattr(module, "__file__", None)) and "-packages" in path and not path.startswith(game)
    ),
    "compiled": sorted(
        name for name, module in sys.modules.items()
        if "python-packages" in (getattr(module, "__file__", None) or "") and not module.__file__.endswith(".py")
    ),
    "authorities": tls_context().cert_store_stats()["x509_ca"],
    "qr code": segno.make("https://via.sudomimus.com/").designator,
}))
"""


@pytest.fixture
def asking_emulator(emulator: Emulator) -> Iterator[Emulator]:
    emulator.update({"claims.email": "REQUIRED"})
    yield emulator
    emulator.reset(settings=True)


@pytest.mark.parametrize("host", ["the bridge", "Ren'Py"])
@pytest.mark.parametrize("version", ["3.11", "3.12"])
def test_player_signs_in_through_an_errand_on_the_trimmed_library(
    version: str,
    host: str,
    game: Path,
    asking_emulator: Emulator,
    settings_for: Callable[..., Settings],
    stub_log: StubLog,
) -> None:
    python = interpreter(version)
    made = settings_for()
    settings: dict[str, Any] = {
        "application": made.application,
        "steam_app_id": made.steam_app_id,
        "native_url": made.native_url,
        "via_url": made.via_url,
        "steam_library": str(made.steam_library),
        "no_browser": True,
    }
    allowed, lacking = _library()
    standin = renpy_achievement.__file__ if host == "Ren'Py" else None
    given = json.dumps([str(game), sorted(allowed), sorted(lacking), settings, standin])
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SSL_CERT"))}
    with subprocess.Popen(
        [python, "-I", "-S", "-B", "-c", PROGRAM, given],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment | {"SteamAppId": "480"},
    ) as process:
        try:
            assert process.stdout is not None
            if page := process.stdout.readline():
                visit_errand(json.loads(page)["page"], agree=True, email="robin@example.com")
            output, errors = process.communicate("done\n", timeout=PATIENCE)
        finally:
            process.kill()
    assert (process.returncode, errors) == (0, "")
    told = json.loads(output)
    assert told["application"] == "demo-game"
    assert told["claims"]["email"]["state"] == "GRANTED"
    assert (told["foreign"], told["compiled"]) == ([], [])
    assert told["authorities"] > 50  # certifi's: the program has no others
    assert told["qr code"]
    assert open_tickets(stub_log.calls) == []
    assert stub_log.story().count("request") == 2
