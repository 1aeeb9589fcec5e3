"""Specifies `renpy install` and `uninstall`: the files that they write and remove, and that they never change the game's own."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from sudomimus_bridge import ConfigurationError
from sudomimus_bridge._renpy import bundle
from sudomimus_bridge._renpy.bundle import Package
from sudomimus_bridge._renpy.installer import Report, install, uninstall

from ..conftest import command
from ..helpers.patience import PATIENCE

Files = dict[str, str]
_BUILDER = Path(__file__).parents[2] / "packaging" / "build_renpy_zip.py"
MAIN, SCREENS = "sudomimus/main.rpy", "sudomimus/screens.rpy"
LISTED = "sudomimus/installed.json"
OWN = {"script.rpy": "label start:\n", "gui/x.png": "picture", "python-packages/own.py": "own = 1\n"}


def _scripts(number: str) -> Files:
    return {"main.rpy": f"m{number}\n", "screens.rpy": f"s{number}\n"}


class Shelf:
    """Replaces the bundle by small versions of the bridge, one after another."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self.version(
            "1",
            {"sudomimus_bridge/a.py": "a1", "sudomimus_bridge/old/b.py": "b1"},
            {"main.rpy": "m1\n", "screens.rpy": "s1\n"},
        )
        monkeypatch.setattr(bundle, "packages", lambda: self.packages)
        monkeypatch.setattr(bundle, "scripts", lambda: self.scripts)

    def version(self, number: str, code: Files, scripts: Files, helper: Files | None = None) -> None:
        helper = (
            {"helper/__init__.py": f"h{number}", "helper-1.dist-info/LICENSE": "free"} if helper is None else helper
        )
        self.packages = [
            Package("sudomimus-bridge", number, self._written(number, code)),
            Package("helper", number, self._written(number, helper)),
        ]
        self.scripts = self._written(number, scripts)

    def second_version(self) -> None:
        self.version(
            "2",
            {"sudomimus_bridge/a.py": "a2", "sudomimus_bridge/new/c.py": "c2"},
            {"main.rpy": "m2\n", "screens.rpy": "s2\n"},
        )

    def _written(self, number: str, files: Files) -> dict[str, Path]:
        return dict(zip(files, _write(self._folder / number, files), strict=True))


def _write(folder: Path, files: Files) -> list[Path]:
    paths = [folder / name for name in files]
    for path, text in zip(paths, files.values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, newline="")
    return paths


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    return Shelf(tmp_path / "shelf", monkeypatch)


