"""The steps of the player of `renpy_player.rpy`: a generator for each part of a test. Runs inside Ren'Py, on its Python."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from sudomimus_bridge._renpy.store import the_door
from sudomimus_bridge._renpy.texts import BY_KIND, LIBRARY, POSTPONED, SIGNED_IN_LATER, UNSUPPORTED

pygame: Any = sys.modules["pygame_sdl2"]
renpy: Any = sys.modules["renpy"]

Steps = Iterator[Any]


def documented(p: Any) -> Steps:
    """Play the first script of the documentation. The player's browser does the page by itself."""
    yield p.sees("the light is yours")
    yield from _choose(p, "Sign the logbook")
    yield p.sees("You write")
    p.report("greeted", words=p.words(), status=the_door().status)


def night(p: Any) -> Steps:
    """Play the whole story, with a save at each step. The first sign-in is refused."""
    yield p.sees("one night at Marrow Point")
    p.shot("01 main menu")
    yield lambda: "httpx" in sys.modules  # the bridge prepares while the menu is shown
    p.click("Take the watch")
    yield p.sees("daughter's wedding")
    yield p.pause(0.2)
    p.shot("02 the point")
    yield p.through("waiting for a name")
    p.shot("03 a choice")
    renpy.exports.save("1-1", "before")
    p.click("Sign the book")

    yield p.sees("Signing in")
    p.report("busy", words=p.words())
    yield p.pause(0.3)
    p.shot("04 signing in")
    yield p.sees("You are not signed in")
    p.report("refused", words=p.words(), status=the_door().status)
    p.shot("05 failed")
    p.click("Try again")

    yield from _at_the_page(p)
    p.shot("06 finish in your browser")
    p.report("page", words=p.words(), url=the_door().errand_url(), status=the_door().status)
    renpy.exports.save("1-2", "at the page")
    p.key(pygame.K_ESCAPE)
    yield p.sees("Sign in now, or play offline")
    p.shot("07 cancelled")
    p.report("cancelled", status=the_door().status, url=the_door().errand_url())
    p.key(pygame.K_RETURN)
    yield from _at_the_page(p)
    yield p.visited(2)
    p.click("I'm done")
    yield p.sees("You write")
    p.report("greeted", words=p.words(), status=the_door().status, token=the_door().access_token())
    p.shot("08 greeted by name")
    renpy.exports.save("1-3", "signed in")

    # Roll back over the sign-in, which must not start again, and forward.
    p.key(pygame.K_PAGEUP)
    yield p.sees("You are signed in")
    p.shot("09 rolled back")
    p.key(pygame.K_PAGEUP)
    yield p.sees("waiting for a name")
    p.report("rolled back", status=the_door().status)
    p.click("Sign the book")
    yield p.sees("You write")
    yield p.through("somewhere out there")
    p.shot("10 the fog")
    p.click("Stop the lamp")
    yield p.through("taller on the radio")
    p.shot("11 Mara")
    yield p.through("back of her hand")
    p.click("Give her an address")
    yield from _at_the_page(p)
    p.shot("12 sharing")
    yield p.visited(3)
    p.click("I'm done")
    yield p.sees("very small letters")
    p.report("shared", words=p.words(), token=the_door().access_token())
    p.shot("13 shared")
    renpy.exports.save("1-4", "shared")
    yield p.through("1 of 3 endings")
    p.shot("14 the end")

    # Load a save that was made at the page. The player is signed in now.
    yield p.leave(lambda: renpy.exports.load("1-2"))
    yield p.sees("You are signed in")
    p.click("Continue")
    yield p.sees("You write")
    p.report("loaded", words=p.words(), status=the_door().status)
    p.key(pygame.K_ESCAPE)
    yield lambda: renpy.store._menu
    yield p.pause(0.3)
    p.shot("15 game menu")
    p.click("Preferences")
    yield p.sees("Speed of the text")
    p.shot("16 preferences")

    the_door().logout()
    renpy.store.sudomimus.login()
    yield p.pause(0.3)
    p.report("quitting", busy=the_door().busy, status=renpy.store.sudomimus.status)


