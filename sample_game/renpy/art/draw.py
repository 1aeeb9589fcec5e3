"""Draws the pictures of the sample as SVG, with some random details, and has Chromium convert them to WebP.

python sample_game/renpy/art/draw.py       # writes ../game/images/*.webp, which are under version control

It needs the package selenium, Chromium and chromedriver. The seeds are fixed, so each run draws the same pictures.
"""

# ruff: noqa: E501, S311 - each shape is on one line; the random numbers are only decoration

from __future__ import annotations

import base64
import importlib
import math
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

IMAGES = Path(__file__).parent.parent / "game" / "images"
W, H = 1280, 720

NIGHT = {"top": "#0a1030", "mid": "#1d2f5c", "low": "#4a6a8c", "sea": "#13233f", "sea2": "#0a1426", "land": "#060a16",
         "disc": "#f6ecd2", "glow": "#cfd8ff", "stars": 190, "haze": "#8fb0c8"}  # fmt: skip
FOG = {"top": "#1b2433", "mid": "#39485a", "low": "#76879a", "sea": "#36465a", "sea2": "#1d2836", "land": "#121a26",
       "disc": "#c9d0d6", "glow": "#aab8c4", "stars": 12, "haze": "#b9c6d0"}  # fmt: skip
DAWN = {"top": "#3c4a86", "mid": "#c77b84", "low": "#ffd9a0", "sea": "#8a6a86", "sea2": "#3a3a64", "land": "#221f3c",
        "disc": "#fff3d6", "glow": "#ffe0a8", "stars": 8, "haze": "#ffe6c4"}  # fmt: skip


def wave(y: float, height: float, length: float, shift: float) -> str:
    """The path of a wave from edge to edge, filled down to the bottom of the picture."""
    points = [f"{x},{y + height * math.sin((x + shift) / length) + height * 0.4 * math.sin((x - shift) / length * 2.7):.1f}" for x in range(-10, W + 20, 10)]  # fmt: skip
    return f"M -10,{H} L {' L '.join(points)} L {W + 10},{H} Z"


def glitter(x: float, colour: str, dice: random.Random) -> str:
    """The reflection of the moon or the sun on the sea."""
    rows = []
    for step in range(34):
        y = 468 + step * 7.2
        spread = 14 + step * 4.2
        for _ in range(3):
            width = dice.uniform(8, 34 + step)
            left = x + dice.uniform(-spread, spread) - width / 2
            rows.append(
                f'<rect x="{left:.0f}" y="{y:.0f}" width="{width:.0f}" height="2" rx="1" opacity="{dice.uniform(0.1, 0.6):.2f}"/>'
            )
    return f'<g fill="{colour}">{"".join(rows)}</g>'


def lighthouse(colour: str, lamp: str) -> str:
    """The lighthouse on its rock. The lamp is at (306, 236)."""
    return f"""
    <path d="M -10,{H} L -10,470 C 60,448 110,470 150,458 C 210,440 250,446 300,438 C 360,430 392,452 430,470
             C 470,492 520,500 560,540 C 600,580 640,600 690,{H} Z" fill="{colour}"/>
    <path d="M 280,440 L 289,262 L 323,262 L 332,440 Z" fill="{colour}"/>
    <rect x="282" y="254" width="48" height="9" fill="{colour}"/>
    <rect x="292" y="222" width="28" height="33" fill="{lamp}"/>
    <path d="M 292,222 h28 v33 h-28 z M 301,222 v33 M 311,222 v33" fill="none" stroke="{colour}" stroke-width="2.5"/>
    <path d="M 287,223 L 306,204 L 325,223 Z" fill="{colour}"/><rect x="304" y="194" width="4" height="12" fill="{colour}"/>
    <path d="M 340,446 L 340,408 L 366,390 L 392,408 L 392,452 Z" fill="{colour}"/>
    <rect x="353" y="416" width="12" height="14" fill="{lamp}" opacity=".9"/>
    <path d="M 284,350 h45 M 287,300 h39" stroke="{lamp}" stroke-width="2" opacity=".14"/>"""