@pytest.fixture
def game(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "game"
    _write(folder, OWN)
    return folder


def tree(folder: Path) -> dict[str, str | None]:
    """Everything below a folder: a file's text, or None for a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_text() if path.is_file() else None
        for path in folder.rglob("*")
        if path.relative_to(folder).as_posix() != LISTED
    }


def files(folder: Path) -> Files:
    return {name: text for name, text in tree(folder).items() if text is not None}


FIRST = {
    **OWN,
    "python-packages/sudomimus_bridge/a.py": "a1",
    "python-packages/sudomimus_bridge/old/b.py": "b1",
    "python-packages/helper/__init__.py": "h1",
    "python-packages/helper-1.dist-info/LICENSE": "free",
    MAIN: "m1\n",
    SCREENS: "s1\n",
}
SECOND = {
    **FIRST,
    "python-packages/sudomimus_bridge/a.py": "a2",
    "python-packages/sudomimus_bridge/new/c.py": "c2",
    "python-packages/helper/__init__.py": "h2",
    MAIN: "m2\n",
    SCREENS: "s2\n",
}
del SECOND["python-packages/sudomimus_bridge/old/b.py"]


def done(report: Report | None) -> Report:
    assert report is not None
    return report


@pytest.mark.usefixtures("shelf")
class TestInstall:
    @pytest.mark.parametrize("given", [".", "game"], ids=["the project", "its game folder"])
    def test_files_are_written_and_no_other_changes(self, game: Path, given: str) -> None:
        report = install(game.parent / given)
        assert files(game) == FIRST
        assert (report.version, report.packages, report.notes) == ("1", ["helper 1"], [])

    def test_game_folder_may_be_the_working_directory(self, game: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(game)
        install(Path())
        assert files(game) == FIRST

    def test_second_install_writes_nothing(self, game: Path) -> None:
        install(game)
        before = {
            path: path.stat().st_mtime_ns
            for path in game.rglob("*")
            if path.is_file() and path.name != "installed.json"
        }
        install(game)
        assert {path: path.stat().st_mtime_ns for path in before} == before

    @pytest.mark.parametrize("folder", ["nowhere", "empty", "with game", "renpy/game"])
    def test_folder_without_a_game_is_refused_and_left_alone(self, tmp_path: Path, folder: str) -> None:
        for name in ("empty", "with game/game", "renpy/game"):
            (tmp_path / name).mkdir(parents=True)
        before = tree(tmp_path)
        with pytest.raises(ConfigurationError, match=r"There is no folder|is not a Ren'Py project"):
            install(tmp_path / folder)
        assert tree(tmp_path) == before

    def test_folder_that_cannot_be_written_is_reported(self, game: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(self: Path, target: Path) -> None:
            raise PermissionError(13, "Permission denied", str(target))

        monkeypatch.setattr(Path, "replace", refuse)
        with pytest.raises(ConfigurationError, match=r"cannot be written or read \(Permission denied\)"):
            install(game)

    def test_manifest_holds_no_path_of_this_machine(self, game: Path, tmp_path: Path) -> None:
        install(game)
        assert str(tmp_path) not in (game / LISTED).read_text()


class TestUpdate:
    def test_old_files_are_removed_and_new_ones_written(self, game: Path, shelf: Shelf) -> None:
        install(game)
        (game / "python-packages/sudomimus_bridge/old/__pycache__").mkdir()
        (game / "python-packages/sudomimus_bridge/old/__pycache__/b.cpython-312.pyc").write_text("made")
        shelf.second_version()
        assert install(game).notes == []
        assert files(game) == SECOND
        assert not (game / "python-packages/sudomimus_bridge/old").exists()

    def test_changed_script_stays_and_the_new_one_is_offered_once(self, game: Path, shelf: Shelf) -> None:
        install(game)
        (game / SCREENS).write_text("mine\n")
        (note,) = install(game).notes
        assert "has your changes and stays as it is" in note
        assert files(game) == {**FIRST, SCREENS: "mine\n"}
        shelf.second_version()
        (note,) = install(game).notes
        assert f"{SCREENS} is yours and stays as it is" in note
        assert files(game) == {**SECOND, SCREENS: "mine\n", f"{SCREENS}.new": "s2\n"}
        install(game)
        assert files(game) == {**SECOND, SCREENS: "mine\n", f"{SCREENS}.new": "s2\n"}
        (game / f"{SCREENS}.new").unlink()
        install(game)
        assert files(game) == {**SECOND, SCREENS: "mine\n"}
        (game / SCREENS).unlink()
        assert install(game).notes == []
        assert files(game) == SECOND

    def test_line_ends_of_another_system_do_not_count_as_changes(self, game: Path, shelf: Shelf) -> None:
        install(game)
        (game / SCREENS).write_bytes(b"s1\r\n")
        shelf.second_version()
        assert install(game).notes == []
        assert files(game) == SECOND

    def test_changed_script_that_the_new_version_lacks_is_set_aside(self, game: Path, shelf: Shelf) -> None:
        install(game)
        (game / SCREENS).write_text("mine\n")
        shelf.version("2", {"sudomimus_bridge/a.py": "a2"}, {"main.rpy": "m2\n"})
        (note,) = install(game).notes
        assert "is kept as screens.rpy.bak" in note
        assert (game / f"{SCREENS}.bak").read_text() == "mine\n"
        assert not (game / SCREENS).exists()

    def test_changed_code_of_the_bridge_is_restored(self, game: Path, shelf: Shelf) -> None:
        install(game)
        (game / "python-packages/helper/__init__.py").write_text("broken")
        (game / "python-packages/sudomimus_bridge/a.py").unlink()
        install(game)
        assert files(game) == FIRST


class TestFilesOfTheGame:
    @pytest.mark.parametrize("own", ["helper/__init__.py", "helper/other.py"])
    def test_package_of_the_game_stays(self, game: Path, shelf: Shelf, own: str) -> None:
        _write(game / "python-packages", {own: "the game's"})
        before = tree(game)
        (note,) = install(game).notes
        assert "The game has its own helper" in note
        shelf.second_version()
        (note,) = install(game).notes
        assert "The game has its own helper" in note
        assert {name: text for name, text in tree(game).items() if "helper" in name and text} == {
            f"python-packages/{own}": "the game's"
        }
        uninstall(game)
        assert tree(game) == before

    def test_script_of_the_game_stays(self, game: Path, shelf: Shelf) -> None:
        _write(game, {SCREENS: "the game's\n"})
        before = tree(game)
        (note,) = install(game).notes
        assert f"{SCREENS} is yours" in note
        assert (game / f"{SCREENS}.new").read_text() == "s1\n"
        uninstall(game)
        assert tree(game) == before

    @pytest.mark.usefixtures("shelf")
    def test_file_of_the_game_inside_a_package_stays(self, game: Path) -> None:
        install(game)
        _write(game / "python-packages", {"helper/theirs.py": "theirs"})
        uninstall(game)
        assert files(game) == {**OWN, "python-packages/helper/theirs.py": "theirs"}


class TestUninstall:
    @pytest.mark.usefixtures("shelf")
    @pytest.mark.parametrize("packages", [True, False], ids=["with packages before", "without"])
    def test_game_is_as_before(self, game: Path, packages: bool) -> None:
        if not packages:
            (game / "python-packages/own.py").unlink()
            (game / "python-packages").rmdir()
        before = tree(game)
        install(game)
        install(game)
        # The files that Python and Ren'Py compile while the game runs.
        for made in (
            "sudomimus/main.rpyc",
            "sudomimus/screens.rpyc",
            "python-packages/sudomimus_bridge/__pycache__/a.cpython-312.pyc",
            "python-packages/sudomimus_bridge/__pycache__/a.cpython-312.opt-1.pyc",
            "python-packages/sudomimus_bridge/a.pyc",
            "python-packages/helper/__pycache__/__init__.cpython-311.pyc",
        ):
            _write(game, {made: "made"})
        assert done(uninstall(game)).notes == []
        assert tree(game) == before
        assert not (game / LISTED).exists()
        assert uninstall(game) is None

    @pytest.mark.usefixtures("shelf")
    def test_changed_script_is_kept_under_a_name_that_renpy_does_not_load(self, game: Path) -> None:
        install(game)
        _write(game, {SCREENS: "mine\n", f"{SCREENS}.bak": "an older one"})
        (note,) = done(uninstall(game)).notes
        assert "is kept as screens.rpy.1.bak" in note
        assert files(game) == {**OWN, f"{SCREENS}.bak": "an older one", f"{SCREENS}.1.bak": "mine\n"}

    @pytest.mark.parametrize(
        "listed",
        [
            "",
            "[]",
            "{}",
            '{"format": 1, "version": "1", "files": {"../secret.txt": []}, "folders": []}',
            '{"format": 1, "version": "1", "files": {"script.rpy": []}, "folders": []}',
            '{"format": 1, "version": "1", "files": {"/script.rpy": []}, "folders": []}',
            '{"format": 1, "version": "1", "files": {"sudomimus/../script.rpy": []}, "folders": []}',
            '{"format": 1, "version": "1", "files": {"sudomimus\\\\..\\\\script.rpy": []}, "folders": []}',
            '{"format": 1, "version": "1", "files": {}, "folders": ["gui"]}',
            '{"format": 2, "version": "9"}',
        ],
    )
    @pytest.mark.parametrize("do", [install, uninstall])
    @pytest.mark.usefixtures("shelf")
    def test_manifest_that_cannot_be_trusted_removes_nothing(
        self, game: Path, listed: str, do: Callable[[Path], object]
    ) -> None:
        _write(game, {LISTED: listed})
        before = tree(game)
        with pytest.raises(ConfigurationError, match=r"cannot be read|was written by another version"):
            do(game)
        assert tree(game) == before


class Killed(BaseException):
    pass


class TestInterrupted:
    """The installer is killed before each change to the disk in turn; the next run repairs the game or restores it."""

    @staticmethod
    def killed_at(monkeypatch: pytest.MonkeyPatch, step: int, do: Callable[[], object]) -> bool:
        """Run `do` and kill it before its change number `step` to the disk; False if it makes fewer changes."""
        left = [step]

        def counted(method: str) -> None:
            real = getattr(Path, method)

            def change(self: Path, *arguments: object, **more: object) -> object:
                if left[0] == 0:
                    raise Killed
                left[0] -= 1
                return real(self, *arguments, **more)

            patched.setattr(Path, method, change)

        with monkeypatch.context() as patched:
            for method in ("write_bytes", "replace", "rename", "mkdir", "unlink", "rmdir"):
                counted(method)
            try:
                do()
            except Killed:
                return True
        return False

    @pytest.mark.parametrize("then", ["install", "uninstall"])
    @pytest.mark.parametrize("what", ["install", "update", "uninstall"])
    def test_next_run_repairs_or_restores_the_game(
        self, what: str, then: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        step = 0
        while True:
            game = tmp_path / str(step) / "game"
            _write(game, OWN)
            (game / "python-packages/__pycache__").mkdir()
            _write(game, {"python-packages/__pycache__/own.cpython-312.pyc": "the game's"})
            before = tree(game)
            with monkeypatch.context() as patched:
                shelf = Shelf(tmp_path / "shelf", patched)
                if what != "install":
                    install(game)
                if what == "update":
                    shelf.second_version()
                do = partial(uninstall if what == "uninstall" else install, game)
                killed = self.killed_at(monkeypatch, step, do)
                shelf.second_version()
                if then == "install":
                    assert install(game).notes == []
                    expected = {**SECOND, "python-packages/__pycache__/own.cpython-312.pyc": "the game's"}
                    assert files(game) == expected
                uninstall(game)
            assert tree(game) == before
            if not killed:
                break
            step += 1
        assert step > 8


class TestCommand:
    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command("renpy", *arguments), capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    def test_install_and_uninstall(self, game: Path) -> None:
        before = tree(game)
        installed = self.run("install", str(game.parent))
        assert (installed.returncode, installed.stderr) == (0, "")
        assert "define sudomimus.application" in installed.stdout
        assert (game / "python-packages/sudomimus_bridge/_program/bridge.py").is_file()
        removed = self.run("uninstall", str(game.parent))
        assert (removed.returncode, removed.stderr) == (0, "")
        assert tree(game) == before
        again = self.run("uninstall", str(game.parent))
        assert (again.returncode, again.stderr) == (0, "")
        assert "nothing to remove" in again.stdout

    def test_note_goes_to_standard_error(self, game: Path) -> None:
        _write(game, {"python-packages/segno/__init__.py": "the game's"})
        installed = self.run("install", str(game.parent))
        assert installed.returncode == 0
        assert installed.stderr.startswith("Note: The game has its own segno")

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["install"], "GAME_DIR is missing"),
            (["install", "nowhere"], "There is no folder"),
            (["uninstall", "."], "is not a Ren'Py project"),
            (["upgrade", "."], "Choose from install, uninstall"),
        ],
    )
    def test_wrong_arguments_end_with_status_2(self, arguments: list[str], says: str) -> None:
        ended = self.run(*arguments)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert says in ended.stderr

    def test_killed_process_is_repaired_by_the_next(self, game: Path) -> None:
        source = (
            "import os, sys\nfrom pathlib import Path\nfrom sudomimus_bridge._renpy import installer, manifest\n"
            "place, left = manifest.place, [40]\n"
            "def counted(*given):\n    left[0] -= 1\n    left[0] or os._exit(9)\n    place(*given)\n"
            "installer.place = counted\ninstaller.install(Path(sys.argv[1]))\n"
        )
        before = tree(game)
        killed = subprocess.run([sys.executable, "-c", source, str(game)], timeout=PATIENCE, check=False)
        assert killed.returncode == 9
        listed = json.loads((game / LISTED).read_text())["files"]
        assert [name for name in listed if not (game / name).exists()]
        assert install(game).notes == []
        assert not [name for name in listed if not (game / name).exists()]
        uninstall(game)
        assert tree(game) == before


def build_zip(folder: Path) -> Path:
    spec = importlib.util.spec_from_file_location("build_renpy_zip", _BUILDER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    target: Path = module.build(folder)
    return target


class TestWithoutInstaller:
    """A bridge that the zip file or `pip install --target` has put into the game."""

    @pytest.fixture
    def zip_of(self, game: Path, tmp_path: Path) -> Callable[[], Path]:
        def build() -> Path:
            return build_zip(tmp_path / "dist")

        return build

    def test_zip_holds_what_install_leaves(self, game: Path, shelf: Shelf, zip_of: Callable[[], Path]) -> None:
        with zipfile.ZipFile(zip_of()) as archive:
            archive.extractall(game)
        assert files(game) == FIRST
        by_zip = json.loads((game / LISTED).read_text())
        before = (game / LISTED).stat().st_mtime_ns
        assert install(game).notes == []
        assert files(game) == FIRST
        assert json.loads((game / LISTED).read_text())["files"] == by_zip["files"]
        assert (game / LISTED).stat().st_mtime_ns >= before

    def test_zip_is_the_same_each_time(self, shelf: Shelf, zip_of: Callable[[], Path]) -> None:
        assert zip_of().read_bytes() == zip_of().read_bytes()

    @pytest.mark.parametrize("packages", [True, False], ids=["with packages before", "without"])
    def test_zip_is_updated_and_uninstalled(
        self, game: Path, shelf: Shelf, zip_of: Callable[[], Path], packages: bool
    ) -> None:
        if not packages:
            (game / "python-packages/own.py").unlink()
            (game / "python-packages").rmdir()
        before = tree(game)
        with zipfile.ZipFile(zip_of()) as archive:
            archive.extractall(game)
        shelf.second_version()
        assert install(game).notes == []
        assert "python-packages/sudomimus_bridge/old/b.py" not in files(game)
        uninstall(game)
        assert tree(game) == before

    def test_newer_zip_over_an_older_one_leaves_no_old_file_after_install(
        self, game: Path, shelf: Shelf, zip_of: Callable[[], Path]
    ) -> None:
        for version in (1, 2):
            if version == 2:
                shelf.second_version()
            with zipfile.ZipFile(zip_of()) as archive:
                archive.extractall(game)
        assert "python-packages/sudomimus_bridge/old/b.py" in files(game)
        install(game)
        assert files(game) == SECOND
        uninstall(game)
        assert files(game) == OWN

    @pytest.mark.parametrize("then", ["install", "uninstall", "install, uninstall"])
    def test_pip_target_is_recognised(self, game: Path, shelf: Shelf, then: str) -> None:
        before = tree(game)
        pip_target(game, {"sudomimus_bridge/a.py": "a0", "sudomimus_bridge/_renpy/game/main.rpy": "m0\n"})
        if "install" in then.split(", "):
            assert install(game).notes == []
            assert files(game) == FIRST
        if "uninstall" in then:
            assert done(uninstall(game)).version in ("0.9", "1")
            assert tree(game) == before

    def test_pip_target_after_install_is_recognised(self, game: Path, shelf: Shelf) -> None:
        install(game)
        pip_target(game, {"sudomimus_bridge/a.py": "a0", "sudomimus_bridge/_renpy/game/main.rpy": "m0\n"})
        assert install(game).notes == []
        assert files(game) == FIRST

    @pytest.mark.parametrize("why", ["asked for", "needed by another"])
    def test_package_that_the_game_asked_pip_for_stays_the_games(self, game: Path, shelf: Shelf, why: str) -> None:
        pip_target(game, {"sudomimus_bridge/a.py": "a0"})
        if why == "asked for":
            (game / "python-packages/helper-0.9.dist-info/REQUESTED").touch()
        else:
            distribution(game, "other", {"other.py": "o"}, needs="helper", asked_for=True)
        (note,) = install(game).notes
        assert note.startswith("The game has its own helper")
        uninstall(game)
        assert (game / "python-packages/helper/__init__.py").read_text() == "h0"


def pip_target(game: Path, code: Files) -> None:
    """The files of an older version, as `pip install --target game/python-packages sudomimus-bridge` leaves them."""
    distribution(game, "sudomimus-bridge", code, needs="helper", asked_for=True)
    distribution(game, "helper", {"helper/__init__.py": "h0", "helper/gone.py": "g0"})
    _write(game / "python-packages", {"bin/sudomimus-bridge": "#!python", "share/man/man1/bridge.1": "manual"})


def distribution(game: Path, name: str, code: Files, *, needs: str | None = None, asked_for: bool = False) -> None:
    about = f"{name.replace('-', '_')}-0.9.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.9\n" + (f"Requires-Dist: {needs}\n" if needs else "")
    written = code | {f"{about}/METADATA": metadata, f"{about}/INSTALLER": "pip\n"}
    if asked_for:
        written[f"{about}/REQUESTED"] = ""
    _write(game / "python-packages", written)
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},\n"
        for path, text in written.items()
    )
    if name == "sudomimus-bridge":
        record += "../../bin/sudomimus-bridge,,\n../../share/man/man1/bridge.1,,\n"
    _write(game / "python-packages", {f"{about}/RECORD": record + f"{about}/RECORD,,\n"})


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(
    ("written", "named"),
    [("(8, 3, 4)", "8.3.4"), ("(7, 5, 3)", "7.5.3"), ("(8, 4, 0)", None), ("(9, 0, 0)", None), ("nothing", None)],
)
def test_game_of_an_older_ren_py_gets_a_note(game: Path, written: str, named: str | None) -> None:
    (game / "script_version.txt").write_text(written)
    notes = install(game).notes
    assert len(notes) == (named is not None)
    assert named is None or (f"made with Ren'Py {named}" in notes[0] and "8.4 or later" in notes[0])