def reload_amid_the_ticket(p: Any) -> Steps:
    """Start the sign-in; reload the script, as Shift+R does, while Steam prepares the ticket."""
    yield p.sees("one night at Marrow Point")
    p.click("Take the watch")
    yield from _to_the_book(p)
    yield lambda: the_door().busy
    yield p.pause(0.3)
    p.report("amid the ticket", status=renpy.store.sudomimus.status)
    yield p.leave(renpy.exports.reload_script)
    yield p.pause(60)  # until the reload starts the next part


def reload_at_the_page(p: Any) -> Steps:
    """Reload the script again, now at the page. Debian's Ren'Py keeps no .rpyc, so the story starts from its beginning."""
    yield from _to_the_book(p)
    yield from _at_the_page(p)
    p.report("before", url=the_door().errand_url(), status=renpy.store.sudomimus.status)
    yield p.leave(renpy.exports.reload_script)
    yield p.pause(60)


def night_after_reload(p: Any) -> Steps:
    """Finish the same login; then end the game while Steam prepares the ticket of another one."""
    yield from _to_the_book(p)
    yield from _at_the_page(p)
    p.report("after", url=the_door().errand_url(), status=renpy.store.sudomimus.status)
    yield p.visited(1)
    yield p.sees("You write")  # without "I'm done": the bridge notices by itself that the page is finished
    p.report("greeted", words=p.words(), token=the_door().access_token())
    the_door().logout()
    renpy.store.sudomimus.login()
    yield p.pause(0.3)
    p.report("quitting", busy=the_door().busy, status=renpy.store.sudomimus.status)


def plain(p: Any) -> Steps:
    """Play a game without styles of its own, at 1920 by 1080, without a browser."""
    yield p.sees("Finish in your browser")
    yield from _at_the_page(p)
    p.shot("20 plain, no browser")
    from sudomimus_bridge._service.certificates import certifi_certificates

    heights = [renpy.test.testfocus.find_focus(text).h for text in ("Copy the address", "I'm done")]
    p.report("page", words=p.words(), certificates=certifi_certificates() is not None, heights=heights)
    p.click("Copy the address")
    yield p.offers("Copied")
    p.click("Cancel")
    yield p.sees("Sign in now")
    p.shot("21 plain, cancelled")
    p.click("Sign in")
    yield from _at_the_page(p)
    p.report("another page", copied=p.offers("Copied")())
    p.click("Cancel")
    yield p.sees("Sign in now")
    p.click("Play offline")
    yield p.sees("offline: False")
    yield p.pause(float(os.environ.get("SUDOMIMUS_TIMEOUT", "0")) + 0.5)
    p.report("offline", status=renpy.store.sudomimus.status, player=repr(renpy.store.sudomimus.player))
    yield p.past("offline: False")
    yield p.sees("Nothing was shared")
    p.shot("22 plain, nothing to share with")
    p.report("not shared", words=p.words())
    p.click("Never mind")
    yield p.sees("shared: False")


def stranded(p: Any) -> Steps:
    """Play a game in which the sign-in fails: the player reads the reason, tries again, and plays offline."""
    for attempt in ("first", "again"):
        yield lambda: the_door().error is not None
        yield p.sees("You are not signed in")
        p.report(attempt, words=p.words(), error=the_door().error)
        if attempt == "first":
            p.shot(f"30 {os.environ['SUDOMIMUS_TEST_STRANDED']}")
            p.click("Try again")
            yield p.pause(0.5)
    p.click("Play offline")
    yield p.sees("offline: False")
    yield p.pause(float(os.environ.get("SUDOMIMUS_TIMEOUT", "0")) + 0.5)
    p.report("offline", status=renpy.store.sudomimus.status, token=the_door().access_token())


def busy_night(p: Any) -> Steps:
    """The service is busy. The player plays offline, and is signed in later while the story goes on."""
    from sudomimus_bridge._login import attempts
    from sudomimus_bridge._service.policy import PATIENT

    # A second stands for each minute.
    vars(attempts)["PATIENT"] = replace(PATIENT, seconds=PATIENT.seconds / 60, most=PATIENT.most / 60)
    store = renpy.store.sudomimus
    yield p.sees("one night at Marrow Point")
    p.click("Take the watch")
    yield from _to_the_book(p)
    yield p.sees("Signing in")
    yield Path(os.environ["SUDOMIMUS_TEST_FOLDER"], "refused").exists
    yield p.pause(0.3)
    p.report("busy", words=p.words(), status=store.status)
    p.shot("70 busy")
    p.click("Play offline")
    yield p.sees("You leave the line empty")
    yield p.sees(POSTPONED)
    yield p.pause(0.5)
    p.report("offline", status=store.status, player=repr(store.player))
    p.shot("71 busy, playing offline")

    yield p.sees(SIGNED_IN_LATER)  # without a key or a click
    yield p.pause(0.5)
    p.shot("72 busy, signed in later")
    yield lambda: store.status == "signed-in"
    p.report("later", name=store.player.name, token=the_door().access_token())
    yield p.through("Robin has the light")
    p.report("greeted", words=p.words())
    p.shot("73 busy, greeted by name")


