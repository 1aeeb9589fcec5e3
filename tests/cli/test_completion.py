"""Specifies the command `completion`: its scripts know every command and flag, and complete words in the installed shells."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from sudomimus_bridge._cli.commands import COMMANDS
from sudomimus_bridge._cli.main import main

pytest.importorskip("shtab")


@pytest.fixture
def scripts(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> dict[str, Path]:
    """The script of each shell, in a file."""
    found = {}
    for shell in ("bash", "zsh", "fish"):
        assert main(["completion", shell]) == 0
        found[shell] = tmp_path / f"completion.{shell}"
        found[shell].write_text(capfd.readouterr().out, encoding="utf-8")
    return found


def test_scripts_know_every_command_and_its_visible_flags(scripts: dict[str, Path]) -> None:
    for shell, script in scripts.items():
        text = script.read_text(encoding="utf-8")
        assert all(command.name in text for command in COMMANDS)
        flags = ("steam-app-id", "access-key-id", "claim-gate", "dialect")
        assert all(flag in text for flag in flags), shell


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_is_valid(scripts: dict[str, Path], shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is needed: apt-get install {shell}")
    checked = subprocess.run([program, "-n", str(scripts[shell])], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["lo"], {"login", "logout"}),
        (["login", "st"], {"steam"}),
        (["login", "--access"], {"--access-key-id"}),
        (["renpy", ""], {"install", "uninstall"}),
        (["errand", "--access"], set()),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bash_completes_a_word(scripts: dict[str, Path], words: list[str], expected: set[str]) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is needed")
    line = " ".join(["sudomimus-bridge", *(f"'{word}'" for word in words)])
    program = (
        f"source {scripts['bash']}; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _shtab_sudomimus_bridge; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run([bash, "-c", program], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == expected, done.stderr
