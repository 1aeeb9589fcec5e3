"""Specifies that only the user can read the folders that the bridge makes and the secrets in them, with any umask."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ..helpers.steam_helpers import run_program

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a umask: POSIX")

UMASKS = [0o000, 0o022, 0o077, 0o177, 0o277, 0o777]


def modes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mode & 0o777 for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("umask", UMASKS, ids=oct)
@pytest.mark.parametrize("there", ["", "home/.local"])
def test_only_the_user_can_read_the_folder_of_sessions(tmp_path: Path, umask: int, there: str) -> None:
    (tmp_path / there).mkdir(parents=True, exist_ok=True)
    before = modes(tmp_path)
    done = run_program(
        """
        import os, pathlib, sys

        import anyio

        sys.path.insert(0, sys.argv[3])
        from sudomimus_bridge._values.clock import SystemClock
        from tests.helpers.session_disk import RECORD, store_in

        os.umask(int(sys.argv[1]))

        async def main():
            for _ in range(2):
                store = store_in(pathlib.Path(sys.argv[2]))
                async with store.locked(SystemClock()):
                    store.write(RECORD)
                assert store.read() == RECORD

        anyio.run(main)
        """,
        str(umask),
        str(tmp_path / "home/.local/state/sudomimus-bridge"),
        str(Path(__file__).parents[2]),
    )
    assert done.returncode == 0, done.stderr
    made = {path: mode for path, mode in modes(tmp_path).items() if path not in before}
    assert len(made) >= 3
    assert {path: mode for path, mode in modes(tmp_path).items() if path in before} == before
    for path, mode in made.items():
        assert mode == (0o700 if (tmp_path / path).is_dir() else 0o600), path


@pytest.mark.parametrize("umask", UMASKS, ids=oct)
def test_only_the_user_can_read_the_emulators_key_and_temporary_folders(tmp_path: Path, umask: int) -> None:
    done = run_program(
        """
        import os, pathlib, sys
        from sudomimus_bridge.emulator._tokens.client_key import ClientKeyFile
        from sudomimus_bridge._values.folders import TemporaryFolder

        os.umask(int(sys.argv[1]))
        key = ClientKeyFile()
        with TemporaryFolder("test-") as folder:
            paths = [key.path.parent, key.path, pathlib.Path(folder)]
            print([oct(path.stat().st_mode & 0o777) for path in paths])
        key.remove()
        assert not any(path.exists() for path in paths)
        """,
        str(umask),
    )
    assert done.stdout.strip() == "['0o700', '0o600', '0o700']", done.stderr