def at_the_page(p: Any) -> Steps:
    """Close the window while the page is open."""
    yield from _at_the_page(p)
    p.report("page", status=renpy.store.sudomimus.status)


def portrait(p: Any) -> Steps:
    """Play a game whose window is higher than wide."""
    yield from _at_the_page(p)
    p.shot("23 portrait")
    found = [renpy.test.testfocus.find_focus(text) for text in ("I'm done", "Cancel", "Copy the address")]
    p.report("page", buttons=[(focus.x, focus.y, focus.w, focus.h) for focus in found])
    p.click("Cancel")
    yield p.sees("Sign in now")


def differing(p: Any) -> Steps:
    """Play one of the five games with the keyboard only: a refused sign-in, a sign-in with a page, and a share."""
    name, reads = os.environ["SUDOMIMUS_TEST_GAME"], json.loads(os.environ["SUDOMIMUS_TEST_READS"])
    p.key(pygame.K_LSHIFT)  # the player uses the keyboard
    yield p.sees(reads["failed"])
    yield p.pause(0.3)
    p.shot(f"40 {name}, failed")
    p.report("failed", words=p.words(), selected=p.selected(reads["again"]), focused=p.focused())
    p.key(pygame.K_RETURN)
    yield p.sees(reads["busy"])
    p.shot(f"41 {name}, signing in")
    yield p.sees(reads["page"])
    yield lambda: the_door().qr_code is not None
    yield p.pause(0.3)
    p.shot(f"42 {name}, page")
    page = renpy.exports.get_screen("sudomimus_login")
    p.report(
        "page",
        words=p.words(),
        focused=p.focused(),
        fonts=sorted(_fonts(page)),
        outside=_outside_of_screen(page),
        text=renpy.store.style.sudomimus_text.size,
        button=renpy.store.style.sudomimus_button_text.size,
        sizes=sorted({each.style.size for each in _texts(page)}),
    )
    there, back = (pygame.K_LEFT, pygame.K_RIGHT) if renpy.config.rtl else (pygame.K_RIGHT, pygame.K_LEFT)
    p.key(there)
    yield p.pause(0.2)
    p.report("beside", focused=p.focused())
    p.key(back)
    yield p.pause(0.2)
    yield p.visited(1)
    p.key(pygame.K_RETURN)  # "I'm done"; there is no such button if the bridge has noticed it already
    yield p.sees("offline: True")
    p.key(pygame.K_PAGEUP)  # rolled back to the sign-in, which is done
    yield p.sees(reads["signed in"])
    yield p.pause(0.3)
    p.shot(f"43 {name}, signed in")
    page = renpy.exports.get_screen("sudomimus_login")
    p.report("signed in", words=p.words(), focused=p.focused(), outside=_outside_of_screen(page))
    p.key(pygame.K_RETURN)
    yield p.sees("offline: True")
    yield p.past("offline: True")
    yield lambda: the_door().errand_url() is not None
    yield p.sees(reads["page"])
    yield p.pause(0.3)
    p.report("share", focused=p.focused())
    p.key(pygame.K_ESCAPE)
    yield lambda: the_door().shared is False
    yield p.pause(0.3)
    p.shot(f"44 {name}, not shared")
    p.report("player", name=renpy.store.sudomimus.player.name, versions=_versions(), languages=_languages())