def coast(
    p: dict[str, Any], *, disc: tuple[int, int, int], lamp: str, seed: int, fog: bool = False, boat: str = ""
) -> str:
    """The coast, seen from the sea, at one time of the day."""
    dice = random.Random(seed)
    stars = "".join(
        f'<circle cx="{dice.uniform(0, W):.0f}" cy="{dice.uniform(0, 400) ** 1.0:.0f}" r="{dice.choice((0.7, 0.9, 1.2, 1.7))}" opacity="{dice.uniform(0.25, 1):.2f}"/>'
        for _ in range(p["stars"])
    )
    x, y, r = disc
    banks = ""
    if fog:
        banks = "".join(
            f'<ellipse cx="{dice.uniform(-100, W + 100):.0f}" cy="{dice.uniform(380, 640):.0f}" rx="{dice.uniform(260, 520):.0f}" ry="{dice.uniform(30, 80):.0f}" opacity="{dice.uniform(0.12, 0.3):.2f}"/>'
            for _ in range(16)
        )
    return f"""
    <defs>
      <linearGradient id="sky" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="{p["top"]}"/>
        <stop offset=".55" stop-color="{p["mid"]}"/><stop offset="1" stop-color="{p["low"]}"/></linearGradient>
      <linearGradient id="sea" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="{p["low"]}"/>
        <stop offset=".22" stop-color="{p["sea"]}"/><stop offset="1" stop-color="{p["sea2"]}"/></linearGradient>
      <radialGradient id="halo"><stop offset="0" stop-color="{p["glow"]}" stop-opacity=".75"/>
        <stop offset=".3" stop-color="{p["glow"]}" stop-opacity=".22"/><stop offset="1" stop-color="{p["glow"]}" stop-opacity="0"/></radialGradient>
      <radialGradient id="lamp"><stop offset="0" stop-color="#ffe9b0" stop-opacity=".95"/>
        <stop offset=".25" stop-color="#ffc66b" stop-opacity=".4"/><stop offset="1" stop-color="#ffc66b" stop-opacity="0"/></radialGradient>
      <filter id="soft"><feGaussianBlur stdDeviation="26"/></filter><filter id="mist"><feGaussianBlur stdDeviation="9"/></filter>
    </defs>
    <rect width="{W}" height="470" fill="url(#sky)"/><g fill="#fff">{stars}</g>
    <circle cx="{x}" cy="{y}" r="{r * 6}" fill="url(#halo)"/><circle cx="{x}" cy="{y}" r="{r}" fill="{p["disc"]}"/>
    <path d="M 760,466 C 850,446 900,452 980,440 C 1060,430 1120,446 1290,430 L 1290,474 L 760,474 Z" fill="{p["land"]}" opacity=".45" filter="url(#mist)"/>
    <rect y="462" width="{W}" height="{H - 462}" fill="url(#sea)"/>
    <rect y="452" width="{W}" height="18" fill="{p["haze"]}" opacity=".28" filter="url(#mist)"/>
    {glitter(x, p["disc"], dice)}{boat}
    <path d="{wave(560, 5, 60, 30)}" fill="{p["sea2"]}" opacity=".45"/><path d="{wave(625, 8, 85, 200)}" fill="{p["sea2"]}" opacity=".6"/>
    {lighthouse(p["land"], lamp)}
    <circle cx="306" cy="238" r="120" fill="url(#lamp)" opacity="{0.95 if lamp.startswith("#ff") else 0}"/>
    <path d="{wave(690, 7, 70, 90)}" fill="{p["land"]}" opacity=".85"/>
    <g fill="{p["haze"]}" filter="url(#soft)">{banks}</g>"""


