"""The compiled stub of SteamworksPy's own library, and a folder as a game with SteamworksPy has it. Nothing is loaded here.

Above the stub of `libsteam_api` lies a second one, for the library that the Python package `steamworkspy` loads and that
PyPI's package has for Windows alone. `native/README.md` tells what it does.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from ._compiled_stub import StubNotCompiled, compile_with_any, compiled_stub

_HERE = Path(__file__).resolve().parent
_CHECKOUT = _HERE.parents[2] / "native"
_SOURCE = "steamworkspy_stub.c"


def layer_name() -> str:
    """The file name of SteamworksPy's library on this platform."""
    if sys.platform == "win32":
        return "SteamworksPy64.dll" if sys.maxsize > 2**32 else "SteamworksPy.dll"
    return "SteamworksPy.dylib" if sys.platform == "darwin" else "SteamworksPy.so"


def lay_out_game(folder: Path, *, sdk: int | None = None, app_id: int = 480) -> Path:
    """Put both stubs and `steam_appid.txt` into `folder`, and give it; raises `StubNotCompiled`.

    The game runs with the folder as its working directory and imports by `import_steamworks(folder)`. `sdk` is one of
    `compiled_stub.SDKS`.
    """
    steam = compiled_stub(sdk)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy2(steam, folder)
    (folder / "steam_appid.txt").write_text(f"{app_id}\n", encoding="ascii")
    source = _source()
    if built := _built(source, steam):
        shutil.copy2(built, folder)
    else:
        _compile(source, folder / layer_name(), folder / steam.name, sdk)
    return folder


def _built(source: Path, steam: Path) -> Path | None:
    """What the checkout's Makefile has put beside its stub of Steam, while it is newer than both it is made of."""
    built = steam.with_name(layer_name())
    if source.parent != _CHECKOUT or not built.is_file():
        return None
    newest = max(source.stat().st_mtime, steam.stat().st_mtime)
    return built if built.stat().st_mtime >= newest else None


def _source() -> Path:
    for folder in (_CHECKOUT, _HERE / "native"):
        if (folder / _SOURCE).is_file():
            return folder / _SOURCE
    raise StubNotCompiled(f"{_SOURCE} is neither in this package nor in a checkout around it.")


def _compile(source: Path, layer: Path, steam: Path, sdk: int | None) -> None:
    """As the real one is linked: with the library that lies there, which it asks for by its bare name."""
    flags = ["-std=c11", "-O1", "-fvisibility=hidden", "-shared"]
    flags += [] if sys.platform == "win32" else ["-fPIC"]
    flags += [f"-DSTEAM_STUB_SDK={sdk}"] if sdk else []
    compile_with_any(flags, [source, steam], layer)