def languages(p: Any) -> Steps:
    """Show each screen in each delivered language, under Ren'Py's name for it or the game's."""
    yield p.sees("Finish in your browser")
    yield lambda: the_door().qr_code is not None
    for language in os.environ["SUDOMIMUS_TEST_LANGUAGES"].split(","):
        yield p.leave(partial(renpy.exports.change_language, language))
        yield p.pause(0.3)
        p.shot(f"50 {language}, page")
        outside = _outside_of_screen(renpy.exports.get_screen("sudomimus_login"))
        p.report(f"{language} page", words=p.words(), buttons=_buttons(), outside=outside)
    p.report("languages", known=_languages())
    yield p.leave(partial(renpy.exports.change_language, None))
    p.key(pygame.K_ESCAPE)
    yield p.sees("Sign in now")
    yield from _in_each_language(p, "question")
    the_door().status, the_door().error = "failed", "The account owes the service 480 of something."
    for kind in ("steam-unavailable", "unsupported", "library"):
        the_door().general_error = {
            "steam-unavailable": BY_KIND["steam-unavailable"],
            "unsupported": UNSUPPORTED,
            "library": LIBRARY,
        }[kind]
        yield from _in_each_language(p, kind)
    the_door().status, the_door().error = "signed-out", None
    yield p.leave(partial(renpy.exports.change_language, None))
    p.key(pygame.K_ESCAPE)  # plays offline
    yield p.sees("offline: False")
    yield p.past("offline: False")
    yield p.sees("Nothing was shared")
    the_door().error = None
    yield from _in_each_language(p, "not shared")


def _in_each_language(p: Any, step: str) -> Steps:
    for language in os.environ["SUDOMIMUS_TEST_LANGUAGES"].split(","):
        yield p.leave(partial(renpy.exports.change_language, language))
        renpy.exports.restart_interaction()
        yield p.pause(0.3)
        p.shot(f"51 {language}, {step}")
        screen = renpy.exports.get_screen("sudomimus_login") or renpy.exports.get_screen("sudomimus_share")
        p.report(f"{language} {step}", words=p.words(), outside=_outside_of_screen(screen))


def unsupported(p: Any) -> Steps:
    """Play on a Ren'Py that cannot sign a player in: the screen says so, and the player plays offline."""
    yield p.sees("You are not signed in")
    yield p.pause(0.2)
    store = renpy.store.sudomimus
    p.shot(f"60 unsupported {os.environ['SUDOMIMUS_TEST_WITHOUT']}")
    p.report("told", words=p.words(), status=store.status, error=store.error, focused=p.focused())
    store.login()
    p.click("Play offline")
    yield p.sees("offline: False")
    yield p.past("offline: False")
    yield p.sees("Share more with this game")
    p.report("share", words=p.words(), player=repr(store.player), token=repr(store.access_token()))
    p.click("Never mind")
    yield p.sees("shared: False")


def _fonts(screen: Any) -> set[str]:
    """Return the fonts of all texts on a screen."""
    return {each.style.font for each in _texts(screen)}


def _texts(screen: Any) -> list[Any]:
    found: list[Any] = []
    screen.visit_all(found.append)
    return [each for each in found if type(each).__name__ == "Text"]


def _outside_of_screen(screen: Any) -> list[str]:
    """Return the buttons that are partly outside the window."""
    width, height = renpy.config.screen_width, renpy.config.screen_height
    outside = []
    for focus in renpy.display.focus.focus_list:
        if focus.x is not None and not (0 <= focus.x <= width - focus.w and 0 <= focus.y <= height - focus.h):
            outside.append(f"{focus.widget._tts_all()} at {focus.x}, {focus.y}, {focus.w}, {focus.h}")
    return outside


def _buttons() -> list[str]:
    return [focus.widget._tts_all() for focus in renpy.display.focus.focus_list if focus.x is not None]


def _languages() -> list[str]:
    return sorted(renpy.exports.known_languages())


def _versions() -> dict[str, str]:
    import certifi

    return {"certifi": certifi.__version__}


def _to_the_book(p: Any) -> Steps:
    yield from _choose(p, "Sign the book")


def _choose(p: Any, text: str) -> Steps:
    """Press Return until the choice is there, and click it. A Return that Ren'Py handles late may have chosen it already."""
    offered = p.offers(text)

    def chosen() -> bool:
        return renpy.exports.get_screen("sudomimus_login") is not None

    yield lambda: chosen() or offered() or p.go_on()  # Ren'Py ignores a key that comes too early
    if not chosen():
        p.click(text)


def _at_the_page(p: Any) -> Steps:
    yield p.sees("Finish in your browser")
    yield lambda: the_door().qr_code is not None
    yield p.pause(0.3)


PARTS = [globals()[name] for name in os.environ["SUDOMIMUS_TEST_PARTS"].split(",")]