def lamp_room() -> str:
    """The lamp room: windows all around, the lens, and the desk with the logbook and the radio."""
    dice = random.Random(11)
    stars = "".join(
        f'<circle cx="{dice.uniform(0, W):.0f}" cy="{dice.uniform(30, 380):.0f}" r="{dice.choice((0.8, 1.1, 1.6))}" opacity="{dice.uniform(0.3, 1):.2f}"/>'
        for _ in range(120)
    )
    rings = "".join(
        f'<ellipse cx="980" cy="{300 + k * 19}" rx="{96 - abs(k - 5) * 7}" ry="9" fill="none" stroke="#ffe2a4" stroke-width="4" opacity="{0.9 - abs(k - 5) * 0.11:.2f}"/>'
        for k in range(11)
    )
    bars = "".join(f'<rect x="{x}" y="0" width="13" height="500" fill="#0b101f"/>' for x in (118, 402, 690, 1190))
    return f"""
    <defs>
      <linearGradient id="sky" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#0a1030"/><stop offset=".8" stop-color="#2a4470"/>
        <stop offset="1" stop-color="#4a6a8c"/></linearGradient>
      <radialGradient id="glow"><stop offset="0" stop-color="#fff3cf"/><stop offset=".18" stop-color="#ffd68a" stop-opacity=".75"/>
        <stop offset=".5" stop-color="#ffb65a" stop-opacity=".22"/><stop offset="1" stop-color="#ffb65a" stop-opacity="0"/></radialGradient>
      <linearGradient id="wood" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#5b3a24"/><stop offset="1" stop-color="#24150e"/></linearGradient>
      <linearGradient id="page" x1="0" y1="0" x2="1" y2="0"><stop offset="0" stop-color="#e9d9b4"/><stop offset="1" stop-color="#fff2d2"/></linearGradient>
    </defs>
    <rect width="{W}" height="500" fill="url(#sky)"/><g fill="#fff">{stars}</g>
    <rect y="404" width="{W}" height="100" fill="#14243f"/>
    <g fill="#cfd8ff">{"".join(f'<rect x="{520 + dice.uniform(-70, 70):.0f}" y="{410 + k * 4}" width="{dice.uniform(10, 60):.0f}" height="2" opacity=".35"/>' for k in range(22))}</g>
    <circle cx="548" cy="150" r="34" fill="#f6ecd2"/>{bars}<rect y="246" width="{W}" height="9" fill="#0b101f"/>
    <rect width="{W}" height="26" fill="#0b101f"/>
    <rect x="950" y="505" width="60" height="70" fill="#1a130f"/><rect x="884" y="494" width="192" height="18" rx="4" fill="#3a2a1c"/>
    <circle cx="980" cy="395" r="330" fill="url(#glow)"/>{rings}<rect x="962" y="346" width="36" height="98" rx="16" fill="#fffbe8"/>
    <rect y="498" width="{W}" height="222" fill="url(#wood)"/><rect y="498" width="{W}" height="6" fill="#8a5c38" opacity=".8"/>
    <path d="M 0,575 H 1280 M 0,648 H 1280" stroke="#1c100a" stroke-width="2" opacity=".5"/>
    <g transform="translate(470 515) skewX(-8)">
      <path d="M 0,0 C 70,-16 130,-10 170,6 C 210,-10 270,-16 340,0 L 356,112 C 280,98 220,102 178,118 C 130,102 70,98 -10,112 Z" fill="#3a2016"/>
      <path d="M 6,-4 C 70,-18 130,-12 170,4 L 176,108 C 130,94 72,92 0,104 Z" fill="url(#page)"/>
      <path d="M 334,-4 C 270,-18 210,-12 170,4 L 176,108 C 222,94 280,92 346,104 Z" fill="#fdeecb"/>
      <path d="M 24,22 q 60,-12 130,2 M 22,40 q 60,-12 134,2 M 20,58 q 60,-12 136,2 M 18,76 q 60,-12 140,2 M 192,24 q 60,-14 130,-2" stroke="#7c6a4c" stroke-width="1.6" fill="none"/>
    </g>
    <path d="M 800,640 L 862,560" stroke="#171310" stroke-width="6" stroke-linecap="round"/><path d="M 800,640 l 6,-14 6,5 z" fill="#d9c48a"/>
    <g transform="translate(120 470)">
      <rect x="0" y="0" width="232" height="122" rx="10" fill="#2f3d3a"/><rect x="0" y="0" width="232" height="10" rx="5" fill="#4b5f5a"/>
      <circle cx="62" cy="66" r="40" fill="#1b2422"/>{"".join(f'<path d="M {30 + k * 8},{40 + abs(k - 4) * 4} v {52 - abs(k - 4) * 8}" stroke="#52665f" stroke-width="2.4"/>' for k in range(9))}
      <rect x="118" y="24" width="96" height="34" rx="4" fill="#ffb65a"/><path d="M 126,50 h80 M 134,44 v6 M 150,40 v10 M 166,44 v6 M 182,40 v10 M 198,44 v6" stroke="#5b2d10" stroke-width="2"/>
      <path d="M 172,30 v24" stroke="#b3261e" stroke-width="2.5"/><circle cx="140" cy="88" r="15" fill="#12191a"/><circle cx="192" cy="88" r="15" fill="#12191a"/>
      <path d="M 140,88 l 7,-9 M 192,88 l -4,-11" stroke="#cfd8d2" stroke-width="3"/><path d="M 214,4 L 262,-150" stroke="#0b101f" stroke-width="4"/>
    </g>"""


