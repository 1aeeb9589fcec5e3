"""The compiled stub of SteamworksPy's own library, and a folder laid out as a game with SteamworksPy has it.

It loads no library. `native/README.md` describes the stub.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from sudomimus_bridge.testing import compiled_stub
from sudomimus_bridge.testing._compiled_stub import compile_with_any

SOURCE = Path(__file__).resolve().parents[2] / "native" / "steamworkspy_stub.c"


def layer_name() -> str:
    """The file name of SteamworksPy's library on this platform."""
    if sys.platform == "win32":
        return "SteamworksPy64.dll" if sys.maxsize > 2**32 else "SteamworksPy.dll"
    return "SteamworksPy.dylib" if sys.platform == "darwin" else "SteamworksPy.so"


def lay_out_game(folder: Path, *, sdk: int | None = None, app_id: int = 480) -> Path:
    """Put both stubs and `steam_appid.txt` into `folder` and return it. Raises `StubNotCompiled`.

    The game runs with the folder as its working directory and imports by `import_steamworks(folder)`. `sdk` is one of
    `SDKS` of the compiled stub.
    """
    steam = compiled_stub(sdk)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy2(steam, folder)
    (folder / "steam_appid.txt").write_text(f"{app_id}\n", encoding="ascii")
    if built := _built(steam):
        shutil.copy2(built, folder)
    else:
        _compile(folder / layer_name(), folder / steam.name, sdk)
    return folder


def _built(steam: Path) -> Path | None:
    """The library that `make native` put beside its stub of Steam, if it is newer than both of its sources."""
    built = steam.with_name(layer_name())
    if not built.is_file():
        return None
    newest = max(SOURCE.stat().st_mtime, steam.stat().st_mtime)
    return built if built.stat().st_mtime >= newest else None


def _compile(layer: Path, steam: Path, sdk: int | None) -> None:
    """Link it as the real one is: with the library in the same folder, by its bare name."""
    flags = ["-std=c11", "-O1", "-fvisibility=hidden", "-shared"]
    flags += [] if sys.platform == "win32" else ["-fPIC"]
    flags += [f"-DSTEAM_STUB_SDK={sdk}"] if sdk else []
    compile_with_any(flags, [SOURCE, steam], layer)
