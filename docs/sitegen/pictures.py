"""Makes the pictures of the site: `make pictures`, or `python docs/sitegen/pictures.py NAME…` for some of them.

diagrams   sequence diagrams, from docs/diagrams (needs npm and Chromium)
terminal   the output of real commands, as a terminal shows it
pages      the local service's pages (needs Chromium)
renpy      the screens in a Ren'Py game (needs Ren'Py and Xvfb)
game       the window of the pygame game in docs/start (needs pygame)

Each picture that belongs to the site's colours is made twice, light and dark.
"""

from __future__ import annotations

import html
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "docs" / "assets" / "pictures"
MERMAID = ROOT / "build" / "npm-mermaid"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or "chromium"


def _chromium(*arguments: str, dark: bool = False) -> str:
    with tempfile.TemporaryDirectory() as profile:
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}"]
        flags += ["--allow-file-access-from-files", f"--blink-settings=preferredColorScheme={0 if dark else 1}"]
        done = subprocess.run([CHROMIUM, *flags, *arguments], capture_output=True, text=True, timeout=120, check=True)
        return done.stdout


# --- diagrams ----------------------------------------------------------------------------------------------------------------

_COLOURS = {
    "light": {
        "ground": "#ffffff",
        "line": "#455a64",
        "text": "#1f2a30",
        "box": "#e0f2f1",
        "edge": "#00897b",
        "note": "#fff3e0",
    },
    "dark": {
        "ground": "#1e2129",
        "line": "#b0bec5",
        "text": "#e6edf0",
        "box": "#15403c",
        "edge": "#4db6ac",
        "note": "#4a3a1c",
    },
}
_PAGE = """<!doctype html><meta charset="utf-8"><script src="{script}"></script><body><script>
mermaid.initialize({{startOnLoad: false, theme: "base", themeCSS: ".messageText, .loopText, .loopText tspan {{paint-order: stroke; stroke: {ground}; stroke-width: 8px; stroke-linejoin: round}}", sequence: {{mirrorActors: false, diagramMarginX: 8, diagramMarginY: 10, bottomMarginAdj: 10, actorMargin: 70, width: 120, height: 44, wrap: true}}, themeVariables: {{
  fontFamily: "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif", fontSize: "15px", background: "transparent",
  actorBkg: "{box}", actorBorder: "{edge}", actorTextColor: "{text}", actorLineColor: "{line}", signalColor: "{line}",
  signalTextColor: "{text}", noteBkgColor: "{note}", noteTextColor: "{text}", noteBorderColor: "{edge}", labelBoxBkgColor: "{box}",
  labelBoxBorderColor: "{edge}", labelTextColor: "{text}", loopTextColor: "{text}", sequenceNumberColor: "{text}"}}}});
mermaid.render("{name}", `{source}`).then(({{svg}}) => {{ document.body.textContent = svg; }},
  (error) => {{ document.body.textContent = "FAILED " + error; }});
</script>"""


def diagrams() -> None:
    """Draw each sequence diagram with mermaid in a browser."""
    if not MERMAID.exists():
        subprocess.run(
            [
                "npm",
                "install",
                "--silent",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
                "--prefix",
                str(MERMAID),
                "mermaid@11",
            ],
            check=True,
        )
    script = (MERMAID / "node_modules" / "mermaid" / "dist" / "mermaid.min.js").as_uri()
    for path in sorted((ROOT / "docs" / "diagrams").glob("*.mmd")):
        for mode, colours in _COLOURS.items():
            name = f"{path.stem}-{mode}"
            page = _PAGE.format(script=script, source=path.read_text(encoding="utf-8"), name=name, **colours)
            with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8") as file:
                file.write(page)
                file.flush()
                dumped = _chromium("--virtual-time-budget=20000", "--dump-dom", Path(file.name).as_uri())
            found = re.search(r"&lt;svg.*?&lt;/svg&gt;", dumped, re.DOTALL)
            if found is None:
                raise SystemExit(f"{path.name}: {dumped[-500:]}")
            _write_svg(OUT / f"{name}.svg", html.unescape(found[0]))


def _write_svg(path: Path, svg: str) -> None:
    """An image has a size of its own, so that a page can lay it out before it is loaded."""
    box = re.search(r'viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"', svg)
    if box is not None:
        svg = svg.replace('width="100%"', f'width="{float(box[1]):.0f}" height="{float(box[2]):.0f}"', 1)
    path.write_text(svg.replace("<br>", "<br/>") + "\n", encoding="utf-8")


# --- terminal ----------------------------------------------------------------------------------------------------------------

COLUMNS, LINES = 92, 60
_NO_BREAK = "\u00a0"
"""A space that no renderer of SVG leaves out."""

_COMMANDS = {
    "terminal-demo": "sudomimus-bridge demo --auto",
    "terminal-errand": "sudomimus-bridge demo --claim-gate --auto",
    "terminal-doctor": "sudomimus-bridge doctor --application my-game --steam-app-id 480",
}