def mara() -> str:
    """The ferrywoman down to the waist, with her lantern, on 520 by 620 pixels."""
    return """<g transform="translate(60 0)">
    <defs>
      <radialGradient id="l"><stop offset="0" stop-color="#fff3cf"/><stop offset=".2" stop-color="#ffcf7d" stop-opacity=".8"/><stop offset="1" stop-color="#ffb65a" stop-opacity="0"/></radialGradient>
      <linearGradient id="coat" x1="0" y1="0" x2="1" y2="0"><stop offset="0" stop-color="#d9a441"/><stop offset=".35" stop-color="#b07a2a"/><stop offset="1" stop-color="#5a3d22"/></linearGradient>
      <linearGradient id="skin" x1="0" y1="0" x2="1" y2="0"><stop offset="0" stop-color="#e8b48c"/><stop offset="1" stop-color="#9a6448"/></linearGradient>
    </defs>
    <path d="M 92,620 C 96,470 122,392 196,368 L 304,368 C 378,392 404,470 410,620 Z" fill="url(#coat)"/>
    <path d="M 250,372 L 250,620" stroke="#3c2816" stroke-width="4"/>
    <g fill="#2c1d10"><circle cx="234" cy="440" r="5"/><circle cx="234" cy="500" r="5"/><circle cx="234" cy="560" r="5"/></g>
    <path d="M 188,372 C 210,404 290,404 312,372 L 300,338 L 200,338 Z" fill="#8a2f2a"/>
    <path d="M 192,356 C 220,382 280,382 308,356" stroke="#b9514a" stroke-width="5" fill="none"/>
    <path d="M 176,238 C 160,300 168,346 190,366 L 222,300 Z M 324,238 C 340,300 332,346 310,366 L 278,300 Z" fill="#8d8a86"/>
    <path d="M 188,220 C 186,300 208,352 250,352 C 292,352 314,300 312,220 Z" fill="url(#skin)"/>
    <path d="M 214,262 q 12,-8 24,0 M 262,262 q 12,-8 24,0" stroke="#3c2a22" stroke-width="4" fill="none" stroke-linecap="round"/>
    <path d="M 218,250 q 10,-8 20,-4 M 262,246 q 12,-4 20,4" stroke="#77706a" stroke-width="5" fill="none" stroke-linecap="round"/>
    <path d="M 250,264 q -10,26 2,30" stroke="#9a5f42" stroke-width="3.5" fill="none" stroke-linecap="round"/>
    <path d="M 226,314 q 24,16 46,-2" stroke="#7a3b2c" stroke-width="4" fill="none" stroke-linecap="round"/>
    <path d="M 168,226 C 168,150 206,118 250,118 C 294,118 332,150 332,226 C 290,206 210,206 168,226 Z" fill="#24344c"/>
    <path d="M 162,230 C 206,204 294,204 338,230 C 340,244 336,250 330,250 C 290,228 210,228 170,250 C 164,250 160,244 162,230 Z" fill="#1a2638"/>
    <circle cx="250" cy="116" r="11" fill="#24344c"/>
    <path d="M 118,520 C 80,500 62,470 66,420 L 104,414 C 106,450 124,470 152,480 Z" fill="#b07a2a"/>
    <circle cx="84" cy="412" r="20" fill="#e0a67e"/><path d="M 84,392 L 84,366" stroke="#15110d" stroke-width="4"/>
    <circle cx="84" cy="330" r="140" fill="url(#l)" opacity=".75"/>
    <path d="M 60,366 h48 l -4,-62 h-40 z" fill="none" stroke="#15110d" stroke-width="5"/><path d="M 62,304 L 84,284 L 106,304 Z" fill="#15110d"/>
    <ellipse cx="84" cy="338" rx="11" ry="20" fill="#fffbe8"/></g>"""


