"""Five different games: own fonts, own styles, a right-to-left script, a portrait screen, own packages."""

from __future__ import annotations

import shutil
from pathlib import Path

import certifi

_STORY = """
define config.name = "{name}"
define build.name = "{name}"
define config.version = "1.0"
define config.steam_appid = 480
define sudomimus.application = "demo-game"
label main_menu:
    return
label start:
    call screen sudomimus_login
    "offline: [_return]"
    call screen sudomimus_share
    "shared: [_return]"
    return
"""

_OWN_FONTS = """
init -2 python:
    gui.init(1280, 720)
    gui.text_size = 26
style default:
    font "fonts/Roboto-Light.ttf"
    size 26
    color "#f0e6d2"
style label_text:
    font "fonts/MTLc3m.ttf"
    size 40
    color "#ffcc66"
style button_text:
    font "fonts/NanumGothic.ttf"
    idle_color "#aac8ff"
    hover_color "#ffffff"
"""

_OWN_STYLES = """
init -2 python:
    gui.init(1920, 1080)
    gui.text_size = 44
style default:
    size 44
    bold True
    kerning 2.0
    outlines [(3, "#301040", 0, 0)]
    color "#ffe8ff"
style frame:
    background Solid("#46205a")
    padding (80, 60)
style button:
    background Solid("#7a3b96")
    hover_background Solid("#c05ae0")
    selected_background Solid("#ff0000")
    xminimum 420
    padding (40, 24)
style button_text:
    size 40
    xalign 0.5
    selected_color "#00ff00"
style vbox:
    spacing 2
style hbox:
    spacing 2
style label_text:
    size 64
    italic True
style sudomimus_hint_text:
    size 30
"""

_RIGHT_TO_LEFT = """
define config.rtl = True
define config.language = "arabic"
init -2 python:
    gui.init(1280, 720)
translate arabic style default:
    language "unicode"
translate arabic strings:
    old "Finish in your browser{#sudomimus}"
    new "أكمل في متصفحك"
    old "Signing in{#sudomimus}"
    new "جارٍ تسجيل الدخول"
    old "A page has opened in your browser. Come back here when you are done."
    new "فتحت صفحة في متصفحك. عد إلى هنا عندما تنتهي."
    old "No page in sight? Scan the code, or open this address:"
    new "لا ترى صفحة؟ امسح الرمز أو افتح هذا العنوان:"
    old "Copy the address{#sudomimus}"
    new "انسخ العنوان"
    old "I'm done{#sudomimus}"
    new "انتهيت"
    old "Cancel{#sudomimus}"
    new "إلغاء"
    old "Play offline{#sudomimus}"
    new "العب دون اتصال"
    old "Try again{#sudomimus}"
    new "حاول مرة أخرى"
    old "Continue{#sudomimus}"
    new "متابعة"
    old "Never mind{#sudomimus}"
    new "ليس الآن"
    old "Copied{#sudomimus}"
    new "تم النسخ"
    old "Time left: %d:%02d"
    new "الوقت المتبقي: %d:%02d"
    old "You are signed in{#sudomimus}"
    new "تم تسجيل الدخول"
    old "Nothing was shared{#sudomimus}"
    new "لم تتم مشاركة أي شيء"
    old "A page in your browser asks what you would like to share."
    new "تسألك صفحة في متصفحك عما تود مشاركته."
    old "You are not signed in{#sudomimus}"
    new "لم تسجل الدخول"
    old "The sign-in service cannot be reached right now. Check the internet connection, then try again."
    new "تعذر الوصول إلى خدمة تسجيل الدخول. تحقق من اتصال الإنترنت ثم حاول مرة أخرى."
"""

_PORTRAIT = """
define sudomimus.language = "ja"
init -2 python:
    gui.init(720, 1280)
style default:
    font "fonts/MTLc3m.ttf"
    size 30
    language "japanese-normal"
"""

_OWN_PACKAGES = """
init -2 python:
    gui.init(1280, 720)
init python:
    import certifi, games_own
    config.name = "packages, with certifi " + certifi.__version__
"""

GAMES = {
    "fonts": _OWN_FONTS,
    "styles": _OWN_STYLES,
    "arabic": _RIGHT_TO_LEFT,
    "portrait": _PORTRAIT,
    "packages": _OWN_PACKAGES,
}

READS = {
    "arabic": {
        "busy": "جارٍ تسجيل الدخول",
        "page": "أكمل في متصفحك",
        "signed in": "تم تسجيل الدخول",
        "continue": "متابعة",
        "done": "انتهيت",
        "again": "حاول مرة أخرى",
        "failed": "تعذر الوصول",
    },
    "portrait": {
        "busy": "サインインしています",
        "page": "ブラウザで続けてください",
        "signed in": "サインイン済みです",
        "continue": "続ける",
        "done": "完了しました",
        "again": "もう一度試す",
        "failed": "接続できません",
    },
}
"""The texts that a player of a game reads, if the game's language is not English."""

OLDER_CERTIFI = "2022.12.07"


def write_game(name: str, folder: Path, sdk: Path) -> None:
    """Write one of the games. Its fonts come from Ren'Py's own launcher."""
    game = folder / "game"
    game.mkdir(parents=True)
    (game / "script.rpy").write_text(_STORY.format(name=name), encoding="utf-8")
    (game / "looks.rpy").write_text(GAMES[name], encoding="utf-8")
    if "fonts/" in GAMES[name]:
        shutil.copytree(sdk / "launcher" / "game" / "fonts", game / "fonts")
    if name == "packages":
        _write_packages(game / "python-packages")


def _write_packages(folder: Path) -> None:
    """Write the files that `pip install --target` would: a package of the game's own, and an older certifi."""
    bundled = Path(certifi.__file__).with_name("cacert.pem")
    _write_file(folder / "games_own/__init__.py", "NAME = 'own'\n")
    _write_file(
        folder / "certifi/__init__.py",
        f"import os\n__version__ = '{OLDER_CERTIFI}'\n"
        "def where():\n    return os.path.join(os.path.dirname(__file__), 'cacert.pem')\n",
    )
    _write_file(folder / "certifi/cacert.pem", bundled.read_text(encoding="ascii"))
    about = f"certifi-{OLDER_CERTIFI}.dist-info"
    _write_file(folder / f"{about}/METADATA", f"Metadata-Version: 2.1\nName: certifi\nVersion: {OLDER_CERTIFI}\n")
    _write_file(folder / f"{about}/INSTALLER", "pip\n")
    _write_file(folder / f"{about}/REQUESTED", "")
    _write_file(folder / f"{about}/RECORD", "certifi/__init__.py,,\ncertifi/cacert.pem,,\n")


def _write_file(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