def terminal() -> None:
    """Run each command in a terminal, and draw what the terminal shows in the end."""
    from sudomimus_bridge.emulator import Emulator
    from sudomimus_bridge.testing import compiled_stub

    with Emulator({"application": {"anchor": "my-game"}}) as service, tempfile.TemporaryDirectory() as folder:
        environment = {
            "SUDOMIMUS_NATIVE_URL": service.urls["native"],
            "SUDOMIMUS_STEAM_LIBRARY": shutil.copy(compiled_stub(), folder),
            "SUDOMIMUS_SESSION_FOLDER": folder,
            "BROWSER": "true",
        }
        for name, command in _COMMANDS.items():
            steam = {"STEAM_STUB_INIT": "2"} if name == "terminal-doctor" else {}  # no Steam client runs
            _draw(name, command, _shown(command, environment | steam))


def _shown(command: str, environment: dict[str, str]) -> list[list[tuple[str, str, bool]]]:
    """The lines of the terminal: for each run of characters its text, its colour and whether it is bold."""
    import pyte

    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)
    program, terminal = pty.openpty()
    settings = {**os.environ, **environment, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(LINES)}
    settings["PATH"] = f"{Path(sys.executable).parent}:{settings['PATH']}"
    process = subprocess.Popen(
        ["sh", "-c", f"stty cols {COLUMNS} rows {LINES}; {command}"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=settings,
        close_fds=True,
    )
    os.close(terminal)
    while True:
        try:
            data = os.read(program, 65536)
        except OSError:  # how Linux says that the terminal has no more users
            break
        if not data:
            break
        stream.feed(data)
    process.wait()
    os.close(program)
    lines = []
    folder = environment["SUDOMIMUS_SESSION_FOLDER"]  # no path of this machine belongs into a picture
    for row in range(screen.cursor.y + 1):
        runs: list[tuple[str, str, bool]] = []
        for column in range(COLUMNS):
            cell = screen.buffer[row][column]
            if runs and runs[-1][1:] == (cell.fg, cell.bold):
                runs[-1] = (runs[-1][0] + cell.data, cell.fg, cell.bold)
            else:
                runs.append((cell.data, cell.fg, cell.bold))
        lines.append([(text.replace(folder, "~/my-game"), colour, bold) for text, colour, bold in runs])
    return lines


_THEMES = {
    "light": {"ground": "#fbfdfd", "edge": "#c9d6d9", "text": "#1f2a30", "dim": "#607d8b", "green": "#0b7a3e", "red": "#c62828", "brown": "#9a6400", "cyan": "#00707c"},
    "dark": {"ground": "#10191d", "edge": "#2f4047", "text": "#dfe7ea", "dim": "#8fa6af", "green": "#6fd58f", "red": "#ff8a80", "brown": "#ffcf70", "cyan": "#7fdbe6"},
}  # fmt: skip


def _draw(name: str, command: str, lines: list[list[tuple[str, str, bool]]]) -> None:
    while lines and not "".join(text for text, _, _ in lines[-1]).strip():
        lines.pop()
    wide, high, left, top = 8.43, 20, 16, 44
    prompt = [[("$ ", "dim", False), (command, "default", True)]]
    prompt = (
        [prompt[0]]
        if len(command) + 2 <= COLUMNS
        else [
            [("$ ", "dim", False), (part, "default", True)] if number == 0 else [("    " + part, "default", True)]
            for number, part in enumerate(_wrapped(command))
        ]
    )
    rows = prompt + lines
    width, height = COLUMNS * wide + 2 * left, len(rows) * high + top + 12
    for mode, colours in _THEMES.items():
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" viewBox="0 0 {width:.0f} {height}" '
            f'role="img" aria-label="{html.escape(command)}">',
            f'<rect x=".5" y=".5" width="{width - 1:.0f}" height="{height - 1}" rx="8" fill="{colours["ground"]}" stroke="{colours["edge"]}"/>',
            *(f'<circle cx="{18 + 16 * n}" cy="18" r="5" fill="{colours["edge"]}"/>' for n in range(3)),
            '<g font-family="ui-monospace, \'DejaVu Sans Mono\', Menlo, Consolas, monospace" font-size="14">',
        ]
        for number, runs in enumerate(rows):
            column = 0
            for text, colour, bold in runs:
                if text.strip():
                    shown = text.rstrip().replace(" ", _NO_BREAK)
                    weight = ' font-weight="700"' if bold else ""
                    fill = colours.get(colour, colours["text"])
                    parts.append(
                        f'<text x="{left + column * wide:.1f}" y="{top + number * high + 8}" fill="{fill}"{weight} '
                        f'textLength="{len(shown) * wide:.1f}" lengthAdjust="spacingAndGlyphs">{html.escape(shown)}</text>'
                    )
                column += len(text)
        parts.append("</g></svg>")
        (OUT / f"{name}-{mode}.svg").write_text("\n".join(parts) + "\n", encoding="utf-8")


def _wrapped(command: str) -> list[str]:
    lines = [""]
    for word in shlex.split(command, posix=False):
        if len(lines[-1]) + len(word) > COLUMNS - 8:
            lines.append("")
        lines[-1] += f"{word} "
    return [line.strip() + (" \\" if line is not lines[-1] else "") for line in lines]