BOAT = """<g transform="translate(760 452) scale(.62)">
  <circle cx="68" cy="6" r="90" fill="url(#lamp)"/><path d="M 0,30 L 150,30 L 132,56 L 16,56 Z" fill="{0}"/><rect x="44" y="6" width="62" height="26" fill="{0}"/>
  <rect x="52" y="12" width="10" height="10" fill="#ffe9b0"/><rect x="70" y="12" width="10" height="10" fill="#ffe9b0"/><path d="M 118,30 V -18" stroke="{0}" stroke-width="4"/></g>"""

PICTURES: dict[str, tuple[int, int, Callable[[], str]]] = {
    "night": (W, H, lambda: coast(NIGHT, disc=(930, 150, 40), lamp="#ffe9b0", seed=3)),
    "fog": (W, H, lambda: coast(FOG, disc=(930, 150, 34), lamp="#ffe9b0", seed=5, fog=True, boat=BOAT.format("#1d2836"))),
    "dawn": (W, H, lambda: coast(DAWN, disc=(880, 430, 44), lamp="#8b6f7c", seed=8, boat=BOAT.format("#221f3c"))),
    "lamproom": (W, H, lamp_room),
    "mara": (520, 620, mara),
    "beam": (900, 200, lambda: '<defs><linearGradient id="b"><stop offset="0" stop-color="#ffe9b0" stop-opacity=".8"/>'
             '<stop offset="1" stop-color="#ffe9b0" stop-opacity="0"/></linearGradient><filter id="f" x="-5%" y="-30%" width="110%" height="160%">'
             '<feGaussianBlur stdDeviation="5"/></filter></defs><path d="M 450,98 L 895,40 L 895,160 L 450,102 Z" fill="url(#b)" filter="url(#f)"/>'),
}  # fmt: skip


def main() -> int:
    """Draw all pictures."""
    webdriver: Any = importlib.import_module("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for flag in ("headless", "no-sandbox", "disable-gpu", "hide-scrollbars"):
        options.add_argument(f"--{flag}")
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        browser.execute_cdp_cmd(
            "Emulation.setDefaultBackgroundColorOverride", {"color": {"r": 0, "g": 0, "b": 0, "a": 0}}
        )
        for name, (width, height, draw) in PICTURES.items():
            svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{draw()}</svg>'
            browser.get("data:text/html," + quote(f'<body style="margin:0">{svg}'))
            area = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
            shot = browser.execute_cdp_cmd(
                "Page.captureScreenshot", {"format": "webp", "quality": 92, "clip": area, "captureBeyondViewport": True}
            )
            (IMAGES / f"{name}.webp").write_bytes(base64.b64decode(shot["data"]))
    finally:
        browser.quit()
    return 0


if __name__ == "__main__":
    sys.exit(main())