# --- pages -------------------------------------------------------------------------------------------------------------------


def pages() -> None:
    """Photograph the local service's pages."""
    import httpx

    from sudomimus_bridge import Bridge, Phase
    from sudomimus_bridge.emulator import Emulator
    from sudomimus_bridge.testing import StubSteam, SystemClock

    with Emulator(
        {"application": {"anchor": "my-game"}, "claims": {"firstName": "REQUIRED", "email": "OPTIONAL"}}
    ) as service:
        found = {"page-sign-in": f"{service.urls['via']}/?exposure-key={service.establish()['exposureKey']}"}

        def heard(event: object) -> None:
            if getattr(event, "phase", None) is Phase.WAITING_FOR_BROWSER:
                found["page-consent"] = event.errand.url  # type: ignore[attr-defined]
                login.cancel()

        with Bridge(**service.settings, page="show", steam=StubSteam(SystemClock())) as bridge:
            login = bridge.start_login(on_progress=heard)
            while not login.ended:
                login.join(0.05)
                if "page-consent" not in found:
                    login.poll()
        httpx.get(found["page-consent"], trust_env=False).raise_for_status()
        for name, height, url in (
            ("page-sign-in", 640, found["page-sign-in"]),
            ("page-consent", 690, found["page-consent"]),
        ):
            for mode in ("light", "dark"):
                picture = OUT / f"{name}-{mode}.png"
                _chromium(f"--screenshot={picture}", f"--window-size=720,{height}", url, dark=mode == "dark")
                _shrink(picture)


def _shrink(picture: Path) -> None:
    """Make a picture smaller if this machine has a program for it."""
    if program := shutil.which("pngquant"):
        subprocess.run([program, "--force", "--ext", ".png", str(picture)], check=False)


# --- Ren'Py ------------------------------------------------------------------------------------------------------------------


def renpy() -> None:
    """Play the sample in a real Ren'Py, as its tests do, and keep some of their screenshots."""
    with tempfile.TemporaryDirectory() as folder:
        test = "tests/renpy/test_game.py::test_sample_is_played_to_its_end"
        environment = {**os.environ, "SUDOMIMUS_TEST_SCREENSHOTS": folder}
        subprocess.run([sys.executable, "-m", "pytest", "-q", test], cwd=ROOT, env=environment, check=True)
        for name, step in {
            "renpy-browser": "finish in your browser",
            "renpy-failed": "failed",
            "renpy-greeted": "greeted",
        }.items():
            shot = next(path for path in sorted(Path(folder).iterdir()) if step in path.name)
            _scaled(shot, OUT / f"{name}.png")


# --- pygame ------------------------------------------------------------------------------------------------------------------

_PLAYED = """
import pygame
import game

WANTED = {"Finish in your browser": "game-errand", "Hello": "game-greeted"}
signing_in = []
flip = pygame.display.flip


class SignIn(game.SignIn):
    def __init__(self, bridge):
        super().__init__(bridge)
        signing_in.append(self)


def kept():
    flip()
    for text in [text for text in WANTED if signing_in[0].text.startswith(text)]:
        pygame.image.save(pygame.display.get_surface(), f"{WANTED.pop(text)}.png")
    if not WANTED:
        pygame.event.post(pygame.event.Event(pygame.QUIT))


game.SignIn, pygame.display.flip = SignIn, kept
game.main()
"""


def game() -> None:
    """Play the game of docs/start/pygame.md with an errand, and keep its window at the errand and after the sign-in."""
    page = (ROOT / "docs" / "start" / "pygame.md").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = page.partition('```python title="game.py"\n')[2].partition("```")[0]
        (folder / "game.py").write_text(program, encoding="utf-8")
        (folder / "played.py").write_text(_PLAYED, encoding="utf-8")
        rules = [
            "--application",
            "my-game",
            "--set",
            "claims.firstName=REQUIRED",
            "--set",
            "scripted_player.does=approves",
        ]
        emulator = [sys.executable, "-m", "sudomimus_bridge", "emulator", *rules, "--", sys.executable, "played.py"]
        environment = {**os.environ, "SDL_VIDEODRIVER": "dummy", "BROWSER": "true", "SUDOMIMUS_SESSION_FOLDER": name}
        subprocess.run(emulator, cwd=folder, env=environment, check=True, timeout=300)
        for picture in folder.glob("game-*.png"):
            shutil.copy(picture, OUT)
            _shrink(OUT / picture.name)


def _scaled(source: Path, target: Path) -> None:
    import pygame

    image = pygame.image.load(source)
    width = 960
    scaled = pygame.transform.smoothscale(image, (width, image.get_height() * width // image.get_width()))
    pygame.image.save(scaled, target)
    _shrink(target)


ALL: dict[str, Callable[[], None]] = {
    "diagrams": diagrams,
    "terminal": terminal,
    "pages": pages,
    "renpy": renpy,
    "game": game,
}


def main() -> None:
    """Make the pictures that the command line names, or all."""
    OUT.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or ALL:
        print(f"{name}…", file=sys.stderr)
        ALL[name]()


if __name__ == "__main__":
    main()
